"""Score sheets: each expert alone, on bids under codes; handed in, checked, given back or locked (R4.56-R4.58)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete, select

from accounts import facade as accounts
from evaluation import access, checks, rubric
from evaluation.checks import Cell
from evaluation.errors import MarksRefused, SheetClosed
from evaluation.models import BidCode, CommitteeSeat, EvaluationCase, ScoreSheet, SheetMark
from evaluation.rubric import Rubric
from evaluation.services import cases
from evaluation.states import CaseState, SeatState, SheetState, SheetTrigger
from foundation.errors import NotFound, NotPermitted
from foundation.events import evaluation as e
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Given:
    """One cell as the expert entered it."""

    code: str
    item: str
    points: Decimal | None = None
    verdict: str = ""
    clause: str = ""
    reason: str = ""


def save(unit: Unit, lot_id: str, given: Sequence[Given]) -> None:
    """Keep what is entered so far; a cell that is left out is empty again. Raises MarksRefused, SheetClosed."""
    case, _, sheet = _open_sheet(unit, lot_id)
    _write(unit, case, sheet, given, is_final=False)


def submit(unit: Unit, lot_id: str, given: Sequence[Given]) -> None:
    """Hand the sheet in. With the last one the check before signing runs, and with no finding the part is locked.

    Raises MarksRefused with everything that is missing or wrong, SheetClosed.
    """
    from evaluation.services.review import settle_round

    case, seat, sheet = _open_sheet(unit, lot_id)
    _write(unit, case, sheet, given, is_final=True)
    sheet.submitted_at = unit.at
    marks = tuple(
        e.Mark(one.code, one.item, "" if one.points is None else str(one.points), one.verdict, one.clause, one.reason)
        for one in given
    )
    told = e.SheetSubmitted(lot_id, seat.blinded, case.round, marks)
    unit.transition(sheet, SheetTrigger.SUBMIT, cases.private_stream(lot_id), told)
    settle_round(unit, case)


def void_sheet(unit: Unit, seat: CommitteeSeat) -> None:
    """Take a sheet away with its member: its opinions are void (R4.08)."""
    unit.session.execute(delete(SheetMark).where(SheetMark.sheet_id == seat.id))
    unit.session.execute(delete(ScoreSheet).where(ScoreSheet.id == seat.id))


def return_sheets(unit: Unit, case: EvaluationCase, members: Iterable[str]) -> None:
    """Open the sheets of these seats again and tell their experts; the caller has told the journal what was found."""
    for seat_id in sorted(set(members)):
        sheet = unit.session.get_one(ScoreSheet, seat_id)
        seat = unit.session.get_one(CommitteeSeat, seat_id)
        told = e.SheetsReturned(
            case.id,
            case.round,
            tuple(
                e.Finding(one["kind"], seat.blinded, one["code"], one["item"])
                for one in case.findings
                if one["member"] == seat_id
            ),
        )
        unit.transition(sheet, SheetTrigger.RETURN, cases.private_stream(case.id), told)
        accounts.add_to_inbox(unit, seat.user_id, "inbox.sheet_returned", {}, f"/reviews/{case.id}")


def cells_of(unit: Unit, lot_id: str) -> list[Cell]:
    """Every cell of every sheet, the member being the seat's id. For the platform's own calculation only."""
    rows = unit.session.scalars(
        select(SheetMark)
        .join(ScoreSheet, ScoreSheet.id == SheetMark.sheet_id)
        .where(ScoreSheet.lot_id == lot_id)
        .order_by(SheetMark.sheet_id, SheetMark.code, SheetMark.item)
    )
    return [cell(row) for row in rows]


def cell(row: SheetMark) -> Cell:
    return Cell(row.sheet_id, row.code, row.item, row.points, row.verdict, row.clause, row.reason)


def rubric_of(case: EvaluationCase) -> Rubric:
    """The rubric fixed when the review started. Raises NotFound before it."""
    if case.rubric is None:
        raise NotFound(what="review")
    return rubric.rubric_of(case.rubric)


def codes_of(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """The codes in alphabetical order, without what they hide."""
    return tuple(sorted(unit.session.scalars(select(BidCode.code).where(BidCode.lot_id == lot_id)), key=_by_length))


def _by_length(code: str) -> tuple[int, str]:
    return len(code), code


def _open_sheet(unit: Unit, lot_id: str) -> tuple[EvaluationCase, CommitteeSeat, ScoreSheet]:
    case, seat = access.seat_in_case(unit, lot_id, CaseState.REVIEW)
    if seat.state is not SeatState.ACCEPTED:
        raise NotPermitted(what="score")
    sheet = unit.session.get(ScoreSheet, seat.id)
    if sheet is None:
        raise NotFound(what="sheet")
    if sheet.state is not SheetState.DRAFT:
        raise SheetClosed
    return case, seat, sheet


def _write(unit: Unit, case: EvaluationCase, sheet: ScoreSheet, given: Sequence[Given], *, is_final: bool) -> None:
    cells = [
        Cell(sheet.id, one.code, one.item, one.points, one.verdict, one.clause.strip(), one.reason.strip())
        for one in given
    ]
    found = checks.faults(cells, rubric_of(case), codes_of(unit, case.id), is_final=is_final)
    if found:
        raise MarksRefused(objections=found)
    unit.session.execute(delete(SheetMark).where(SheetMark.sheet_id == sheet.id))
    for one in {(one.code, one.item): one for one in cells}.values():
        if one.points is None and not one.verdict and not one.reason:
            continue
        unit.session.add(
            SheetMark(
                sheet_id=sheet.id,
                code=one.code,
                item=one.item,
                points=one.points,
                verdict=one.verdict,
                clause=one.clause,
                reason=one.reason,
            )
        )
    sheet.saved_at = unit.at
    unit.session.flush()
