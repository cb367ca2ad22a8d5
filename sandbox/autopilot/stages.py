"""The words pilot and guide share: whom a visitor may play, the stages of the guided lot, and what a visitor does."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """Whom the visitor plays. PUBLIC watches: everybody else plays by itself."""

    TENDEREE = "tenderee"
    BIDDER = "bidder"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"
    PUBLIC = "public"


class Stage(StrEnum):
    """Where the guided lot stands, in this order. FAILED is the end of a lot that found no winner."""

    KEYS = "keys"
    SUBMIT = "submit"
    APPROVE = "approve"
    PUBLISH = "publish"
    BIDDING = "bidding"
    CHECK_IN = "check_in"
    CLOSING = "closing"
    DECRYPTING = "decrypting"
    GATE = "gate"
    DRAW = "draw"
    READING = "reading"
    QUERY = "query"
    CONFIRMING = "confirming"
    COMMITTEE = "committee"
    EXPERTS = "experts"
    SEATS = "seats"
    SCORING = "scoring"
    SIGNING = "signing"
    CANDIDATES = "candidates"
    PUBLICITY = "publicity"
    AWARD = "award"
    CONTRACT = "contract"
    REFUND = "refund"
    DONE = "done"
    FAILED = "failed"


class Chapter(StrEnum):
    """Stages as a visitor counts them."""

    PREPARE = "prepare"
    RELEASE = "release"
    BIDS = "bids"
    OPENING = "opening"
    COMMITTEE = "committee"
    REVIEW = "review"
    AWARD = "award"
    CONTRACT = "contract"


class Act(StrEnum):
    """What a visitor has to do before the story goes on."""

    APPROVE = "approve"
    CONTRIBUTE = "contribute"
    AWARD = "award"
    SIGN_CONTRACT = "sign_contract"
    PAY_DEPOSIT = "pay_deposit"
    SEAL = "seal"
    CHECK_IN = "check_in"
    CHECK_SEAL = "check_seal"
    RELEASE = "release"
    SAY = "say"
    CONFIRM = "confirm"
    TAKE_SEAT = "take_seat"
    SCORE = "score"
    SIGN_REPORT = "sign_report"


CHAPTERS: Final = {
    Chapter.PREPARE: (Stage.KEYS, Stage.SUBMIT),
    Chapter.RELEASE: (Stage.APPROVE, Stage.PUBLISH),
    Chapter.BIDS: (Stage.BIDDING, Stage.CHECK_IN, Stage.CLOSING),
    Chapter.OPENING: (
        Stage.DECRYPTING,
        Stage.GATE,
        Stage.DRAW,
        Stage.READING,
        Stage.QUERY,
        Stage.CONFIRMING,
    ),
    Chapter.COMMITTEE: (Stage.COMMITTEE, Stage.EXPERTS, Stage.SEATS),
    Chapter.REVIEW: (Stage.SCORING, Stage.SIGNING),
    Chapter.AWARD: (Stage.CANDIDATES, Stage.PUBLICITY, Stage.AWARD),
    Chapter.CONTRACT: (Stage.CONTRACT, Stage.REFUND, Stage.DONE, Stage.FAILED),
}
OVER: Final = frozenset({Stage.DONE, Stage.FAILED})
BEFORE_THE_EXPERTS: Final = frozenset(list(Stage)[: list(Stage).index(Stage.SEATS)])
"""Nobody knows before the draw who will sit, so a visitor who waits for a seat is led through these quickly."""


def chapter_of(stage: Stage) -> Chapter:
    """The chapter a stage belongs to."""
    return next(chapter for chapter, stages in CHAPTERS.items() if stage in stages)


def is_before(stage: Stage, other: Stage) -> bool:
    """Whether ``stage`` comes before ``other`` in the order of :class:`Stage`."""
    order = list(Stage)
    return order.index(stage) < order.index(other)
