"""The last stage of a lot: every deposit is back. Never names or counts anybody; a cancelled lot tells nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from deposits import lots
from deposits.models import DepositArrival, Refund, RefundRelease
from deposits.states import Outcome, RefundGround, RefundState
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.lot_life import LotLink, Stage


def stages(unit: Unit, lot_ids: Sequence[str]) -> Mapping[str, Iterable[Stage]]:
    """Done when all money that was a deposit, or came too late to be one, was paid back."""
    releases = unit.session.scalars(select(RefundRelease).where(RefundRelease.lot_id.in_(lot_ids)))
    # Nobody will open a cancelled lot's bids, so when its money went back would tell that there was some.
    since = {row.lot_id: row.since for row in releases if row.ground is not RefundGround.LOT_CANCELLED}
    rows = unit.session.execute(
        select(DepositArrival.lot_id, Refund.state, Refund.settled_at)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.lot_id.in_(since), DepositArrival.outcome.in_((Outcome.MATCHED, Outcome.LATE)))
    ).all()
    waiting = {lot_id for lot_id, state, _ in rows if state is not RefundState.PAID}
    last: dict[str, datetime] = dict(since)
    for lot_id, _, settled_at in rows:
        if settled_at is not None:
            last[lot_id] = max(last[lot_id], settled_at)
    return {
        lot_id: (Stage("refund", None, "now") if lot_id in waiting else Stage("refund", last[lot_id], "done"),)
        for lot_id in since
    }


def links(unit: Unit, actor: Actor, lot_id: str) -> Iterator[LotLink]:
    """A bidder's own deposit; the desk's page of a lot whose list is fixed."""
    is_desk = actor.has_role("centre_staff", "supervisor")
    if not is_desk and not (actor.has_role("bidder") and actor.org_id is not None):
        return
    terms = next(iter(lots.terms_of_all(unit, [lot_id])), None)
    if terms is None or terms.required.fen == 0:
        return
    if actor.has_role("bidder"):
        yield LotLink("我的保证金", "My deposit", f"/lots/{lot_id}/deposit", 25, "coin")
    if is_desk and terms.is_listed:
        yield LotLink("本标段保证金", "Deposits of the lot", f"/finance/deposits/{lot_id}", 60, "coin")
