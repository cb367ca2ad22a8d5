"""The only loaders that check who asks; what is hidden from the asker is not found."""

from __future__ import annotations

from sqlalchemy import select

from accounts.roles import Role
from evaluation.models import CommitteeSeat, EvaluationCase, RankedBid
from evaluation.services import cases
from evaluation.states import SEATED, CaseState
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from tendering import facade as tendering

PUBLISHED = frozenset({CaseState.PUBLICITY, CaseState.AWARDED, CaseState.CONTRACTED})
DECIDED = frozenset({CaseState.AWARDED, CaseState.CONTRACTED})


def own_seat(unit: Unit, lot_id: str) -> CommitteeSeat:
    """The asker's seat on this committee, offered or taken. Nobody else learns that there is one."""
    if unit.actor.user_id is None or not unit.actor.has_role(Role.EXPERT):
        raise NotFound(what="seat")
    seat = unit.session.scalar(
        select(CommitteeSeat).where(
            CommitteeSeat.lot_id == lot_id,
            CommitteeSeat.user_id == unit.actor.user_id,
            CommitteeSeat.state.in_(SEATED),
        )
    )
    if seat is None:
        raise NotFound(what="seat")
    return seat


def seat_in_case(unit: Unit, lot_id: str, *states: CaseState) -> tuple[EvaluationCase, CommitteeSeat]:
    """The case, held until the commit, and the asker's seat.

    Without a seat nobody learns that there is a case, or in which state: the seat is asked for before the state.
    """
    case = cases.locked_or_none(unit, lot_id)
    seat = own_seat(unit, lot_id)
    if case is None:
        raise NotFound(what="seat")
    cases.require_state(case, *states)
    return case, seat


def require_host_side(unit: Unit, lot_id: str) -> tendering.LotCard:
    """Staff of the lot's tenderee or agency; everybody else finds nothing."""
    card = tendering.lot_card(unit, lot_id)
    on_side = tendering.belongs_to_host_side(unit, lot_id, unit.actor)
    if card.is_imported or not on_side or not unit.actor.has_role(Role.AGENCY, Role.TENDEREE):
        raise NotFound(what="lot")
    return card


def is_host_side(unit: Unit, lot_id: str) -> bool:
    """Whether the asker is staff of the lot's tenderee or agency."""
    try:
        require_host_side(unit, lot_id)
    except NotFound:
        return False
    return True


def require_host(unit: Unit, lot_id: str) -> tendering.LotCard:
    """Who runs the lot. Its tenderee, where an agency runs it, sees it and is refused."""
    card = require_host_side(unit, lot_id)
    if not tendering.host_may_run(unit, lot_id, unit.actor):
        raise NotPermitted(what="run_evaluation")
    return card


def require_tenderee(unit: Unit, lot_id: str) -> tendering.LotCard:
    """Who decides: the lot's tenderee. Its agency sees it and is refused."""
    card = require_host_side(unit, lot_id)
    if unit.actor.org_id != card.tenderee_org_id or not unit.actor.has_role(Role.TENDEREE):
        raise NotPermitted(what="decide")
    return card


def published_case(unit: Unit, lot_id: str) -> EvaluationCase:
    """A case whose candidates are published, for everybody."""
    row = unit.session.get(EvaluationCase, lot_id)
    if row is None or row.state not in PUBLISHED:
        raise NotFound(what="result")
    return row


def awarded_case(unit: Unit, lot_id: str) -> EvaluationCase:
    row = published_case(unit, lot_id)
    if row.state not in DECIDED:
        raise NotFound(what="result")
    return row


def own_line(unit: Unit, lot_id: str) -> RankedBid:
    """The outcome of the asker's own bid, from the publication on."""
    published_case(unit, lot_id)
    row = unit.session.scalar(
        select(RankedBid).where(RankedBid.lot_id == lot_id, RankedBid.org_id == str(unit.actor.org_id))
    )
    if row is None or not unit.actor.has_role(Role.BIDDER):
        raise NotFound(what="result")
    return row


def may_read_report(unit: Unit, lot_id: str) -> bool:
    """The report goes to the tenderee's side, to supervisors and to the members who signed it (R5.01)."""
    case = unit.session.get(EvaluationCase, lot_id)
    if case is None or case.reported_at is None:
        return False
    if unit.actor.has_role(Role.SUPERVISOR):
        return True
    if not unit.actor.has_role(Role.EXPERT):
        return is_host_side(unit, lot_id)
    try:
        own_seat(unit, lot_id)
    except NotFound:
        return False
    return True
