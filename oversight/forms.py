"""What the forms of an alert may say."""

from __future__ import annotations

from pydantic import BaseModel

from foundation.web.fields import Line, Prose


class ExplainForm(BaseModel):
    explanation: Line
    reason: Prose


class ReferForm(BaseModel):
    """``authority``: to whom; ``document_no``: of the decision to refer."""

    authority: Line
    document_no: Line
    referral_reason: Prose
