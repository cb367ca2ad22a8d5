"""Sides of a key set, and how a key set and its rehearsal go."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class Side(StrEnum):
    """Whom a seat speaks for. The first three fill the gate, one seat each; custodians keep the reserve."""

    TENDEREE_SIDE = "tenderee_side"
    REGULATOR = "regulator"
    AUDIT = "audit"
    CUSTODIAN = "custodian"


GATE_SIDES: Final = (Side.TENDEREE_SIDE, Side.REGULATOR, Side.AUDIT)


class KeysetState(StrEnum):
    """``collecting``: agents make their keys · ``complete``: all there · ``rehearsed``: may be published."""

    COLLECTING = "collecting"
    COMPLETE = "complete"
    REHEARSED = "rehearsed"
    RETIRED = "retired"


class KeysetTrigger(StrEnum):
    COMPLETE = "complete"
    PASS_REHEARSAL = "pass_rehearsal"  # noqa: S105 - a step, not a secret
    RETIRE = "retire"


class RehearsalState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class RehearsalTrigger(StrEnum):
    PASS = "pass"  # noqa: S105 - a step, not a secret
    FAIL = "fail"


KEYSET_MACHINE: Final = Machine(
    "keyset",
    KeysetState.COLLECTING,
    {
        KeysetState.COLLECTING: {
            KeysetTrigger.COMPLETE: KeysetState.COMPLETE,
            KeysetTrigger.RETIRE: KeysetState.RETIRED,
        },
        KeysetState.COMPLETE: {
            KeysetTrigger.PASS_REHEARSAL: KeysetState.REHEARSED,
            KeysetTrigger.RETIRE: KeysetState.RETIRED,
        },
        KeysetState.REHEARSED: {KeysetTrigger.RETIRE: KeysetState.RETIRED},
        KeysetState.RETIRED: {},
    },
)

REHEARSAL_MACHINE: Final = Machine(
    "rehearsal",
    RehearsalState.RUNNING,
    {
        RehearsalState.RUNNING: {
            RehearsalTrigger.PASS: RehearsalState.PASSED,
            RehearsalTrigger.FAIL: RehearsalState.FAILED,
        },
        RehearsalState.PASSED: {},
        RehearsalState.FAILED: {},
    },
)
