"""Write the offline encryptor as the platform serves it, and print its SHA-256: compare it with the public log.

``python tools/offline_encryptor.py [FILE]`` assembles it from ``static/`` and ``templates/`` of this tree; the same
tree gives the same bytes. ``tools/vendor.py`` has to have run before.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main() -> int:
    from tendering.clients.offline_page import offline_page

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", help="where to write it; otherwise only the hash is printed")
    arguments = parser.parse_args()
    page = offline_page()
    if arguments.file is not None:
        arguments.file.write_bytes(page)
    print(f"{hashlib.sha256(page).hexdigest()}  {arguments.file or 'offline-encryptor.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
