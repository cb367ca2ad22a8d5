"""The one way facts enter a room: fold, journal, row, frames, in one transaction.

The state is what ``ceremony.fold`` makes of the journal stream ``room:<lot>``. The row keeps a snapshot of it so that a
long ceremony is not folded from its beginning at every act; the snapshot names the entry it was made after, and one
made over another history is not believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from pydantic import TypeAdapter
from sqlalchemy import select, update

from bid_opening import frames
from bid_opening.ceremony import RoomState, fold, fold_all
from bid_opening.models import OpeningRoom, RoomFrame, RoomHead
from bid_opening.services import consequences
from bid_opening.states import Phase
from foundation import canonical
from foundation.errors import NotFound
from foundation.events import Event
from foundation.journal import JournalEntry, read_stream
from foundation.machine import LostRace
from foundation.store.unit import Unit

TOPIC = "room"
"""Hints of this topic wake the room process."""


def stream_of(lot_id: str) -> str:
    """The journal stream of a room."""
    return f"room:{lot_id}"


def add_room(unit: Unit, lot_id: str) -> None:
    """Make the room of a lot, unless it is there."""
    if unit.session.get(OpeningRoom, lot_id) is None:
        unit.session.add(
            OpeningRoom(
                id=lot_id,
                state=Phase.SCHEDULED,
                until=None,
                opens_at=None,
                folded=None,
                folded_seq=0,
                folded_hash="",
                version=0,
                gate_asked_at=None,
                frozen_in_log_at=None,
            )
        )
        unit.session.flush()


def has_room(unit: Unit, lot_id: str) -> bool:
    return unit.session.scalar(select(OpeningRoom.id).where(OpeningRoom.id == lot_id)) is not None


def rooms_in(unit: Unit, *phases: Phase) -> Sequence[str]:
    """Lots whose room is in one of these phases."""
    return unit.session.scalars(
        select(OpeningRoom.id).where(OpeningRoom.state.in_(phases)).order_by(OpeningRoom.id)
    ).all()


def state_of(unit: Unit, lot_id: str) -> RoomState:
    """The live state, to read. Raises NotFound where the lot has no room."""
    row = unit.session.get(OpeningRoom, lot_id)
    if row is None:
        raise NotFound(what="room")
    return _folded(unit, row)


def locked(unit: Unit, lot_id: str) -> RoomState:
    """The live state, held until the end of the Unit: whatever is decided on it is applied to it. Raises NotFound."""
    return _folded(unit, _locked_row(unit, lot_id))


def rebuilt(unit: Unit, lot_id: str) -> RoomState:
    """The state from the journal alone, for checks: it must equal :func:`state_of`."""
    entries = read_stream(unit.session, stream_of(lot_id), limit=1_000_000)
    return fold_all((entry.event, entry.at) for entry in entries)


def apply(unit: Unit, lot_id: str, events: Iterable[Event], *, reason: str = "") -> RoomState:
    """Let the events happen; returns the state after them. Nothing happens for no events.

    Raises WrongState for an event that can not happen now, LostRace where another writer was first.
    """
    row = _locked_row(unit, lot_id)
    state = _folded(unit, row)
    happened: list[Event] = []
    last: JournalEntry | None = None
    for event in events:
        last = unit.append(stream_of(lot_id), event, reason=reason)
        state = fold(state, event, last.recorded_at)
        tell(unit, lot_id, event, state, last)
        happened.append(event)
    if last is None:
        return state
    _move(unit, row, state, last)
    for event in happened:
        consequences.follow(unit, lot_id, event, state)
    return state


def tell(unit: Unit, lot_id: str, event: Event, state: RoomState, entry: JournalEntry) -> None:
    """Write the frames of one event, each with the next number of its audience."""
    for message in frames.messages(event):
        seq = _next_number(unit, lot_id, message.audience)
        text = frames.write(message, seq=seq, at=entry.recorded_at, state=state, entry_id=entry.id)
        unit.session.add(
            RoomFrame(
                lot_id=lot_id,
                audience=message.audience,
                seq=seq,
                type=message.type,
                at=entry.recorded_at,
                frame=text,
            )
        )
        unit.topics.add(TOPIC)
    unit.session.flush()


def entry_id_of(unit: Unit, lot_id: str, kind: type[Event]) -> str | None:
    """The newest entry of this kind in the room's stream."""
    return unit.session.scalar(
        select(JournalEntry.id)
        .where(JournalEntry.stream == stream_of(lot_id), JournalEntry.type == kind.TYPE)
        .order_by(JournalEntry.seq.desc())
        .limit(1)
    )


