"""What credit puts on the work lists: records to check, to publish, and objections to answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from accounts.roles import Role
from credit import access, record_queries
from credit.acts import is_adverse
from credit.models import CreditRecord
from credit.record_services import own_page
from credit.states import RecordState
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import WorkItem

ROWS: Final = 100


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role(Role.BIDDER) and actor.org_id is not None:
        yield from _own(unit)
    if actor.has_role(Role.SUPERVISOR):
        yield from _desk(unit, str(actor.user_id))


def _own(unit: Unit) -> Iterator[WorkItem]:
    own = access.own_organisation(unit)
    if not own.is_verified:
        return
    rows = unit.session.scalars(
        select(CreditRecord)
        .where(
            CreditRecord.uscc == own.uscc,
            CreditRecord.state == RecordState.PUBLISHED,
            CreditRecord.object_until > unit.at,
        )
        .order_by(CreditRecord.object_until)
        .limit(ROWS)
    )
    for row in rows:
        if is_adverse(row.act):
            title = ("核对信用记录，可提异议", "Check a record; you may object")
            yield WorkItem(*title, own_page(row.id), row.decision_no, row.object_until, "R7.16")


def _desk(unit: Unit, user_id: str) -> Iterator[WorkItem]:
    desk = record_queries.desk(unit)
    for one in desk.objections:
        title = ("答复对信用记录的异议", "Answer an objection to a record")
        yield WorkItem(*title, f"/credit/records/{one.record.id}", one.record.name, one.objection.answer_until, "R7.16")
    entered = select(CreditRecord.id).where(
        CreditRecord.state == RecordState.ENTERED, CreditRecord.entered_by == user_id
    )
    mine = set(unit.session.scalars(entered.limit(ROWS)))
    for line in desk.entries:
        if line.id not in mine:  # the second person is another one
            title = ("核对并公开信用记录", "Compare and publish a record")
            yield WorkItem(*title, f"/credit/records/{line.id}", line.name, rule_id="R7.16")
