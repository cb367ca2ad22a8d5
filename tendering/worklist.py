"""What tendering puts on the work lists: lots to prepare, approve and publish, questions to answer, bids to seal.

A host learns of questions, which everybody will read, and never of bidders; a bidder learns of its own bid (R1.05).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select

from deposits import facade as deposits
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import OwnLot, WorkItem
from tendering import access
from tendering.models import Lot, Project, Question
from tendering.queries import bids, preparation
from tendering.queries.rehearsals import own_unrehearsed
from tendering.services.clarifications import book_of
from tendering.states import BidState, LotState

HOST_SIDE: Final = ("agency", "tenderee")
LOTS: Final = 100
_CHANGES: Final = "tender.clarify_before_days"
_PREPARING: Final = {
    LotState.DRAFT: ("补全标段条件，申请启封密钥", "Complete the lot and ask for its keys"),
    LotState.KEYSET: ("跟进启封密钥与演练", "See to the keys and their rehearsal"),
    LotState.REHEARSED: ("提交招标人审批", "Submit for the tenderee's approval"),
}


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role(*HOST_SIDE) and actor.org_id is not None:
        yield from _preparing(unit, actor)
        yield from _questions(unit, actor)
    if actor.has_role("centre_staff"):
        yield from _to_publish(unit)
    if actor.has_role("bidder") and actor.org_id is not None:
        yield from _bids(unit, actor)


def lots(unit: Unit, actor: Actor) -> Iterator[OwnLot]:
    """Published lots of the host's side, newest first; a bidder's, the nearest deadline first."""
    if actor.has_role("bidder") and actor.org_id is not None:
        yield from (OwnLot(line.lot_id, line.lot_name, f"/lots/{line.lot_id}/bid") for line in bids.my_bids(unit))
    if actor.has_role(*HOST_SIDE) and actor.org_id is not None:
        rows = unit.session.execute(
            select(Lot.id, Lot.name)
            .join(Project, Project.id == Lot.project_id)
            .where(_of_side(actor), Lot.is_imported.is_(False), Lot.published_at.is_not(None))
            .order_by(Lot.published_at.desc(), Lot.id)
            .limit(LOTS)
        )
        yield from (OwnLot(lot_id, name, f"/lots/{lot_id}") for lot_id, name in rows)


def _of_side(actor: Actor) -> ColumnElement[bool]:
    return or_(Project.tenderee_org_id == actor.org_id, Project.agency_org_id == actor.org_id)


def _preparing(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .where(_of_side(actor), Lot.is_imported.is_(False), Lot.state.in_((*_PREPARING, LotState.SUBMITTED)))
        .order_by(Lot.id)
        .limit(LOTS)
    )
    for lot, project in rows:
        url = f"/lots/{lot.id}/preparation"
        if lot.state in _PREPARING and access.is_host(project, actor):
            zh, en = _PREPARING[lot.state]
            yield WorkItem(zh, en, url, lot.name)
        elif lot.state is LotState.SUBMITTED and actor.org_id == project.tenderee_org_id and actor.has_role("tenderee"):
            yield WorkItem("审批招标文件", "Approve the tender document", url, lot.name)


def _questions(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    """Answers that may affect bids come before the rulebook's last day for changes, or the deadline moves."""
    rows = unit.session.execute(
        select(Lot, Project, func.count())
        .join(Project, Project.id == Lot.project_id)
        .join(Question, Question.lot_id == Lot.id)
        .where(_of_side(actor), Lot.state == LotState.OPEN, Question.clarification_id.is_(None))
        .group_by(Lot.id, Project.id)
        .limit(LOTS)
    )
    for lot, project, count in rows:
        if not access.is_host(project, actor):
            continue
        due, rule_id = _last_change(lot)
        title = (f"答复 {count} 个提问", f"Answer questions: {count}")
        yield WorkItem(*title, f"/lots/{lot.id}/questions", lot.name, due, rule_id)


def _last_change(lot: Lot) -> tuple[datetime | None, str]:
    if lot.deadline_at is None or lot.rulebook_id is None:
        return None, ""
    rule = book_of(lot).rule(_CHANGES)
    return lot.deadline_at - timedelta(days=book_of(lot).number(_CHANGES)), rule.id


def _to_publish(unit: Unit) -> Iterator[WorkItem]:
    for lot in preparation.waiting_for_check(unit):
        yield WorkItem("核对格式并发布", "Check the format and publish", f"/lots/{lot.lot_id}/preparation", lot.name)


def _bids(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    taking = [one for one in bids.my_bids(unit) if one.lot_state is LotState.OPEN and unit.at < one.deadline_at]
    paid = deposits.own_statuses(unit, str(actor.org_id), [one.lot_id for one in taking])
    unrehearsed = own_unrehearsed(unit, [one.lot_id for one in taking])
    for line in taking:
        if line.lot_id in unrehearsed:
            title = ("验证投标的密钥", "Check the key of your bid")
            yield WorkItem(*title, f"/lots/{line.lot_id}/bid", line.lot_name, line.deadline_at, "R3.22")
        if line.newest is None or line.newest.state is not BidState.SEALED:
            title = ("封存投标文件", "Seal the bid")
            yield WorkItem(*title, f"/lots/{line.lot_id}/bid", line.lot_name, line.deadline_at, "R1.10")
        status = paid.get(line.lot_id)
        url = f"/lots/{line.lot_id}/deposit"
        if status is deposits.DepositStatus.UNPAID:
            yield WorkItem("缴纳投标保证金", "Pay the bid deposit", url, line.lot_name, line.deadline_at, "R2.05")
        elif status is deposits.DepositStatus.MISMATCHED:
            title = ("保证金与要求不符，请更正", "The deposit does not match: put it right")
            yield WorkItem(*title, url, line.lot_name, line.deadline_at, "R2.05")
