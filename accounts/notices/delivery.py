"""Sending what is due on one channel, one message after the other.

Each message takes two short Units with the network between them: *begin* writes the attempt, *settle* its outcome. A
process killed between them leaves the attempt open; when its lease is over the next sender closes it as interrupted and
tries once more with the same Message-ID, so at most one double leaves here, and a mail server may drop it by that id.
A second interruption gives the message up. One thread of a process sends at a time: a slow mail server may hold back
messages, never the work of an opening.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select, update

from accounts.notices import composing, rules
from accounts.notices.models import NoticeAttempt, NoticeDelivery
from accounts.notices.states import DELIVERY_MACHINE, DeliveryState, DeliveryTrigger, Outcome
from foundation.actor import system
from foundation.clock import machine_now
from foundation.notices.configured import provider_of
from foundation.notices.message import Channel, Line, NotSent, Outgoing, Provider, Reason
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Unit

BATCH: Final = 50
"""Messages of one job; the look-round asks again for the rest."""
WORKER: Final = system("worker")
_SENDING: Final = threading.Lock()

Now = Callable[[], datetime]
FindProvider = Callable[[Settings, Channel], Provider]


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt under way."""

    delivery_id: str
    number: int
    message: Outgoing


def send_due(
    runtime: Runtime, channel: Channel, *, now: Now = machine_now, provider: FindProvider = provider_of
) -> int:
    """Send what is due; returns how many went. Does nothing while another thread of this process sends."""
    if not _SENDING.acquire(blocking=False):
        return 0
    try:
        return _send_batch(runtime, channel, now, provider)
    finally:
        _SENDING.release()


def due_channels(unit: Unit, now: datetime) -> tuple[Channel, ...]:
    """Channels with something to send, or with an attempt whose sender is dead."""
    found = unit.session.scalars(select(NoticeDelivery.channel).where(_is_due(now)).distinct())
    return tuple(sorted(found))


def _send_batch(runtime: Runtime, channel: Channel, now: Now, provider: FindProvider) -> int:
    sent, line = 0, None
    try:
        for _ in range(BATCH):
            with runtime.units.begin(WORKER) as unit:
                begun = _begin_next(runtime, unit, channel, now())
            if begun is None:
                break
            try:
                line = line or provider(runtime.settings, channel).open()
                line.send(begun.message)
            except NotSent as failed:
                with runtime.units.begin(WORKER) as unit:
                    _settle_failed(unit, begun, failed, now())
                    if failed.is_channel:
                        _rest(unit, channel, now())
                if failed.is_channel:
                    break
            else:
                with runtime.units.begin(WORKER) as unit:
                    _settle_sent(unit, begun, now())
                sent += 1
    finally:
        _close(line)
    return sent


def _close(line: Line | None) -> None:
    if line is not None:
        line.close()


def _is_due(now: datetime) -> ColumnElement[bool]:
    waiting = and_(NoticeDelivery.state == DeliveryState.QUEUED, NoticeDelivery.due_at <= now)
    dead = and_(NoticeDelivery.state == DeliveryState.SENDING, NoticeDelivery.lease_until < now)
    return or_(waiting, dead)


