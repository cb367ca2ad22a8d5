"""How a person deals with an alert."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class AlertState(StrEnum):
    NEW = "new"
    UNDER_REVIEW = "under_review"
    EXPLAINED = "explained"
    REFERRED = "referred"


class AlertTrigger(StrEnum):
    TAKE_UP = "take_up"
    EXPLAIN = "explain"
    REFER = "refer"


ALERT_MACHINE: Final = Machine(
    "collusion_alert",
    AlertState.NEW,
    {
        AlertState.NEW: {AlertTrigger.TAKE_UP: AlertState.UNDER_REVIEW},
        AlertState.UNDER_REVIEW: {
            AlertTrigger.EXPLAIN: AlertState.EXPLAINED,
            AlertTrigger.REFER: AlertState.REFERRED,
        },
        AlertState.EXPLAINED: {},
        AlertState.REFERRED: {},
    },
)
OPEN: Final = (AlertState.NEW, AlertState.UNDER_REVIEW)
"""States in which somebody still has to act."""
