"""What later stages may ask of an evaluation, in business words. Frozen answers; rows never leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from evaluation.models import EvaluationCase
from evaluation.services import review
from evaluation.services.award import award, sign_contract
from evaluation.services.bid_files import technical_file
from evaluation.services.committee import contribute, request_committee
from evaluation.services.library import NewExpert, enter_expert
from evaluation.states import CaseState
from foundation.errors import NotFound
from foundation.money import Money
from foundation.store.unit import Unit

__all__ = [
    "CaseState",
    "EvaluationResult",
    "NewExpert",
    "RankedLine",
    "award",
    "candidates",
    "contribute",
    "enter_expert",
    "phase_of",
    "ranking",
    "request_committee",
    "result_of",
    "sign_contract",
    "technical_file",
]

RANKED = frozenset(CaseState) - {CaseState.FORMING, CaseState.REVIEW}


@dataclass(frozen=True, slots=True)
class RankedLine:
    """One bid's outcome. ``rank`` None: rejected, ``clause`` says by which clause."""

    seat: int
    bid: str
    org_id: str
    name: str
    price: Money | None
    technical: Decimal | None
    price_points: Decimal | None
    total: Decimal | None
    rank: int | None
    clause: str
    is_candidate: bool


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """``awardee_org_id`` and ``amount`` from the award on; ``contracted_at`` when both parties signed."""

    state: CaseState
    benchmark: Money | None
    lines: tuple[RankedLine, ...]
    awardee_org_id: str | None
    amount: Money | None
    awarded_at: datetime | None
    contract_until: datetime | None
    contracted_at: datetime | None


def phase_of(unit: Unit, lot_id: str) -> CaseState | None:
    """Where the evaluation of a lot stands; None where it has none."""
    row = unit.session.get(EvaluationCase, lot_id)
    return row.state if row is not None else None


def result_of(unit: Unit, lot_id: str) -> EvaluationResult:
    """What the evaluation brought so far, for the platform itself: whom it may be told, the caller decides.

    Raises NotFound before the technical lock.
    """
    row = unit.session.get(EvaluationCase, lot_id)
    if row is None or row.state not in RANKED:
        raise NotFound(what="evaluation")
    lines = ranking(unit, lot_id)
    winner = next((line for line in lines if line.bid == row.awardee_bid), None)
    text = (row.result or {}).get("benchmark", "")
    return EvaluationResult(
        state=row.state,
        benchmark=Money.yuan(text) if text else None,
        lines=lines,
        awardee_org_id=winner.org_id if winner else None,
        amount=winner.price if winner else None,
        awarded_at=row.awarded_at,
        contract_until=row.contract_until,
        contracted_at=row.contracted_at,
    )


def ranking(unit: Unit, lot_id: str) -> tuple[RankedLine, ...]:
    """Every bid, valid ones by rank, then the rejected ones; empty before the technical lock."""
    return tuple(
        RankedLine(
            row.seat,
            row.bid,
            row.org_id,
            row.name,
            row.price,
            row.technical,
            row.price_points,
            row.total,
            row.rank,
            row.clause,
            row.is_candidate,
        )
        for row in review.ranked_rows(unit, lot_id)
    )


def candidates(unit: Unit, lot_id: str) -> tuple[RankedLine, ...]:
    """The published candidates in order; empty before their publication."""
    return tuple(line for line in ranking(unit, lot_id) if line.is_candidate)
