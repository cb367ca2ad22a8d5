"""Candidate publicity, objections that stay the award, the award, the contract (R1.39-R1.44, R5.01, R5.02, R5.05)."""

from __future__ import annotations

from sqlalchemy import select

from accounts import facade as accounts
from accounts.roles import Role
from evaluation import access, deadlines
from evaluation.errors import (
    AlreadyAnswered,
    BidsRemain,
    ConfirmedAlready,
    ContractDiffers,
    NothingToPublish,
    NotInPublicity,
    PaperNotIssued,
    PublicityRuns,
    TieUndecided,
)
from evaluation.models import BidCode, EvaluationCase, Expert, RankedBid, ResultObjection
from evaluation.services import cases, committee, papers, review
from evaluation.states import CaseState, CaseTrigger, SeatState
from foundation.errors import NotFound, NotPermitted
from foundation.events import evaluation as e
from foundation.money import Money
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council
from tendering import facade as tendering

PUBLICITY_ENDS = "evaluation.publicity_ends"


def publish_candidates(unit: Unit, lot_id: str) -> None:
    """Publish at most three candidates with prices, points and rejections; publicity begins to count tomorrow.

    Late (after three days from the report) is published all the same, and says so. Raises NothingToPublish,
    TieUndecided, PaperNotIssued while the report is being made.
    """
    card = access.require_host(unit, lot_id)
    case = cases.locked(unit, lot_id, CaseState.REPORTED)
    _require_paper(unit, lot_id, papers.REPORT)
    rules, calendar = deadlines.book(card.rulebook_id), from_state_council()
    rows = review.ranked_rows(unit, lot_id)
    most = rules.number(deadlines.MAX_CANDIDATES)
    candidates = [row for row in rows if row.rank is not None and row.rank <= most]
    if not candidates:
        raise NothingToPublish
    if not case.tie_order and any(row.is_tied for row in candidates):
        raise TieUndecided
    for row in candidates:
        row.is_candidate = True
    case.published_at = unit.at
    case.publicity_until = deadlines.publicity(unit.at, rules, calendar).ends_at
    codes = unit.session.scalars(select(BidCode).where(BidCode.lot_id == lot_id).order_by(BidCode.code))
    seat_of = {row.bid: row.seat for row in rows}
    told = e.CandidatesPublished(
        lot=lot_id,
        lines=tuple(review.told_line(row) for row in rows),
        candidates=tuple(row.bid for row in candidates),
        benchmark=str((case.result or {}).get("benchmark", "")),
        codes=tuple(e.CodeOpened(code.code, seat_of[code.bid], code.bid) for code in codes),
        salt=case.code_salt,
        until=case.publicity_until,
        is_late=case.publish_by is not None and unit.at >= case.publish_by,
    )
    unit.transition(case, CaseTrigger.PUBLISH, cases.public_stream(lot_id), told)
    papers.order(unit, lot_id, papers.CANDIDATES)
    unit.enqueue(PUBLICITY_ENDS, lot_id, {"lot": lot_id}, due=case.publicity_until)
    for row in rows:
        params = {"lot": card.name, "until": case.publicity_until}
        accounts.add_to_inbox(unit, row.org_id, "inbox.candidates_published", params, f"/lots/{lot_id}/my-result")


def declare_failed(unit: Unit, lot_id: str) -> None:
    """No valid bid is left: the evaluation ends without a candidate. Raises BidsRemain."""
    access.require_host(unit, lot_id)
    case = cases.locked(unit, lot_id, CaseState.REPORTED)
    rows = review.ranked_rows(unit, lot_id)
    if any(row.rank is not None for row in rows):
        raise BidsRemain
    told = e.EvaluationFailed(lot_id, tuple(review.told_line(row) for row in rows))
    unit.transition(case, CaseTrigger.FAIL, cases.public_stream(lot_id), told)


# --- objections -------------------------------------------------------------------


