"""What the bank's notices must look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from deposits.services.arrivals import ArrivalNotice
from deposits.services.refunds import BankAnswer, BankStatus
from foundation.errors import InvalidInput, Objection
from foundation.money import Money, MoneyUnreadable
from foundation.web.fields import read_instant, reading


def _amount(text: str) -> Money:
    """Canonical text of more than nothing."""
    amount = Money.yuan(text)
    if amount.fen <= 0:
        raise MoneyUnreadable(text=text[:40])
    return amount


class CaseForm(BaseModel):
    """A decision that the deposit of one case goes back after all: whose, which matter, and the decision."""

    org_id: str = Field(max_length=36)
    reference: str = Field(max_length=120)
    why: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


Instant = Annotated[datetime, reading(read_instant)]
Amount = Annotated[Money, reading(_amount)]
Serial = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,34}$")]


class ArrivalBody(BaseModel):
    """One incoming transfer; fields we do not know are left alone."""

    serial: Serial
    number: AccountNumber
    payer_name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    payer_account: AccountNumber
    amount: Amount
    currency: Literal["CNY"]
    value_at: Instant

    def notice(self) -> ArrivalNotice:
        return ArrivalNotice(self.serial, self.number, self.payer_name, self.payer_account, self.amount, self.value_at)


class OrderBody(BaseModel):
    """What became of a payment order."""

    order: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}-[0-9]{1,6}$")]
    status: BankStatus
    serial: Annotated[str, Field(max_length=64)] = ""
    at: Instant | Literal[""] = ""
    why: Annotated[str, Field(max_length=200)] = ""

    def answer(self) -> BankAnswer:
        """Raises InvalidInput for a payment without the bank's number."""
        if self.status is BankStatus.PAID and not self.serial:
            raise InvalidInput(objections=[Objection("foundation.field_missing", "serial")])
        return BankAnswer(self.order, self.status, self.serial, self.at or None, self.why)
