"""What people send when they talk. How long a line may be and what may stand in it, ``talk`` says."""

from __future__ import annotations

from pydantic import BaseModel, Field


class SayForm(BaseModel):
    """A message to everybody in the room."""

    message: str = Field(max_length=2000)


class HideForm(BaseModel):
    """Which message goes out of sight, and why (a code of ``talk.HIDE_REASONS``)."""

    hide_number: int = Field(ge=1, le=1_000_000)
    hide_reason: str = Field(max_length=20)


class HelpForm(BaseModel):
    """A bidder's question to the duty desk."""

    help_topic: str = Field(default="other", max_length=20)
    help_text: str = Field(max_length=4000)


class HelpAnswerForm(BaseModel):
    """The duty officer's answer."""

    help_answer: str = Field(max_length=4000)


class ShowForm(BaseModel):
    """A published paper by its digest, or the title of the file that comes with it."""

    document: str = Field(default="", max_length=64)
    document_title: str = Field(default="", max_length=400)
