"""What one expert sees: its invitations, its own sheet with bids under codes, and the report it signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from evaluation import access
from evaluation.models import BidCode, CommitteeSeat, EvaluationCase, RankedBid, ScoreSheet, SheetMark
from evaluation.rubric import Item
from evaluation.services import bid_files, cases, committee, paper_texts, review, sheets
from evaluation.states import SEATED, CaseState, SeatState, SheetState
from foundation.money import Money
from foundation.sealing.text import h
from foundation.storage import ObjectStore
from foundation.store.unit import Unit
from tendering import facade as tendering


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """``next_act``: answer, score, sign, wait or done."""

    lot_id: str
    lot_name: str
    state: CaseState
    seat_state: SeatState
    answer_until: datetime
    next_act: str


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One cell; ``finding`` is what the check found about it, "" otherwise."""

    code: str
    item: str
    points: Decimal | None
    verdict: str
    clause: str
    reason: str
    finding: str


@dataclass(frozen=True, slots=True)
class SheetView:
    """``codes`` in this expert's own order; ``cells`` by code, then item. ``files``: codes whose file is readable."""

    state: SheetState
    saved_at: datetime | None
    items: tuple[Item, ...]
    codes: tuple[str, ...]
    cells: dict[str, dict[str, SheetCell]]
    files: tuple[str, ...]
    full: Decimal
    left: int
    findings: int
    round: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    """A bid in the result. ``rejection`` in words, "" for a valid one."""

    seat: int
    bid: str
    code: str
    name: str
    price: Money | None
    technical: Decimal | None
    price_points: Decimal | None
    total: Decimal | None
    rank: int | None
    rejection: str
    is_tied: bool
    is_candidate: bool


@dataclass(frozen=True, slots=True)
class ReportView:
    """The report to be signed. ``signed`` of ``members`` have signed; nobody sees who."""

    benchmark: Money | None
    rows: tuple[ResultRow, ...]
    steps: tuple[str, ...]
    signed: int
    members: int
    until: datetime | None
    is_own_signed: bool
    own_dissent: str


@dataclass(frozen=True, slots=True)
class ReviewPage:
    lot_id: str
    lot_name: str
    tenderee_name: str
    agency_name: str
    ceiling: Money
    state: CaseState
    rubric: str
    seat_state: SeatState
    answer_until: datetime
    parties: tuple[tuple[str, str], ...]
    sheet: SheetView | None
    report: ReportView | None


def my_reviews(unit: Unit) -> list[ReviewRow]:
    """The asker's seats, the newest first."""
    query = (
        select(CommitteeSeat, EvaluationCase)
        .join(EvaluationCase, EvaluationCase.id == CommitteeSeat.lot_id)
        .where(CommitteeSeat.user_id == str(unit.actor.user_id), CommitteeSeat.state.in_(SEATED))
        .order_by(CommitteeSeat.invited_at.desc())
    )
    return [
        ReviewRow(
            lot_id=case.id,
            lot_name=tendering.lot_card(unit, case.id).name,
            state=case.state,
            seat_state=seat.state,
            answer_until=seat.answer_until,
            next_act=_next_act(unit, case, seat),
        )
        for seat, case in unit.session.execute(query)
    ]


def _next_act(unit: Unit, case: EvaluationCase, seat: CommitteeSeat) -> str:
    if seat.state is SeatState.INVITED:
        return "answer"
    if case.state is CaseState.REVIEW:
        sheet = unit.session.get(ScoreSheet, seat.id)
        return "score" if sheet is not None and sheet.state is SheetState.DRAFT else "wait"
    if case.state is CaseState.SIGNING and seat.signed_at is None:
        return "sign"
    return "wait" if case.state is CaseState.FORMING else "done"


