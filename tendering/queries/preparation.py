"""What the people who prepare a lot see: their projects, and for each lot who has to do what next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select

from accounts import facade as accounts
from foundation.errors import Objection
from foundation.store.unit import Unit
from tendering import access
from tendering.models import Lot, PaperOrder, Project
from tendering.queries.names import organisations
from tendering.rules import LotDraft, missing
from tendering.services import orders, publication
from tendering.services.keysets import KeysetFacts, keyset_facts
from tendering.services.lots import EDITABLE, draft_of
from tendering.states import LotState, OrderState


@dataclass(frozen=True, slots=True)
class ProjectRow:
    project_id: str
    project_code: str
    name: str
    tenderee_name: str
    agency_name: str
    created_at: datetime
    lots: tuple[LotRow, ...]


@dataclass(frozen=True, slots=True)
class LotRow:
    lot_id: str
    project_id: str
    lot_code: str
    name: str
    state: LotState
    deadline_at: datetime | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProjectPage:
    project_id: str
    project_code: str
    tender_code: str
    name: str
    location: str
    fund_source: str
    approval: str
    trade_kind: str
    is_state_funded: bool
    tenderee_name: str
    agency_name: str
    may_draft: bool
    lots: tuple[LotRow, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step before publication. ``state``: done, next, todo; ``doer``: host, holders, tenderee, centre."""

    key: str
    doer: str
    state: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class OrderCard:
    """Papers ordered last. A failed order carries its reasons for the reader's language."""

    order_id: str
    kind: str
    state: OrderState
    ordered_at: datetime
    fault_code: str
    fault_fields: dict[str, Any]
    objections: tuple[Objection, ...]


@dataclass(frozen=True, slots=True)
class PreparationPage:
    lot_id: str
    lot_code: str
    unified_deal_code: str
    project_id: str
    project_name: str
    state: LotState
    draft: LotDraft
    tenderee_name: str
    agency_name: str
    is_host: bool
    is_tenderee: bool
    is_centre: bool
    is_submitter: bool
    is_editable: bool
    steps: tuple[Step, ...]
    keyset: KeysetFacts | None
    missing: tuple[Objection, ...]
    objections: tuple[Objection, ...]
    order: OrderCard | None


def my_projects(unit: Unit, after: tuple[str, ...] | None, limit: int) -> Sequence[ProjectRow]:
    """Projects of the asker's organisation, newest first, each with its lots (two queries whatever their number)."""
    org_id = accounts.require_organisation(unit.actor)
    tenderee, agency = organisations("tenderee"), organisations("agency")
    query = (
        select(Project, tenderee.name, agency.name)
        .join(tenderee.source, tenderee.id == Project.tenderee_org_id)
        .outerjoin(agency.source, agency.id == Project.agency_org_id)
        .where(or_(Project.tenderee_org_id == org_id, Project.agency_org_id == org_id))
        .where(Project.is_imported.is_(False))
    )
    if after:
        query = query.where(Project.id < after[0])
    found = unit.session.execute(query.order_by(Project.id.desc()).limit(limit)).all()
    lots = _lots_of(unit, [row[0].id for row in found])
    return [
        ProjectRow(
            project_id=project.id,
            project_code=project.project_code,
            name=project.name,
            tenderee_name=tenderee_name,
            agency_name=agency_name or "",
            created_at=project.created_at,
            lots=tuple(one for one in lots if one.project_id == project.id),
        )
        for project, tenderee_name, agency_name in found
    ]


def _lots_of(unit: Unit, project_ids: Sequence[str]) -> list[LotRow]:
    rows = unit.session.scalars(select(Lot).where(Lot.project_id.in_(project_ids)).order_by(Lot.project_id, Lot.number))
    return [_lot_row(lot) for lot in rows]


def _lot_row(lot: Lot) -> LotRow:
    return LotRow(lot.id, lot.project_id, lot.lot_code, lot.name, lot.state, lot.deadline_at, lot.published_at)


def project_page(unit: Unit, project_id: str) -> ProjectPage:
    project = access.project_of_side(unit, project_id)
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    return ProjectPage(
        project_id=project.id,
        project_code=project.project_code,
        tender_code=project.tender_code,
        name=project.name,
        location=project.location,
        fund_source=project.fund_source,
        approval=project.approval,
        trade_kind=project.trade_kind,
        is_state_funded=project.is_state_funded,
        tenderee_name=accounts.organisation(unit, project.tenderee_org_id).name,
        agency_name=agency,
        may_draft=access.is_host(project, unit.actor) and not project.is_imported,
        lots=tuple(_lots_of(unit, [project.id])),
    )


