"""Do a drill: step by step, each told before it begins; the result is kept whole or not at all.

It survives a killed worker by beginning anew (the job comes back), a few times; then it is called interrupted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import structlog
from sqlalchemy import delete

from bid_opening import drill
from bid_opening.drill.report import Check, CheckState, absent, at_most, is_ready
from bid_opening.services.record import CENTRE
from bid_opening.services.schedule import min_bidders_of
from centre.drills import probes
from centre.drills.fan_out import probe_room
from centre.drills.models import DrillFrame, DrillRun
from centre.drills.probes import DRILLER, ECHO, Limits, Probed
from centre.drills.states import DrillState, DrillTrigger
from foundation.clock import iso, machine_now, monotonic
from foundation.documents.forms import render_opening_record
from foundation.events.centre import DrillEnded, DrillStarted
from foundation.jobs.registry import JobContext, task
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from keyholding import facade as keyholding
from tendering import facade as tendering
from tendering.methods import draw_pools

log = structlog.get_logger("drill")
TASK: Final = "centre.drill"
ATTEMPTS_MAX: Final = 3
STEPS: Final = ("log", "play", "record", "lot", "web", "room", "storage", "jobs", "holders", "beacon", "clock")
"""In this order, each a term ``drill_step.<step>``; the log first: it is timed from the drill's own first entry."""
Tell = Callable[[str], None]


def stream_of(drill_id: str) -> str:
    return f"drill:{drill_id}"


