"""One process that seals (or opens) one file and tells its peak memory: ``python -m bench.footprint seal|open MIB``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.sealing import Work


def main(act: str, size_mib: int, folder: str) -> int:
    """KiB, at the end; by the kernel's own mark of this program (getrusage tells that of whoever started it)."""
    work = Work(Path(folder), size_mib, is_sparse=True)
    if act == "open":
        work.open_to_disk()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        print(main(sys.argv[1], int(sys.argv[2]), made), flush=True)
