"""What everybody may know of a result, and what a bidder may know of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import facade as accounts
from evaluation import access
from evaluation.models import EvaluationCase, RankedBid
from evaluation.queries.desk import ObjectionRow, objections
from evaluation.queries.reviews import ResultRow, benchmark_of, result_row, result_rows
from evaluation.services import award, committee, paper_texts, papers
from evaluation.states import CaseState, SeatState
from foundation.errors import NotFound
from foundation.money import Money
from foundation.store.unit import Unit
from tendering import facade as tendering


@dataclass(frozen=True, slots=True)
class ResultListRow:
    lot_id: str
    lot_name: str
    tenderee_name: str
    state: CaseState
    published_at: datetime | None
    publicity_until: datetime | None
    awardee: str
    amount: Money | None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the committee, named from the award on."""

    name: str
    employer: str
    blinded: str


@dataclass(frozen=True, slots=True)
class PublicResult:
    """Candidates, all bids, the calculation; the committee only once the winner is decided."""

    lot_id: str
    lot_name: str
    lot_code: str
    tenderee_name: str
    agency_name: str
    ceiling: Money
    state: CaseState
    rubric: str
    benchmark: Money | None
    rows: tuple[ResultRow, ...]
    steps: tuple[str, ...]
    published_at: datetime | None
    publicity_until: datetime | None
    is_publicity_over: bool
    is_stayed: bool
    objections: int
    awardee: str
    amount: Money | None
    awarded_at: datetime | None
    contract_until: datetime | None
    contracted_at: datetime | None
    members: tuple[Member, ...]
    expert_salt: str
    is_bidder_here: bool


@dataclass(frozen=True, slots=True)
class OwnResult:
    """A bidder's own outcome. ``notice``: award, loser or "" while there is none."""

    lot_id: str
    lot_name: str
    state: CaseState
    row: ResultRow
    own_steps: tuple[str, ...]
    steps: tuple[str, ...]
    benchmark: Money | None
    bids: int
    notice: str
    publicity_until: datetime | None
    may_object: bool
    objections: tuple[ObjectionRow, ...]
    is_awardee: bool


@dataclass(frozen=True, slots=True)
class ContractPage:
    """``party``: what the asker is. ``sha256``: digest of the paper, "" while it is being made."""

    lot_id: str
    lot_name: str
    party: str
    tenderee_name: str
    awardee: str
    amount: Money | None
    sha256: str
    until: datetime | None
    tenderee_signed_at: datetime | None
    tenderee_signer: str
    awardee_signed_at: datetime | None
    awardee_signer: str
    contracted_at: datetime | None
    is_stayed: bool
    is_own_signed: bool


def results(unit: Unit) -> list[ResultListRow]:
    """Published results, the newest first."""
    rows = unit.session.scalars(
        select(EvaluationCase)
        .where(EvaluationCase.state.in_(access.PUBLISHED))
        .order_by(EvaluationCase.published_at.desc())
        .limit(100)
    )
    found = []
    for case in rows:
        card = tendering.lot_card(unit, case.id)
        winner = _winner(unit, case)
        found.append(
            ResultListRow(
                lot_id=case.id,
                lot_name=card.name,
                tenderee_name=card.tenderee_name,
                state=case.state,
                published_at=case.published_at,
                publicity_until=case.publicity_until,
                awardee=winner.name if winner else "",
                amount=winner.price if winner else None,
            )
        )
    return found


