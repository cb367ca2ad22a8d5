"""Public lists: notices by search and filter, today's openings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, or_, select

from foundation.clock import parse_iso
from foundation.money import Money
from foundation.store.unit import Unit
from foundation.working_days import civil_date, start_of_day
from tendering.models import Lot, PastDeal, Project
from tendering.queries.names import organisations
from tendering.states import LotState

TRADE_KINDS: Final = ("works", "procurement", "state_property", "rural_property")
STATE_GROUPS: Final[dict[str, tuple[LotState, ...]]] = {
    "open": (LotState.OPEN,),
    "opening": (LotState.CLOSED, LotState.FROZEN),
    "done": (LotState.OPENED, LotState.FAILED, LotState.CANCELLED),
}


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A published lot in a list. ``amount``: the ceiling, or the price of an imported deal."""

    lot_id: str
    name: str
    project_name: str
    lot_code: str
    tenderee_name: str
    trade_kind: str
    state: LotState
    amount: Money | None
    published_at: datetime
    deadline_at: datetime | None
    is_imported: bool


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """``text`` is looked for in names, codes and the tenderee's name; "" everywhere means everything."""

    text: str = ""
    kind: str = ""
    state: str = ""


_TENDEREE: Final = organisations("tenderee")


def _select() -> Select[Lot, Project, str, Money]:
    return (
        select(Lot, Project, _TENDEREE.name, PastDeal.amount)
        .join(Project, Project.id == Lot.project_id)
        .join(_TENDEREE.source, _TENDEREE.id == Project.tenderee_org_id)
        .outerjoin(PastDeal, PastDeal.lot_id == Lot.id)
        .where(Lot.published_at.is_not(None))
    )


def _row(found: Sequence[Any]) -> NoticeRow:
    lot, project, tenderee_name, amount = found
    return NoticeRow(
        lot_id=lot.id,
        name=lot.name,
        project_name=project.name,
        lot_code=lot.lot_code,
        tenderee_name=tenderee_name,
        trade_kind=project.trade_kind,
        state=lot.state,
        amount=amount or lot.ceiling,
        published_at=lot.published_at,
        deadline_at=lot.deadline_at,
        is_imported=lot.is_imported,
    )


def notices(unit: Unit, wanted: NoticeFilter, after: tuple[str, ...] | None, limit: int) -> Sequence[NoticeRow]:
    """Published lots, newest first; ``after`` is the key (instant, id) of the last one shown."""
    query = _select()
    if wanted.text:
        query = query.where(_matches(wanted.text.strip()[:100]))
    if wanted.kind in TRADE_KINDS:
        query = query.where(Project.trade_kind == wanted.kind)
    if wanted.state in STATE_GROUPS:
        query = query.where(Lot.state.in_(STATE_GROUPS[wanted.state]))
    if after is not None and len(after) == 2:  # noqa: PLR2004 - the two parts of the key
        at, lot_id = _instant(after[0]), after[1]
        query = query.where(or_(Lot.published_at < at, and_(Lot.published_at == at, Lot.id < lot_id)))
    rows = unit.session.execute(query.order_by(Lot.published_at.desc(), Lot.id.desc()).limit(limit))
    return [_row(found) for found in rows]


def _matches(text: str) -> ColumnElement[bool]:
    return or_(
        Lot.name.contains(text, autoescape=True),
        Project.name.contains(text, autoescape=True),
        Lot.lot_code.startswith(text.upper(), autoescape=True),
        Lot.unified_deal_code == text.upper(),
        _TENDEREE.name.contains(text, autoescape=True),
    )


def _instant(text: str) -> datetime:
    from foundation.web.paging import BadPage

    try:
        return parse_iso(text)
    except ValueError:
        raise BadPage(after=text[:20]) from None


def latest(unit: Unit, limit: int) -> Sequence[NoticeRow]:
    return notices(unit, NoticeFilter(), None, limit)


def openings(unit: Unit, limit: int) -> Sequence[NoticeRow]:
    """Openings of today and what comes next, by time; those that are over stay until midnight."""
    today = start_of_day(civil_date(unit.at))
    shown = (LotState.OPEN, LotState.CLOSED, LotState.FROZEN, LotState.OPENED, LotState.FAILED)
    query = (
        _select()
        .where(Lot.state.in_(shown), Lot.deadline_at >= today, Lot.is_imported.is_(False))
        .order_by(Lot.deadline_at, Lot.id)
        .limit(limit)
    )
    return [_row(found) for found in unit.session.execute(query)]


def is_today(row: NoticeRow, at: datetime) -> bool:
    return row.deadline_at is not None and row.deadline_at < start_of_day(civil_date(at) + timedelta(days=1))
