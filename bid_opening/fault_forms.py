"""What people send about bids that stay closed."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class ReportForm(BaseModel):
    """One of ``outages.REPORT_CODES``; never a text, so that no secret can slip in."""

    code: str = Field(max_length=20, pattern=r"^[a-z_]+$")


class ReasonForm(BaseModel):
    """Why the bid was not opened, in the bidder's words; read by staff and itself."""

    reason: str = Field(max_length=2000)


class SeatForm(BaseModel):
    seat: int = Field(ge=1, le=100_000)


class ProposeForm(SeatForm):
    """``why`` is public once a second person has agreed."""

    culprit: Literal["bidder", "platform"]
    why: str = Field(default="", max_length=2000)