def raise_objection(unit: Unit, lot_id: str, text: str) -> str:
    """Object to the result as a bidder of this lot, within publicity. Award and contract stand still from now on.

    Raises NotInPublicity.
    """
    line = access.own_line(unit, lot_id)
    case = cases.locked(unit, lot_id)
    until = case.publicity_until
    if case.state is not CaseState.PUBLICITY or until is None or unit.at >= until:
        raise NotInPublicity(until=until)
    card = tendering.lot_card(unit, lot_id)
    row = ResultObjection(
        id=unit.new_id(),
        lot_id=lot_id,
        org_id=line.org_id,
        text=text,
        raised_at=unit.at,
        answer_until=deadlines.answer_by(unit.at, deadlines.book(card.rulebook_id), from_state_council()).ends_at,
        answered_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    told = e.ResultObjected(lot_id, row.id, row.org_id, text, row.answer_until)
    unit.append(cases.public_stream(lot_id), told)
    tendering.place_stay(unit, lot_id, stay_ground(row.id))
    for org_id in {card.tenderee_org_id, card.agency_org_id} - {None}:
        params = {"lot": card.name, "until": row.answer_until}
        accounts.add_to_inbox(unit, str(org_id), "inbox.result_objected", params, f"/lots/{lot_id}/evaluation")
    return row.id


def answer_objection(unit: Unit, lot_id: str, objection_id: str, text: str) -> None:
    """Answer as the tenderee's side; the stay of this objection is lifted in the same transaction."""
    access.require_host_side(unit, lot_id)
    cases.locked(unit, lot_id)
    row = unit.session.get(ResultObjection, objection_id)
    if row is None or row.lot_id != lot_id:
        raise NotFound(what="objection")
    if row.answered_at is not None:
        raise AlreadyAnswered
    row.answer, row.answered_at = text, unit.at
    unit.session.flush()
    unit.append(cases.public_stream(lot_id), e.ResultObjectionAnswered(lot_id, row.id, text))
    tendering.lift_stay(unit, lot_id, stay_ground(row.id))
    accounts.add_to_inbox(unit, row.org_id, "inbox.result_objection_answered", {}, f"/lots/{lot_id}/my-result")


def stay_ground(objection_id: str) -> str:
    return f"objection:{objection_id}"


def tell_publicity_ended(unit: Unit, lot_id: str, *, after_stay: bool = False) -> None:
    """Publicity is over: tell the tenderee what is possible now, and once nothing stays the lot everybody (R2.17).

    ``after_stay``: asked because a stay was lifted, so that another one still lying there is no news. Idempotent.
    """
    case = cases.locked_or_none(unit, lot_id)
    if case is None or case.state is not CaseState.PUBLICITY or cases.is_told(unit, lot_id, e.PublicityEnded):
        return
    until = case.publicity_until
    is_stayed = tendering.has_stay(unit, lot_id)
    if until is None or unit.at < until or (is_stayed and after_stay):
        return
    if not is_stayed:
        _end_publicity(unit, lot_id)
    card = tendering.lot_card(unit, lot_id)
    code = "inbox.publicity_ended_stayed" if is_stayed else "inbox.publicity_ended"
    accounts.add_to_inbox(unit, card.tenderee_org_id, code, {"lot": card.name}, f"/lots/{lot_id}/evaluation")


def _end_publicity(unit: Unit, lot_id: str) -> None:
    rows = review.ranked_rows(unit, lot_id)
    left = tuple(sorted(row.org_id for row in rows if row.is_candidate))
    unit.append(cases.public_stream(lot_id), e.PublicityEnded(lot_id, left))


# --- award ------------------------------------------------------------------------


def award(unit: Unit, lot_id: str) -> None:
    """The tenderee decides: the first candidate wins (R1.49). The committee's names are public from now on.

    Raises PublicityRuns, LotStayed, PaperNotIssued.
    """
    card = access.require_tenderee(unit, lot_id)
    case = cases.locked(unit, lot_id, CaseState.PUBLICITY)
    until = case.publicity_until
    if until is None or unit.at < until:
        raise PublicityRuns(until=until)
    tendering.require_no_stay(unit, lot_id)
    _require_paper(unit, lot_id, papers.CANDIDATES)
    if not cases.is_told(unit, lot_id, e.PublicityEnded):
        # The award is faster than the job that waits for the end of publicity.
        _end_publicity(unit, lot_id)
    winner = next(row for row in review.ranked_rows(unit, lot_id) if row.rank == 1)
    amount = winner.price or Money(0)
    calendar = from_state_council()
    case.awarded_at, case.awardee_bid = unit.at, winner.bid
    case.contract_until = deadlines.contract_by(unit.at, deadlines.book(card.rulebook_id), calendar).ends_at
    told = e.AwardDecided(
        lot=lot_id,
        bid=winner.bid,
        awardee_org_id=winner.org_id,
        awardee=winner.name,
        amount=amount.text(),
        decided_at=unit.at,
        contract_until=case.contract_until,
        salt=case.expert_salt,
        members=_members(unit, lot_id),
    )
    unit.transition(case, CaseTrigger.AWARD, cases.public_stream(lot_id), told)
    saved = card.ceiling - amount if card.ceiling.fen else Money(0)
    tendering.record_deal(unit, lot_id, winner.name, amount, saved, civil_date(unit.at))
    papers.order(unit, lot_id, papers.NOTICES)


def _members(unit: Unit, lot_id: str) -> tuple[e.MemberNamed, ...]:
    return tuple(
        e.MemberNamed(seat.blinded, seat.expert_id, accounts.person(unit, seat.user_id).name)
        for seat in committee.seats_of(unit, lot_id, SeatState.ACCEPTED)
        if unit.session.get(Expert, seat.expert_id) is not None
    )


# --- contract ---------------------------------------------------------------------


def party_of(unit: Unit, case: EvaluationCase) -> str | None:
    """What the asker is in the contract: tenderee, awardee, or nothing."""
    card = tendering.lot_card(unit, case.id)
    if unit.actor.has_role(Role.TENDEREE) and unit.actor.org_id == card.tenderee_org_id:
        return "tenderee"
    winner = unit.session.get(RankedBid, (case.id, case.awardee_bid))
    if winner is not None and unit.actor.has_role(Role.BIDDER) and unit.actor.org_id == winner.org_id:
        return "awardee"
    return None


def sign_contract(unit: Unit, lot_id: str, sha256: str) -> bool:
    """Sign the issued contract paper as one of its two parties; True when it is concluded with this signature.

    ``sha256``: digest of the paper that was read. After the thirty days it is signed all the same and marked late.
    Raises LotStayed, PaperNotIssued, ContractDiffers, ConfirmedAlready; NotFound for everybody else.
    """
    case = cases.locked_or_none(unit, lot_id)
    party = party_of(unit, case) if case is not None and case.state in access.DECIDED else None
    if case is None or party is None:
        raise NotFound(what="result")
    if case.state is not CaseState.AWARDED:
        raise ConfirmedAlready
    tendering.require_no_stay(unit, lot_id)
    paper = papers.paper(unit, lot_id, papers.CONTRACT)
    if paper is None:
        raise PaperNotIssued(paper=papers.CONTRACT)
    if paper.sha256 != sha256:
        raise ContractDiffers
    if unit.actor.user_id is None:
        raise NotPermitted(what="person")
    signer = f"{unit.actor.org_name} {unit.actor.display_name}"[:200]
    signed_at = case.tenderee_signed_at if party == "tenderee" else case.awardee_signed_at
    if signed_at is not None:
        raise ConfirmedAlready
    if party == "tenderee":
        case.tenderee_signed_at, case.tenderee_signer = unit.at, signer
    else:
        case.awardee_signed_at, case.awardee_signer = unit.at, signer
    unit.session.flush()
    confirmed = e.ContractConfirmed(lot_id, party, sha256, str(unit.actor.user_id))
    unit.append(cases.private_stream(lot_id), confirmed)
    if case.tenderee_signed_at is None or case.awardee_signed_at is None:
        return False
    winner = unit.session.get_one(RankedBid, (lot_id, case.awardee_bid))
    case.contracted_at = unit.at
    is_late = case.contract_until is not None and unit.at >= case.contract_until
    told = e.ContractSigned(lot_id, winner.org_id, unit.at, (winner.price or Money(0)).text(), is_late)
    unit.transition(case, CaseTrigger.SIGN_CONTRACT, cases.public_stream(lot_id), told)
    return True


def _require_paper(unit: Unit, lot_id: str, kind: str) -> None:
    if papers.paper(unit, lot_id, kind) is None:
        raise PaperNotIssued(paper=kind)
