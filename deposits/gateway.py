"""The deposit bank over HTTP: signed orders out, outside any Unit. An order without an answer is *unknown*, not undone.

``POST /sub-accounts`` ``{number}`` · ``POST /orders`` ``{order, payee_name, payee_account, principal, interest}`` ·
``POST /orders/ask`` ``{order}`` · ``POST /statement`` ``{after}``; each body carries the hex HMAC-SHA256 of itself in
``X-Bank-Signature``, by the same shared key as the bank's notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

import httpx

from accounts.services.bank import SIGNATURE_HEADER, read_secret, signature_of
from deposits.errors import BankAway
from deposits.services.refunds import BankAnswer, BankStatus
from foundation import canonical
from foundation.clock import parse_iso
from foundation.errors import InvalidInput
from foundation.money import Money
from foundation.runtime import Runtime

TIMEOUT_SECONDS: Final = 10.0
ANSWER_MAX_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Pay ``principal`` and the ``interest`` the bank owes on it to the account the money came from."""

    order: str
    payee_name: str
    payee_account: str
    principal: Money
    interest: Money


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of the deposit account. ``kind``: arrival or refund; ``order`` only of a refund."""

    serial: str
    kind: str
    order: str
    amount: Money
    interest: Money
    account: str
    at: datetime


class BankGateway(Protocol):
    """What the centre asks of its deposit bank. Every method may raise BankAway."""

    def open_sub_account(self, number: str) -> None:
        """Open it; one that is open stays as it is."""
        ...

    def pay(self, order: PaymentOrder) -> BankAnswer:
        """Give an order; the same again is the same order."""
        ...

    def ask(self, order: str) -> BankAnswer | None:
        """What became of an order; None when the bank has never had it."""
        ...

    def statement(self) -> tuple[StatementLine, ...]:
        """Every movement so far, in the bank's order."""
        ...


class HttpBank:
    """The bank at an address."""

    def __init__(self, url: str, secret: bytes) -> None:
        self._url = url.rstrip("/")
        self._secret = secret

    def open_sub_account(self, number: str) -> None:
        self._post("/sub-accounts", {"number": number})

    def pay(self, order: PaymentOrder) -> BankAnswer:
        body = {
            "order": order.order,
            "payee_name": order.payee_name,
            "payee_account": order.payee_account,
            "principal": order.principal.text(),
            "interest": order.interest.text(),
        }
        answer = self._post("/orders", body)
        if answer is None:
            raise BankAway
        return read_answer(answer)

    def ask(self, order: str) -> BankAnswer | None:
        answer = self._post("/orders/ask", {"order": order})
        return None if answer is None else read_answer(answer)

    def statement(self) -> tuple[StatementLine, ...]:
        lines: list[StatementLine] = []
        while True:
            answer = self._post("/statement", {"after": lines[-1].serial if lines else ""})
            if answer is None:
                raise BankAway
            page = [_line(one) for one in answer.get("lines", ())]
            lines += page
            if not page:
                return tuple(lines)

    def _post(self, path: str, body: dict[str, str]) -> dict[str, Any] | None:
        """The answer; None for 404. Whatever else goes wrong leaves the matter unknown."""
        data = canonical.dumps(body).encode()
        headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature_of(self._secret, data)}
        try:
            response = httpx.post(
                f"{self._url}{path}", content=data, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
            )
            if response.status_code == HTTPStatus.NOT_FOUND:
                return None
            response.raise_for_status()
            answer: dict[str, Any] = canonical.loads(response.content, max_bytes=ANSWER_MAX_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL, InvalidInput) as error:
            raise BankAway from error
        return answer


def read_answer(said: dict[str, Any]) -> BankAnswer:
    """An order's status as the bank writes it, in answers and in notices. Raises BankAway for another form."""
    try:
        at = parse_iso(said["at"]) if said.get("at") else None
        return BankAnswer(
            str(said["order"]), BankStatus(said["status"]), str(said.get("serial", "")), at, str(said.get("why", ""))
        )
    except (KeyError, ValueError, TypeError) as error:
        raise BankAway from error


def gateway_of(runtime: Runtime) -> BankGateway:
    """The bank this centre is wired to. Raises BankAway without an address, BankSecretMissing without the key."""
    if not runtime.settings.bank_url:
        raise BankAway
    return HttpBank(runtime.settings.bank_url, read_secret(runtime.settings.secrets_dir))


def _line(said: dict[str, Any]) -> StatementLine:
    try:
        return StatementLine(
            serial=str(said["serial"]),
            kind=str(said["kind"]),
            order=str(said.get("order", "")),
            amount=Money.yuan(said["amount"]),
            interest=Money.yuan(said["interest"]),
            account=str(said["account"]),
            at=parse_iso(said["at"]),
        )
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise BankAway from error
