"""Writes ``requirements/*.lock`` from ``pyproject.toml``: versions and hashes, no address of any registry.

``run.lock`` is cut from ``all.lock``, so both always name the same versions. See ``docs/adr/0002-lock-files.md``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("--extra=postgres", "--extra=redis", "--extra=beacon")
FORM = ("--universal", "--generate-hashes", "--no-header", "--quiet")


def main() -> int:
    options = sys.argv[1:]
    compile_ = (str(ROOT / ".venv/bin/uv"), "pip", "compile", "pyproject.toml", *EXTRAS, *FORM)
    whole = ("--group=test", "--group=lint", "-o", "requirements/all.lock")
    cut = ("--no-annotate", "-c", "requirements/all.lock", "-o", "requirements/run.lock")
    for command in ((*compile_, *whole, *options), (*compile_, *cut)):
        subprocess.run(command, cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
