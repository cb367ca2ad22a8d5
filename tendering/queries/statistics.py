"""Figures of concluded deals by kind of trade and month (R11.01-R11.03); every rate with its n/N."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import extract, func, select

from foundation.money import Money
from foundation.store.unit import Unit
from foundation.working_days import civil_date
from tendering.models import Lot, PastDeal, Project
from tendering.queries.notices import TRADE_KINDS
from tendering.states import LotState

PROPERTY = frozenset({"state_property", "rural_property"})
"""Kinds where the higher price is the better one: their ``saved`` is what was gained above the reserve."""

_HUNDRED = Decimal(100)
_PERCENT_PLACES = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Rate:
    """``part`` of ``whole``, in percent with two places; None of nothing."""

    part: Money
    whole: Money

    @property
    def percent(self) -> Decimal | None:
        if not self.whole:
            return None
        exact = self.part.decimal() * _HUNDRED / self.whole.decimal()
        return exact.quantize(_PERCENT_PLACES, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class KindFigures:
    """Deals of one kind in the year; ``months`` holds the amount of January to the last month shown."""

    kind: str
    count: int
    amount: Money
    gain: Rate
    months: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """``months``: the last one shown. ``failed`` of ``ended`` lots came to nothing in ``year``."""

    year: int
    months: int
    count: int
    amount: Money
    saving: Rate
    uplift: Rate
    failed: int
    ended: int
    kinds: tuple[KindFigures, ...]
    saving_by_month: tuple[Rate, ...]


def years_with_deals(unit: Unit) -> tuple[int, ...]:
    """Years with a deal up to today, latest first."""
    year = extract("year", PastDeal.deal_on)
    rows = unit.session.scalars(select(year).where(PastDeal.deal_on <= civil_date(unit.at)).distinct())
    return tuple(sorted((int(one) for one in rows), reverse=True))


def figures(unit: Unit, year: int | None = None) -> Figures | None:
    """The figures of a year (the latest one unless told) with a deal up to today; None without any deal."""
    today = civil_date(unit.at)
    query = select(func.max(PastDeal.deal_on)).where(PastDeal.deal_on <= today)
    if year is not None:
        query = query.where(extract("year", PastDeal.deal_on) == year)
    last = unit.session.scalar(query)
    if last is None:
        return None
    rows = unit.session.execute(
        select(
            Project.trade_kind,
            extract("month", PastDeal.deal_on),
            func.count(),
            func.sum(PastDeal.amount),
            func.sum(PastDeal.saved),
        )
        .join(Lot, Lot.id == PastDeal.lot_id)
        .join(Project, Project.id == Lot.project_id)
        .where(extract("year", PastDeal.deal_on) == last.year, PastDeal.deal_on <= today)
        .group_by(Project.trade_kind, extract("month", PastDeal.deal_on))
    ).all()
    cells = {
        (kind, int(month)): (int(count), _money(amount), _money(gain)) for kind, month, count, amount, gain in rows
    }
    kinds = tuple(_kind(kind, last.month, cells) for kind in TRADE_KINDS)
    bought = [one for one in kinds if one.kind not in PROPERTY]
    sold = [one for one in kinds if one.kind in PROPERTY]
    count = sum(one.count for one in kinds)
    failed = _failed(unit, last.year)
    return Figures(
        year=last.year,
        months=last.month,
        count=count,
        amount=Money.sum(one.amount for one in kinds),
        saving=_sum_of(bought),
        uplift=_sum_of(sold),
        failed=failed,
        ended=count + failed,
        kinds=kinds,
        saving_by_month=tuple(_month_saving(month, cells) for month in range(1, last.month + 1)),
    )


_Cells = dict[tuple[str, int], tuple[int, Money, Money]]
_NOTHING = (0, Money(0), Money(0))


def _money(total: object) -> Money:
    """SUM comes back as Money through the column type, or as a number where the driver forgets it."""
    return total if isinstance(total, Money) else Money(int(str(total or 0)))


def _kind(kind: str, months: int, cells: _Cells) -> KindFigures:
    own = [cells.get((kind, month), _NOTHING) for month in range(1, months + 1)]
    amount, gain = Money.sum(cell[1] for cell in own), Money.sum(cell[2] for cell in own)
    base = amount - gain if kind in PROPERTY else amount + gain
    return KindFigures(kind, sum(cell[0] for cell in own), amount, Rate(gain, base), tuple(cell[1] for cell in own))


def _sum_of(kinds: list[KindFigures]) -> Rate:
    return Rate(Money.sum(one.gain.part for one in kinds), Money.sum(one.gain.whole for one in kinds))


def _month_saving(month: int, cells: _Cells) -> Rate:
    own = [cells.get((kind, month), _NOTHING) for kind in TRADE_KINDS if kind not in PROPERTY]
    gain = Money.sum(cell[2] for cell in own)
    return Rate(gain, Money.sum(cell[1] for cell in own) + gain)


def _failed(unit: Unit, year: int) -> int:
    """Lots of the year that failed at their opening; counted by the deadline."""
    from datetime import date

    from foundation.working_days import start_of_day

    first, after = start_of_day(date(year, 1, 1)), start_of_day(date(year + 1, 1, 1))
    return (
        unit.session.scalar(
            select(func.count())
            .select_from(Lot)
            .where(Lot.state == LotState.FAILED, Lot.deadline_at >= first, Lot.deadline_at < after)
        )
        or 0
    )
