"""Decisions before publication: pure functions over a lot's draft, the rulebook and the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from foundation.errors import Objection
from foundation.money import Money
from foundation.working_days import WorkCalendar, civil_date
from tendering.methods import METHODS, ParametersRefused, validate_parameters
from tendering.rulebook import LotSubject, Rulebook, RulebookKind, rulebook_in_force
from tendering.timetable import (
    LotTerms,
    Timetable,
    TimetableFacts,
    earliest_deadline,
    lot_terms_objections,
    objections,
    simulate,
)

ESCROW_RULES: Final = ("compulsory", "on_request", "none")
DEFAULT_METHOD: Final = "jiangsu-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LotDraft:
    """What a clerk enters about a lot. Field names are those of the form and of the objections."""

    name: str
    scope: str = ""
    qualification: str = ""
    quality: str = ""
    subject: LotSubject = LotSubject.WORKS
    rulebook_kind: RulebookKind = RulebookKind.WORKS_MANDATORY
    contract_estimate: Money | None = None
    ceiling_price: Money | None = None
    bid_deposit: Money | None = None
    duration_days: int | None = None
    bid_validity_days: int = 90
    method_id: str = DEFAULT_METHOD
    method_params: Mapping[str, Any] = field(default_factory=dict)
    decrypt_minutes: int = 30
    query_minutes: int = 10
    confirm_minutes: int = 10
    min_decrypted_to_continue: int = 3
    escrow_rule: str = "compulsory"
    suite: str = "S1"
    beacon: str = ""
    publish_at: datetime | None = None
    bid_deadline: datetime | None = None


_NEEDED: Final = (
    "scope",
    "qualification",
    "quality",
    "contract_estimate",
    "bid_deposit",
    "duration_days",
    "bid_deadline",
)


def missing(draft: LotDraft) -> list[Objection]:
    """What still has to be filled in before the lot can be submitted."""
    return [
        Objection("tendering.still_missing", name, {"field": name})
        for name in _NEEDED
        if getattr(draft, name) in {None, ""}
    ]


def terms_objections(draft: LotDraft, book: Rulebook, *, is_state_funded: bool) -> list[Objection]:
    """What is not allowed in the terms entered so far; without estimate and deposit only the method is judged."""
    if draft.contract_estimate is None or draft.bid_deposit is None:
        return method_objections(draft.method_id, draft.method_params)
    terms = LotTerms(
        subject=draft.subject,
        contract_estimate=draft.contract_estimate,
        bid_deposit=draft.bid_deposit,
        method_id=draft.method_id,
        method_parameters=draft.method_params,
        ceiling_price=draft.ceiling_price,
        is_state_funded=is_state_funded,
        bid_validity_days=draft.bid_validity_days,
        decrypt_minutes=draft.decrypt_minutes,
        confirm_minutes=draft.confirm_minutes,
        min_decrypted_to_continue=draft.min_decrypted_to_continue,
    )
    return [_at_form_field(one, draft.method_id) for one in lot_terms_objections(terms, book)]


def method_objections(method_id: str, params: Mapping[str, Any]) -> list[Objection]:
    """Every fault of a parameter set, at the form field ``params.<key>``."""
    if method_id not in METHODS:
        return [Objection("tendering.unknown_method", "method_id", {"method": method_id[:40]}, "R4.38")]
    try:
        validate_parameters(method_id, params)
    except ParametersRefused as refused:
        return [_at_form_field(one, method_id) for one in refused.objections]
    return []


def _at_form_field(one: Objection, method_id: str) -> Objection:
    spec = METHODS.get(method_id)
    keys = {parameter.key for parameter in spec.parameters} if spec else set()
    is_parameter = one.field in keys or one.code == "tendering.parameter_unknown"
    return replace(one, field=f"params.{one.field}") if is_parameter else one


def rulebook_of(draft: LotDraft, published_at: datetime) -> Rulebook:
    """The dated book that a lot published at this instant stands under."""
    return rulebook_in_force(civil_date(published_at), draft.rulebook_kind)


def common_failure_percent(book: Rulebook) -> int:
    """The share of seats, in per cent, that stops the clock of the opening when they fail together (R3.32)."""
    return int(100 * book.rate("opening.common_failure_share"))


def timetable_of(draft: LotDraft, published_at: datetime, calendar: WorkCalendar) -> Timetable:
    """The dates of a draft if it were published at this instant."""
    facts = TimetableFacts(published_at, draft.bid_deadline, bid_validity_days=draft.bid_validity_days)
    return simulate(facts, rulebook_of(draft, published_at), calendar)


def date_objections(draft: LotDraft, published_at: datetime, calendar: WorkCalendar) -> list[Objection]:
    """Why the planned deadline is refused, each with the nearest allowed one; nothing when none is planned yet."""
    return [] if draft.bid_deadline is None else objections(timetable_of(draft, published_at, calendar))


def draft_objections(
    draft: LotDraft, at: datetime, calendar: WorkCalendar, *, is_state_funded: bool
) -> list[Objection]:
    """Everything that forbids to save the draft: what is given must be allowed, what is missing may come later."""
    published_at = max(draft.publish_at or at, at)
    found = terms_objections(draft, rulebook_of(draft, published_at), is_state_funded=is_state_funded)
    # A ceiling may still be missing in a draft; before submission it may not.
    found = [one for one in found if one.code not in {"tendering.ceiling_missing", "tendering.method_needs_ceiling"}]
    return found + date_objections(draft, published_at, calendar)


def publication_objections(
    draft: LotDraft, at: datetime, calendar: WorkCalendar, *, is_state_funded: bool
) -> list[Objection]:
    """Everything in the lot itself that forbids publication at ``at``: missing, terms and dates together."""
    book = rulebook_of(draft, at)
    found = missing(draft) + terms_objections(draft, book, is_state_funded=is_state_funded)
    return found + date_objections(draft, at, calendar)


@dataclass(frozen=True, slots=True)
class DeadlineMove:
    """What a clarification does to the deadline: stays when ``after`` equals ``before``."""

    before: datetime
    after: datetime
    clause: str

    @property
    def is_moved(self) -> bool:
        return self.after != self.before


PROPOSAL_SLACK: Final = timedelta(hours=1)
"""A proposal allows for the time that writing and rendering the clarification takes."""


def proposed_deadline(
    published_at: datetime, deadline: datetime, at: datetime, book: Rulebook, calendar: WorkCalendar
) -> datetime:
    """The deadline to propose for a change published about ``at``: the present one where it is far enough away."""
    facts = TimetableFacts(published_at, deadline, changed_at=at + PROPOSAL_SLACK)
    return max(deadline, earliest_deadline(facts, book, calendar))


def deadline_after_change(
    published_at: datetime,
    deadline: datetime,
    wanted: datetime | None,
    at: datetime,
    book: Rulebook,
    calendar: WorkCalendar,
    *,
    affects_bids: bool,
) -> DeadlineMove | list[Objection]:
    """The deadline after a clarification published at ``at``, or every reason against it (R1.33).

    A change that affects bids needs the stated number of days before the deadline; a deadline never moves forward in
    time towards the present, because somebody may count on it.
    """
    after = wanted or deadline
    book_rule = book.rule("tender.clarify_before_days")
    if after < deadline:
        params: dict[str, object] = {"given": after, "nearest": deadline}
        return [Objection("tendering.deadline_brought_forward", "new_deadline", params, book_rule.id)]
    if not affects_bids:
        if after != deadline:
            return [Objection("tendering.deadline_move_without_cause", "new_deadline", {}, book_rule.id)]
        return DeadlineMove(deadline, deadline, book_rule.id)
    facts = TimetableFacts(published_at, after, changed_at=at)
    found = objections(simulate(facts, book, calendar))
    if found:
        return [replace(one, field="new_deadline") for one in found]
    return DeadlineMove(deadline, after, book_rule.id)
