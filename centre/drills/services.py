"""Order drills and read them: who may, and what the pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from centre.drills.errors import DrillNotOver, DrillNotPossible
from centre.drills.models import DrillRun
from centre.drills.running import STEPS, TASK
from centre.drills.states import DRILL_MACHINE, DrillState
from foundation.clock import machine_now
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.states import LotState

SEEING: Final = ("centre_staff", "supervisor")
"""Who sees the drills of every lot; the sides of a lot see those of their own."""
LOST_SECONDS: Final = 150
"""No step takes so long: a running drill that is silent for longer waits for a worker."""
KEPT_SHOWN: Final = 20
AHEAD: Final = timedelta(days=7)
"""How far ahead the centre's page lists openings to rehearse."""


@dataclass(frozen=True, slots=True)
class DrillView:
    """One drill as its readers see it. ``is_lost``: nothing has moved for a while, the worker may be down."""

    id: str
    lot_id: str
    lot_code: str
    lot_name: str
    opens_at: datetime | None
    state: DrillState
    ordered_by: str
    ordered_at: datetime
    finished_at: datetime | None
    attempt: int
    step: str
    done: int
    total: int
    is_lost: bool
    is_over: bool
    report: dict[str, Any] | None
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsable:
    """An opening to come, and its last drill."""

    lot_id: str
    lot_code: str
    lot_name: str
    opens_at: datetime
    last: DrillView | None


def may_see(unit: Unit, lot_id: str) -> bool:
    actor = unit.actor
    is_side = actor.has_role("agency", "tenderee") and tendering.belongs_to_host_side(unit, lot_id, actor)
    return is_side or actor.has_role(*SEEING)


def may_order(unit: Unit, lot_id: str) -> bool:
    actor = unit.actor
    is_side = actor.has_role("agency", "tenderee") and tendering.belongs_to_host_side(unit, lot_id, actor)
    return is_side or actor.has_role("centre_staff")


def can_be_rehearsed(unit: Unit, card: tendering.LotCard) -> bool:
    """Published, and its deadline still to come."""
    return card.state is LotState.OPEN and card.deadline_at is not None and card.deadline_at > unit.at


def order_drill(unit: Unit, lot_id: str) -> str:
    """Order a drill; its id. One that is under way is not doubled. Raises NotFound, NotPermitted, DrillNotPossible."""
    require_seen(unit, lot_id)
    if not may_order(unit, lot_id):
        raise NotPermitted(what="drill")
    card = tendering.lot_card(unit, lot_id)
    running = unit.session.scalar(
        select(DrillRun.id).where(
            DrillRun.lot_id == lot_id, DrillRun.state.in_((DrillState.QUEUED, DrillState.RUNNING))
        )
    )
    if running is not None:
        return running
    if not can_be_rehearsed(unit, card):
        raise DrillNotPossible(state=str(card.state))
    drill_id = new_drill(unit, lot_id)
    unit.enqueue(TASK, drill_id, {"drill": drill_id})
    return drill_id


def new_drill(unit: Unit, lot_id: str) -> str:
    """The row of a drill that is still to be done."""
    drill_id = unit.new_id()
    actor = unit.actor
    row = DrillRun(
        id=drill_id,
        lot_id=lot_id,
        state=DrillState.QUEUED,
        seed=unit.entropy.token(8).hex(),
        ordered_by=f"{actor.org_name} {actor.display_name}".strip()[:200],
        ordered_at=unit.at,
        attempt=0,
        step="",
        done=0,
        beat_at=machine_now(),
        channel_hash="",
        report=None,
        finished_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    return drill_id


def require_seen(unit: Unit, lot_id: str) -> None:
    """Raises NotFound for whoever has nothing to do with the lot: that it is rehearsed is nobody else's business."""
    if not may_see(unit, lot_id):
        raise NotFound(what="lot")


def drill_of(unit: Unit, drill_id: str) -> DrillView:
    """One drill. Raises NotFound."""
    row = unit.session.get(DrillRun, drill_id)
    if row is None or not may_see(unit, row.lot_id):
        raise NotFound(what="drill")
    return _view(unit, row)


def report_of(unit: Unit, drill_id: str) -> DrillView:
    """A drill that is over, with its report. Raises NotFound, DrillNotOver."""
    found = drill_of(unit, drill_id)
    if found.report is None:
        raise DrillNotOver
    return found


def drills_of(unit: Unit, lot_id: str) -> Sequence[DrillView]:
    """The newest drills of a lot. Raises NotFound."""
    require_seen(unit, lot_id)
    rows = unit.session.scalars(
        select(DrillRun).where(DrillRun.lot_id == lot_id).order_by(DrillRun.id.desc()).limit(KEPT_SHOWN)
    )
    return [_view(unit, row) for row in rows]


def rehearsable(unit: Unit) -> Sequence[Rehearsable]:
    """The openings of the next days, soonest first, for the centre's own people and supervisors."""
    found = []
    for card in tendering.lots_in(unit, LotState.OPEN):
        if card.deadline_at is None or not unit.at < card.deadline_at <= unit.at + AHEAD:
            continue
        row = unit.session.scalar(
            select(DrillRun).where(DrillRun.lot_id == card.id).order_by(DrillRun.id.desc()).limit(1)
        )
        last = _view(unit, row) if row is not None else None
        found.append(Rehearsable(card.id, card.lot_code, card.name, card.deadline_at, last))
    return found


def _view(unit: Unit, row: DrillRun) -> DrillView:
    card = tendering.lot_card(unit, row.lot_id)
    is_over = DRILL_MACHINE.is_final(row.state)
    silent = row.beat_at is not None and machine_now() - row.beat_at > timedelta(seconds=LOST_SECONDS)
    checks = (row.report or {}).get("checks", [])
    return DrillView(
        id=row.id,
        lot_id=row.lot_id,
        lot_code=card.lot_code,
        lot_name=card.name,
        opens_at=card.deadline_at,
        state=row.state,
        ordered_by=row.ordered_by,
        ordered_at=row.ordered_at,
        finished_at=row.finished_at,
        attempt=row.attempt,
        step=row.step,
        done=row.done,
        total=len(STEPS),
        is_lost=silent and not is_over,
        is_over=is_over,
        report=row.report,
        failed=tuple(check["code"] for check in checks if check["state"] == "failed"),
    )
