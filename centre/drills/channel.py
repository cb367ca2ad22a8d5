"""The drill's channel in the room process: the room's own code over the frames of a drill.

A channel's name is ``<drill id>.<key>``; the key is made for one run and only its hash is stored, so that nobody but
the drill finds the channel, and none is left when the drill is over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from bid_opening.frames import PUBLIC
from bid_opening.room.source import NEWER_LIMIT, RECENT, Frames, Key
from centre.drills.models import DrillFrame, DrillRun
from centre.drills.states import DrillState
from foundation.actor import Actor
from foundation.errors import Unavailable
from foundation.store.unit import Units

PATH: Final = "drills"
LIMIT: Final = 400
"""Connections to all drills of this process together."""


def name_of(drill_id: str, key: str) -> str:
    return f"{drill_id}.{key}"


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class DrillSource:
    """What the room's server reads for ``/drills/<name>``. Everybody in it gets the one public sequence."""

    failures: ClassVar[tuple[type[Exception], ...]] = (SQLAlchemyError, Unavailable)

    def __init__(self, units: Units) -> None:
        self._units = units

    def has_room(self, lot_id: str) -> bool:
        drill_id, _, key = lot_id.partition(".")
        with self._units.read() as unit:
            row = unit.session.get(DrillRun, drill_id)
            return (
                row is not None
                and row.state is DrillState.RUNNING
                and bool(row.channel_hash)
                and row.channel_hash == hash_of(key)
            )

    def audiences(self, lot_id: str, actor: Actor) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        return (PUBLIC,)

    def recent(self, lot_id: str, audience: str) -> tuple[int, Frames]:  # noqa: ARG002 - the port's signature
        with self._units.read() as unit:
            rows = unit.session.execute(
                select(DrillFrame.seq, DrillFrame.frame)
                .where(DrillFrame.drill_id == _drill_of(lot_id))
                .order_by(DrillFrame.seq.desc())
                .limit(RECENT)
            ).all()
        frames = [(row.seq, row.frame) for row in reversed(rows)]
        return (frames[-1][0] if frames else 0), frames

    def frames(self, lot_id: str, audience: str, after: int, limit: int) -> Frames:  # noqa: ARG002
        with self._units.read() as unit:
            rows = unit.session.execute(
                select(DrillFrame.seq, DrillFrame.frame)
                .where(DrillFrame.drill_id == _drill_of(lot_id), DrillFrame.seq > after)
                .order_by(DrillFrame.seq)
                .limit(limit)
            ).all()
        return [(row.seq, row.frame) for row in rows]

    def heads(self, lots: Sequence[str]) -> dict[Key, int]:
        with self._units.read() as unit:
            rows = unit.session.execute(
                select(DrillFrame.drill_id, func.max(DrillFrame.seq))
                .where(DrillFrame.drill_id.in_([_drill_of(lot) for lot in lots]))
                .group_by(DrillFrame.drill_id)
            ).all()
        found = {drill_id: int(head) for drill_id, head in rows}
        return {(lot, PUBLIC): found.get(_drill_of(lot), 0) for lot in lots}

    def newer(self, behind: Mapping[Key, int]) -> dict[Key, Frames]:
        fresh = {key: self.frames(key[0], key[1], number, NEWER_LIMIT) for key, number in behind.items()}
        return {key: frames for key, frames in fresh.items() if frames}

    def live_sessions(self, ids: Sequence[str]) -> frozenset[str]:
        return frozenset(ids)


def _drill_of(name: str) -> str:
    return name.partition(".")[0]
