"""Jobs and the look-round of oversight."""

from __future__ import annotations

import oversight.consumers  # noqa: F401 - registers what listens to the opening
from foundation.clock import to_beijing
from foundation.jobs.registry import JobContext, periodic, task
from foundation.runtime import Runtime
from oversight.services import comparison, scans

LOOK_SECONDS = 300.0


@task(scans.COMPARE)
def compare_texts(context: JobContext) -> None:
    comparison.compare_lot(context.runtime, context.payload["lot"])


@periodic("oversight.missed_scans", LOOK_SECONDS)
def look(runtime: Runtime) -> None:
    """Lots opened before there were detectors, and lots whose job gave up: asked for again, at most once an hour."""
    with runtime.units.read(scans.PLATFORM) as unit:
        payers, texts = scans.missed(unit)
    for lot_id in payers:
        with runtime.units.begin(scans.PLATFORM) as unit:
            scans.scan_payers(unit, lot_id)
    for lot_id in texts:
        with runtime.units.begin(scans.PLATFORM) as unit:
            hour = to_beijing(unit.at).strftime("%Y-%m-%dT%H")
            scans.order(unit, lot_id, key=f"{lot_id} {hour}")
