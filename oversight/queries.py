"""Read models of the alert desk: supervisors only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select

from accounts import facade as accounts
from foundation.clock import parse_iso
from foundation.store.unit import Unit
from foundation.web.paging import BadPage
from oversight import access
from oversight.detectors import BY_ID, COPIED_TEXT, Detector
from oversight.models import Alert, AlertStep, BidReading, CollusionScan
from oversight.severity import Severity
from oversight.states import ALERT_MACHINE, OPEN, AlertState, AlertTrigger
from tendering import facade as tendering

SCANS_SHOWN = 12
READINGS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class AlertRow:
    """``measured``: matched signs of a copied text; payments of a shared account."""

    id: str
    number: int
    lot_id: str
    lot_name: str
    detector: str
    severity: Severity
    state: AlertState
    bidders: tuple[dict[str, str], ...]
    measured: int
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One detector's look at a lot; ``finished_at`` None while it waits or runs."""

    lot_id: str
    lot_name: str
    detector: str
    ordered_at: datetime
    finished_at: datetime | None
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A bid whose file can not be compared, or only in part, and why."""

    lot_id: str
    lot_name: str
    org_name: str
    sha256: str
    pages: int
    signs: int
    fault: str
    fault_limit: str
    image_pages: tuple[int, ...]
    hidden_marks: int
    is_cut: bool

    @property
    def is_doubtful(self) -> bool:
        return bool(self.fault or self.image_pages or self.hidden_marks or self.is_cut)


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Empty texts mean everything; ``state`` is a state or ``open``."""

    lot: str = ""
    state: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """``trigger`` None: the platform raised the alert."""

    at: datetime
    trigger: AlertTrigger | None
    by_name: str
    explanation: str
    reason: str
    authority: str
    document_no: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One alert with everything a supervisor decides on."""

    alert: AlertRow
    tenderee_name: str
    detector: Detector
    evidence: dict[str, Any]
    evidence_schema: int
    rules_version: str
    steps: tuple[Step, ...]
    related: tuple[AlertRow, ...]
    may: tuple[AlertTrigger, ...] = field(default=())


def alerts(unit: Unit, wanted: AlertFilter, after: tuple[str, ...] | None, limit: int) -> list[AlertRow]:
    """Newest first. Raises NotPermitted for everybody but supervisors."""
    access.require_supervisor(unit)
    query = _filtered(select(Alert), wanted)
    if after is not None and len(after) == 2:  # noqa: PLR2004 - the two parts of the key
        try:
            at = parse_iso(after[0])
        except ValueError:
            raise BadPage(after=after[0][:20]) from None
        query = query.where(or_(Alert.raised_at < at, and_(Alert.raised_at == at, Alert.id < after[1])))
    rows = unit.session.scalars(query.order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(limit)).all()
    return _rows(unit, rows)


def _filtered(query: Select[Alert], wanted: AlertFilter) -> Select[Alert]:
    if wanted.lot:
        query = query.where(Alert.lot_id == wanted.lot)
    if wanted.state == "open":
        query = query.where(Alert.state.in_(OPEN))
    elif wanted.state in set(AlertState):
        query = query.where(Alert.state == AlertState(wanted.state))
    if wanted.severity in set(Severity):
        query = query.where(Alert.severity == Severity(wanted.severity))
    return query


def scans(unit: Unit, lot_id: str = "") -> list[ScanRow]:
    """The latest looks of the detectors, of one lot or of all."""
    access.require_supervisor(unit)
    query = select(CollusionScan).order_by(CollusionScan.ordered_at.desc(), CollusionScan.detector).limit(SCANS_SHOWN)
    rows = unit.session.scalars(query.where(CollusionScan.lot_id == lot_id) if lot_id else query).all()
    names = _names(unit, (row.lot_id for row in rows))
    return [
        ScanRow(row.lot_id, names[row.lot_id], row.detector, row.ordered_at, row.finished_at, row.summary)
        for row in rows
    ]


def doubtful_readings(unit: Unit, lot_id: str = "") -> list[ReadingRow]:
    """Bids of which some or all can not be compared, latest first."""
    access.require_supervisor(unit)
    query = select(BidReading).order_by(BidReading.read_at.desc(), BidReading.bid).limit(READINGS_SHOWN)
    rows = unit.session.scalars(query.where(BidReading.lot_id == lot_id) if lot_id else query).all()
    names = _names(unit, (row.lot_id for row in rows))
    made = (
        ReadingRow(
            lot_id=row.lot_id,
            lot_name=names[row.lot_id],
            org_name=accounts.organisation(unit, row.org_id).name,
            sha256=row.sha256,
            pages=row.pages,
            signs=row.signs,
            fault=row.fault,
            fault_limit=row.fault_limit,
            image_pages=tuple(row.image_pages),
            hidden_marks=row.hidden_marks,
            is_cut=row.is_cut,
        )
        for row in rows
    )
    return [one for one in made if one.is_doubtful]


def alert_page(unit: Unit, alert_id: str) -> AlertPage:
    """Raises NotPermitted, NotFound."""
    row = access.alert(unit, alert_id)
    steps = unit.session.scalars(select(AlertStep).where(AlertStep.alert_id == row.id).order_by(AlertStep.at))
    others = unit.session.scalars(
        select(Alert).where(Alert.lot_id == row.lot_id, Alert.id != row.id).order_by(Alert.number)
    )
    own = {one["org_id"] for one in row.bidders}
    raised = Step(row.raised_at, None, "", "", "", "", "")
    done = (Step(s.at, s.trigger, s.by_name, s.explanation, s.reason, s.authority, s.document_no) for s in steps)
    return AlertPage(
        alert=_rows(unit, [row])[0],
        tenderee_name=tendering.lot_card(unit, row.lot_id).tenderee_name,
        detector=BY_ID[row.detector],
        evidence=row.evidence,
        evidence_schema=row.evidence_schema,
        rules_version=row.rules_version,
        steps=(raised, *done),
        related=tuple(_rows(unit, [one for one in others if own & {b["org_id"] for b in one.bidders}])),
        may=tuple(one for one in AlertTrigger if ALERT_MACHINE.allows(row.state, one)),
    )


def _rows(unit: Unit, rows: Iterable[Alert]) -> list[AlertRow]:
    found = list(rows)
    names = _names(unit, (row.lot_id for row in found))
    return [
        AlertRow(
            id=row.id,
            number=row.number,
            lot_id=row.lot_id,
            lot_name=names[row.lot_id],
            detector=row.detector,
            severity=row.severity,
            state=row.state,
            bidders=tuple(row.bidders),
            measured=row.evidence["matched"] if row.detector == COPIED_TEXT.id else len(row.evidence["payments"]),
            raised_at=row.raised_at,
        )
        for row in found
    ]


def _names(unit: Unit, lot_ids: Iterable[str]) -> dict[str, str]:
    return {lot_id: tendering.lot_card(unit, lot_id).name for lot_id in set(lot_ids)}
