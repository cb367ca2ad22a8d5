"""What the room reads: frames and heads, who may see what, which sessions still live. Called in threads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import ClassVar, Final, Protocol, TypeVar

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from accounts.models import UserSession
from accounts.rules import session_is_live
from bid_opening import access
from bid_opening.models import RoomFrame, RoomHead
from bid_opening.room.channel import KEEP_FRAMES
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.errors import Unavailable
from foundation.store.unit import Units

Key = tuple[str, str]
"""(lot_id, audience)."""
Frames = list[tuple[int, str]]
"""(number, text) in order."""
PART: Final = 200
"""Terms of one query; databases refuse thousands."""
RECENT: Final = KEEP_FRAMES // 2
NEWER_LIMIT: Final = 2000


T = TypeVar("T")


def _parts(items: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(items)
    while part := tuple(islice(rest, PART)):
        yield part


class Source(Protocol):
    """Where the room gets its bytes and its answers from."""

    failures: ClassVar[tuple[type[Exception], ...]]

    def has_room(self, lot_id: str) -> bool: ...

    def audiences(self, lot_id: str, actor: Actor) -> Sequence[str]: ...

    def recent(self, lot_id: str, audience: str) -> tuple[int, Frames]: ...

    def frames(self, lot_id: str, audience: str, after: int, limit: int) -> Frames: ...

    def heads(self, lots: Sequence[str]) -> dict[Key, int]: ...

    def newer(self, behind: Mapping[Key, int]) -> dict[Key, Frames]: ...

    def live_sessions(self, ids: Sequence[str]) -> frozenset[str]: ...


class SqlSource:
    """The database."""

    failures: ClassVar[tuple[type[Exception], ...]] = (SQLAlchemyError, Unavailable)

    def __init__(self, units: Units) -> None:
        self._units = units

    def has_room(self, lot_id: str) -> bool:
        with self._units.read() as unit:
            return unit.session.scalar(select(RoomHead.lot_id).where(RoomHead.lot_id == lot_id).limit(1)) is not None

    def audiences(self, lot_id: str, actor: Actor) -> Sequence[str]:
        """Which sequences this actor may read; always with ``public``."""
        with self._units.read(actor) as unit:
            return access.audiences_of(unit, lot_id)

    def recent(self, lot_id: str, audience: str) -> tuple[int, Frames]:
        """The head and the newest frames up to it, oldest first; dense."""
        with self._units.read() as unit:
            rows = unit.session.execute(
                select(RoomFrame.seq, RoomFrame.frame)
                .where(RoomFrame.lot_id == lot_id, RoomFrame.audience == audience)
                .order_by(RoomFrame.seq.desc())
                .limit(RECENT)
            ).all()
        frames = [(row.seq, row.frame) for row in reversed(rows)]
        return (frames[-1][0] if frames else 0), frames

    def frames(self, lot_id: str, audience: str, after: int, limit: int) -> Frames:
        """At most ``limit`` frames after a number."""
        with self._units.read() as unit:
            rows = unit.session.execute(
                select(RoomFrame.seq, RoomFrame.frame)
                .where(RoomFrame.lot_id == lot_id, RoomFrame.audience == audience, RoomFrame.seq > after)
                .order_by(RoomFrame.seq)
                .limit(limit)
            ).all()
        return [(row.seq, row.frame) for row in rows]

    def heads(self, lots: Sequence[str]) -> dict[Key, int]:
        found: dict[Key, int] = {}
        with self._units.read() as unit:
            for part in _parts(lots):
                rows = unit.session.execute(
                    select(RoomHead.lot_id, RoomHead.audience, RoomHead.head_seq).where(RoomHead.lot_id.in_(part))
                )
                found.update({(row.lot_id, row.audience): row.head_seq for row in rows})
        return found

    def newer(self, behind: Mapping[Key, int]) -> dict[Key, Frames]:
        """Frames after the given numbers. What the limit leaves out is found by the next look."""
        found: dict[Key, Frames] = {}
        with self._units.read() as unit:
            for part in _parts(behind.items()):
                rows = unit.session.execute(
                    select(RoomFrame.lot_id, RoomFrame.audience, RoomFrame.seq, RoomFrame.frame)
                    .where(
                        or_(
                            *(
                                and_(RoomFrame.lot_id == lot, RoomFrame.audience == audience, RoomFrame.seq > number)
                                for (lot, audience), number in part
                            )
                        )
                    )
                    .order_by(RoomFrame.lot_id, RoomFrame.audience, RoomFrame.seq)
                    .limit(NEWER_LIMIT)
                )
                for row in rows:
                    found.setdefault((row.lot_id, row.audience), []).append((row.seq, row.frame))
        return found

    def live_sessions(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of ``ids`` that are neither ended nor over; an open socket counts as use."""
        machine = machine_now()
        alive: set[str] = set()
        with self._units.read() as unit:
            for part in _parts(ids):
                rows = unit.session.scalars(select(UserSession).where(UserSession.id.in_(part)))
                alive.update(
                    row.id
                    for row in rows
                    if session_is_live(
                        seen_at=machine, expires_at=row.expires_at, ended_at=row.ended_at, machine=machine
                    )
                )
        return frozenset(alive)
