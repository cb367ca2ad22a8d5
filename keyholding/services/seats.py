"""Standing appointments, and the enrolment of their agents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from accounts import facade as accounts
from foundation.clock import machine_now
from foundation.entropy import url_token
from foundation.errors import NotFound, Objection
from foundation.events.keyholding import AgentEnrolled, SeatActsByHand, SeatAppointed, SeatRetired
from foundation.ids import SeatId
from foundation.store.unit import Unit
from keyholding import access
from keyholding.errors import SeatRefused, SeatTaken
from keyholding.models import HolderSeat
from keyholding.rules import objections_to_seat
from keyholding.states import Side


@dataclass(frozen=True, slots=True)
class NewSeat:
    """``user_id`` None: the organisation holds the seat without naming one person; ``holder_name`` is what is shown.

    ``operator`` says who runs the agent's machine.
    """

    side: Side
    org_id: str
    holder_name: str
    operator: str
    user_id: str | None = None


def appoint_seat(unit: Unit, new: NewSeat) -> SeatId:
    """Appoint a standing holder. Raises SeatRefused, SeatTaken, NotFound."""
    organisation = accounts.organisation(unit, new.org_id)
    objections = list(objections_to_seat(new.side, organisation.roles))
    if new.user_id is not None:
        objections += _objections_to_person(unit, new)
    if objections:
        raise SeatRefused(objections=objections)
    if new.user_id is not None and _seat_of_person(unit, new.user_id) is not None:
        raise SeatTaken(objections=[Objection("keyholding.seat_taken", "user_id", clause="R1.23")])
    row = HolderSeat(
        id=unit.new_id(),
        side=new.side,
        org_id=new.org_id,
        org_name=organisation.name,
        user_id=new.user_id,
        holder_name=new.holder_name,
        operator=new.operator,
        agent_token_hash=None,
        browser_since=None,
        last_seen_at=None,
        warned_at=None,
        is_active=True,
        appointed_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()
    event = SeatAppointed(row.id, new.side.value, row.org_id, row.org_name, row.holder_name, row.operator)
    unit.append(f"org:{row.org_id}", event)
    return SeatId(row.id)


def _objections_to_person(unit: Unit, new: NewSeat) -> list[Objection]:
    try:
        person = accounts.person(unit, str(new.user_id))
    except NotFound:
        return [Objection("keyholding.person_not_of_organisation", "user_id")]
    wanted = "custodian" if new.side is Side.CUSTODIAN else "gate_holder"
    found = []
    if person.org_id != new.org_id:
        found.append(Objection("keyholding.person_not_of_organisation", "user_id"))
    if wanted not in person.roles:
        found.append(Objection("keyholding.person_lacks_role", "user_id", params={"role": wanted}))
    return found


def _seat_of_person(unit: Unit, user_id: str) -> HolderSeat | None:
    return unit.session.scalar(select(HolderSeat).where(HolderSeat.user_id == user_id, HolderSeat.is_active))


def enrol_agent(unit: Unit, seat_id: str) -> str:
    """A new agent token, shown once and kept only as its digest; an older one stops working. Raises NotFound."""
    row = access.seat(unit, seat_id)
    if not row.is_active:
        raise NotFound(what="seat")
    token = url_token(unit.entropy)
    row.agent_token_hash = access.hash_of(token)
    row.last_seen_at = None
    unit.append(f"org:{row.org_id}", AgentEnrolled(row.id))
    return token


def act_by_hand(unit: Unit, seat_id: str) -> None:
    """From now on the holder acts in its own browser; an agent may stay beside it. Twice is the same as once."""
    row = access.own_seat(unit, seat_id)
    if row.browser_since is not None:
        return
    row.browser_since = unit.at
    unit.append(f"org:{row.org_id}", SeatActsByHand(row.id))


def retire_seat(unit: Unit, seat_id: str, *, reason: str = "") -> None:
    """End an appointment: no new key set names it, its agent is no longer known. Key sets that name it stay."""
    row = access.seat(unit, seat_id)
    if not row.is_active:
        return
    row.is_active = False
    row.agent_token_hash = None
    row.browser_since = None
    unit.append(f"org:{row.org_id}", SeatRetired(row.id), reason=reason)


def mark_seen(unit: Unit, seat_id: str) -> None:
    """Write down that the agent asked for work (machine clock)."""
    row = access.seat(unit, seat_id)
    row.last_seen_at = machine_now()
    row.warned_at = None
