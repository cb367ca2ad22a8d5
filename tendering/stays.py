"""暂缓: while a stay lies on a lot its award, its contract and refunds to its candidates stand still (R1.41, R5.02).

Synchronous: whoever decides something of a lot calls :func:`require_no_stay` in the Unit that decides. It locks the
lot's row, and so does placing a stay, so that of an objection and an award at the same instant one sees the other.
"""

from __future__ import annotations

from sqlalchemy import select

from foundation.errors import Conflict, NotFound
from foundation.events.tendering import StayLifted, StayPlaced
from foundation.store.unit import Unit
from tendering.models import Lot, Stay


class LotStayed(Conflict):
    """Something about this lot is undecided. Fields: ``grounds``."""

    code = "tendering.lot_stayed"


def place_stay(unit: Unit, lot_id: str, ground: str) -> None:
    """Lay a stay on the lot. ``ground`` names what has to be settled ("objection:<id>"); the same one again is one."""
    _lock(unit, lot_id)
    if _open(unit, lot_id, ground) is not None:
        return
    unit.session.add(Stay(id=unit.new_id(), lot_id=lot_id, ground=ground, placed_at=unit.at, lifted_at=None))
    unit.session.flush()
    unit.append(f"lot:{lot_id}", StayPlaced(lot=lot_id, ground=ground))


def lift_stay(unit: Unit, lot_id: str, ground: str) -> None:
    """What was to be settled is settled; lifting what does not lie there changes nothing."""
    _lock(unit, lot_id)
    row = _open(unit, lot_id, ground)
    if row is None:
        return
    row.lifted_at = unit.at
    unit.session.flush()
    unit.append(f"lot:{lot_id}", StayLifted(lot=lot_id, ground=ground))


def has_stay(unit: Unit, lot_id: str) -> bool:
    """Whether anything stays this lot now. Reads only: before deciding use :func:`require_no_stay`."""
    return bool(grounds_of(unit, lot_id))


def grounds_of(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """The grounds of every stay in force, oldest first."""
    rows = unit.session.scalars(
        select(Stay.ground).where(Stay.lot_id == lot_id, Stay.lifted_at.is_(None)).order_by(Stay.placed_at, Stay.id)
    )
    return tuple(rows)


def require_no_stay(unit: Unit, lot_id: str) -> None:
    """Before an award, a contract, a refund to a candidate: locks the lot, raises LotStayed."""
    _lock(unit, lot_id)
    if grounds := grounds_of(unit, lot_id):
        raise LotStayed(grounds=", ".join(grounds), count=len(grounds))


def _lock(unit: Unit, lot_id: str) -> None:
    # SQLite holds the write lock from the start of the Unit; PostgreSQL needs the row's.
    if unit.session.scalar(select(Lot.id).where(Lot.id == lot_id).with_for_update()) is None:
        raise NotFound(what="lot")


def _open(unit: Unit, lot_id: str, ground: str) -> Stay | None:
    return unit.session.scalar(
        select(Stay).where(Stay.lot_id == lot_id, Stay.ground == ground, Stay.lifted_at.is_(None))
    )
