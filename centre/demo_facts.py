"""What the guide needs to know, read from the database: the guided lot in public facts, and the visitor's own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from accounts.models import User
from bid_opening.models import CheckIn, OpeningRoom
from bid_opening.services import rooms
from centre.demo_guide import Facts, Own
from centre.demo_run import Run
from centre.errors import NobodyDrawn
from centre.seed_people import user_of
from deposits import facade as deposits
from deposits.models import DepositArrival, Refund
from deposits.states import DepositStatus, Outcome, RefundState
from evaluation.models import CommitteeSeat, DrawContribution, EvaluationCase, RankedBid, ScoreSheet
from evaluation.services import committee, papers
from evaluation.states import SEATED, CaseState, SeatState, SheetState
from foundation.money import Money
from foundation.store.unit import Unit
from sandbox.autopilot.stages import Part
from tendering import facade as tendering
from tendering.models import Lot


@dataclass(frozen=True, slots=True)
class RefundSum:
    """Deposits that are back with their payers: of the visitor alone, or of everybody."""

    count: int
    principal: Money
    interest: Money


def facts_of(unit: Unit, lot: Lot) -> Facts:
    """The lot in public facts; figures of money only from the contract on."""
    room = unit.session.get(OpeningRoom, lot.id)
    case = unit.session.get(EvaluationCase, lot.id)
    draw = committee.last_draw(unit, lot.id)
    until = case.publicity_until if case is not None else None
    is_contracted = case is not None and case.contracted_at is not None
    return Facts(
        lot=lot.state,
        is_past_deadline=lot.deadline_at is not None and unit.at >= lot.deadline_at,
        phase=room.state if room is not None else None,
        case=case.state if case is not None else None,
        draw=draw.state if draw is not None else None,
        is_publicity_over=until is not None and unit.at >= until,
        is_stayed=tendering.has_stay(unit, lot.id),
        deposits=_arrivals(unit, lot.id) if is_contracted else 0,
        refunded=refunds_of(unit, lot.id).count if is_contracted else 0,
    )


def _arrivals(unit: Unit, lot_id: str) -> int:
    query = select(func.count()).select_from(DepositArrival)
    matched = query.where(DepositArrival.lot_id == lot_id, DepositArrival.outcome == Outcome.MATCHED)
    return unit.session.scalar(matched) or 0


def refunds_of(unit: Unit, lot_id: str, org_id: str = "") -> RefundSum:
    """What is back with its payers, of one bidder or of all."""
    query = (
        select(DepositArrival.amount, Refund.interest)
        .join(DepositArrival, DepositArrival.serial == Refund.serial)
        .where(Refund.lot_id == lot_id, Refund.state == RefundState.PAID, DepositArrival.outcome == Outcome.MATCHED)
    )
    if org_id:
        query = query.where(Refund.org_id == org_id)
    rows = unit.session.execute(query).all()
    return RefundSum(len(rows), Money.sum(amount for amount, _ in rows), Money.sum(interest for _, interest in rows))


def own_of(unit: Unit, run: Run, user: User) -> Own:
    """What the visitor's account knows of itself. The caller has checked that the visitor asks."""
    match run.part:
        case Part.BIDDER:
            return _bidder(unit, run.lot_id, user.org_id)
        case Part.TENDEREE:
            return Own(
                has_contributed=_has_contributed(unit, run.lot_id, committee.TENDEREE),
                may_sign=_may_sign(unit, run.lot_id, is_tenderee=True),
            )
        case Part.SUPERVISOR:
            return Own(has_contributed=_has_contributed(unit, run.lot_id, committee.SUPERVISOR))
        case Part.EXPERT:
            return _expert(unit, run.lot_id, user.id)
        case Part.PUBLIC:
            return Own()


def _bidder(unit: Unit, lot_id: str, org_id: str) -> Own:
    if not rooms.has_room(unit, lot_id):
        return Own()
    state = rooms.state_of(unit, lot_id)
    seat = state.seat_of(org_id)
    case = unit.session.get(EvaluationCase, lot_id)
    row = unit.session.scalar(select(RankedBid).where(RankedBid.lot_id == lot_id, RankedBid.org_id == org_id))
    is_awardee = row is not None and case is not None and case.awardee_bid == row.bid
    return Own(
        has_deposit=deposits.deposit_status(unit, lot_id, org_id) is DepositStatus.ARRIVED,
        is_sealed=tendering.own_bid(unit, lot_id, org_id) is not None,
        is_checked_in=unit.session.get(CheckIn, (lot_id, org_id)) is not None,
        has_seat=seat is not None,
        is_checked=seat is not None and seat.seal_is_equal is not None,
        is_released=seat is not None and seat.is_recoverable,
        has_spoken=seat is not None
        and (seat.has_no_objection or any(one.org_id == org_id for one in state.objections)),
        is_confirmed=seat is not None and (seat.confirmed_at is not None or seat.total is None),
        has_result=row is not None,
        is_awardee=is_awardee,
        may_sign=is_awardee and _may_sign(unit, lot_id, is_tenderee=False),
    )


def _may_sign(unit: Unit, lot_id: str, *, is_tenderee: bool) -> bool:
    case = unit.session.get(EvaluationCase, lot_id)
    if case is None or papers.paper(unit, lot_id, papers.CONTRACT) is None:
        return False
    return (case.tenderee_signed_at if is_tenderee else case.awardee_signed_at) is None


def _has_contributed(unit: Unit, lot_id: str, part: str) -> bool:
    row = committee.last_draw(unit, lot_id)
    return row is not None and unit.session.get(DrawContribution, (row.id, part)) is not None


def _expert(unit: Unit, lot_id: str, user_id: str) -> Own:
    seat = unit.session.scalar(
        select(CommitteeSeat).where(
            CommitteeSeat.lot_id == lot_id, CommitteeSeat.user_id == user_id, CommitteeSeat.state.in_(SEATED)
        )
    )
    if seat is None:
        return Own()
    return Own(has_seat=True, expert_act=_expert_act(unit, unit.session.get_one(EvaluationCase, lot_id), seat))


def _expert_act(unit: Unit, case: EvaluationCase, seat: CommitteeSeat) -> str:
    if seat.state is SeatState.INVITED:
        return "answer"
    if case.state is CaseState.REVIEW:
        sheet = unit.session.get(ScoreSheet, seat.id)
        return "score" if sheet is not None and sheet.state is SheetState.DRAFT else ""
    return "sign" if case.state is CaseState.SIGNING and seat.signed_at is None else ""


def visitor_of(unit: Unit, run: Run) -> User | None:
    """The account played by hand; None for the public, and for an expert as long as nobody is drawn."""
    if run.part is Part.EXPERT:
        try:
            return drawn_expert(unit, run)
        except NobodyDrawn:
            return None
    return user_of(unit, run.login) if run.login else None


def drawn_expert(unit: Unit, run: Run) -> User:
    """Who of the drawn experts the visitor is: whoever it was, as long as that seat stands; else one that is asked now.

    Raises NobodyDrawn.
    """
    seats = committee.seats_of(unit, run.lot_id, *SEATED)
    known = user_of(unit, run.login) if run.login else None
    kept = next((seat for seat in seats if known is not None and seat.user_id == known.id), None)
    asked = next((seat for seat in seats if seat.state is SeatState.INVITED), None)
    seat = kept or asked or next(iter(seats), None)
    if seat is None:
        raise NobodyDrawn
    return unit.session.get_one(User, seat.user_id)