def frames_after(unit: Unit, lot_id: str, audience: str, after: int, *, limit: int = 1000) -> Sequence[tuple[int, str]]:
    """(number, frame text) of one audience above ``after``, in order: for the room process and for polling.

    Whether the asker belongs to the audience is checked before (``access.audiences_of``).
    """
    rows = unit.session.execute(
        select(RoomFrame.seq, RoomFrame.frame)
        .where(RoomFrame.lot_id == lot_id, RoomFrame.audience == audience, RoomFrame.seq > after)
        .order_by(RoomFrame.seq)
        .limit(limit)
    )
    return [(seq, text) for seq, text in rows]


def heads_of(unit: Unit, lot_id: str, audiences: Iterable[str]) -> dict[str, int]:
    """The last number of each audience asked for; 0 where nothing was told yet."""
    wanted = tuple(audiences)
    rows = unit.session.scalars(select(RoomHead).where(RoomHead.lot_id == lot_id, RoomHead.audience.in_(wanted)))
    found = {row.audience: row.head_seq for row in rows}
    return {audience: found.get(audience, 0) for audience in wanted}


def _locked_row(unit: Unit, lot_id: str) -> OpeningRoom:
    # One writer a room: two bidders who release in the same instant come one after the other.
    row = unit.session.scalar(
        select(OpeningRoom).where(OpeningRoom.id == lot_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(what="room")
    return row


@cache
def _adapter() -> TypeAdapter[RoomState]:
    return TypeAdapter(RoomState)


def _folded(unit: Unit, row: OpeningRoom) -> RoomState:
    state, after = RoomState(), 0
    if row.folded is not None and _is_our_history(unit, row):
        state, after = _adapter().validate_python(row.folded), row.folded_seq
    entries = read_stream(unit.session, stream_of(row.id), after=after, limit=1_000_000)
    return fold_all(((entry.event, entry.at) for entry in entries), state)


def _is_our_history(unit: Unit, row: OpeningRoom) -> bool:
    found = unit.session.scalar(
        select(JournalEntry.hash).where(JournalEntry.stream == stream_of(row.id), JournalEntry.seq == row.folded_seq)
    )
    return found is not None and _folded_after(found) == row.folded_hash


@cache
def _shape() -> str:
    """What a snapshot holds, as a digest: one made by a program that knew other fields is not taken up again."""
    return canonical.digest(_adapter().json_schema())


def _folded_after(entry_hash: str) -> str:
    return canonical.digest({"entry": entry_hash, "shape": _shape()})


def _move(unit: Unit, row: OpeningRoom, state: RoomState, last: JournalEntry) -> None:
    """Compare-and-swap the row to the folded phase. The steps between were checked by the table while folding."""
    moved = unit.session.execute(
        update(OpeningRoom)
        .where(OpeningRoom.id == row.id, OpeningRoom.state == row.state, OpeningRoom.version == row.version)
        .values(
            state=state.phase,
            until=state.until,
            opens_at=state.opens_at,
            folded=_adapter().dump_python(state, mode="json"),
            folded_seq=last.seq,
            folded_hash=_folded_after(last.hash),
            version=row.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise LostRace(machine=OpeningRoom.MACHINE.name, state=str(row.state), trigger=last.type)
    unit.session.refresh(row)


def _next_number(unit: Unit, lot_id: str, audience: str) -> int:
    head = unit.session.get(RoomHead, (lot_id, audience))
    if head is None:
        head = RoomHead(lot_id=lot_id, audience=audience, head_seq=0)
        unit.session.add(head)
    head.head_seq += 1
    unit.session.flush()
    return head.head_seq
