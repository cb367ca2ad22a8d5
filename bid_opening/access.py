"""Who is who in a room: the only place that asks. What is hidden from the asker is not found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bid_opening import attendance, frames
from bid_opening.ceremony import RoomState, Seat
from bid_opening.services import rooms
from foundation.actor import Actor
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from tendering import facade as tendering

WATCHING: Final = ("supervisor", "centre_staff", "witness")
"""Roles that see what runs behind the public room, in every room."""
DECIDING: Final = ("supervisor", "centre_staff")
"""Roles that may be the second person (``accounts.duties``)."""
DUTY: Final = "centre_staff"
"""The duty desk, which confirms that a bidder asked for the custodians (R3.09)."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What one actor is in one room. ``own`` is its seat once the list is published."""

    actor: Actor
    is_host: bool
    is_staff: bool
    may_decide: bool
    is_duty: bool
    is_bidder: bool
    own: Seat | None
    audiences: tuple[str, ...]


def viewer_of(unit: Unit, lot_id: str, state: RoomState) -> Viewer:
    """The asker as this room sees it; everybody may at least look on."""
    actor = unit.actor
    is_host = tendering.host_may_run(unit, lot_id, actor)
    is_side = actor.has_role("agency", "tenderee") and tendering.belongs_to_host_side(unit, lot_id, actor)
    is_staff = is_side or actor.has_role(*WATCHING)
    is_bidder = actor.has_role("bidder") and actor.org_id is not None
    audiences = [frames.PUBLIC]
    if is_staff:
        audiences.append(frames.STAFF)
    if is_bidder:
        audiences.append(frames.bidder(str(actor.org_id)))
    return Viewer(
        actor=actor,
        is_host=is_host,
        is_staff=is_staff,
        may_decide=actor.has_role(*DECIDING),
        is_duty=actor.has_role(DUTY),
        is_bidder=is_bidder,
        own=state.seat_of(str(actor.org_id)) if is_bidder else None,
        audiences=tuple(audiences),
    )


def audiences_of(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """The audiences the asker may listen to, most public first. Raises NotFound where there is no room."""
    if not rooms.has_room(unit, lot_id):
        raise NotFound(what="room")
    return viewer_of(unit, lot_id, RoomState()).audiences


def require_host(unit: Unit, lot_id: str) -> None:
    """The actor runs this opening. Raises NotFound where there is no room, NotPermitted."""
    _require_room(unit, lot_id)
    if not tendering.host_may_run(unit, lot_id, unit.actor):
        raise NotPermitted(what="run_room")


def require_answerer(unit: Unit, lot_id: str) -> tuple[str, str]:
    """The actor may answer objections for the tenderee: its side (agency, tenderee) and user id.

    Raises NotFound where there is no room, NotPermitted.
    """
    _require_room(unit, lot_id)
    actor = unit.actor
    if not actor.has_role("agency", "tenderee") or not tendering.belongs_to_host_side(unit, lot_id, actor):
        raise NotPermitted(what="answer")
    is_tenderee = actor.org_id == tendering.lot_card(unit, lot_id).tenderee_org_id
    return ("tenderee" if is_tenderee else "agency"), person_of(unit)


def require_bidder(unit: Unit, lot_id: str) -> str:
    """The organisation the actor bids for; whether it has a seat, the rules say. Raises NotFound, NotPermitted."""
    _require_room(unit, lot_id)
    actor = unit.actor
    if actor.org_id is None or not actor.has_role("bidder"):
        raise NotPermitted(what="bidder")
    return str(actor.org_id)


def require_proposer(unit: Unit, lot_id: str) -> str:
    """The person may be the first of two: the host, a supervisor, the centre's staff. Its user id."""
    _require_room(unit, lot_id)
    if not (tendering.host_may_run(unit, lot_id, unit.actor) or unit.actor.has_role(*DECIDING)):
        raise NotPermitted(what="propose")
    return person_of(unit)


def require_second_person(unit: Unit, lot_id: str) -> str:
    """The person may confirm what another one proposed: a supervisor or the centre's staff. Its user id."""
    _require_room(unit, lot_id)
    if not unit.actor.has_role(*DECIDING):
        raise NotPermitted(what="confirm")
    return person_of(unit)


def require_duty_officer(unit: Unit, lot_id: str) -> str:
    """The person is of the centre's duty desk. Its user id. Raises NotFound where there is no room, NotPermitted."""
    _require_room(unit, lot_id)
    if not unit.actor.has_role(DUTY):
        raise NotPermitted(what="duty")
    return person_of(unit)


def attends_as(unit: Unit, lot_id: str) -> str | None:
    """The role in which the asker's presence goes into the record; None for everybody who only looks on or bids."""
    for role in attendance.ROLES:
        if unit.actor.has_role(role) and (
            role != "tenderee" or unit.actor.org_id == tendering.lot_card(unit, lot_id).tenderee_org_id
        ):
            return role
    return None


def require_staff(unit: Unit, lot_id: str) -> None:
    """The staff's view of a room. Raises NotFound for everybody else: what runs behind is hidden."""
    _require_room(unit, lot_id)
    if frames.STAFF not in audiences_of(unit, lot_id):
        raise NotFound(what="room")


def person_of(unit: Unit) -> str:
    """The user id of the person who acts. Raises NotPermitted for a machine."""
    if unit.actor.user_id is None:
        raise NotPermitted(what="person")
    return str(unit.actor.user_id)


def _require_room(unit: Unit, lot_id: str) -> None:
    if not rooms.has_room(unit, lot_id):
        raise NotFound(what="room")
