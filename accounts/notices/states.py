"""What becomes of a message on one channel."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    GIVEN_UP = "given_up"


class DeliveryTrigger(StrEnum):
    BEGIN = "begin"
    FINISH = "finish"
    RETRY = "retry"
    GIVE_UP = "give_up"
    SEND_AGAIN = "send_again"


class Outcome(StrEnum):
    """What became of one attempt."""

    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The process died between sending and noting it: whether the message went nobody knows."""


class Purpose(StrEnum):
    MESSAGE = "message"
    CODE = "code"
    TRIAL = "trial"


_S, _T = DeliveryState, DeliveryTrigger
DELIVERY_MACHINE: Final = Machine(
    "notice_delivery",
    _S.QUEUED,
    {
        _S.QUEUED: {_T.BEGIN: _S.SENDING, _T.GIVE_UP: _S.GIVEN_UP},
        _S.SENDING: {_T.FINISH: _S.SENT, _T.RETRY: _S.QUEUED, _T.GIVE_UP: _S.GIVEN_UP},
        _S.SENT: {},
        _S.GIVEN_UP: {_T.SEND_AGAIN: _S.QUEUED},
    },
)
