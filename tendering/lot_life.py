"""How far the lives of lots have gone, as far as tendering knows; and what a reader may open of a lot here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.store.unit import Unit
from foundation.web.lot_life import STAGES, LotLink, Stage
from tendering import access
from tendering.models import Lot
from tendering.services.clarifications import book_of
from tendering.states import LotState

_NOW: Final = {
    LotState.CLOSED: 3,
    LotState.FROZEN: 3,
    LotState.OPENED: 4,
    LotState.FAILED: 3,
    LotState.CANCELLED: 2,
}
OVER: Final = frozenset({LotState.FAILED, LotState.CANCELLED})


def stages(unit: Unit, lot_ids: Sequence[str]) -> Mapping[str, Iterable[Stage]]:
    """The stages of published lots; what follows the opening only as "not yet"."""
    rows = unit.session.scalars(select(Lot).where(Lot.id.in_(lot_ids), Lot.published_at.is_not(None)))
    return {lot.id: _stages(lot, unit.at) for lot in rows}


def _stages(lot: Lot, at: datetime) -> tuple[Stage, ...]:
    """With what is known of their instants; an imported lot has passed them all."""
    change_until = None
    if lot.rulebook_id is not None and lot.deadline_at is not None and not lot.is_imported:
        change_until = lot.deadline_at - timedelta(days=book_of(lot).number("tender.clarify_before_days"))
    if lot.is_imported:
        now = len(STAGES)
    else:
        before_change = change_until is not None and at < change_until
        now = _NOW.get(lot.state, 1 if before_change else 2)
    instants = (lot.published_at, change_until, lot.deadline_at, lot.deadline_at, None, None, None, None)
    is_over = lot.state in OVER
    return tuple(
        Stage(key, instants[index], "done" if index < now else "now" if index == now and not is_over else "")
        for index, key in enumerate(STAGES)
    )


def links(unit: Unit, actor: Actor, lot_id: str) -> Iterator[LotLink]:
    """The lot itself, one's own bid, the desk of those who prepare it."""
    try:
        lot, project = access.public_lot(unit, lot_id)
    except NotFound:
        return
    yield LotLink("标段公告与文件", "Notice and documents", f"/lots/{lot_id}", 10, "file")
    if lot.is_imported:
        return
    if actor.has_role("bidder"):
        yield LotLink("我的投标", "My bid", f"/lots/{lot_id}/bid", 20, "seal")
    if access.is_host(project, actor):
        yield LotLink("管理本标段", "Manage this lot", f"/lots/{lot_id}/preparation", 20, "file")
        yield LotLink("提问与澄清", "Questions and clarifications", f"/lots/{lot_id}/questions", 30, "help")
    if lot.state is not LotState.CANCELLED:
        yield LotLink("开标直播间与开标记录", "The opening and its record", f"/rooms/{lot_id}", 40, "eye")
