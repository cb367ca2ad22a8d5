"""What kind of message a sentence is, and where each kind goes unless its reader says otherwise (R3.50)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from foundation.notices.message import Channel

INBOX: Final = "inbox"
"""The inbox of the platform as a place to choose; the others are the channels."""


class Kind(StrEnum):
    """What a person may choose about. Labels are terms ``notice_kind.<value>``."""

    DEADLINE = "deadline"
    HALT = "halt"
    RESULT = "result"
    MONEY = "money"
    OPENING = "opening"
    BID = "bid"
    ACCOUNT = "account"
    WORK = "work"


STATUTORY: Final = frozenset({Kind.DEADLINE, Kind.HALT, Kind.RESULT, Kind.MONEY})
"""A right or a period hangs on these: the inbox always keeps them, and quiet hours do not hold them back."""
BY_SMS: Final = frozenset({Kind.DEADLINE, Kind.HALT, Kind.OPENING})
"""What goes to a mobile at first: what cannot wait until somebody reads mail."""

KIND_OF: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(
        ("document_clarified", "lot_cancelled", "deadline_moved", "bid_voided", "seal_again"), Kind.DEADLINE
    ),
    **dict.fromkeys(("opening_suspended", "opening_reconvened", "opening_aborted"), Kind.HALT),
    **dict.fromkeys(
        (
            "opening_record",
            "opening_failed",
            "candidates_published",
            "result_objection_answered",
            "award_notice",
            "loser_notice",
            "ban_entered",
            "ban_annulled",
            "record_published",
            "record_kept",
            "record_upheld",
            "record_annulled",
            "record_repaired",
        ),
        Kind.RESULT,
    ),
    **dict.fromkeys(("deposit_matched", "deposit_late", "deposit_name_differs", "deposit_refunded"), Kind.MONEY),
    **dict.fromkeys(
        (
            "opening_soon",
            "opening_sign_in",
            "opening_window",
            "opening_last_minutes",
            "opening_confirmation",
            "opening_escrow_confirmed",
            "opening_escrow_opened",
            "opening_objection_answered",
        ),
        Kind.OPENING,
    ),
    **dict.fromkeys(("reminder_unverified", "reminder_not_sealed"), Kind.BID),
    **dict.fromkeys(
        (
            "second_claim",
            "claim_contested",
            "claim_disputed",
            "claim_verified",
            "claim_verified_bidder",
            "claim_rejected",
            "claim_revoked",
            "code_accepted",
            "code_not_accepted",
            "payer_differs",
            "account_differs",
        ),
        Kind.ACCOUNT,
    ),
    **dict.fromkeys(
        (
            "lot_sent_back",
            "seat_offered",
            "seat_removed",
            "review_started",
            "sheet_returned",
            "report_to_sign",
            "report_concluded",
            "result_objected",
            "publicity_ended",
            "publicity_ended_stayed",
            "agent_silent",
            "holder_wanted",
            "collusion_alert",
        ),
        Kind.WORK,
    ),
}
"""By the sentence's code without ``inbox.``."""


def kind_of(code: str) -> Kind:
    """The kind of a sentence ``inbox.…``; one this table does not know is work, which anybody may switch off."""
    return KIND_OF.get(code.removeprefix("inbox."), Kind.WORK)


def codes_of(kind: Kind) -> tuple[str, ...]:
    """The codes of a kind, with ``inbox.``."""
    return tuple(f"inbox.{name}" for name, of in KIND_OF.items() if of is kind)


def may_be_off(kind: Kind, place: str) -> bool:
    """Whether a person may switch this off (R3.50)."""
    return not (place == INBOX and kind in STATUTORY)


def is_on_at_first(kind: Kind, place: str) -> bool:
    """What holds for somebody who has chosen nothing."""
    return place != Channel.SMS or kind in BY_SMS
