"""``centre drill LOT``: rehearse a lot's opening now, from this process, and say ready or not ready, and why."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click

NOT_READY = 5


@click.command("drill")
@click.argument("lot")
@click.option("--json", "as_json", is_flag=True, help="The whole report as one JSON object.")
def drill(lot: str, as_json: bool) -> None:
    """Rehearse the opening of LOT (its id): throw-away bids in virtual time, and probes of this installation.

    Exit codes: 0 ready, 3 the lot can not be rehearsed, 5 not ready (the report says why).
    """
    from centre.bootstrap import make_runtime
    from centre.cli import read_settings
    from centre.drills import running, services
    from centre.drills.errors import DrillNotPossible
    from centre.drills.models import DrillRun
    from centre.drills.probes import DRILLER
    from centre.drills.states import DrillState
    from centre.drills.wording import line_of, term, verdict_of
    from foundation.i18n import EN, ZH, Lang
    from foundation.ids import parse_id
    from tendering import facade as tendering

    runtime = make_runtime(read_settings())
    lang: Lang = EN if os.environ.get("LANG", "").startswith("en") else ZH
    lot_id = parse_id(lot)
    with runtime.units.begin(DRILLER) as unit:
        card = tendering.lot_card(unit, lot_id)
        if not services.can_be_rehearsed(unit, card):
            raise DrillNotPossible(state=str(card.state))
        drill_id = services.new_drill(unit, lot_id)
    tell = None if as_json else (lambda step: click.echo(f"· {term(f'drill_step.{step}', lang)}", err=True))
    state = running.run_drill(runtime, drill_id, tell=tell)
    with runtime.units.read() as unit:
        row = unit.session.get_one(DrillRun, drill_id)
        report: dict[str, Any] = {"id": drill_id, "state": row.state.value, **(row.report or {})}
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        for check in report.get("checks", ()):
            click.echo(line_of(check, lang))
        click.echo(verdict_of(report["state"], lang))
    if state is not DrillState.READY:
        sys.exit(NOT_READY)
