"""Signing the report: every member, dissent in writing, silence counts as agreement (R4.11)."""

from __future__ import annotations

from accounts import facade as accounts
from evaluation import access, deadlines
from evaluation.errors import SignedAlready, TieOrderWrong
from evaluation.models import CommitteeSeat, EvaluationCase
from evaluation.services import cases, committee, papers, review
from evaluation.states import CaseState, CaseTrigger, SeatState
from foundation.errors import NotPermitted
from foundation.events import evaluation as e
from foundation.store.unit import Unit
from foundation.working_days import from_state_council
from tendering import facade as tendering


def sign(unit: Unit, lot_id: str, dissent: str = "") -> None:
    """Sign as a member of the committee; with ``dissent`` the written reasons go into the report.

    Raises SignedAlready, NotFound for everybody who is no member.
    """
    case, seat = access.seat_in_case(unit, lot_id, CaseState.SIGNING)
    if seat.state is not SeatState.ACCEPTED:
        raise NotPermitted(what="sign")
    if seat.signed_at is not None:
        raise SignedAlready
    _sign(unit, case, seat, dissent, is_silent=False)


def end_signing(unit: Unit, lot_id: str) -> None:
    """The time to sign is over: who said nothing agrees. Idempotent."""
    case = cases.locked(unit, lot_id)
    if case.state is not CaseState.SIGNING or case.signing_until is None or unit.at < case.signing_until:
        return
    for seat in committee.seats_of(unit, lot_id, SeatState.ACCEPTED):
        if seat.signed_at is None:
            _sign(unit, case, seat, "", is_silent=True)


def _sign(unit: Unit, case: EvaluationCase, seat: CommitteeSeat, dissent: str, *, is_silent: bool) -> None:
    seat.signed_at, seat.dissent, seat.is_silent = unit.at, dissent, is_silent
    unit.session.flush()
    told = e.ReportMemberSigned(case.id, seat.blinded, dissent, is_silent)
    unit.append(cases.private_stream(case.id), told)
    members = committee.seats_of(unit, case.id, SeatState.ACCEPTED)
    if any(one.signed_at is None for one in members):
        return
    card = tendering.lot_card(unit, case.id)
    case.reported_at = unit.at
    case.publish_by = deadlines.publish_by(unit.at, deadlines.book(card.rulebook_id), from_state_council()).ends_at
    concluded = e.ReportConcluded(case.id, sum(1 for one in members if one.dissent))
    unit.transition(case, CaseTrigger.CONCLUDE, cases.public_stream(case.id), concluded)
    papers.order(unit, case.id, papers.REPORT)
    for org_id in {card.tenderee_org_id, card.agency_org_id} - {None}:
        params = {"lot": card.name, "until": case.publish_by}
        accounts.add_to_inbox(unit, str(org_id), "inbox.report_concluded", params, f"/lots/{case.id}/evaluation")


def decide_tie(unit: Unit, lot_id: str, bids: list[str], reason: str) -> None:
    """Put bids with equal points and equal price in order, as their tenderee (R4.21). Raises TieOrderWrong."""
    access.require_tenderee(unit, lot_id)
    case = cases.locked(unit, lot_id, CaseState.REPORTED)
    rows = review.ranked_rows(unit, lot_id)
    tied = [row.bid for row in rows if row.is_tied]
    if not tied or sorted(bids) != sorted(tied):
        raise TieOrderWrong
    wanted = {bid: place for place, bid in enumerate(bids)}
    groups: dict[tuple[object, object], list[int]] = {}
    for row in rows:
        if row.is_tied and row.rank is not None:
            groups.setdefault((row.total, row.price), []).append(row.rank)
    for key, ranks in groups.items():
        alike = sorted((row for row in rows if (row.total, row.price) == key), key=lambda row: wanted[row.bid])
        for number, row in zip(sorted(ranks), alike, strict=True):
            row.rank = number
    case.tie_order, case.tie_reason = list(bids), reason
    unit.session.flush()
    unit.append(cases.private_stream(lot_id), e.TieDecided(lot_id, tuple(bids), reason), reason=reason)
