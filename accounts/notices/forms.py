"""What people send about messages to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from accounts.notices.errors import QuietHourUnfit
from accounts.notices.rules import CODE_DIGITS, minute_of
from foundation.notices.message import Channel
from foundation.notices.targets import URL_MAX
from foundation.web.fields import IdText, reading


def _minute(text: str) -> int:
    found = minute_of(text)
    if found is None:
        raise QuietHourUnfit
    return found


Minute = Annotated[int, reading(_minute)]
"""A time of the Beijing day, ``22:30``."""


class NewAddress(BaseModel):
    """One of the two: each has a box of its own on the page."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254)] | None = None
    mobile: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=30)] | None = None

    @model_validator(mode="after")
    def _one(self) -> NewAddress:
        if (self.email is None) == (self.mobile is None):
            raise PydanticCustomError("accounts.address_unfit", "one address")
        return self

    @property
    def channel(self) -> Channel:
        return Channel.EMAIL if self.email is not None else Channel.SMS

    @property
    def address(self) -> str:
        return self.email or self.mobile or ""


class OwnAddress(BaseModel):
    address_id: IdText


Digits = Annotated[str, StringConstraints(strip_whitespace=True, pattern=rf"^\d{{{CODE_DIGITS}}}$")]


class Code(BaseModel):
    """The code that came by mail or by SMS, in the box of its channel."""

    address_id: IdText
    email_code: Digits | None = None
    sms_code: Digits | None = None

    @property
    def code(self) -> str:
        return self.email_code or self.sms_code or ""

    @property
    def field(self) -> str:
        return "email_code" if self.email_code is not None else "sms_code"


class Choices(BaseModel):
    """``on`` names what is wanted as ``<kind>:<place>``."""

    on: list[Annotated[str, StringConstraints(max_length=40)]] = Field(default_factory=list, max_length=100)
    lang: Literal["zh-Hans", "en"] = "zh-Hans"
    quiet_from: Minute | None = None
    quiet_to: Minute | None = None


class Hook(BaseModel):
    url: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=URL_MAX)]


class Again(BaseModel):
    delivery_id: IdText


class AllAgain(BaseModel):
    channel: Channel
