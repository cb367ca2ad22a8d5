"""What people send: forms and JSON bodies, read strictly. Field names are those of the objections."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from foundation.web.fields import BeijingInstant, Line, Prose, Yuan
from tendering.rulebook import LotSubject, RulebookKind
from tendering.rules import DEFAULT_METHOD, LotDraft
from tendering.services.clarifications import NewClarification
from tendering.services.projects import NewProject

YesNo = Annotated[bool, BeforeValidator(lambda value: {"yes": True, "no": False}.get(value, value))]
"""``yes``/``no`` of a radio, or a JSON truth value."""

Long = Annotated[str, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)]
"""Text with line breaks, up to 8000 characters, "" when not given."""

Uscc = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=40)]


class ProjectForm(BaseModel):
    name: Line
    location: Line
    fund_source: Line
    approval: Line
    is_state_funded: YesNo
    tenderee_uscc: Uscc = ""
    agency_uscc: Uscc = ""

    def new_project(self) -> NewProject:
        return NewProject(**self.model_dump())


class LotForm(BaseModel):
    """A lot's draft; what is left out is still missing and asked for before submission."""

    name: Line
    scope: Long = Field(default="", max_length=8000)
    qualification: Long = Field(default="", max_length=8000)
    quality: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    subject: LotSubject = LotSubject.WORKS
    rulebook_kind: RulebookKind = RulebookKind.WORKS_MANDATORY
    contract_estimate: Yuan | None = None
    ceiling_price: Yuan | None = None
    bid_deposit: Yuan | None = None
    duration_days: int | None = Field(default=None, ge=1, le=9999)
    bid_validity_days: int = Field(default=90, ge=1, le=3650)
    method_id: str = Field(default=DEFAULT_METHOD, max_length=40)
    params: dict[str, Any] = Field(default_factory=dict)
    decrypt_minutes: int = Field(default=30, ge=1, le=1440)
    query_minutes: int = Field(default=10, ge=1, le=120)
    confirm_minutes: int = Field(default=10, ge=1, le=1440)
    min_decrypted_to_continue: int = Field(default=3, ge=1, le=99)
    escrow_rule: Literal["compulsory", "on_request", "none"] = "compulsory"
    suite: Literal["S1", "S2"] = "S1"
    beacon: Literal["", "quicknet"] = ""
    publish_at: BeijingInstant | None = None
    bid_deadline: BeijingInstant | None = None

    def draft(self, method: tuple[str, dict[str, Any]] | None = None) -> LotDraft:
        """The draft; ``method`` (id, parameters) stays as it was when this form did not ask for it."""
        values = {name: getattr(self, name) for name in type(self).model_fields if name != "params"}
        values["method_params"] = self.params
        if method is not None and "method_id" not in self.model_fields_set:
            values["method_id"], values["method_params"] = method
        return LotDraft(**values)


class MethodForm(BaseModel):
    method_id: str = Field(max_length=40)
    params: dict[str, Any] = Field(default_factory=dict)


class DatesForm(BaseModel):
    publish_at: BeijingInstant | None = None
    bid_deadline: BeijingInstant


class ReasonForm(BaseModel):
    reason: Prose


class QuestionForm(BaseModel):
    text: Annotated[Prose, StringConstraints(max_length=2000)]


class ClarificationForm(BaseModel):
    """``answers``: question id → answer. An answer left empty leaves its question open."""

    answers: dict[str, Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]] = Field(
        default_factory=dict, max_length=100
    )
    changes: Long = Field(default="", max_length=8000)
    affects_bids: YesNo
    new_deadline: BeijingInstant | None = None

    def new_clarification(self) -> NewClarification:
        answers = {key: text for key, text in self.answers.items() if text}
        return NewClarification(answers, self.changes, self.affects_bids, self.new_deadline)


class SubscriptionForm(BaseModel):
    on: YesNo