def record_name(drill_id: str) -> str:
    """Where the drill's record is kept."""
    return f"drills/{drill_id}/record.pdf"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the steps work with."""

    probed: Probed
    terms: drill.Terms
    seed: str


def terms_of(unit: Unit, lot_id: str) -> drill.Terms:
    """The published numbers of a lot. Raises NotFound."""
    card = tendering.lot_card(unit, lot_id)
    keyset = keyholding.keyset_of(unit, lot_id)
    if card.deadline_at is None:
        raise AssertionError("a lot that is rehearsed has a deadline")
    return drill.Terms(
        lot_name=card.name,
        lot_code=card.lot_code,
        tender_code=card.tender_code,
        project_name=card.project_name,
        tenderee=card.tenderee_name,
        agency=card.agency_name,
        opens_at=card.deadline_at,
        decrypt_minutes=card.decrypt_minutes,
        query_minutes=card.query_minutes,
        confirm_minutes=card.confirm_minutes,
        min_bidders=min_bidders_of(card),
        min_decrypted=card.min_decrypted,
        escrow_rule=card.escrow_rule,
        ceiling=card.ceiling,
        duration_days=card.duration_days,
        method_id=card.method_id,
        pools=draw_pools(card.method_id, card.method_params),
        suite=keyset.suite if keyset is not None else "S1",
    )


def run_drill(runtime: Runtime, drill_id: str, *, limits: Limits | None = None, tell: Tell | None = None) -> DrillState:
    """Do the drill to its end and keep the report. Called again for one that is over, it does nothing.

    A drill that was begun too often without coming to its end is called interrupted.
    """
    prepared = _start(runtime, drill_id, limits or Limits())
    if prepared is None:
        with runtime.units.read() as unit:
            return unit.session.get_one(DrillRun, drill_id).state
    checks: list[Check] = []
    outcome: drill.Outcome | None = None
    for number, step in enumerate(STEPS):
        _note_step(runtime, drill_id, step, number)
        if tell is not None:
            tell(step)
        match step:
            case "play":
                outcome, found = _play(prepared, runtime)
            case "record":
                found = _draw_up(prepared, runtime, outcome)
            case "room":
                found = probe_room(prepared.probed, outcome.frames if outcome is not None else ())
            case _:
                found = _PROBES[step](prepared.probed)
        checks += found
    return _finish(runtime, prepared, checks, outcome)


_PROBES: Final[dict[str, Callable[[Probed], tuple[Check, ...]]]] = {
    "lot": probes.probe_lot,
    "web": probes.probe_web,
    "storage": probes.probe_storage,
    "jobs": probes.probe_jobs,
    "log": probes.probe_log,
    "holders": probes.probe_holders,
    "beacon": probes.probe_beacon,
    "clock": probes.probe_clock,
}


def _start(runtime: Runtime, drill_id: str, limits: Limits) -> Prepared | None:
    with runtime.units.begin(DRILLER) as unit:
        row = unit.session.get_one(DrillRun, drill_id)
        if row.state not in {DrillState.QUEUED, DrillState.RUNNING}:
            return None
        if row.attempt >= ATTEMPTS_MAX:
            ended = DrillEnded(drill_id, row.lot_id, DrillState.INTERRUPTED.value, ())
            unit.transition(row, DrillTrigger.INTERRUPT, stream_of(drill_id), ended)
            row.finished_at = unit.at
            return None
        row.attempt += 1
        started = DrillStarted(drill_id, row.lot_id, row.attempt)
        entry = unit.transition(row, DrillTrigger.START, stream_of(drill_id), started)
        unit.session.execute(delete(DrillFrame).where(DrillFrame.drill_id == drill_id))
        probed = Probed(runtime, drill_id, row.lot_id, entry.id, limits)
        return Prepared(probed, terms_of(unit, row.lot_id), row.seed)


def _note_step(runtime: Runtime, drill_id: str, step: str, number: int) -> None:
    with runtime.units.begin(DRILLER) as unit:
        row = unit.session.get_one(DrillRun, drill_id)
        row.step, row.done, row.beat_at = step, number, machine_now()


def _play(prepared: Prepared, runtime: Runtime) -> tuple[drill.Outcome, tuple[Check, ...]]:
    began = monotonic()
    outcome = drill.play(prepared.terms, drill.cast(prepared.seed, prepared.terms), runtime.units.entropy)
    log.info("drill_played", drill=prepared.probed.drill_id, seconds=round(monotonic() - began, 2))
    return outcome, outcome.checks


def _draw_up(prepared: Prepared, runtime: Runtime, outcome: drill.Outcome | None) -> tuple[Check, ...]:
    """The record as a PDF, by the form of a real one, and where it is kept."""
    if outcome is None or outcome.state.entered_at(outcome.state.phase) is None:
        return (absent("record", "no_opening"),)
    began = monotonic()
    paper = drill.record_of(outcome, prepared.terms, centre=CENTRE)
    content = render_opening_record(paper, at=prepared.terms.opens_at)
    name = record_name(prepared.probed.drill_id)
    runtime.objects.delete_prefix(name)
    runtime.objects.put_once(name, content)
    return (at_most("record", monotonic() - began, prepared.probed.limits.record, "seconds"),)


def _finish(runtime: Runtime, prepared: Prepared, checks: Sequence[Check], outcome: drill.Outcome | None) -> DrillState:
    ready = is_ready(checks)
    state = DrillState.READY if ready else DrillState.NOT_READY
    trigger = DrillTrigger.FIND_READY if ready else DrillTrigger.FIND_NOT_READY
    bad = tuple(check.code for check in checks if check.state is CheckState.FAILED)
    drill_id = prepared.probed.drill_id
    with runtime.units.begin(DRILLER) as unit:
        row = unit.session.get_one(DrillRun, drill_id)
        ended = DrillEnded(drill_id, row.lot_id, state.value, bad)
        unit.transition(row, trigger, stream_of(drill_id), ended)
        row.step, row.done, row.finished_at = "", len(STEPS), unit.at
        row.report = report_of(prepared, checks, outcome)
    return state


def report_of(prepared: Prepared, checks: Sequence[Check], outcome: drill.Outcome | None) -> dict[str, Any]:
    """The report as it is kept and downloaded: JSON, its instants text."""
    terms = prepared.terms
    return {
        "drill": True,
        "mark": drill.MARK,
        "lot_code": terms.lot_code,
        "lot_name": terms.lot_name,
        "opens_at": iso(terms.opens_at),
        "seed": prepared.seed,
        "checks": [_plain(check) for check in checks],
        "bidders": _bidders(outcome) if outcome is not None else [],
        "has_record": any(check.code == "record" and check.state is not CheckState.NONE for check in checks),
        "moments": [{"at": iso(m.at), "type": m.type} for m in outcome.moments] if outcome is not None else [],
        "story_sha256": hashlib.sha256("\n".join(outcome.frames).encode()).hexdigest() if outcome is not None else "",
    }


def _plain(check: Check) -> dict[str, Any]:
    """A check with its numbers as decimal text: no float is kept."""
    return {**asdict(check), "measured": _number(check.measured), "limit": _number(check.limit)}


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if value == int(value) else f"{value:.3f}".rstrip("0")


def _bidders(outcome: drill.Outcome) -> list[dict[str, Any]]:
    """What became of each synthetic bidder."""
    lines = {line.bidder.org_id: line for line in outcome.lines}
    told = []
    for seat in outcome.state.seats:
        line = lines[seat.org_id]
        how = "released" if seat.released_at else "escrowed" if seat.escrowed_at else "missing"
        told.append(
            {
                "seat": seat.number,
                "name": seat.name,
                "habit": line.bidder.habit.value,
                "result": how,
                "tries": seat.tries,
                "resumed": line.resumed,
                "is_read": seat.read_at is not None,
            }
        )
    return told


@task(TASK)
def do_drill(context: JobContext) -> None:
    """The job; a worker that is killed in it leaves it to the next one."""
    run_drill(context.runtime, context.payload["drill"])


@task(ECHO)
def echo(context: JobContext) -> None:
    """What a drill has done to see that jobs are done: nothing but being done."""
    log.debug("drill_echo", drill=context.payload["drill"])
