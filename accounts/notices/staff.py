"""What centre staff may do about messages that did not go: have them tried again. Whom they are for is not asked."""

from __future__ import annotations

from sqlalchemy import select

from accounts.notices.composing import is_frozen
from accounts.notices.errors import NothingToSendAgain
from accounts.notices.models import NoticeDelivery
from accounts.notices.queueing import ask
from accounts.notices.states import DELIVERY_MACHINE, DeliveryState, DeliveryTrigger, Purpose
from foundation.clock import machine_now
from foundation.errors import NotFound
from foundation.notices.message import Channel
from foundation.store.unit import Unit


def send_again(unit: Unit, delivery_id: str) -> None:
    """Try one message anew, from the first attempt on. Raises NotFound for one that is hidden (R3.51)."""
    row = unit.session.get(NoticeDelivery, delivery_id, with_for_update=True)
    if row is None or row.purpose is not Purpose.MESSAGE or (row.lot_id and not is_frozen(unit, row.lot_id)):
        raise NotFound(what="message")
    if row.state is not DeliveryState.GIVEN_UP:
        raise NothingToSendAgain
    _again(row)
    unit.session.flush()
    ask(unit, (row.channel,))


def send_all_again(unit: Unit, channel: Channel) -> None:
    """Try everything of a channel anew that was given up, hidden or not; how much that is is not told."""
    rows = unit.session.scalars(
        select(NoticeDelivery)
        .where(
            NoticeDelivery.channel == channel,
            NoticeDelivery.state == DeliveryState.GIVEN_UP,
            NoticeDelivery.purpose == Purpose.MESSAGE,
        )
        .with_for_update()
    )
    for row in rows:
        _again(row)
    unit.session.flush()
    ask(unit, (channel,))


def _again(row: NoticeDelivery) -> None:
    row.state = DELIVERY_MACHINE.advance(row.state, DeliveryTrigger.SEND_AGAIN)
    row.reason, row.attempts, row.interrupted = "", 0, 0
    row.due_at = machine_now()
