"""How a drill goes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class DrillState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    NOT_READY = "not_ready"
    INTERRUPTED = "interrupted"


class DrillTrigger(StrEnum):
    START = "start"
    FIND_READY = "find_ready"
    FIND_NOT_READY = "find_not_ready"
    INTERRUPT = "interrupt"


DRILL_MACHINE: Final = Machine(
    "drill",
    DrillState.QUEUED,
    {
        DrillState.QUEUED: {DrillTrigger.START: DrillState.RUNNING},
        DrillState.RUNNING: {
            # A worker that was killed: the next one begins the drill anew.
            DrillTrigger.START: DrillState.RUNNING,
            DrillTrigger.FIND_READY: DrillState.READY,
            DrillTrigger.FIND_NOT_READY: DrillState.NOT_READY,
            DrillTrigger.INTERRUPT: DrillState.INTERRUPTED,
        },
        DrillState.READY: {},
        DrillState.NOT_READY: {},
        DrillState.INTERRUPTED: {},
    },
)
