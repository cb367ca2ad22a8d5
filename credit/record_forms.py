from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from credit.acts import Act
from credit.record_services import NewRecord
from credit.remedies import NewRuling
from credit.rules import MAX_MONTHS, MIN_MONTHS
from foundation.web.fields import BeijingInstant, Line, Prose


class RecordForm(BaseModel):
    """A decision as it stands on paper; ``effective_at`` in Beijing time."""

    uscc: Line
    name: Line
    act: Act
    authority: Line
    decision_no: Line
    clause: Line | None = None
    facts: Annotated[Prose, StringConstraints(max_length=2000)]
    lot_code: Line | None = None
    effective_at: BeijingInstant
    months: Annotated[int, Field(ge=MIN_MONTHS, le=MAX_MONTHS)]
    document_reference: Annotated[Prose, StringConstraints(max_length=500)]

    def command(self) -> NewRecord:
        given = self.model_dump()
        return NewRecord(**given | {"clause": self.clause or "", "lot_code": self.lot_code or ""})


class ReasonForm(BaseModel):
    reason: Annotated[Prose, StringConstraints(max_length=1000)]


class ObjectionForm(BaseModel):
    text: Annotated[Prose, StringConstraints(max_length=4000)]


class AnswerForm(BaseModel):
    """``outcome``: upheld keeps the record, annulled ends it."""

    outcome: Annotated[str, StringConstraints(pattern="^(upheld|annulled)$")]
    answer: Annotated[Prose, StringConstraints(max_length=4000)]


class RulingForm(BaseModel):
    authority: Line
    decision_no: Line
    ground: Annotated[Prose, StringConstraints(max_length=2000)]
    document_reference: Annotated[Prose, StringConstraints(max_length=500)]

    def command(self) -> NewRuling:
        return NewRuling(**self.model_dump())
