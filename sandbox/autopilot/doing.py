"""What the pilot is doing, told to the guide bar in one small file: who does what, and when the clock will jump."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from foundation.clock import iso, parse_iso
from foundation.errors import CentreError
from foundation.transparency.storage import replace_file

SILENT_AFTER: Final = timedelta(seconds=20)
"""The pilot says at least every few seconds that it is there; who is silent for so long is away."""


@dataclass(frozen=True, slots=True)
class Doing:
    """``what``: term ``demo_deed.<what>``, "" for nothing. ``who``: a login. Instants are of the machine clock."""

    told_at: datetime
    what: str = ""
    who: str = ""
    jump_at: datetime | None = None

    def is_silent(self, machine: datetime) -> bool:
        """Whether the pilot has said nothing for too long."""
        return machine - self.told_at > SILENT_AFTER


def write(path: Path, doing: Doing) -> None:
    """Replace what is told; a reader never sees half of it."""
    body = {
        "told_at": iso(doing.told_at),
        "what": doing.what,
        "who": doing.who,
        "jump_at": iso(doing.jump_at) if doing.jump_at is not None else "",
    }
    replace_file(path, json.dumps(body).encode(), mode=0o600)


def read(path: Path) -> Doing | None:
    """What was told last; None where nothing readable is."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        jump = str(body["jump_at"])
        return Doing(
            told_at=parse_iso(str(body["told_at"])),
            what=str(body["what"])[:40],
            who=str(body["who"])[:64],
            jump_at=parse_iso(jump) if jump else None,
        )
    except (OSError, ValueError, KeyError, TypeError, CentreError):
        return None