@dataclass(frozen=True, slots=True)
class WaitingLot:
    """A lot that waits for the asker: for approval, or for the format check."""

    lot_id: str
    lot_code: str
    name: str
    project_name: str
    tenderee_name: str
    deadline_at: datetime | None


def waiting_for_approval(unit: Unit) -> Sequence[WaitingLot]:
    """Submitted lots of the asker's organisation as tenderee, by deadline."""
    org_id = accounts.require_organisation(unit.actor)
    return _waiting(unit, and_(Lot.state == LotState.SUBMITTED, Project.tenderee_org_id == org_id))


def waiting_for_check(unit: Unit) -> Sequence[WaitingLot]:
    """Approved lots, for the centre's staff, by deadline."""
    return _waiting(unit, Lot.state == LotState.APPROVED)


def _waiting(unit: Unit, condition: Any) -> Sequence[WaitingLot]:
    tenderee = organisations("tenderee")
    query = (
        select(Lot, Project.name, tenderee.name)
        .join(Project, Project.id == Lot.project_id)
        .join(tenderee.source, tenderee.id == Project.tenderee_org_id)
        .where(condition, Lot.is_imported.is_(False))
        .order_by(Lot.deadline_at, Lot.id)
        .limit(200)
    )
    return [_waiting_lot(row) for row in unit.session.execute(query)]


def _waiting_lot(row: Sequence[Any]) -> WaitingLot:
    lot, project_name, tenderee_name = row
    return WaitingLot(lot.id, lot.lot_code, lot.name, project_name, tenderee_name, lot.deadline_at)


def preparation_page(unit: Unit, lot_id: str) -> PreparationPage:
    """The task list of one lot with everything that is still against publication."""
    lot, project = access.lot_in_preparation(unit, lot_id)
    actor = unit.actor
    is_host = access.is_host(project, actor)
    is_tenderee = actor.org_id == project.tenderee_org_id and actor.has_role("tenderee")
    is_centre = actor.has_role("centre_staff")
    draft = draft_of(lot)
    is_before = lot.published_at is None and lot.state is not LotState.CANCELLED
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    order = orders.latest_order(unit, lot.id, orders.PUBLICATION)
    mine = {"host": is_host, "tenderee": is_tenderee, "centre": is_centre, "holders": False}
    keyset = keyset_facts(unit, lot.id)
    return PreparationPage(
        lot_id=lot.id,
        lot_code=lot.lot_code,
        unified_deal_code=lot.unified_deal_code,
        project_id=project.id,
        project_name=project.name,
        state=lot.state,
        draft=draft,
        tenderee_name=accounts.organisation(unit, project.tenderee_org_id).name,
        agency_name=agency,
        is_host=is_host,
        is_tenderee=is_tenderee,
        is_centre=is_centre,
        is_submitter=lot.submitted_by is not None and lot.submitted_by == actor.user_id,
        is_editable=is_host and lot.state in EDITABLE,
        steps=_steps(lot, keyset, bool(missing(draft)), mine) if is_before else (),
        keyset=keyset,
        missing=tuple(missing(draft)) if is_before else (),
        objections=tuple(publication.readiness(unit, lot, project)) if is_before else (),
        order=None if order is None else order_card(order),
    )


_ORDER = ("terms", "keyset", "keys", "rehearsal", "submit", "approve", "publish")
_DOERS = {
    "terms": "host",
    "keyset": "host",
    "keys": "holders",
    "rehearsal": "host",
    "submit": "host",
    "approve": "tenderee",
    "publish": "centre",
}


def _steps(lot: Lot, keyset: KeysetFacts | None, is_incomplete: bool, mine: dict[str, bool]) -> tuple[Step, ...]:
    after_keyset = lot.state is not LotState.DRAFT
    rehearsed = lot.state not in {LotState.DRAFT, LotState.KEYSET}
    has_keys = rehearsed or (keyset is not None and keyset.state != "collecting")
    done = {
        "terms": not is_incomplete,
        "keyset": after_keyset,
        "keys": has_keys,
        "rehearsal": rehearsed,
        "submit": lot.state in {LotState.SUBMITTED, LotState.APPROVED},
        "approve": lot.state is LotState.APPROVED,
        "publish": False,
    }
    waiting = next((key for key in _ORDER if not done[key]), "")
    return tuple(
        Step(key, _DOERS[key], "done" if done[key] else "next" if key == waiting else "todo", mine[_DOERS[key]])
        for key in _ORDER
    )


def order_card(order: PaperOrder) -> OrderCard:
    fault = order.fault or {"code": "", "fields": {}, "objections": []}
    return OrderCard(
        order_id=order.id,
        kind=order.kind,
        state=order.state,
        ordered_at=order.ordered_at,
        fault_code=fault["code"],
        fault_fields=fault["fields"],
        objections=tuple(orders.objections_of(fault)),
    )
