"""D12, one payer: deposits of two bidders of a lot came from the same account (REG 40 (6), R6.12). Pure.

Accounts are compared by digest; what a person sees is the bank's line with the last four digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in for one bidder. ``digest``: of the payer's account; ``holder``: in whose name it is."""

    org_id: str
    serial: str
    holder: str
    account_tail: str
    digest: str


@dataclass(frozen=True, slots=True)
class SharedAccount:
    """One account and everything that came from it for two bidders or more."""

    digest: str
    payments: tuple[Payment, ...]

    @property
    def org_ids(self) -> tuple[str, ...]:
        return tuple(sorted({one.org_id for one in self.payments}))


def find(payments: Iterable[Payment], bidders: Iterable[str]) -> tuple[SharedAccount, ...]:
    """Accounts that paid for more than one of ``bidders`` (ids of those with a bid), in the order of their digests."""
    known = set(bidders)
    by_account: dict[str, list[Payment]] = {}
    for one in payments:
        if one.org_id in known:
            by_account.setdefault(one.digest, []).append(one)
    found = (
        SharedAccount(digest, tuple(sorted(rows, key=lambda row: (row.org_id, row.serial))))
        for digest, rows in sorted(by_account.items())
    )
    return tuple(one for one in found if len(one.org_ids) > 1)
