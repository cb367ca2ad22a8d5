"""Makes ``.venv`` and installs exactly what a lock file names; a second call with the same lock returns at once.

``python3 tools/environment.py run`` installs ``requirements/run.lock``, ``… all`` also those of tests and linters.
It needs Python ≥ 3.11 and nothing else: uv itself comes through pip, pinned with hashes in ``requirements/uv.txt``,
and installs the rest. Why these lock files and not ``uv.lock``: ``docs/adr/0002-lock-files.md``.

uv does not read pip's settings, so a mirror or certificate that the machine's owner gave to pip is handed on to it.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
REQUIREMENTS = ROOT / "requirements"
OLDEST, NEWEST = (3, 11), (3, 13)
# Settings that would put an environment of another project in the place of ours.
FOREIGN_SETTINGS = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "UV_PYTHON")


class SetUpError(Exception):
    """The environment cannot be made; the text tells a person what to do."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make .venv and install what a lock file names.")
    parser.add_argument("packages", choices=("run", "all"), help="what to install")
    wanted = parser.parse_args(arguments).packages
    try:
        ensure(wanted)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 5
    return 0


def ensure(wanted: str) -> None:
    """Bring ``.venv`` to the lock ``wanted``; an environment that already holds everything is kept whole."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        raise SetUpError(f"this needs Python 3.11, 3.12 or 3.13, and {sys.executable} is {sys.version.split()[0]}")
    stamp = _read_stamp()
    if stamp.get("packages") == "all":
        wanted = "all"
    goal = {"packages": wanted, "digest": _digest(wanted)}
    python = _python()
    usable = python.exists() and _runs(python)
    if usable and stamp == goal:
        return
    if not usable:
        _make_venv()
    _install_uv(python)
    _say(f"installing {wanted}.lock")
    _run(_uv(), "pip", "sync", "--quiet", "--require-hashes", f"--python={python}", REQUIREMENTS / f"{wanted}.lock")
    STAMP.write_text(json.dumps(goal), encoding="utf-8")


def _digest(wanted: str) -> str:
    """Changes when the lock, uv's pin or the interpreter's minor version changes."""
    content = b"".join((REQUIREMENTS / name).read_bytes() for name in ("uv.txt", f"{wanted}.lock"))
    return hashlib.sha256(content + repr(sys.version_info[:2]).encode()).hexdigest()


def _read_stamp() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamp


def _python() -> Path:
    return VENV / "bin" / "python"


def _uv() -> Path:
    return VENV / "bin" / "uv"


def _runs(python: Path) -> bool:
    """Whether the environment's interpreter still starts and is of this minor version (systems get upgraded)."""
    asked = [str(python), "-I", "-c", "import sys; print(*sys.version_info[:2])"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    return found.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _make_venv() -> None:
    _say("making .venv")
    if VENV.exists():
        shutil.rmtree(VENV)
    try:
        venv.create(VENV, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError as error:
        raise SetUpError(
            "this Python has no venv module; on Debian and Ubuntu: apt-get install python3-venv"
        ) from error


def _install_uv(python: Path) -> None:
    pin = (REQUIREMENTS / "uv.txt").read_text(encoding="utf-8").split()[0]
    if _uv().exists():
        found = subprocess.run([str(_uv()), "--version"], capture_output=True, text=True, check=False).stdout.split()
        if found[1:2] == [pin.removeprefix("uv==")]:
            return
    _say(f"installing {pin}")
    _run(python, "-m", "pip", "install", "-qq", "--require-hashes", "-r", REQUIREMENTS / "uv.txt")


def _settings() -> dict[str, str]:
    """The environment for pip and uv: the owner's mirror and certificates, none of another project's."""
    settings = {name: value for name, value in os.environ.items() if name not in FOREIGN_SETTINGS}
    mirror = os.environ.get("PIP_INDEX_URL") or _pip_setting("global.index-url")
    if mirror and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & settings.keys():
        settings["UV_DEFAULT_INDEX"] = mirror
    certificates = os.environ.get("PIP_CERT") or _pip_setting("global.cert")
    if certificates:
        settings.setdefault("SSL_CERT_FILE", certificates)
    settings["UV_NO_CONFIG"] = "1"
    return settings


def _pip_setting(name: str) -> str:
    """What pip would use. Not asked by ``pip config get``: that reads the person's own file only, not /etc/pip.conf."""
    asked = [str(_python()), "-m", "pip", "config", "list"]
    for line in subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines():
        key, _, value = line.partition("=")
        if key == name:
            return str(ast.literal_eval(value))
    return ""


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], env=_settings(), cwd=ROOT, check=False)
    if done.returncode:
        raise SetUpError(f"this failed with exit code {done.returncode}: {' '.join(str(part) for part in command)}")


def _say(text: str) -> None:
    print(f"set-up: {text} …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
