"""What people send into a room."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ReleaseForm(BaseModel):
    """``r_bid``: 64 lower-case hex digits, the bidder's half of one content key. Never a private key."""

    r_bid: str = Field(max_length=64)


class SealCheckForm(BaseModel):
    """Whether the bidder's client found its receipt equal to the frozen list."""

    ok: bool


class EscrowRequestForm(BaseModel):
    """Why the bidder can not release; seen by staff and by itself only."""

    reason: str = Field(max_length=2000)


class EscrowConfirmForm(BaseModel):
    """The seat whose request is confirmed."""

    seat: int = Field(ge=1, le=100_000)


class BeaconForm(BaseModel):
    """A relay's answer for the announced round; ``confirm`` once it was shown as verified."""

    content: str = Field(default="", max_length=8192)
    confirm: bool = False


class TextForm(BaseModel):
    """An objection."""

    text: str = Field(max_length=2000)


class AnswerForm(BaseModel):
    """An answer to one objection."""

    objection_id: str = Field(max_length=36)
    text: str = Field(max_length=2000)


class ObjectionForm(BaseModel):
    """The objection that is taken back."""

    objection_id: str = Field(max_length=36)


class ConfirmForm(BaseModel):
    """``signature``: 128 hex digits (P1363) over the confirmation note, or empty."""

    signature: str = Field(default="", max_length=128)


class WhyForm(BaseModel):
    """The reason of a proposal; what happens without one the rules say."""

    why: str = Field(default="", max_length=2000)


class SessionActForm(BaseModel):
    """One act of the host in one or several lots of a session; which acts there are ``bid_opening.sessions`` says."""

    act: str = Field(max_length=40)
    lots: list[str] = Field(min_length=1, max_length=60)
