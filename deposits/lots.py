"""What deposits know of a lot: read from the lot's own public stream, because tendering stands above this package."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select

from foundation.errors import NotFound
from foundation.events import tendering as e
from foundation.journal.models import JournalEntry, JournalStream
from foundation.journal.read import entry_of
from foundation.money import Money
from foundation.store.unit import Unit

_TYPES: Final = tuple(
    kind.TYPE
    for kind in (
        e.LotPublished,
        e.DeadlineMoved,
        e.BidsClosed,
        e.LotFrozen,
        e.LotFailed,
        e.LotCancelled,
        e.StayPlaced,
        e.StayLifted,
    )
)


@dataclass(frozen=True, slots=True)
class LotTerms:
    """``is_listed``: the list of bids is fixed or the lot has failed, so who paid may be seen by those concerned.

    ``stays``: grounds that stay award and refunds to candidates (R2.19).
    """

    id: str
    lot_code: str
    name: str
    required: Money
    deadline_at: datetime
    is_closed: bool = False
    is_listed: bool = False
    is_cancelled: bool = False
    stays: tuple[str, ...] = ()


def terms_of(unit: Unit, lot_id: str) -> LotTerms:
    """The lot's terms. Raises NotFound for a lot that is not published."""
    found = terms_of_all(unit, [lot_id])
    if not found:
        raise NotFound(what="lot")
    return found[0]


def terms_of_all(unit: Unit, lot_ids: Iterable[str]) -> list[LotTerms]:
    """The terms of those of the lots that are published, in the order given."""
    wanted = list(lot_ids)
    rows = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream.in_([f"lot:{lot_id}" for lot_id in wanted]), JournalEntry.type.in_(_TYPES))
        .order_by(JournalEntry.stream, JournalEntry.seq)
    )
    known: dict[str, LotTerms] = {}
    for row in rows:
        _fold(known, entry_of(row).event)
    return [known[lot_id] for lot_id in wanted if lot_id in known]


def hold_still(unit: Unit, lot_id: str) -> None:
    """Let no stay be placed from now until this Unit commits (SQLite has one writer anyway)."""
    unit.session.execute(
        select(JournalStream.stream).where(JournalStream.stream == f"lot:{lot_id}").with_for_update(read=True)
    )


def _fold(known: dict[str, LotTerms], event: object) -> None:
    match event:
        case e.LotPublished():
            required = Money.yuan(event.deposit)
            known[event.lot] = LotTerms(event.lot, event.lot_code, event.name, required, event.deadline_at)
        case e.DeadlineMoved() if event.lot in known:
            known[event.lot] = replace(known[event.lot], deadline_at=event.after)
        case e.BidsClosed() if event.lot in known:
            known[event.lot] = replace(known[event.lot], is_closed=True, deadline_at=event.deadline_at)
        case e.LotFrozen() if event.lot in known:
            known[event.lot] = replace(known[event.lot], is_listed=True)
        case e.LotFailed() if event.lot in known:
            known[event.lot] = replace(known[event.lot], is_closed=True, is_listed=True)
        case e.LotCancelled() if event.lot in known:
            # Nobody will ever open its bids: who had paid stays hidden.
            known[event.lot] = replace(known[event.lot], is_closed=True, is_cancelled=True)
        case e.StayPlaced() if event.lot in known:
            before = known[event.lot]
            known[event.lot] = replace(before, stays=(*before.stays, event.ground))
        case e.StayLifted() if event.lot in known:
            before = known[event.lot]
            known[event.lot] = replace(before, stays=tuple(one for one in before.stays if one != event.ground))
        case _:
            pass
