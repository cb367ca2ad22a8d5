"""States of a lot, of a sealed bid, and of papers on their way to publication."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class LotState(StrEnum):
    DRAFT = "draft"
    KEYSET = "keyset"
    REHEARSED = "rehearsed"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    OPEN = "open"
    CLOSED = "closed"
    FROZEN = "frozen"
    OPENED = "opened"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LotTrigger(StrEnum):
    REQUEST_KEYSET = "request_keyset"
    PASS_REHEARSAL = "pass_rehearsal"  # noqa: S105 - a trigger, not a password
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    PUBLISH = "publish"
    CLOSE_BIDS = "close_bids"
    FREEZE = "freeze"
    OPEN = "open"
    FAIL = "fail"
    CANCEL = "cancel"


LOT_MACHINE: Final = Machine(
    "lot",
    LotState.DRAFT,
    {
        LotState.DRAFT: {LotTrigger.REQUEST_KEYSET: LotState.KEYSET, LotTrigger.CANCEL: LotState.CANCELLED},
        LotState.KEYSET: {LotTrigger.PASS_REHEARSAL: LotState.REHEARSED, LotTrigger.CANCEL: LotState.CANCELLED},
        LotState.REHEARSED: {LotTrigger.SUBMIT: LotState.SUBMITTED, LotTrigger.CANCEL: LotState.CANCELLED},
        LotState.SUBMITTED: {
            LotTrigger.APPROVE: LotState.APPROVED,
            LotTrigger.SEND_BACK: LotState.REHEARSED,
            LotTrigger.CANCEL: LotState.CANCELLED,
        },
        LotState.APPROVED: {
            LotTrigger.PUBLISH: LotState.OPEN,
            LotTrigger.SEND_BACK: LotState.REHEARSED,
            LotTrigger.CANCEL: LotState.CANCELLED,
        },
        LotState.OPEN: {LotTrigger.CLOSE_BIDS: LotState.CLOSED, LotTrigger.CANCEL: LotState.CANCELLED},
        # No way back to OPEN: "closed" is irreversible before any key share is released.
        # An opening aborted before its list is fixed ends the lot too.
        LotState.CLOSED: {LotTrigger.FREEZE: LotState.FROZEN, LotTrigger.FAIL: LotState.FAILED},
        LotState.FROZEN: {LotTrigger.OPEN: LotState.OPENED, LotTrigger.FAIL: LotState.FAILED},
        LotState.OPENED: {},
        LotState.FAILED: {},
        LotState.CANCELLED: {},
    },
)


class BidState(StrEnum):
    SEALED = "sealed"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
    """Sealed to a key set that was retired: nobody can open it any more (R1.26)."""


class BidTrigger(StrEnum):
    REPLACE = "replace"
    WITHDRAW = "withdraw"
    VOID = "void"


BID_MACHINE: Final = Machine(
    "sealed_bid",
    BidState.SEALED,
    {
        BidState.SEALED: {
            BidTrigger.REPLACE: BidState.REPLACED,
            BidTrigger.WITHDRAW: BidState.WITHDRAWN,
            BidTrigger.VOID: BidState.VOIDED,
        },
        BidState.REPLACED: {},
        BidState.WITHDRAWN: {},
        BidState.VOIDED: {},
    },
)


class OrderState(StrEnum):
    ORDERED = "ordered"
    ISSUED = "issued"
    FAILED = "failed"


class OrderTrigger(StrEnum):
    ISSUE = "issue"
    FAIL = "fail"


ORDER_MACHINE: Final = Machine(
    "paper_order",
    OrderState.ORDERED,
    {
        OrderState.ORDERED: {OrderTrigger.ISSUE: OrderState.ISSUED, OrderTrigger.FAIL: OrderState.FAILED},
        OrderState.ISSUED: {},
        OrderState.FAILED: {},
    },
)
