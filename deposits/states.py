"""States of a refund, and the closed lists of the package."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class AccountKind(StrEnum):
    """The chart of accounts. Every kind is kept per lot and bidder, so nobody's money can pay for another's (R2.04)."""

    BANK_CLEARING = "bank_clearing"
    HELD = "held"
    SUSPENSE = "suspense"
    INTEREST_EXPENSE = "interest_expense"
    INTEREST_EARNED = "interest_earned"
    REFUNDS_IN_FLIGHT = "refunds_in_flight"


class Side(StrEnum):
    """The side on which an account's balance must lie: debits are positive, credits negative."""

    DEBIT = "debit"
    CREDIT = "credit"


SIDES: Final = {
    AccountKind.BANK_CLEARING: Side.DEBIT,
    AccountKind.HELD: Side.CREDIT,
    AccountKind.SUSPENSE: Side.CREDIT,
    AccountKind.INTEREST_EXPENSE: Side.DEBIT,
    AccountKind.INTEREST_EARNED: Side.CREDIT,
    AccountKind.REFUNDS_IN_FLIGHT: Side.CREDIT,
}


class TransferKind(StrEnum):
    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    """What was pending has happened."""
    VOID = "void"
    """What was pending will not happen."""


class Purpose(StrEnum):
    ARRIVAL = "arrival"
    REFUND = "refund"


class Outcome(StrEnum):
    """What an arrival turned out to be."""

    MATCHED = "matched"
    LATE = "late"
    NAME_DIFFERS = "name_differs"
    UNKNOWN_ACCOUNT = "unknown_account"


class DepositStatus(StrEnum):
    """How a bidder's deposit for a lot stands (R2.06)."""

    UNPAID = "unpaid"
    ARRIVED = "arrived"
    MISMATCHED = "mismatched"
    LATE = "late"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class RefundGround(StrEnum):
    """Why a refund is due; ``rules.TERMS`` says by when and whether with interest."""

    WITHDRAWN = "withdrawn"
    NOT_CANDIDATE = "not_candidate"
    CONTRACT_SIGNED = "contract_signed"
    LOT_FAILED = "lot_failed"
    LOT_CANCELLED = "lot_cancelled"
    RETURNED = "returned"
    """Money that is nobody's deposit goes back where it came from."""


class BlockGround(StrEnum):
    """R2.19."""

    OBJECTION = "objection"
    COMPLAINT = "complaint"
    FORFEITURE_CASE = "forfeiture_case"
    COURT_FREEZE = "court_freeze"
    STAY = "stay"
    """Told by the lot's stream, never placed here."""


class RefundState(StrEnum):
    DUE = "due"
    ORDERED = "ordered"
    PAID = "paid"
    REJECTED = "rejected"


class RefundTrigger(StrEnum):
    ORDER = "order"
    PAY = "pay"
    REJECT = "reject"


REFUND_MACHINE: Final = Machine(
    "refund",
    RefundState.DUE,
    {
        RefundState.DUE: {RefundTrigger.ORDER: RefundState.ORDERED},
        RefundState.ORDERED: {RefundTrigger.PAY: RefundState.PAID, RefundTrigger.REJECT: RefundState.REJECTED},
        RefundState.REJECTED: {RefundTrigger.ORDER: RefundState.ORDERED},
        RefundState.PAID: {},
    },
)
