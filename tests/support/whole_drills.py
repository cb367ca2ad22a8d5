"""Drills of the whole centre's open lots: one that is over (the first not ready, the second ready), one under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bid_opening import drill
from bid_opening.drill.report import failed
from centre.drills import running, services
from centre.drills.probes import Limits
from foundation.entropy import SystemEntropy
from tests.support.whole_people import PDF

if TYPE_CHECKING:
    from tests.support.whole_centre import WholeCentre


def add_drills(centre: WholeCentre, number: int) -> None:
    """``drill`` and ``running_drill`` of this number's open lot, ordered by its agency."""
    runtime, lot_id = centre.world.runtime, centre.objects["open_lot"][number]
    ids = []
    for _ in range(2):
        with centre.units.begin(centre.people[f"agency{number}"].actor) as unit:
            ids.append(services.new_drill(unit, str(lot_id)))
    over, under_way = ids
    prepared = running._start(runtime, over, Limits())
    assert prepared is not None
    outcome = drill.play(prepared.terms, drill.cast("tests", prepared.terms), SystemEntropy())
    checks = [*outcome.checks, drill.Check("record", drill.CheckState.OK, 1, 60, "seconds")]
    if number == 1:
        checks.append(failed("holders", "silent", "武进区教育局 启封人"))
    running._finish(runtime, prepared, checks, outcome)
    runtime.objects.put_once(running.record_name(over), PDF)
    running._start(runtime, under_way, Limits())
    running._note_step(runtime, under_way, "room", running.STEPS.index("room"))
    centre.put("drill", number, over)
    centre.put("running_drill", number, under_way)
