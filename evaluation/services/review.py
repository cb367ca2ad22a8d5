"""Starting the review, settling a round of sheets, and the technical lock with the price score behind it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import delete, select

from accounts import facade as accounts
from bid_opening import facade as bid_opening
from evaluation import access, checks, recusal, rubric, scoring
from evaluation.checks import Cell, Rejection
from evaluation.errors import CommitteeNotReady
from evaluation.models import BidCode, EvaluationCase, RankedBid, ScoreSheet
from evaluation.services import bid_files, cases, committee, library, seats, sheets
from evaluation.states import CaseState, CaseTrigger, SeatState, SheetState
from foundation.events import evaluation as e
from foundation.money import Money
from foundation.sealing.text import h
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.methods import MethodParameters, validate_parameters

SIGNING_TIME: Final = timedelta(hours=24)
"""Who has neither signed nor dissented by then counts as agreeing (R4.11)."""
SIGNING_ENDS: Final = "evaluation.signing_ends"
LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def start_review(unit: Unit, lot_id: str) -> None:
    """Put the opened bids under codes and give every member its sheet.

    Raises CommitteeNotReady with every reason (R4.01, R4.04), MethodNotScored, NotPermitted before the opening closed.
    """
    card = access.require_host(unit, lot_id)
    case = cases.locked(unit, lot_id, CaseState.FORMING)
    opened = bid_opening.result_of(unit, lot_id)
    params = parameters_of(card)
    scoring.coefficients_from(params, {})
    members = committee.seats_of(unit, lot_id, SeatState.ACCEPTED)
    experts = library.candidates(unit, [seat.expert_id for seat in members])
    found = recusal.start_objections(case.committee_size, experts, cases.parties_of(unit, lot_id))
    if found:
        raise CommitteeNotReady(objections=found)
    chosen = rubric.rubric_for(params.decimal("full_points"))
    case.rubric, case.started_at, case.round = chosen.as_document(), unit.at, 1
    case.code_salt = unit.entropy.token(cases.SALT_BYTES).hex()
    codes = coded([bid.bid for bid in opened.bids if bid.total is not None], case.code_salt)
    for code, bid in codes:
        unit.session.add(BidCode(lot_id=lot_id, bid=bid, code=code))
    for seat in members:
        seats.add_sheet(unit, lot_id, seat.id)
        accounts.add_to_inbox(unit, seat.user_id, "inbox.review_started", {"lot": card.name}, f"/reviews/{lot_id}")
    unit.session.flush()
    told = e.ReviewStarted(lot_id, chosen.id, len(members), codes_hash(case.code_salt, codes))
    unit.transition(case, CaseTrigger.START, cases.public_stream(lot_id), told)
    unit.enqueue(bid_files.TASK, lot_id, {"lot": lot_id})
    if not codes:
        lock(unit, case, [], {})


def coded(bids: list[str], salt: str) -> list[tuple[str, str]]:
    """(code, bid) in an order that the salt alone decides: neither arrival nor seat shows through."""
    shuffled = sorted(bids, key=lambda bid: h("etender-code/v1", salt, bid))
    return [(code_name(index), bid) for index, bid in enumerate(shuffled)]


def code_name(index: int) -> str:
    """The letters in order, then AA, AB and so on."""
    head, tail = divmod(index, len(LETTERS))
    return (code_name(head - 1) if head else "") + LETTERS[tail]


def codes_hash(salt: str, codes: list[tuple[str, str]]) -> str:
    """The commitment to the codes, told at the start and opened with the candidates."""
    return h("etender-codes/v1", salt, *(f"{code} {bid}" for code, bid in sorted(codes)))


def parameters_of(card: tendering.LotCard) -> MethodParameters:
    return validate_parameters(card.method_id, card.method_params)


def settle_round(unit: Unit, case: EvaluationCase) -> None:
    """When every member's sheet is in: return what does not pass the check, or lock the technical part."""
    members = committee.seats_of(unit, case.id, SeatState.ACCEPTED)
    rows = list(unit.session.scalars(select(ScoreSheet).where(ScoreSheet.lot_id == case.id)))
    if len(members) < case.committee_size or any(row.state is not SheetState.SUBMITTED for row in rows):
        return
    cells = sheets.cells_of(unit, case.id)
    rejected = checks.rejections(cells, len(members))
    found = checks.findings(cells, sheets.rubric_of(case), rejected)
    case.findings = [asdict(one) for one in found]
    if found:
        case.round += 1
        unit.session.flush()
        sheets.return_sheets(unit, case, [one.member for one in found])
        return
    lock(unit, case, cells, rejected)