def public_result(unit: Unit, lot_id: str) -> PublicResult:
    """Raises NotFound before the candidates are published."""
    case = access.published_case(unit, lot_id)
    card = tendering.lot_card(unit, lot_id)
    winner = _winner(unit, case)
    is_decided = case.state in access.DECIDED
    rows = unit.session.scalars(select(RankedBid).where(RankedBid.lot_id == lot_id)).all()
    return PublicResult(
        lot_id=lot_id,
        lot_name=card.name,
        lot_code=card.lot_code,
        tenderee_name=card.tenderee_name,
        agency_name=card.agency_name,
        ceiling=card.ceiling,
        state=case.state,
        rubric=(case.rubric or {}).get("id", ""),
        benchmark=benchmark_of(case),
        rows=result_rows(unit, lot_id),
        steps=tuple(paper_texts.steps_of(case)),
        published_at=case.published_at,
        publicity_until=case.publicity_until,
        is_publicity_over=case.publicity_until is not None and unit.at >= case.publicity_until,
        is_stayed=tendering.has_stay(unit, lot_id),
        objections=len(objections(unit, lot_id)),
        awardee=winner.name if winner else "",
        amount=winner.price if winner else None,
        awarded_at=case.awarded_at,
        contract_until=case.contract_until,
        contracted_at=case.contracted_at,
        members=_members(unit, case) if is_decided else (),
        expert_salt=case.expert_salt if is_decided else "",
        is_bidder_here=unit.actor.org_id is not None and any(row.org_id == unit.actor.org_id for row in rows),
    )


def own_result(unit: Unit, lot_id: str) -> OwnResult:
    """Raises NotFound for everybody but a bidder of this lot, and before the publication."""
    row = access.own_line(unit, lot_id)
    case = access.published_case(unit, lot_id)
    rows = result_rows(unit, lot_id)
    is_awardee = case.awardee_bid == row.bid
    kind = papers.AWARD if is_awardee else papers.LOSER
    until = case.publicity_until
    mark = f"{row.seat:02d}"
    pairs = list(zip((case.result or {}).get("steps", []), paper_texts.steps_of(case), strict=True))
    return OwnResult(
        lot_id=lot_id,
        lot_name=tendering.lot_card(unit, lot_id).name,
        state=case.state,
        row=result_row(row),
        own_steps=tuple(text for (_, params), text in pairs if params.get("seat") == mark),
        steps=tuple(text for (_, params), text in pairs if "seat" not in params),
        benchmark=benchmark_of(case),
        bids=sum(1 for one in rows if one.rank is not None),
        notice=kind if papers.paper(unit, lot_id, kind, row.org_id) is not None else "",
        publicity_until=until,
        may_object=case.state is CaseState.PUBLICITY and until is not None and unit.at < until,
        objections=objections(unit, lot_id, row.org_id),
        is_awardee=is_awardee,
    )


def contract_page(unit: Unit, lot_id: str) -> ContractPage:
    """Raises NotFound for everybody but the two parties, and before the award."""
    case = access.awarded_case(unit, lot_id)
    party = award.party_of(unit, case)
    if party is None:
        raise NotFound(what="result")
    card, winner = tendering.lot_card(unit, lot_id), _winner(unit, case)
    paper = papers.paper(unit, lot_id, papers.CONTRACT)
    own = case.tenderee_signed_at if party == "tenderee" else case.awardee_signed_at
    return ContractPage(
        lot_id=lot_id,
        lot_name=card.name,
        party=party,
        tenderee_name=card.tenderee_name,
        awardee=winner.name if winner else "",
        amount=winner.price if winner else None,
        sha256=paper.sha256 if paper else "",
        until=case.contract_until,
        tenderee_signed_at=case.tenderee_signed_at,
        tenderee_signer=case.tenderee_signer,
        awardee_signed_at=case.awardee_signed_at,
        awardee_signer=case.awardee_signer,
        contracted_at=case.contracted_at,
        is_stayed=tendering.has_stay(unit, lot_id),
        is_own_signed=own is not None,
    )


def _winner(unit: Unit, case: EvaluationCase) -> RankedBid | None:
    return unit.session.get(RankedBid, (case.id, case.awardee_bid)) if case.awardee_bid else None


def _members(unit: Unit, case: EvaluationCase) -> tuple[Member, ...]:
    from evaluation.models import Expert

    found = []
    for seat in committee.seats_of(unit, case.id, SeatState.ACCEPTED):
        expert = unit.session.get_one(Expert, seat.expert_id)
        found.append(Member(accounts.person(unit, seat.user_id).name, expert.employer, seat.blinded))
    return tuple(sorted(found, key=lambda member: member.blinded))
