"""归因 as use cases: reports from a bidder's page, its reason, and the two people who decide (R3.30, R3.31)."""

from __future__ import annotations

from bid_opening import access, attribution, outages
from bid_opening.ceremony import RoomState
from bid_opening.fault_state import Culprit
from bid_opening.services import rooms
from foundation.errors import InvalidInput
from foundation.store.unit import Unit


def report(unit: Unit, lot_id: str, code: str) -> RoomState:
    """The bidder's own page met something while releasing; ``code`` is one of ``outages.REPORT_CODES``.

    Raises InvalidInput, NoSeat, NotNow outside the window, NotPermitted.
    """
    org_id = access.require_bidder(unit, lot_id)
    return rooms.apply(unit, lot_id, outages.report(rooms.locked(unit, lot_id), org_id, code, unit.at))


def give_reason(unit: Unit, lot_id: str, reason: str) -> RoomState:
    """The bidder's own word on why its bid was not opened, once, before it is decided."""
    org_id, by = access.require_bidder(unit, lot_id), access.person_of(unit)
    return rooms.apply(unit, lot_id, attribution.give_reason(rooms.locked(unit, lot_id), org_id, by, reason))


def propose(unit: Unit, lot_id: str, seat: int, culprit: str, why: str) -> RoomState:
    """The first of two. Only the host may name the bidder; supervisors and the centre may say it was not the bidder.

    Raises NotPermitted, and what ``attribution.propose_fault`` raises.
    """
    if culprit not in {Culprit.BIDDER, Culprit.PLATFORM}:
        raise InvalidInput(what="culprit")
    if culprit == Culprit.BIDDER:
        access.require_host(unit, lot_id)
    by = access.require_proposer(unit, lot_id)
    return rooms.apply(unit, lot_id, attribution.propose_fault(rooms.locked(unit, lot_id), seat, culprit, by, why))


def withdraw(unit: Unit, lot_id: str, seat: int) -> RoomState:
    """Taken back by who proposed it; or not agreed to, by the second person."""
    by = access.require_proposer(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    found = next((one for one in state.seats if one.number == seat), None)
    if found is not None and found.fault_proposal is not None and found.fault_proposal.by != by:
        access.require_second_person(unit, lot_id)
    return rooms.apply(unit, lot_id, attribution.withdraw_fault(state, seat))


def confirm(unit: Unit, lot_id: str, seat: int) -> RoomState:
    """The second person, a supervisor or the centre's staff, agrees: decided for good, with its consequence."""
    by = access.require_second_person(unit, lot_id)
    return rooms.apply(unit, lot_id, attribution.confirm_fault(rooms.locked(unit, lot_id), seat, by))
