"""The timetable of a lot: every statutory date with its clause, and why a planned one is refused.

Two ways of counting meet here. A *period* ("at least 20 日 from the day documents are issued") counts civil days, the
start day excluded (R0.03). "N 日 *before* the deadline" counts back from an instant, N times 24 hours (R0.05). Both
readings are the stricter one for the party they bind, and both give the dates of the published worked example.
Pure: facts, a rulebook and a calendar in; nothing is read from a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from foundation.errors import InvalidInput, Objection
from foundation.money import Money
from foundation.working_days import Period, WorkCalendar, civil_date, civil_instant, in_beijing, start_of_day
from tendering.methods import METHODS, MethodParameters, ParametersRefused, validate_parameters
from tendering.rulebook import LotSubject, Rule, Rulebook, RulebookKind, deposit_cap, must_be_tendered

FIRST_YEAR, LAST_YEAR = 2000, 2199
"""Civil years a timetable may touch; outside them a date is a slip of the keyboard."""

MAX_EVALUATION_DAYS = 60
MAX_VALIDITY_DAYS = 3650


class DateOutOfRange(InvalidInput):
    """A date outside 2000 to 2199, or a length of time beyond all use (fields: ``field``)."""

    code = "tendering.date_out_of_range"


class MomentKind(StrEnum):
    """How a date is meant."""

    FIXED = "fixed"
    """Stands as entered, or follows from it exactly."""
    EARLIEST = "earliest"
    LATEST = "latest"
    PROJECTED = "projected"
    """Assumes that everything before it happens as early as shown."""


@dataclass(frozen=True, slots=True)
class TimetableFacts:
    """What is planned. Instants are aware.

    ``bid_deadline`` None asks for the earliest allowed one. ``changed_at``: the latest clarification or amendment
    that may affect bids. ``evaluation_days``: assumed calendar days from opening to report, for the projection only.
    """

    published_at: datetime
    bid_deadline: datetime | None = None
    documents_until: datetime | None = None
    changed_at: datetime | None = None
    evaluation_days: int = 1
    bid_validity_days: int | None = None

    def __post_init__(self) -> None:
        for name in ("published_at", "bid_deadline", "documents_until", "changed_at"):
            at: datetime | None = getattr(self, name)
            if at is not None and not FIRST_YEAR < _civil_year(at) < LAST_YEAR:
                raise DateOutOfRange(field=name)
        if not 0 <= self.evaluation_days <= MAX_EVALUATION_DAYS:
            raise DateOutOfRange(field="evaluation_days")
        if self.bid_validity_days is not None and not 0 < self.bid_validity_days <= MAX_VALIDITY_DAYS:
            raise DateOutOfRange(field="bid_validity_days")


def _civil_year(at: datetime) -> int:
    """Civil year of an aware instant; the UTC year at the very ends of the calendar, where Beijing has none."""
    try:
        return in_beijing(at).year
    except OverflowError:
        return at.year


@dataclass(frozen=True, slots=True)
class Moment:
    """One row of the timetable.

    ``key`` names the row (term ``timetable_moment.<key>`` in the catalogue). ``on`` is the civil date to show; for a
    period ``at`` is its end, 24:00 of ``on`` (``is_end_of_day``), which is already outside.
    """

    key: str
    kind: MomentKind
    at: datetime
    on: date
    rule_id: str
    source: str
    is_provisional: bool
    is_end_of_day: bool = False


@dataclass(frozen=True, slots=True)
class Floor:
    """One reason why the deadline cannot be earlier: ``at`` is the first instant this rule alone would allow."""

    key: str
    at: datetime
    rule: Rule
    days: int


@dataclass(frozen=True)
class Timetable:
    """The simulated dates in order; ``bid_deadline`` is the planned one, or the earliest allowed when none is given."""

    facts: TimetableFacts
    rulebook: Rulebook
    calendar: WorkCalendar
    floors: tuple[Floor, ...]
    earliest_deadline: datetime
    bid_deadline: datetime
    moments: tuple[Moment, ...]

    def moment(self, key: str) -> Moment:
        """The row ``key``; an unknown key is a bug (KeyError)."""
        for found in self.moments:
            if found.key == key:
                return found
        raise KeyError(key)

    @property
    def is_provisional(self) -> bool:
        """Whether any date rests on a year whose working days are not published yet."""
        return any(moment.is_provisional for moment in self.moments)


def deadline_floors(facts: TimetableFacts, rulebook: Rulebook, calendar: WorkCalendar) -> tuple[Floor, ...]:
    """Every rule that holds the deadline back, each with the first instant it allows."""
    published_on = civil_date(facts.published_at)
    prepared_at = start_of_day(published_on + timedelta(days=rulebook.number("tender.min_prep_days")))
    available_until = _documents_period(facts, rulebook, calendar).ends_at
    floors = [
        _floor("min_prep", prepared_at, rulebook, "tender.min_prep_days"),
        _floor("documents_available", available_until, rulebook, "tender.doc_available_days"),
    ]
    if rulebook.has("tender.notice_workdays"):
        noticed = calendar.period_of_working_days(published_on, rulebook.number("tender.notice_workdays"))
        floors.append(_floor("notice", noticed.ends_at, rulebook, "tender.notice_workdays"))
    if facts.changed_at is not None:
        at = facts.changed_at + timedelta(days=rulebook.number("tender.clarify_before_days"))
        floors.append(_floor("change", at, rulebook, "tender.clarify_before_days"))
    return tuple(floors)


def _floor(key: str, at: datetime, rulebook: Rulebook, rule_key: str) -> Floor:
    return Floor(key, at.astimezone(UTC), rulebook.rule(rule_key), rulebook.number(rule_key))


def earliest_deadline(facts: TimetableFacts, rulebook: Rulebook, calendar: WorkCalendar) -> datetime:
    """The first admissible slot (working day, office hours, quarter hour) at or after every floor, UTC."""
    return next_slot(max(floor.at for floor in deadline_floors(facts, rulebook, calendar)), rulebook, calendar)


def next_slot(at: datetime, rulebook: Rulebook, calendar: WorkCalendar) -> datetime:
    """The first deadline slot at or after ``at``, UTC."""
    local = in_beijing(at)
    first = rulebook.number("tender.deadline_from_minute")
    step = rulebook.number("tender.deadline_slot_minutes")
    last = first + (rulebook.number("tender.deadline_until_minute") - first) // step * step
    minute = local.hour * 60 + local.minute + (1 if local.second or local.microsecond else 0)
    minute = max(first, first - (first - minute) // step * step)
    on = local.date()
    if minute > last or not calendar.is_working_day(on):
        on, minute = calendar.roll_forward(on + timedelta(days=1)), first
    return civil_instant(on, time(minute // 60, minute % 60))


def simulate(facts: TimetableFacts, rulebook: Rulebook, calendar: WorkCalendar) -> Timetable:
    """Work out every date of the lot; never refuses a plan (see :func:`objections`)."""
    floors = deadline_floors(facts, rulebook, calendar)
    governing = max(floors, key=lambda floor: floor.at)
    earliest = next_slot(governing.at, rulebook, calendar)
    deadline = earliest if facts.bid_deadline is None else facts.bid_deadline.astimezone(UTC)
    rows = _Rows(rulebook, calendar, facts.published_at)
    _rows_before_deadline(rows, facts, deadline)
    rows.instant("deadline_earliest", MomentKind.EARLIEST, earliest, governing.rule.id, governing.rule.source)
    _rows_at_deadline(rows, deadline)
    _rows_after_opening(rows, facts, deadline)
    return Timetable(facts, rulebook, calendar, floors, earliest, deadline, tuple(rows.moments))


def objections(timetable: Timetable) -> list[Objection]:
    """Why the plan is refused, each with clause, refused instant and nearest allowed one; empty when it holds."""
    facts, rulebook, calendar = timetable.facts, timetable.rulebook, timetable.calendar
    found: list[Objection] = []
    given = timetable.bid_deadline
    if not facts.published_at < given:
        found.append(_refused("tendering.deadline_before_publication", "R1.31", given, timetable.earliest_deadline))
    found += [
        _refused(f"tendering.deadline_too_early_{floor.key}", floor.rule.id, given, timetable.earliest_deadline, floor)
        for floor in timetable.floors
        if given < floor.at
    ]
    nearest = next_slot(max(given, timetable.earliest_deadline), rulebook, calendar)
    if not calendar.is_working_day(civil_date(given)):
        found.append(_refused("tendering.deadline_on_rest_day", "R0.03", given, nearest))
    elif next_slot(given, rulebook, calendar) != given:
        slot_rule = rulebook.rule("tender.deadline_slot_minutes")
        found.append(_refused("tendering.deadline_off_slot", slot_rule.id, given, nearest))
    available = _documents_period(facts, rulebook, calendar)
    if facts.documents_until is not None and facts.documents_until < available.ends_at:
        clause = rulebook.rule("tender.doc_available_days").id
        objection = _refused(
            "tendering.documents_too_short", clause, facts.documents_until, available.ends_at, field="documents_until"
        )
        found.append(objection)
    if facts.changed_at is not None and facts.changed_at < facts.published_at:
        found.append(
            _refused(
                "tendering.change_before_publication", "R1.33", facts.changed_at, facts.published_at, field="changed_at"
            )
        )
    return found


def _refused(
    code: str,
    clause: str,
    given: datetime,
    nearest: datetime,
    floor: Floor | None = None,
    *,
    field: str = "bid_deadline",
) -> Objection:
    params: dict[str, object] = {"given": given, "nearest": nearest}
    if floor is not None:
        params["days"] = floor.days
    return Objection(code, field, params, clause)


def _documents_period(facts: TimetableFacts, rulebook: Rulebook, calendar: WorkCalendar) -> Period:
    return calendar.period_of_days(civil_date(facts.published_at), rulebook.number("tender.doc_available_days"))


class _Rows:
    """Collects moments; a date is provisional when a year between publication and it has no published calendar."""

    def __init__(self, rulebook: Rulebook, calendar: WorkCalendar, start: datetime) -> None:
        self.rulebook = rulebook
        self.calendar = calendar
        self.start_year = civil_date(start).year
        self.moments: list[Moment] = []

    def _is_provisional(self, on: date) -> bool:
        return any(self.calendar.is_provisional(date(year, 1, 1)) for year in range(self.start_year, on.year + 1))

    def instant(self, key: str, kind: MomentKind, at: datetime, rule_id: str, source: str) -> None:
        on = civil_date(at)
        self.moments.append(Moment(key, kind, at.astimezone(UTC), on, rule_id, source, self._is_provisional(on)))

    def ruled(self, key: str, kind: MomentKind, at: datetime, rule_key: str) -> None:
        rule = self.rulebook.rule(rule_key)
        self.instant(key, kind, at, rule.id, rule.source)

    def period(self, key: str, kind: MomentKind, start_on: date, rule_key: str) -> date:
        """The period of ``rule_key`` days from ``start_on``; gives its last day."""
        rule = self.rulebook.rule(rule_key)
        period = self.calendar.period_of_days(start_on, self.rulebook.number(rule_key))
        self.whole_day(key, kind, period.last_on, rule.id, rule.source)
        return period.last_on

    def whole_day(self, key: str, kind: MomentKind, on: date, rule_id: str, source: str) -> None:
        at = start_of_day(on + timedelta(days=1))
        row = Moment(key, kind, at, on, rule_id, source, self._is_provisional(on), is_end_of_day=True)
        self.moments.append(row)


def _rows_before_deadline(rows: _Rows, facts: TimetableFacts, deadline: datetime) -> None:
    book = rows.rulebook
    rows.instant("published", MomentKind.FIXED, facts.published_at, "R1.03", "EB20 20")
    rows.period("documents_until", MomentKind.EARLIEST, civil_date(facts.published_at), "tender.doc_available_days")
    if facts.documents_until is not None:
        rows.ruled("documents_planned_until", MomentKind.FIXED, facts.documents_until, "tender.doc_available_days")
    if facts.changed_at is not None:
        rows.ruled("changed", MomentKind.FIXED, facts.changed_at, "tender.clarify_before_days")
    change_until = deadline - timedelta(days=book.number("tender.clarify_before_days"))
    rows.ruled("change_until", MomentKind.LATEST, change_until, "tender.clarify_before_days")
    objection_until = deadline - timedelta(days=book.number("tender.objection_before_days"))
    rows.ruled("objection_until", MomentKind.LATEST, objection_until, "tender.objection_before_days")
    rows.period("objection_answer_until", MomentKind.LATEST, civil_date(objection_until), "answer.objection_days")


def _rows_at_deadline(rows: _Rows, deadline: datetime) -> None:
    for key in ("checkin", "emergency_checkin"):
        rule_key = "opening.checkin_lead_minutes" if key == "checkin" else "opening.emergency_checkin_minutes"
        opens_at = deadline - timedelta(minutes=rows.rulebook.number(rule_key))
        rows.ruled(f"{key}_from", MomentKind.FIXED, opens_at, rule_key)
    rows.instant("bid_deadline", MomentKind.FIXED, deadline, "R1.10", "EB20 27")
    rows.instant("opening", MomentKind.FIXED, deadline, "R1.13", "ZTB 34")


def _rows_after_opening(rows: _Rows, facts: TimetableFacts, deadline: datetime) -> None:
    calendar = rows.calendar
    opened_on = civil_date(deadline)
    report_on = calendar.roll_forward(opened_on + timedelta(days=facts.evaluation_days))
    rows.whole_day("evaluation_report", MomentKind.PROJECTED, report_on, "R1.40", "REG 54")
    rows.period("publicity_start_until", MomentKind.LATEST, report_on, "publicity.start_days")
    publicity_end = rows.period("publicity_until", MomentKind.PROJECTED, report_on, "publicity.candidate_days")
    rows.period("result_objection_answer_until", MomentKind.LATEST, publicity_end, "answer.objection_days")
    award_on = calendar.roll_forward(publicity_end + timedelta(days=1))
    rows.whole_day("award_notice", MomentKind.PROJECTED, award_on, "R5.01", "ZTB 45")
    rows.period("regulator_report_until", MomentKind.LATEST, award_on, "award.report_days")
    contract_on = rows.period("contract_until", MomentKind.LATEST, award_on, "contract.sign_days")
    rows.period("deposit_refund_until", MomentKind.LATEST, contract_on, "deposit.refund_days")
    days = facts.bid_validity_days or rows.rulebook.number("tender.bid_validity_days")
    rule = rows.rulebook.rule("tender.bid_validity_days")
    rows.whole_day("bid_validity_until", MomentKind.FIXED, opened_on + timedelta(days=days), rule.id, rule.source)


@dataclass(frozen=True, slots=True)
class LotTerms:
    """The terms a tender document fixes for one lot, before publication."""

    subject: LotSubject
    contract_estimate: Money
    bid_deposit: Money
    method_id: str
    method_parameters: MethodParameters | Mapping[str, object]
    ceiling_price: Money | None = None
    minimum_price: Money | None = None
    is_state_funded: bool = True
    bid_validity_days: int = 90
    decrypt_minutes: int = 30
    confirm_minutes: int = 10
    checkin_lead_minutes: int = 1440
    emergency_checkin_minutes: int = 30
    min_decrypted_to_continue: int = 3


_BOUNDED = {
    "bid_validity_days": "tender.bid_validity_days",
    "decrypt_minutes": "opening.decrypt_minutes",
    "confirm_minutes": "opening.confirm_minutes",
    "checkin_lead_minutes": "opening.checkin_lead_minutes",
    "emergency_checkin_minutes": "opening.emergency_checkin_minutes",
    "min_decrypted_to_continue": "opening.min_decrypted_to_continue",
}


def lot_terms_objections(terms: LotTerms, rulebook: Rulebook) -> list[Objection]:
    """Everything in the terms of a lot that the rulebook or the method does not allow; empty when they hold."""
    found = _price_objections(terms, rulebook)
    for field, key in _BOUNDED.items():
        rule, value = rulebook.rule(key), getattr(terms, field)
        if not rule.bound.allows(value):
            params = {"field": field, "given": value, "nearest": rule.bound.nearest(value)}
            found.append(Objection("tendering.term_out_of_bound", field, params, rule.id))
    return found + _method_objections(terms)


def _price_objections(terms: LotTerms, rulebook: Rulebook) -> list[Objection]:
    found: list[Objection] = []
    zero = Money.zero(terms.contract_estimate.currency)
    if terms.contract_estimate <= zero:
        found.append(Objection("tendering.estimate_not_positive", "contract_estimate", {}, "R2.01"))
    if terms.ceiling_price is None:
        if rulebook.flag("ceiling.is_required"):
            found.append(Objection("tendering.ceiling_missing", "ceiling_price", {}, "R1.48"))
    elif terms.ceiling_price <= zero:
        found.append(Objection("tendering.ceiling_not_positive", "ceiling_price", {}, "R1.48"))
    if terms.minimum_price is not None and rulebook.flag("ceiling.minimum_price_forbidden"):
        found.append(Objection("tendering.minimum_price_forbidden", "minimum_price", {}, "R1.48"))
    cap = deposit_cap(terms.contract_estimate, terms.subject, rulebook)
    if terms.bid_deposit < zero:
        found.append(Objection("tendering.deposit_negative", "bid_deposit", {}, "R2.01"))
    elif terms.bid_deposit > cap >= zero:
        params = {"given": terms.bid_deposit, "nearest": cap}
        found.append(Objection("tendering.deposit_above_cap", "bid_deposit", params, "R2.01"))
    is_mandatory = must_be_tendered(terms.contract_estimate, rulebook, is_state_funded=terms.is_state_funded)
    if is_mandatory and rulebook.kind is RulebookKind.WORKS_BELOW_THRESHOLD:
        params = {"estimate": terms.contract_estimate, "threshold": rulebook.money("tender.mandatory_threshold")}
        found.append(Objection("tendering.must_be_tendered", "contract_estimate", params, "R1.70"))
    return found


def _method_objections(terms: LotTerms) -> list[Objection]:
    spec = METHODS.get(terms.method_id)
    if spec is None:
        return [Objection("tendering.unknown_method", "method_id", {"method": terms.method_id[:40]}, "R4.38")]
    found: list[Objection] = []
    if spec.needs_ceiling and terms.ceiling_price is None:
        found.append(Objection("tendering.method_needs_ceiling", "ceiling_price", {"method": spec.id}, spec.clause))
    params = terms.method_parameters
    if isinstance(params, MethodParameters):
        if params.method_id != spec.id:
            other = {"method": params.method_id}
            found.append(Objection("tendering.parameters_of_other_method", "method_id", other, "R4.38"))
        return found
    try:
        validate_parameters(spec.id, params)
    except ParametersRefused as refusal:
        found += refusal.objections
    return found