def review_page(unit: Unit, lot_id: str, objects: ObjectStore) -> ReviewPage:
    """Raises NotFound for everybody without a seat."""
    seat = access.own_seat(unit, lot_id)
    case = cases.case_of(unit, lot_id)
    card = tendering.lot_card(unit, lot_id)
    is_member = seat.state is SeatState.ACCEPTED
    return ReviewPage(
        lot_id=lot_id,
        lot_name=card.name,
        tenderee_name=card.tenderee_name,
        agency_name=card.agency_name,
        ceiling=card.ceiling,
        state=case.state,
        rubric=(case.rubric or {}).get("id", ""),
        seat_state=seat.state,
        answer_until=seat.answer_until,
        parties=tuple((party.relation, party.name) for party in cases.parties_of(unit, lot_id)),
        sheet=_sheet(unit, case, seat, objects) if is_member and case.state is CaseState.REVIEW else None,
        report=_report(unit, case, seat) if is_member and case.locked_at is not None else None,
    )


def _sheet(unit: Unit, case: EvaluationCase, seat: CommitteeSeat, objects: ObjectStore) -> SheetView | None:
    row = unit.session.get(ScoreSheet, seat.id)
    if row is None:
        return None
    rubric = sheets.rubric_of(case)
    # Another order for everybody: who scores first does not anchor on the same bid.
    codes = tuple(sorted(sheets.codes_of(unit, case.id), key=lambda code: h("etender-sheet/v1", seat.id, code)))
    found = {(one["code"], one["item"]): one["kind"] for one in case.findings if one["member"] == seat.id}
    marks = unit.session.scalars(select(SheetMark).where(SheetMark.sheet_id == seat.id))
    given = {(mark.code, mark.item): mark for mark in marks}
    cells = {
        code: {
            item.key: _cell(code, item, given.get((code, item.key)), found.get((code, item.key), ""))
            for item in rubric.items
        }
        for code in codes
    }
    bids = {one.code: one.bid for one in unit.session.scalars(select(BidCode).where(BidCode.lot_id == case.id))}
    return SheetView(
        state=row.state,
        saved_at=row.saved_at,
        items=rubric.items,
        codes=codes,
        cells=cells,
        files=tuple(code for code in codes if objects.exists(bid_files.object_name(case.id, bids[code]))),
        full=rubric.full,
        left=sum(not _is_filled(rubric_item, cells[code]) for code in codes for rubric_item in rubric.items),
        findings=len(found),
        round=case.round,
    )


def _is_filled(item: Item, row: dict[str, SheetCell]) -> bool:
    cell = row[item.key]
    fails = any(one.verdict == "fail" for one in row.values())
    return fails or bool(cell.points is not None if item.is_scored else cell.verdict)


def _cell(code: str, item: Item, mark: SheetMark | None, finding: str) -> SheetCell:
    if mark is None:
        return SheetCell(code, item.key, None, "", "", "", finding)
    return SheetCell(code, item.key, mark.points, mark.verdict, mark.clause, mark.reason, finding)


def _report(unit: Unit, case: EvaluationCase, seat: CommitteeSeat) -> ReportView:
    members = committee.seats_of(unit, case.id, SeatState.ACCEPTED)
    return ReportView(
        benchmark=benchmark_of(case),
        rows=result_rows(unit, case.id),
        steps=tuple(paper_texts.steps_of(case)),
        signed=sum(one.signed_at is not None for one in members),
        members=len(members),
        until=case.signing_until,
        is_own_signed=seat.signed_at is not None,
        own_dissent=seat.dissent,
    )


def benchmark_of(case: EvaluationCase) -> Money | None:
    text = (case.result or {}).get("benchmark", "")
    return Money.yuan(text) if text else None


def result_rows(unit: Unit, lot_id: str) -> tuple[ResultRow, ...]:
    """Every bid of the result; the caller has checked that the asker may see it."""
    return tuple(result_row(row) for row in review.ranked_rows(unit, lot_id))


def result_row(row: RankedBid) -> ResultRow:
    return ResultRow(
        seat=row.seat,
        bid=row.bid,
        code=row.code,
        name=row.name,
        price=row.price,
        technical=row.technical,
        price_points=row.price_points,
        total=row.total,
        rank=row.rank,
        rejection=paper_texts.rejection_text(row),
        is_tied=row.is_tied,
        is_candidate=row.is_candidate,
    )
