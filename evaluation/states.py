"""States of an evaluation, of a draw of experts, of a seat on the committee and of a score sheet."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class CaseState(StrEnum):
    FORMING = "forming"
    REVIEW = "review"
    SIGNING = "signing"
    REPORTED = "reported"
    PUBLICITY = "publicity"
    AWARDED = "awarded"
    CONTRACTED = "contracted"
    FAILED = "failed"


class CaseTrigger(StrEnum):
    START = "start"
    LOCK = "lock"
    CONCLUDE = "conclude"
    PUBLISH = "publish"
    AWARD = "award"
    SIGN_CONTRACT = "sign_contract"
    FAIL = "fail"


CASE_MACHINE: Final = Machine(
    "evaluation_case",
    CaseState.FORMING,
    {
        CaseState.FORMING: {CaseTrigger.START: CaseState.REVIEW},
        CaseState.REVIEW: {CaseTrigger.LOCK: CaseState.SIGNING},
        CaseState.SIGNING: {CaseTrigger.CONCLUDE: CaseState.REPORTED},
        CaseState.REPORTED: {CaseTrigger.PUBLISH: CaseState.PUBLICITY, CaseTrigger.FAIL: CaseState.FAILED},
        CaseState.PUBLICITY: {CaseTrigger.AWARD: CaseState.AWARDED},
        CaseState.AWARDED: {CaseTrigger.SIGN_CONTRACT: CaseState.CONTRACTED},
        CaseState.CONTRACTED: {},
        CaseState.FAILED: {},
    },
)


class DrawState(StrEnum):
    COLLECTING = "collecting"
    READY = "ready"
    DRAWN = "drawn"
    EXHAUSTED = "exhausted"


class DrawTrigger(StrEnum):
    COMPLETE = "complete"
    DRAW = "draw"
    EXHAUST = "exhaust"


DRAW_MACHINE: Final = Machine(
    "committee_draw",
    DrawState.COLLECTING,
    {
        DrawState.COLLECTING: {DrawTrigger.COMPLETE: DrawState.READY},
        DrawState.READY: {DrawTrigger.DRAW: DrawState.DRAWN},
        DrawState.DRAWN: {DrawTrigger.EXHAUST: DrawState.EXHAUSTED},
        DrawState.EXHAUSTED: {},
    },
)


class SeatState(StrEnum):
    INVITED = "invited"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    RECUSED = "recused"
    LAPSED = "lapsed"
    REMOVED = "removed"


class SeatTrigger(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    RECUSE = "recuse"
    LAPSE = "lapse"
    REMOVE = "remove"


SEAT_MACHINE: Final = Machine(
    "committee_seat",
    SeatState.INVITED,
    {
        SeatState.INVITED: {
            SeatTrigger.ACCEPT: SeatState.ACCEPTED,
            SeatTrigger.DECLINE: SeatState.DECLINED,
            SeatTrigger.RECUSE: SeatState.RECUSED,
            SeatTrigger.LAPSE: SeatState.LAPSED,
            SeatTrigger.REMOVE: SeatState.REMOVED,
        },
        SeatState.ACCEPTED: {SeatTrigger.RECUSE: SeatState.RECUSED, SeatTrigger.REMOVE: SeatState.REMOVED},
        SeatState.DECLINED: {},
        SeatState.RECUSED: {},
        SeatState.LAPSED: {},
        SeatState.REMOVED: {},
    },
)
SEATED: Final = (SeatState.INVITED, SeatState.ACCEPTED)
"""States in which a seat is taken or offered."""


class SheetState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"


class SheetTrigger(StrEnum):
    SUBMIT = "submit"
    RETURN = "return"


SHEET_MACHINE: Final = Machine(
    "score_sheet",
    SheetState.DRAFT,
    {
        SheetState.DRAFT: {SheetTrigger.SUBMIT: SheetState.SUBMITTED},
        SheetState.SUBMITTED: {SheetTrigger.RETURN: SheetState.DRAFT},
    },
)
