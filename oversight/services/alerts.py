"""Raising an alert, and what a supervisor does about it. Every step is a fact in ``alert:<id>`` (R6.00)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from accounts import facade as accounts
from accounts.roles import Role
from foundation import canonical
from foundation.errors import NotFound
from foundation.events import oversight as e
from foundation.store.unit import Unit
from oversight import access
from oversight.detectors import BY_ID, EVIDENCE_SCHEMA, VERSION, Detector
from oversight.errors import ExplanationUnknown
from oversight.models import Alert, AlertStep
from oversight.severity import Severity
from oversight.states import AlertState, AlertTrigger

OTHER = "other"
"""An innocent explanation the catalogue does not name; the reason says which."""


def stream_of(alert_id: str) -> str:
    return f"alert:{alert_id}"


def raise_alert(
    unit: Unit,
    lot_id: str,
    detector: Detector,
    subject: str,
    severity: Severity,
    bidders: Sequence[Mapping[str, str]],
    evidence: dict[str, Any],
) -> bool:
    """Put a lead before the supervisors; False when this one was told before. The bidders are told nothing."""
    known = select(Alert.id).where(Alert.lot_id == lot_id, Alert.detector == detector.id, Alert.subject == subject)
    if unit.session.scalar(known) is not None:
        return False
    row = Alert(
        id=unit.new_id(),
        number=(unit.session.scalar(select(func.max(Alert.number))) or 0) + 1,
        lot_id=lot_id,
        detector=detector.id,
        subject=subject,
        severity=severity,
        state=AlertState.NEW,
        bidders=[dict(one) for one in bidders],
        evidence=evidence,
        evidence_schema=EVIDENCE_SCHEMA,
        rules_version=VERSION,
        raised_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()
    raised = e.AlertRaised(
        alert=row.id,
        number=row.number,
        lot=lot_id,
        detector=detector.id,
        severity=severity,
        bidders=tuple(one["org_id"] for one in bidders),
        evidence_sha256=canonical.digest(evidence),
    )
    unit.append(stream_of(row.id), raised)
    for org in accounts.organisations_in_role(unit, Role.SUPERVISOR):
        for person in accounts.people_of(unit, org.id):
            # To the person: others of the same authority (a gate holder, say) are not to read of alerts.
            if Role.SUPERVISOR in person.roles:
                params = {"number": row.number, "detector": detector.id}
                accounts.add_to_inbox(
                    unit, person.user_id, "inbox.collusion_alert", params, f"/oversight/alerts/{row.id}"
                )
    return True


def take_up(unit: Unit, alert_id: str) -> None:
    """A supervisor looks into it. Raises NotPermitted, NotFound, WrongState."""
    row = access.alert(unit, alert_id)
    unit.transition(row, AlertTrigger.TAKE_UP, stream_of(row.id), e.AlertTakenUp(row.id))
    _note(unit, row, AlertTrigger.TAKE_UP)


def explain(unit: Unit, alert_id: str, explanation: str, reason: str) -> None:
    """An innocent explanation holds: one of the detector's, or ``other``. Raises ExplanationUnknown."""
    row = access.alert(unit, alert_id)
    if explanation not in {*BY_ID[row.detector].innocent, OTHER}:
        raise ExplanationUnknown(given=explanation[:40])
    event = e.AlertExplained(row.id, explanation)
    unit.transition(row, AlertTrigger.EXPLAIN, stream_of(row.id), event, reason=reason)
    _note(unit, row, AlertTrigger.EXPLAIN, explanation=explanation, reason=reason)


def refer(unit: Unit, alert_id: str, authority: str, document_no: str, reason: str) -> None:
    """移送: the matter goes to ``authority`` by the decision of this number. What it is, is decided there."""
    row = access.alert(unit, alert_id)
    event = e.AlertReferred(row.id, authority, document_no)
    unit.transition(row, AlertTrigger.REFER, stream_of(row.id), event, reason=reason)
    _note(unit, row, AlertTrigger.REFER, reason=reason, authority=authority, document_no=document_no)


def _note(unit: Unit, row: Alert, trigger: AlertTrigger, **said: str) -> None:
    if unit.actor.user_id is None:
        raise NotFound(what="person")
    step = AlertStep(
        id=unit.new_id(),
        alert_id=row.id,
        trigger=trigger,
        by_user_id=unit.actor.user_id,
        by_name=unit.actor.display_name,
        at=unit.at,
        **said,
    )
    unit.session.add(step)
    unit.session.flush()