def _begin_next(runtime: Runtime, unit: Unit, channel: Channel, now: datetime) -> Begun | None:
    """The next message to send, its attempt written; what is past sending is closed on the way."""
    while True:
        row = unit.session.scalar(
            select(NoticeDelivery)
            .where(NoticeDelivery.channel == channel, _is_due(now))
            .order_by(NoticeDelivery.due_at, NoticeDelivery.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        if row.state is DeliveryState.SENDING and not _take_over(unit, row, now):
            continue
        message = _message_of(runtime, unit, row, now)
        if message is not None:
            return Begun(row.id, _begin(unit, row, now), message)


def _take_over(unit: Unit, row: NoticeDelivery, now: datetime) -> bool:
    """Close the attempt of a dead sender; whether the message may be tried once more."""
    row.interrupted += 1
    attempt = _open_attempt(unit, row.id)
    attempt.ended_at, attempt.outcome, attempt.reason = now, Outcome.INTERRUPTED, Reason.INTERRUPTED
    if row.interrupted >= rules.INTERRUPTED_MAX:
        _give_up(unit, row, Reason.INTERRUPTED)
        return False
    _step(row, DeliveryTrigger.RETRY)
    row.due_at = attempt.next_at = now
    unit.session.flush()
    return True


def _message_of(runtime: Runtime, unit: Unit, row: NoticeDelivery, now: datetime) -> Outgoing | None:
    """None, with the row given up, where there is nothing to send any more."""
    if row.stale_at is not None and unit.at >= row.stale_at:
        _give_up(unit, row, Reason.TOO_LATE)
        return None
    try:
        return composing.outgoing(runtime, unit, row, now)
    except NotSent as failed:
        if failed.is_final:
            _give_up(unit, row, failed.reason)
            return None
        # The key of the webhooks cannot be read: nothing can go, and nothing was tried.
        _rest(unit, row.channel, now)
        return None


def _begin(unit: Unit, row: NoticeDelivery, now: datetime) -> int:
    last = unit.session.scalar(
        select(NoticeAttempt.number)
        .where(NoticeAttempt.delivery_id == row.id)
        .order_by(NoticeAttempt.number.desc())
        .limit(1)
    )
    number = (last or 0) + 1
    _step(row, DeliveryTrigger.BEGIN)
    row.attempts += 1
    row.lease_until = now + rules.LEASE
    unit.session.add(NoticeAttempt(delivery_id=row.id, number=number, began_at=now, outcome=Outcome.SENDING, reason=""))
    unit.session.flush()
    return number


def _settle_sent(unit: Unit, begun: Begun, now: datetime) -> None:
    row, attempt = _under_way(unit, begun)
    if row is None or attempt is None:
        return
    attempt.ended_at, attempt.outcome = now, Outcome.SENT
    _step(row, DeliveryTrigger.FINISH)
    row.sent_at, row.reason = now, ""
    unit.session.flush()


def _settle_failed(unit: Unit, begun: Begun, failed: NotSent, now: datetime) -> None:
    row, attempt = _under_way(unit, begun)
    if row is None or attempt is None:
        return
    attempt.ended_at, attempt.outcome, attempt.reason = now, Outcome.FAILED, failed.reason
    pause = None if failed.is_final else rules.pause_after(row.attempts)
    if pause is None:
        _give_up(unit, row, failed.reason)
        return
    _step(row, DeliveryTrigger.RETRY)
    row.reason = failed.reason
    row.due_at = attempt.next_at = now + pause
    unit.session.flush()


def _under_way(unit: Unit, begun: Begun) -> tuple[NoticeDelivery | None, NoticeAttempt | None]:
    """Both rows, locked, unless somebody took the attempt for dead meanwhile and went on without us."""
    row = unit.session.get(NoticeDelivery, begun.delivery_id, with_for_update=True, populate_existing=True)
    attempt = unit.session.get(NoticeAttempt, (begun.delivery_id, begun.number))
    if row is None or row.state is not DeliveryState.SENDING or attempt is None:
        return None, None
    return (row, attempt) if attempt.outcome is Outcome.SENDING else (None, None)


def _open_attempt(unit: Unit, delivery_id: str) -> NoticeAttempt:
    return unit.session.scalars(
        select(NoticeAttempt).where(NoticeAttempt.delivery_id == delivery_id, NoticeAttempt.outcome == Outcome.SENDING)
    ).one()


def _give_up(unit: Unit, row: NoticeDelivery, reason: Reason) -> None:
    _step(row, DeliveryTrigger.GIVE_UP)
    row.reason = reason
    unit.session.flush()


def _rest(unit: Unit, channel: Channel, now: datetime) -> None:
    """Nothing goes this way now: everything that is due waits, and no attempt of it is used up."""
    until = now + rules.CHANNEL_PAUSE
    unit.session.execute(
        update(NoticeDelivery)
        .where(
            NoticeDelivery.channel == channel,
            NoticeDelivery.state == DeliveryState.QUEUED,
            NoticeDelivery.due_at < until,
        )
        .values(due_at=until)
    )


def _step(row: NoticeDelivery, trigger: DeliveryTrigger) -> None:
    """Move a row that is locked. Deliveries are no facts of a trade, so nothing of them is in the journal."""
    row.state = DELIVERY_MACHINE.advance(row.state, trigger)
    row.lease_until = None
