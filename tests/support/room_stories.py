"""Random openings told as frames, and lines that lose, double and mix them: what the room's laws are held against."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random  # noqa: TID251 - a seeded bad network, nothing that is drawn
from typing import Any

from bid_opening import frames
from bid_opening.ceremony import RoomState, Seat, fold
from foundation.clock import iso
from foundation.events import Event
from foundation.roomwire import Frame
from tests.support_ceremony import Room

Decide = Callable[[Room], Sequence[Event]]


def told(events: Iterable[tuple[Event, datetime]]) -> list[Frame]:
    """The frames of a story as the services write them: in the order of the events, each audience counted by itself."""
    state, heads, found = RoomState(), Counter[str](), []
    for event, at in events:
        state = fold(state, event, at)
        for message in frames.messages(event):
            heads[message.audience] += 1
            text = frames.write(message, seq=heads[message.audience], at=at, state=state, entry_id="e")
            found.append(json.loads(text))
    return found


def play(bids: int, steps: Iterable[tuple[float, Decide]], *, opening: Sequence[Decide] = ()) -> Room:
    """A room after the freeze in which ``opening`` happens in order, disturbed by ``steps`` in between."""
    room = Room()
    room.to_frozen(bids)
    rest = list(steps)
    for decide in opening:
        if rest:
            minutes, disturb = rest.pop(0)
            room.wait(minutes)
            room.attempt(lambda disturb=disturb: disturb(room))
        room.attempt(lambda decide=decide: decide(room))
    for minutes, decide in rest:
        room.wait(minutes)
        room.attempt(lambda decide=decide: decide(room))
    return room


@dataclass(frozen=True)
class Line:
    """What one listener is handed: pieces of the sequences, and where its line broke in between."""

    pieces: tuple[tuple[Frame, ...], ...]

    @property
    def frames(self) -> list[Frame]:
        return [frame for piece in self.pieces for frame in piece]


@dataclass
class BadNetwork:
    """Delivers frames as a bad network does: late, doubled, out of order, some not at all, in pieces between breaks."""

    chance: Random
    lost: float = 0.2
    doubled: float = 0.2
    reach: int = 8
    """How far a frame may move from its place."""
    breaks: int = field(default=3)

    def deliver(self, sent: Sequence[Frame]) -> Line:
        """What arrives before the listener asks for the rest."""
        chance = self.chance
        arriving = [frame for frame in sent if chance.random() >= self.lost]
        arriving += [frame for frame in arriving if chance.random() < self.doubled]
        mixed = sorted(enumerate(arriving), key=lambda one: one[0] + chance.uniform(0, self.reach))
        places = sorted(chance.randrange(len(mixed) + 1) for _ in range(self.breaks))
        cuts = [0, *places, len(mixed)]
        return Line(tuple(tuple(frame for _, frame in mixed[start:end]) for start, end in itertools.pairwise(cuts)))


def missing(sent: Sequence[Frame], heads: Mapping[str, int]) -> list[Frame]:
    """What the room sends to one that comes back with these positions."""
    return [frame for frame in sent if frame["audience"] in heads and frame["seq"] > heads[frame["audience"]]]


def seen_by(sent: Sequence[Frame], audiences: Iterable[str]) -> list[Frame]:
    """What a listener of these audiences is told."""
    wanted = set(audiences)
    return [frame for frame in sent if frame["audience"] in wanted]


def board(state: RoomState, *, is_staff: bool) -> dict[str, dict[str, Any]]:
    """What a page shows of each seat, said by the live state: the page's own fold must come to the same."""
    return {str(seat.number): _row(state, seat, is_staff=is_staff) for seat in state.seats}


def _row(state: RoomState, seat: Seat, *, is_staff: bool) -> dict[str, Any]:
    times = {
        "releasedAt": seat.released_at,
        "escrowedAt": seat.escrowed_at,
        "escrowAskedAt": seat.escrow_asked_at,
        "escrowConfirmedAt": seat.escrow_confirmed_at,
        "decryptedAt": seat.decrypted_at,
        "confirmedAt": seat.confirmed_at,
    }
    row: dict[str, Any] = {name: iso(at) for name, at in times.items() if at is not None}
    if seat.fault:
        row["fault"] = seat.fault
    if seat.read_at is not None:
        row["line"] = seat.total
    if seat.has_no_objection:
        row["noObjection"] = True
    if any(one.seat == seat.number for one in state.objections):
        row["hasObjected"] = True
    if is_staff and seat.tries:
        row["tries"] = seat.tries
    if is_staff and seat.seal_is_equal is not None:
        row["isEqual"] = seat.seal_is_equal
    return row
