"""The phases of an opening (R3.03) as one table. What each phase means is in ``ceremony.py``."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class Phase(StrEnum):
    SCHEDULED = "scheduled"
    CHECK_IN = "check_in"
    INTAKE_CLOSED = "intake_closed"
    FROZEN = "frozen"
    LIST_PUBLISHED = "list_published"
    DECRYPTING = "decrypting"
    WINDOW_CLOSED = "window_closed"
    GATE_RELEASED = "gate_released"
    PARAM_DRAWN = "param_drawn"
    READING = "reading"
    QUERY = "query"
    CONFIRMING = "confirming"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    RECONVENED = "reconvened"
    FAILED = "failed"
    ABORTED = "aborted"


class Step(StrEnum):
    OPEN_CHECK_IN = "open_check_in"
    CLOSE_INTAKE = "close_intake"
    FREEZE = "freeze"
    PUBLISH_LIST = "publish_list"
    OPEN_WINDOW = "open_window"
    CLOSE_WINDOW = "close_window"
    RELEASE_GATE = "release_gate"
    DRAW = "draw"
    START_READING = "start_reading"
    OPEN_QUERY = "open_query"
    OPEN_CONFIRMATION = "open_confirmation"
    CLOSE = "close"
    SUSPEND = "suspend"
    RECONVENE = "reconvene"
    RETURN_TO_INTAKE_CLOSED = "return_to_intake_closed"
    RETURN_TO_LIST_PUBLISHED = "return_to_list_published"
    RETURN_TO_DECRYPTING = "return_to_decrypting"
    RETURN_TO_WINDOW_CLOSED = "return_to_window_closed"
    RETURN_TO_GATE_RELEASED = "return_to_gate_released"
    RETURN_TO_PARAM_DRAWN = "return_to_param_drawn"
    RETURN_TO_READING = "return_to_reading"
    RETURN_TO_QUERY = "return_to_query"
    RETURN_TO_CONFIRMING = "return_to_confirming"
    FAIL = "fail"
    ABORT = "abort"


_HALT: Final = {Step.SUSPEND: Phase.SUSPENDED, Step.ABORT: Phase.ABORTED}

RETURNS: Final[dict[Phase, Step]] = {
    Phase.INTAKE_CLOSED: Step.RETURN_TO_INTAKE_CLOSED,
    Phase.LIST_PUBLISHED: Step.RETURN_TO_LIST_PUBLISHED,
    Phase.DECRYPTING: Step.RETURN_TO_DECRYPTING,
    Phase.WINDOW_CLOSED: Step.RETURN_TO_WINDOW_CLOSED,
    Phase.GATE_RELEASED: Step.RETURN_TO_GATE_RELEASED,
    Phase.PARAM_DRAWN: Step.RETURN_TO_PARAM_DRAWN,
    Phase.READING: Step.RETURN_TO_READING,
    Phase.QUERY: Step.RETURN_TO_QUERY,
    Phase.CONFIRMING: Step.RETURN_TO_CONFIRMING,
}
"""Which step leads back to the phase that was suspended."""

ROOM_MACHINE: Final = Machine(
    "opening_room",
    Phase.SCHEDULED,
    {
        Phase.SCHEDULED: {
            Step.OPEN_CHECK_IN: Phase.CHECK_IN,
            Step.CLOSE_INTAKE: Phase.INTAKE_CLOSED,
            Step.ABORT: Phase.ABORTED,
        },
        Phase.CHECK_IN: {Step.CLOSE_INTAKE: Phase.INTAKE_CLOSED, Step.ABORT: Phase.ABORTED},
        Phase.INTAKE_CLOSED: {Step.FREEZE: Phase.FROZEN, **_HALT},
        # Fewer bids than the law asks for: never opened, no key is ever released (R1.36).
        Phase.FROZEN: {Step.PUBLISH_LIST: Phase.LIST_PUBLISHED, Step.FAIL: Phase.FAILED},
        # Refused bids may leave too few (R3.39).
        Phase.LIST_PUBLISHED: {Step.OPEN_WINDOW: Phase.DECRYPTING, Step.FAIL: Phase.FAILED, **_HALT},
        Phase.DECRYPTING: {Step.CLOSE_WINDOW: Phase.WINDOW_CLOSED, **_HALT},
        Phase.WINDOW_CLOSED: {Step.RELEASE_GATE: Phase.GATE_RELEASED, Step.FAIL: Phase.FAILED, **_HALT},
        Phase.GATE_RELEASED: {Step.DRAW: Phase.PARAM_DRAWN, **_HALT},
        Phase.PARAM_DRAWN: {Step.START_READING: Phase.READING, **_HALT},
        Phase.READING: {Step.OPEN_QUERY: Phase.QUERY, **_HALT},
        Phase.QUERY: {Step.OPEN_CONFIRMATION: Phase.CONFIRMING, **_HALT},
        Phase.CONFIRMING: {Step.CLOSE: Phase.CLOSED, **_HALT},
        Phase.CLOSED: {},
        Phase.SUSPENDED: {Step.RECONVENE: Phase.RECONVENED, Step.ABORT: Phase.ABORTED},
        Phase.RECONVENED: {step: phase for phase, step in RETURNS.items()},
        Phase.FAILED: {},
        Phase.ABORTED: {},
    },
)
