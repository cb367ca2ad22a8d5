"""The simulated timetable as a page: every date with clause and text, and why a planned one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.errors import Objection, Refusal
from foundation.store.unit import Unit
from foundation.web.fields import read_instant
from foundation.working_days import civil_date, from_state_council
from tendering.rulebook import Rule, RulebookKind, rulebook_in_force
from tendering.rules import LotDraft
from tendering.timetable import Floor, Moment, Timetable, TimetableFacts, objections, simulate

_RULE_OF_MOMENT: Final = {
    "documents_until": "tender.doc_available_days",
    "documents_planned_until": "tender.doc_available_days",
    "changed": "tender.clarify_before_days",
    "change_until": "tender.clarify_before_days",
    "objection_until": "tender.objection_before_days",
    "objection_answer_until": "answer.objection_days",
    "checkin_from": "opening.checkin_lead_minutes",
    "emergency_checkin_from": "opening.emergency_checkin_minutes",
    "publicity_start_until": "publicity.start_days",
    "publicity_until": "publicity.candidate_days",
    "result_objection_answer_until": "answer.objection_days",
    "regulator_report_until": "award.report_days",
    "contract_until": "contract.sign_days",
    "deposit_refund_until": "deposit.refund_days",
    "bid_validity_until": "tender.bid_validity_days",
}
"""Row of the timetable → rule whose wording stands beside it."""


@dataclass(frozen=True, slots=True)
class MomentRow:
    """A date with the wording of its rule in both languages ("" where the row itself says it all)."""

    moment: Moment
    clause_zh: str
    clause_en: str
    is_past: bool


@dataclass(frozen=True, slots=True)
class TimetablePlan:
    """``is_earliest``: no deadline was given, so the earliest allowed one is shown."""

    kind: RulebookKind
    rulebook_id: str
    published_at: datetime
    bid_deadline: datetime
    changed_at: datetime | None
    earliest_deadline: datetime
    is_earliest: bool
    is_provisional: bool
    rows: tuple[MomentRow, ...]
    floors: tuple[Floor, ...]
    objections: tuple[Objection, ...]
    faults: tuple[Objection, ...]
    """What was typed and could not be read."""


def from_query(unit: Unit, args: Mapping[str, str]) -> TimetablePlan:
    """A plan from the address: ``published_at``, ``bid_deadline``, ``changed_at``, ``kind``; all optional."""
    return of_lot(unit, LotDraft(name=""), args)


def of_lot(unit: Unit, draft: LotDraft, args: Mapping[str, str]) -> TimetablePlan:
    """The plan of a draft, with whatever the address replaces in it."""
    faults: list[Objection] = []
    published_at = _given(args, "published_at", faults) or max(draft.publish_at or unit.at, unit.at)
    asks_earliest = "bid_deadline" in args and not args["bid_deadline"].strip()
    deadline = None if asks_earliest else _given(args, "bid_deadline", faults) or draft.bid_deadline
    changed_at = _given(args, "changed_at", faults)
    kind = RulebookKind(args["kind"]) if args.get("kind") in list(RulebookKind) else draft.rulebook_kind
    try:
        plan = _simulate(published_at, deadline, changed_at, kind, draft.bid_validity_days)
    except Refusal as refused:
        faults.append(Objection(refused.code, "published_at", refused.fields))
        published_at, changed_at, deadline = unit.at, None, None
        plan = _simulate(published_at, deadline, changed_at, kind, draft.bid_validity_days)
    return TimetablePlan(
        kind=kind,
        rulebook_id=plan.rulebook.id,
        published_at=published_at,
        bid_deadline=plan.bid_deadline,
        changed_at=changed_at,
        earliest_deadline=plan.earliest_deadline,
        is_earliest=deadline is None,
        is_provisional=plan.is_provisional,
        rows=tuple(_row(moment, plan, unit.at) for moment in plan.moments),
        floors=plan.floors,
        objections=tuple(objections(plan)),
        faults=tuple(faults),
    )


def _simulate(
    published_at: datetime, deadline: datetime | None, changed_at: datetime | None, kind: RulebookKind, validity: int
) -> Timetable:
    facts = TimetableFacts(published_at, deadline, changed_at=changed_at, bid_validity_days=validity)
    return simulate(facts, rulebook_in_force(civil_date(published_at), kind), from_state_council())


def _given(args: Mapping[str, str], name: str, faults: list[Objection]) -> datetime | None:
    text = args.get(name, "").strip()
    if not text:
        return None
    try:
        return read_instant(text)
    except Refusal as refused:
        faults.append(Objection(refused.code, name, refused.fields))
        return None


def _row(moment: Moment, plan: Timetable, at: datetime) -> MomentRow:
    rule: Rule | None
    if moment.key == "deadline_earliest":
        rule = max(plan.floors, key=lambda floor: floor.at).rule
    else:
        key = _RULE_OF_MOMENT.get(moment.key, "")
        rule = plan.rulebook.rule(key) if plan.rulebook.has(key) else None
    return MomentRow(moment, rule.clause_zh if rule else "", rule.clause_en if rule else "", moment.at <= at)
