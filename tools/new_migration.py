"""Write ``migrations/versions/0001_first_schema.py`` anew from the models.

Only while nothing has been released: from the first release on a change of the models is a further revision
(``python tools/new_migration.py "what changes"``), and the files before it are never touched again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "migrations" / "versions"


def main(argv: list[str]) -> int:
    """Without a message start from scratch, with one add a revision."""
    sys.path.insert(0, str(ROOT))
    from alembic import command

    from centre import migrate
    from foundation.store.engine import open_engine

    message = " ".join(argv)
    if not message:
        for old in VERSIONS.glob("*.py"):
            old.unlink()
    VERSIONS.mkdir(exist_ok=True)
    number = len(list(VERSIONS.glob("*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        migrate.upgrade(engine)
        revision = f"{number:04d}"
        command.revision(migrate.config(engine), message or "first schema", autogenerate=True, rev_id=revision)
        engine.dispose()
    (made,) = VERSIONS.glob(f"{revision}_*.py")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--quiet", str(made)], check=True)
    subprocess.run([*ruff, "check", "--fix", str(made)], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
