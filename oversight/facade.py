"""What others may ask of oversight, in business words. Frozen answers; whom they may be told, the caller decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from foundation.store.unit import Unit
from oversight.models import Alert
from oversight.severity import Severity
from oversight.states import AlertState

__all__ = ["AlertCard", "AlertState", "Severity", "alerts_of"]


@dataclass(frozen=True, slots=True)
class AlertCard:
    """A lead about some bidders of a lot; evidence, never a verdict (R6.00)."""

    id: str
    number: int
    detector: str
    severity: Severity
    state: AlertState
    org_ids: tuple[str, ...]
    raised_at: datetime


def alerts_of(unit: Unit, lot_id: str) -> tuple[AlertCard, ...]:
    """The alerts of a lot in the order they were raised."""
    rows = unit.session.scalars(select(Alert).where(Alert.lot_id == lot_id).order_by(Alert.number))
    return tuple(
        AlertCard(
            row.id,
            row.number,
            row.detector,
            row.severity,
            row.state,
            tuple(one["org_id"] for one in row.bidders),
            row.raised_at,
        )
        for row in rows
    )
