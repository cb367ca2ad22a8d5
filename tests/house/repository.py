"""What the house tests read: the project's own files, as git would take them."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = CONFIGURATION["tool"]["importlinter"]["root_packages"]


def files(*endings: str) -> list[Path]:
    """Tracked files and new ones that are not ignored; all, or those whose names end so."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return sorted(path for path in paths if path.is_file() and path.name.endswith(endings or ("",)))


def product_files() -> list[Path]:
    """Python of the product itself."""
    return [path for path in files(".py") if path.relative_to(ROOT).parts[0] in PACKAGES]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def listing(findings: list[str]) -> str:
    return "\n" + "\n".join(f"  {finding}" for finding in findings)
