"""The guided lot: drafted by its agency, everything filled in, ready for its keyset, rehearsal and publication."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from centre.seed_people import SEEDER, actor_of, uscc_of, user_of
from foundation.errors import NotFound
from foundation.money import Money
from foundation.runtime import Runtime
from foundation.working_days import civil_date, from_state_council
from sandbox import cast
from tendering.models import Lot
from tendering.rulebook import RulebookKind, rulebook_in_force
from tendering.rules import LotDraft
from tendering.services.codes import CodeSource
from tendering.services.lots import add_lot
from tendering.services.projects import NewProject, create_project
from tendering.states import LotState
from tendering.timetable import TimetableFacts, earliest_deadline

PLANNED_AHEAD: Final = timedelta(days=2)
"""Publication is planned this far ahead, so that whoever prepares the lot by hand is in time."""


def seed_guided(runtime: Runtime) -> str:
    """Draft the guided lot unless one is there; returns its id."""
    with runtime.units.read() as unit:
        known = unit.session.scalar(select(Lot.id).where(Lot.is_guided).order_by(Lot.created_at.desc()).limit(1))
    return known or draft_guided(runtime)


def untouched_guided(runtime: Runtime) -> str:
    """The newest guided lot as long as nobody has begun with it, else a fresh one: where a run begins.

    Raises NotFound in a folder without the cast.
    """
    with runtime.units.read() as unit:
        if user_of(unit, "agency") is None:
            raise NotFound(what="account")
        newest = unit.session.scalar(
            select(Lot).where(Lot.is_guided).order_by(Lot.created_at.desc(), Lot.id.desc()).limit(1)
        )
        found = newest.id if newest is not None and newest.state is LotState.DRAFT else ""
    return found or draft_guided(runtime)


def draft_guided(runtime: Runtime) -> str:
    """Draft a guided lot, ready for its keys; the newest one is the one everybody is guided through."""
    with runtime.units.read() as unit:
        clerk = actor_of(unit, "agency", "agency")
    settings = runtime.settings
    source = CodeSource(settings.region_code, settings.centre_uscc)
    with runtime.units.begin(clerk) as unit:
        project_id = create_project(
            unit,
            NewProject(
                name=cast.PROJECT_NAME,
                location="常州市武进区湖塘镇",
                fund_source="财政资金 100%，资金已落实",
                approval="武行审投〔2026〕118 号",
                is_state_funded=True,
                tenderee_uscc=uscc_of(cast.TENDEREES[0]),
            ),
            source,
        )
        lot_id = add_lot(unit, project_id, guided_draft(runtime), source)
    with runtime.units.begin(SEEDER) as unit:
        lot = unit.session.get_one(Lot, lot_id)
        lot.is_guided = True
    return str(lot_id)


def guided_draft(runtime: Runtime) -> LotDraft:
    """What the clerk entered: the dates are the earliest lawful ones from the planned publication."""
    publish_at = runtime.clock.now() + PLANNED_AHEAD
    book = rulebook_in_force(civil_date(publish_at), RulebookKind.WORKS_MANDATORY)
    deadline = earliest_deadline(TimetableFacts(published_at=publish_at), book, from_state_council())
    return LotDraft(
        name=cast.LOT_NAME,
        scope="教学楼、宿舍楼屋面及外立面修缮，室内装饰装修，给排水、电气及消防改造，建筑面积约 18,600 平方米。",
        qualification=(
            "具备有效的营业执照和安全生产许可证；\n具备建筑工程施工总承包二级及以上资质；\n"
            "拟派项目经理具备建筑工程专业二级及以上注册建造师执业资格，无其他在建工程。"
        ),
        quality="合格",
        contract_estimate=Money.yuan(str(cast.ESTIMATE)),
        ceiling_price=Money.yuan(str(cast.CEILING)),
        bid_deposit=Money.yuan(str(cast.DEPOSIT)),
        duration_days=cast.DURATION_DAYS,
        publish_at=publish_at.replace(second=0, microsecond=0),
        bid_deadline=deadline,
    )
