"""Lots concluded before this platform: for search and statistics only, marked, without documents or proofs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from foundation import codes
from foundation.errors import NotPermitted
from foundation.ids import LotId
from foundation.money import Money
from foundation.store.unit import Unit
from foundation.working_days import civil_date, civil_instant
from tendering.models import Lot, PastDeal, Project
from tendering.services.codes import DEAL_CATEGORIES, INDUSTRY, CodeSource, next_number
from tendering.states import LotState

PUBLISHED_BEFORE = timedelta(days=45)
"""How long before its deal an imported lot is shown as published, where the source does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLot:
    """``base``: ceiling of works and purchases, reserve of property. ``published_at`` None: reckoned from the deal."""

    name: str
    location: str
    fund_source: str
    trade_kind: str
    tenderee_org_id: str
    base: Money
    amount: Money
    awardee_name: str
    deal_on: date
    published_at: datetime | None = None


def import_lot(unit: Unit, past: PastLot, source: CodeSource) -> LotId:
    """Enter a concluded lot with codes of its own day. Only a process of the centre may; no event is written.

    An import is no act of the platform, so nothing of it enters journal or log.
    """
    if not unit.actor.has_role("system"):
        raise NotPermitted(what="import")
    noon = civil_instant(past.deal_on, time(12))
    published_at = past.published_at or noon - PUBLISHED_BEFORE
    entered_on = civil_date(published_at)
    number = next_number(unit, f"project:{source.region}:{entered_on:%y%m%d}")
    project_code = codes.project_code(INDUSTRY, source.region, entered_on, number, codes.DATE_AND_SEQUENCE)
    tender_code = codes.tender_project_code(project_code, 1)
    project = Project(
        id=unit.new_id(),
        project_code=project_code,
        tender_code=tender_code,
        name=past.name,
        location=past.location,
        fund_source=past.fund_source,
        approval="",
        trade_kind=past.trade_kind,
        is_state_funded=True,
        tenderee_org_id=past.tenderee_org_id,
        agency_org_id=None,
        created_at=published_at,
        is_imported=True,
    )
    unit.session.add(project)
    unit.session.flush()
    serial = next_number(unit, f"deal:{entered_on:%Y%m%d}")
    category, centre = DEAL_CATEGORIES[past.trade_kind], codes.Uscc(source.centre_uscc)
    lot = Lot(
        id=unit.new_id(),
        project_id=project.id,
        number=next_number(unit, f"lot:{tender_code}"),
        lot_code=codes.lot_code(tender_code, 1),
        unified_deal_code=codes.unified_deal_code(category, centre, entered_on, serial),
        name=past.name,
        state=LotState.OPENED,
        ceiling=past.base,
        published_at=published_at,
        deadline_at=noon - timedelta(days=10),
        created_at=published_at,
        is_imported=True,
        is_guided=False,
    )
    unit.session.add(lot)
    unit.session.flush()
    saved = past.base - past.amount if past.amount <= past.base else past.amount - past.base
    unit.session.add(
        PastDeal(lot_id=lot.id, awardee_name=past.awardee_name, amount=past.amount, saved=saved, deal_on=past.deal_on)
    )
    unit.session.flush()
    return LotId(lot.id)
