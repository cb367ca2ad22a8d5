"""A bidder's deposit from outside: the sub-account, a payment by the demonstration's button or at the bank itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.clients.bank import BankClient
from sandbox.clients.http import CentreClient
from sandbox.errors import CentreRefused


class DepositActs:
    """One bidder's deposit for one lot. Every act may be repeated."""

    def __init__(self, client: CentreClient, lot_id: str) -> None:
        self.client = client
        self.lot_id = lot_id

    def state(self) -> Mapping[str, Any]:
        """The whole page: ``status``, ``number``, ``required``, ``paid``, ``arrivals`` (with refunds), ``blocks``."""
        found: Mapping[str, Any] = self.client.get(f"/lots/{self.lot_id}/deposit")["deposit"]
        return found

    def status(self) -> str:
        """unpaid, arrived, mismatched, late, partly_refunded or refunded."""
        return str(self.state()["status"])

    def open(self) -> str:
        """The number of its sub-account, opened now where there is none."""
        number = str(self.state()["number"])
        if not number:
            self.client.post(f"/lots/{self.lot_id}/deposit")
            number = str(self.state()["number"])
        return number

    def pay(self) -> None:
        """Press the demonstration's button: the required amount from the company's own account."""
        if self.status() == "arrived":
            return
        try:
            self.client.post(f"/lots/{self.lot_id}/deposit/pay")
        except CentreRefused as refused:
            if refused.problem != "deposits.deposit_paid":
                raise

    def pay_at_bank(self, bank: BankClient, holder: str, amount: str, request: str) -> str:
        """Pay ``amount`` (yuan) from the account of ``holder`` at the bank; once per ``request``. Its serial number."""
        return bank.pay_deposit(holder, self.open(), amount, request)

    def wait_until(self, status: str, *, seconds: float = 60.0) -> Mapping[str, Any]:
        """The page once the deposit stands so. Raises NotInTime."""

        def look() -> Mapping[str, Any] | None:
            state = self.state()
            return state if state["status"] == status else None

        found: Mapping[str, Any] = self.client.wait_for(f"deposit {status}", look, seconds=seconds)
        return found

    def wait_for_arrival(self, serial: str, *, seconds: float = 60.0) -> Mapping[str, Any]:
        """The line of an arrival once the bank's notice is in. Raises NotInTime."""

        def look() -> Mapping[str, Any] | None:
            return next((line for line in self.state()["arrivals"] if line["serial"] == serial), None)

        found: Mapping[str, Any] = self.client.wait_for("the bank's notice", look, seconds=seconds)
        return found

    def send_back(self, serial: str) -> None:
        """Decide an own mismatch: that money goes back to whoever paid it."""
        line = self.wait_for_arrival(serial)
        if line["refund"] is None:
            try:
                self.client.post(f"/lots/{self.lot_id}/deposit/arrivals/{serial}/return")
            except CentreRefused:
                if self.wait_for_arrival(serial)["refund"] is None:
                    raise

    def refunds(self) -> list[Mapping[str, Any]]:
        """Arrivals with a refund: ``serial``, ``amount``, ``account_tail``, and ``refund`` with state and interest."""
        return [line for line in self.state()["arrivals"] if line["refund"] is not None]

    def wait_for_refunds(self, *, seconds: float = 120.0) -> list[Mapping[str, Any]]:
        """All arrivals once every one of them is paid back. Raises NotInTime."""

        def look() -> list[Mapping[str, Any]] | None:
            lines = list(self.state()["arrivals"])
            is_back = all(line["refund"] is not None and line["refund"]["state"] == "paid" for line in lines)
            return lines if lines and is_back else None

        found: list[Mapping[str, Any]] = self.client.wait_for("refunds", look, seconds=seconds)
        return found
