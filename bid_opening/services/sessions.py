"""What is done from the page of a session: the act of a room, once for each lot, each in a Unit of its own.

One lot's refusal undoes nothing of another's (R3.41): there is no transaction over several rooms, and no lock on two
of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from bid_opening import access, attendance
from bid_opening.ceremony import RoomState
from bid_opening.errors import NotOfSession
from bid_opening.models import OpeningRoom
from bid_opening.services import acts
from bid_opening.sessions import ACTS, READ
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.errors import InvalidInput, NotFound, Refusal
from foundation.store.unit import Unit, Units
from tendering import facade as tendering

LOTS_MAX: Final = 60
"""Lots of one session that are shown and acted on together."""

_ACTS: Final[dict[str, Callable[[Unit, str], RoomState]]] = {
    "start-decryption": acts.start_decryption,
    "draw": acts.draw,
    READ: acts.start_reading,
    "start-query": acts.open_query,
    "start-confirming": acts.open_confirmation,
    "close": acts.close,
}
if set(_ACTS) != set(ACTS):
    raise AssertionError("every act of a session has its use case")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act in one lot: the phase after it, or why it was refused."""

    lot_id: str
    phase: Phase | None
    refusal: Refusal | None

    @property
    def is_done(self) -> bool:
        return self.refusal is None


def lots_of(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """The lots that open together with this one, itself included, in the order of their numbers.

    They are of one project and their rooms open at the same instant. Raises NotFound where the lot has no room.
    """
    opens_at = _opens_at(unit, lot_id)
    beside = [lot.id for lot in tendering.lots_beside(unit, lot_id)]
    together = select(OpeningRoom.id).where(OpeningRoom.id.in_(beside), OpeningRoom.opens_at == opens_at)
    found = set(unit.session.scalars(together)) if opens_at is not None else set()
    return tuple(one for one in beside if one in found or one == lot_id)[:LOTS_MAX]


def _opens_at(unit: Unit, lot_id: str) -> datetime | None:
    row = unit.session.execute(select(OpeningRoom.opens_at).where(OpeningRoom.id == lot_id)).one_or_none()
    if row is None:
        raise NotFound(what="room")
    opens_at: datetime | None = row[0]
    return opens_at


def act_on(units: Units, actor: Actor, lot_id: str, act: str, lots: Sequence[str]) -> tuple[Outcome, ...]:
    """The host does ``act`` in each of ``lots``, in the order of the session, one after the other.

    Raises InvalidInput for another act or no lot, NotOfSession for a lot that does not open together with
    ``lot_id``, NotFound and NotPermitted for who does not run the session's first lot; whatever one room refuses is in
    its outcome, and the others go on.
    """
    if act not in _ACTS or not lots:
        raise InvalidInput(what="act")
    with units.read(actor) as unit:
        access.require_host(unit, lot_id)
        together = lots_of(unit, lot_id)
    if set(lots) - set(together):
        raise NotOfSession(lots=len(together))
    return tuple(_one(units, actor, one, _ACTS[act]) for one in together if one in set(lots))


def check_in(units: Units, actor: Actor, lot_id: str) -> tuple[Outcome, ...]:
    """签到 in every lot of the session that the actor's organisation has bid for; as secret in each as ever (R1.05).

    Raises NotFound, NotPermitted.
    """
    with units.read(actor) as unit:
        org_id = access.require_bidder(unit, lot_id)
        own = [one for one in lots_of(unit, lot_id) if tendering.own_bid(unit, one, org_id) is not None]
    return tuple(_one(units, actor, one, _signed_in) for one in own)


def _signed_in(unit: Unit, lot_id: str) -> RoomState | None:
    acts.check_in(unit, lot_id)
    return None


def note_arrival(units: Units, actor: Actor, lot_id: str) -> None:
    """Who of the official side opens the page of a session attends every live room of it (R3.21).

    Does nothing for everybody else. Raises NotFound where the lot has no room.
    """
    if not actor.has_role(*attendance.ROLES):
        return
    with units.read(actor) as unit:
        arriving = [one for one in lots_of(unit, lot_id) if acts.is_arriving(unit, one)]
    for one in arriving:
        with units.begin(actor) as unit:
            acts.join(unit, one)


def _one(units: Units, actor: Actor, lot_id: str, act: Callable[[Unit, str], RoomState | None]) -> Outcome:
    try:
        with units.begin(actor) as unit:
            state = act(unit, lot_id)
    except Refusal as refusal:
        return Outcome(lot_id, None, refusal)
    return Outcome(lot_id, state.phase if state else None, None)
