"""Every job handler, consumer and look-round of the project. The worker imports this module and nothing else."""

from __future__ import annotations

import accounts.notices.tasks
import bid_opening.consumers
import bid_opening.notice_tasks
import bid_opening.tasks
import centre.bundles.issuing
import centre.drills.running
import credit.consumers
import deposits.consumers
import deposits.tasks
import evaluation.tasks
import foundation.publication.tasks
import keyholding.tasks
import oversight.tasks
import tendering.consumers
import tendering.tasks
from centre import democlock
from foundation.clock import DemoClock
from foundation.jobs.registry import periodic
from foundation.runtime import Runtime

__all__ = [
    "accounts",
    "bid_opening",
    "centre",
    "credit",
    "deposits",
    "evaluation",
    "foundation",
    "keyholding",
    "oversight",
    "tendering",
]


@periodic("centre.demo_pulse", democlock.PULSE.total_seconds())
def demo_pulse(runtime: Runtime) -> None:
    """Note where the demonstration clock is, so that it stands still while the centre is down."""
    if isinstance(runtime.clock, DemoClock):
        democlock.pulse(runtime.units.engine)
