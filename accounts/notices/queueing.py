"""From a message in the inbox to deliveries, in the transaction that leaves the message.

Whoever has no verified address and whose organisation has no webhook causes no row and no job. A job names a channel
and an instant, never a reader: how many are told is nobody's business (R1.05).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from accounts.models import InboxItem, User
from accounts.notices import rules
from accounts.notices.choices import Wanted, wanted_by
from accounts.notices.kinds import STATUTORY, kind_of
from accounts.notices.models import NoticeAddress, NoticeDelivery, NoticeHook
from accounts.notices.states import DeliveryState, Purpose
from foundation.clock import iso, machine_now
from foundation.notices.message import Channel
from foundation.store.unit import Unit

TASK = "accounts.send_notices"


def queue(unit: Unit, items: Sequence[InboxItem], *, stale_at: datetime | None = None) -> None:
    """Queue what these messages' readers want of them outside the platform. A few queries however many there are."""
    addresses = _addresses(unit, items)
    hooks = _hooks(unit, items)
    wanted = wanted_by(unit, {address.user_id for address, _ in addresses})
    made = [
        delivery
        for item in items
        for delivery in (*_to_people(unit, item, addresses, wanted, stale_at), *_to_hooks(unit, item, hooks, stale_at))
    ]
    unit.session.add_all(made)
    unit.session.flush()
    ask(unit, {delivery.channel for delivery in made})


def ask(unit: Unit, channels: Iterable[Channel]) -> None:
    """Have what is due on these channels sent. Where the key is used up the look-round asks a moment later."""
    for channel in sorted(channels):
        unit.enqueue(TASK, f"{channel}:{iso(unit.at)}", {"channel": str(channel)})


def new_delivery(unit: Unit, purpose: Purpose, channel: Channel, key: str, org_id: str) -> NoticeDelivery:
    """A queued delivery, due now; the caller adds whom and what."""
    now = machine_now()
    return NoticeDelivery(
        id=unit.new_id(),
        key=key,
        purpose=purpose,
        channel=channel,
        org_id=org_id,
        state=DeliveryState.QUEUED,
        reason="",
        attempts=0,
        interrupted=0,
        queued_at=now,
        due_at=now,
    )


def _to_people(
    unit: Unit,
    item: InboxItem,
    addresses: Sequence[tuple[NoticeAddress, str]],
    wanted: Wanted,
    stale_at: datetime | None,
) -> Iterable[NoticeDelivery]:
    kind = kind_of(item.code)
    for address, org_id in addresses:
        if item.user_id not in {None, address.user_id} or item.org_id not in {None, org_id}:
            continue
        if not wanted.is_on(address.user_id, kind, address.channel):
            continue
        manner = wanted.manner(address.user_id)
        made = new_delivery(
            unit, Purpose.MESSAGE, address.channel, f"{item.id}:{address.channel}:{address.user_id}", org_id
        )
        made.item_id, made.user_id, made.address_id = item.id, address.user_id, address.id
        made.lot_id, made.stale_at = rules.lot_in(item.link), stale_at
        made.due_at += rules.wait_for_quiet(
            unit.at, manner.quiet_from, manner.quiet_to, is_statutory=kind in STATUTORY, stale_at=stale_at
        )
        yield made


def _to_hooks(
    unit: Unit, item: InboxItem, hooks: Sequence[NoticeHook], stale_at: datetime | None
) -> Iterable[NoticeDelivery]:
    """What is addressed to the organisation; what is a person's own stays with the person."""
    for hook in hooks:
        if hook.org_id == item.org_id:
            made = new_delivery(
                unit, Purpose.MESSAGE, Channel.WEBHOOK, f"{item.id}:{Channel.WEBHOOK}:{hook.org_id}", hook.org_id
            )
            made.item_id, made.hook_id = item.id, hook.id
            made.lot_id, made.stale_at = rules.lot_in(item.link), stale_at
            yield made


def _addresses(unit: Unit, items: Sequence[InboxItem]) -> list[tuple[NoticeAddress, str]]:
    orgs = {item.org_id for item in items if item.org_id}
    people = {item.user_id for item in items if item.user_id}
    rows = unit.session.execute(
        select(NoticeAddress, User.org_id)
        .join(User, User.id == NoticeAddress.user_id)
        .where(
            NoticeAddress.verified_at.is_not(None),
            NoticeAddress.removed_at.is_(None),
            User.closed_at.is_(None),
            User.org_id.in_(orgs) | User.id.in_(people),
        )
        .order_by(NoticeAddress.id)
    )
    return [(address, org_id) for address, org_id in rows]


def _hooks(unit: Unit, items: Sequence[InboxItem]) -> Sequence[NoticeHook]:
    orgs = {item.org_id for item in items if item.org_id}
    if not orgs:
        return ()
    return unit.session.scalars(
        select(NoticeHook).where(NoticeHook.org_id.in_(orgs), NoticeHook.removed_at.is_(None))
    ).all()
