"""The bank as its customers meet it: an account by name, a payment, and (in tests and shows) what goes wrong next."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import httpx

from sandbox.errors import BankAway, TransferRefused

TIMEOUT_SECONDS: Final = 10.0
_REFUSED: Final = 422


class BankClient:
    """A customer of the demonstration's bank at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def is_there(self) -> bool:
        """Whether the bank answers."""
        try:
            return httpx.get(f"{self._url}/healthz", timeout=TIMEOUT_SECONDS, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def account_of(self, holder: str) -> str:
        """The account of a company by its exact name; opened with sample money where there is none."""
        return str(self._post("/accounts", {"holder": holder})["number"])

    def pay(self, *, debit: str, credit: str, amount: str, request: str) -> str:
        """Transfer ``amount`` (yuan as text) to an account or sub-account; returns the bank's serial number.

        The same ``request`` again pays nothing more. Raises TransferRefused, BankAway.
        """
        body = {"request": request, "debit": debit, "credit": credit, "amount": amount, "reference": "deposit"}
        return str(self._post("/transfers", body)["serial"])

    def pay_deposit(self, holder: str, sub_account: str, amount: str, request: str) -> str:
        """Pay a deposit from the company's own account, once per ``request``; returns the bank's serial number."""
        return self.pay(debit=self.account_of(holder), credit=sub_account, amount=amount, request=request)

    def pay_verification(self, holder: str, reference: str, amount: str) -> str:
        """Pay the centre what verifies a claim; the reference names the order, so a second click pays once."""
        body = {"debit": self.account_of(holder), "amount": amount, "reference": reference}
        return str(self._post("/transfers", {"request": f"verify-{reference}", **body})["serial"])

    def balances(self) -> dict[str, str]:
        """Balance of every account by its number, in yuan. Raises BankAway."""
        try:
            response = httpx.get(f"{self._url}/accounts", timeout=TIMEOUT_SECONDS, trust_env=False).raise_for_status()
            return {row["number"]: f"{Decimal(row['balance']) / 100:.2f}" for row in response.json()["accounts"]}
        except (httpx.HTTPError, ValueError) as error:
            raise BankAway from error

    def set_faults(self, **faults: float) -> None:
        """What goes wrong next (``sandbox.bank_deposits.Faults``)."""
        self._post("/faults", faults)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = httpx.post(f"{self._url}{path}", json=body, timeout=TIMEOUT_SECONDS, trust_env=False)
            answer: dict[str, Any] = response.json()
            if response.status_code == _REFUSED:
                raise TransferRefused(why=str(answer.get("why", "")))
            response.raise_for_status()
        except (httpx.HTTPError, ValueError) as error:
            raise BankAway from error
        return answer