def lock(unit: Unit, case: EvaluationCase, cells: list[Cell], rejected: dict[str, Rejection]) -> None:
    """Technical marks are final: open the codes, score the prices, rank; the report waits for its signatures."""
    case.locked_at = unit.at
    case.signing_until = unit.at + SIGNING_TIME
    technical = technical_points(cells, sheets.rubric_of(case), rejected)
    rank(unit, case, technical, rejected)
    codes = list(unit.session.scalars(select(BidCode).where(BidCode.lot_id == case.id).order_by(BidCode.code)))
    lines = ranked_rows(unit, case.id)
    seat_of = {line.bid: line.seat for line in lines}
    told = e.TechnicalLocked(
        case.id,
        case.code_salt,
        tuple(e.CodeOpened(row.code, seat_of[row.bid], row.bid) for row in codes),
        str((case.result or {}).get("benchmark", "")),
        tuple(told_line(line) for line in lines),
    )
    unit.transition(case, CaseTrigger.LOCK, cases.private_stream(case.id), told)
    unit.enqueue(SIGNING_ENDS, case.id, {"lot": case.id}, due=case.signing_until)
    for seat in committee.seats_of(unit, case.id, SeatState.ACCEPTED):
        accounts.add_to_inbox(unit, seat.user_id, "inbox.report_to_sign", {}, f"/reviews/{case.id}")


def technical_points(cells: list[Cell], chosen: rubric.Rubric, rejected: dict[str, Rejection]) -> dict[str, Decimal]:
    """Code → sum of the items' means, each with two places."""
    found: dict[str, Decimal] = {}
    for code in {cell.code for cell in cells} - set(rejected):
        total = Decimal(0)
        for item in chosen.scored:
            points = [c.points for c in cells if c.code == code and c.item == item.key and c.points is not None]
            total += checks.mean_points(points) if points else Decimal(0)
        found[code] = total
    return found


def rank(unit: Unit, case: EvaluationCase, technical: dict[str, Decimal], rejected: dict[str, Rejection]) -> None:
    """Compute the result and write its rows; computed again after the tenderee decided a tie."""
    card = tendering.lot_card(unit, case.id)
    opened = bid_opening.result_of(unit, case.id)
    codes = {row.bid: row.code for row in unit.session.scalars(select(BidCode).where(BidCode.lot_id == case.id))}
    entries = []
    for bid in opened.bids:
        code = codes.get(bid.bid, "")
        out = rejected.get(code)
        entries.append(
            scoring.Entry(
                seat=bid.seat,
                bid=bid.bid,
                price=bid.total.decimal() if bid.total is not None else None,
                technical=technical.get(code, Decimal(0)),
                clause=out.clause if out else "",
                reason=out.reason if out else "",
            )
        )
    drawn = {one.name: one.value for one in opened.draws}
    result = scoring.compute(parameters_of(card), card.ceiling.decimal(), drawn, entries, case.tie_order)
    case.result = as_document(result)
    unit.session.execute(delete(RankedBid).where(RankedBid.lot_id == case.id))
    by_bid = {bid.bid: bid for bid in opened.bids}
    for line in result.lines:
        unit.session.add(_row(case.id, codes.get(line.bid, ""), line, by_bid[line.bid]))
    unit.session.flush()


def as_document(result: scoring.Result) -> dict[str, Any]:
    return {
        "method": result.method,
        "coefficients": dict(result.coefficients),
        "benchmark": "" if result.benchmark is None else str(result.benchmark),
        "steps": [[code, params] for code, params in result.steps],
    }


def _row(lot_id: str, code: str, line: scoring.Line, bid: bid_opening.OpenedBid) -> RankedBid:
    return RankedBid(
        lot_id=lot_id,
        bid=line.bid,
        code=code,
        seat=line.seat,
        org_id=bid.org_id,
        name=bid.name,
        price=bid.total,
        duration_days=bid.duration_days,
        quality=bid.quality,
        project_manager=bid.project_manager,
        is_valid=line.is_valid,
        clause=line.clause,
        reason=line.reason,
        deviation=line.deviation,
        technical=line.technical,
        price_points=line.price_points,
        total=line.total,
        rank=line.rank,
        is_tied=line.is_tied,
        is_candidate=False,
    )


def ranked_rows(unit: Unit, lot_id: str) -> list[RankedBid]:
    """Valid bids by rank, then those that are out, by seat."""
    rows = unit.session.scalars(select(RankedBid).where(RankedBid.lot_id == lot_id)).all()
    return sorted(rows, key=lambda row: (row.rank is None, row.rank or 0, row.seat))


def told_line(row: RankedBid) -> e.RankedLine:
    return e.RankedLine(
        seat=row.seat,
        bid=row.bid,
        name=row.name,
        price=_yuan(row.price),
        technical=_text(row.technical),
        price_points=_text(row.price_points),
        total=_text(row.total),
        rank=row.rank or 0,
        clause=row.clause,
    )


def _text(value: Decimal | None) -> str:
    return "" if value is None else str(value)


def _yuan(price: Money | None) -> str:
    return "" if price is None else str(price.decimal())
