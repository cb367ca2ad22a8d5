"""The run a visitor has started: whom it plays, at which pace, whether it is held. A file, so it survives any kill."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from foundation.clock import iso, parse_iso
from foundation.transparency.storage import replace_file
from sandbox.autopilot.stages import Part

PACE_SECONDS: Final = 3.0
PACES: Final = (1.0, 3.0, 6.0)
"""What the start page offers; a run may be given any pace from 0 to LONGEST_PACE."""
LONGEST_PACE: Final = 30.0
LOGINS: Final = {Part.TENDEREE: "tenderee", Part.BIDDER: "bidder1", Part.SUPERVISOR: "supervisor"}
"""Whom a visitor is signed in as at once. An expert is known after the draw only, the public is nobody."""
_FILE: Final = "run.json"
_DOING: Final = "doing.json"
_writing: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Run:
    """``login``: the account played by hand, "" for the public and for an expert that is not drawn yet."""

    part: Part
    lot_id: str
    pace_seconds: float
    started_at: datetime
    login: str = ""
    is_held: bool = False


def folder_of(data_dir: Path) -> Path:
    """Where the demonstration's own processes read and write."""
    return data_dir / "demo"


def doing_file(data_dir: Path) -> Path:
    """Where the pilot says what it does."""
    return folder_of(data_dir) / _DOING


def read(data_dir: Path) -> Run | None:
    """The run that is on; None where nobody has chosen a role, or the file says nothing readable."""
    try:
        body = json.loads((folder_of(data_dir) / _FILE).read_text(encoding="utf-8"))
        return Run(
            part=Part(body["part"]),
            lot_id=str(body["lot_id"]),
            pace_seconds=float(body["pace_seconds"]),
            started_at=parse_iso(str(body["started_at"])),
            login=str(body["login"]),
            is_held=bool(body["is_held"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(data_dir: Path, run: Run) -> None:
    """Put the run in the place of any other."""
    folder = folder_of(data_dir)
    folder.mkdir(exist_ok=True, mode=0o700)
    body = {**asdict(run), "started_at": iso(run.started_at)}
    replace_file(folder / _FILE, json.dumps(body).encode(), mode=0o600)


def change(data_dir: Path, how: Callable[[Run], Run]) -> Run | None:
    """Change the run that is on; None where there is none. Two changes of one process do not lose each other."""
    with _writing:
        known = read(data_dir)
        if known is None:
            return None
        changed = how(known)
        if changed != known:
            write(data_dir, changed)
        return changed


def end(data_dir: Path) -> None:
    """Nobody plays any more; the other bidders' robots remain."""
    (folder_of(data_dir) / _FILE).unlink(missing_ok=True)
