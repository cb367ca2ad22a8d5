"""What people send about identity, absence and refusal."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

_SEAT = Field(ge=1, le=100_000)


class SeatForm(BaseModel):
    """The seat an act is about."""

    seat: int = _SEAT


class AbsenceForm(SeatForm):
    """Why the bidder of this seat did not sign in; ``other`` needs words."""

    cause: Literal["late", "abandoned", "other"]
    text: str = Field(default="", max_length=2000)


class IdentityForm(SeatForm):
    """The result of one check; what did not pass needs a reason."""

    what: Literal["person", "letter", "certificate"]
    result: Literal["passed", "failed"]
    reason: str = Field(default="", max_length=2000)


class RefusalForm(SeatForm):
    """A proposed refusal: the ground of law, and what was found."""

    ground: Literal["not_prequalified", "late", "not_sealed"]
    why: str = Field(max_length=2000)


class RefusalDecisionForm(SeatForm):
    """The second person's word."""

    decision: Literal["refuse", "keep"]
