"""Read models: one's own addresses, choices and log; the desk, which learns nothing of a lot before its freeze."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, or_, select

from accounts.access import require_organisation
from accounts.models import InboxItem, Organisation
from accounts.notices import rules
from accounts.notices.choices import PLACES, wanted_by
from accounts.notices.kinds import Kind, kind_of, may_be_off
from accounts.notices.models import NoticeAddress, NoticeAttempt, NoticeDelivery, NoticeHook, NoticeWay
from accounts.notices.states import DeliveryState, Purpose
from foundation.clock import machine_now
from foundation.events.bid_opening import BidsFrozen, OpeningFailed
from foundation.journal import JournalEntry
from foundation.notices.configured import is_configured, is_local
from foundation.notices.message import Channel
from foundation.notices.targets import host_of
from foundation.settings import Settings
from foundation.store.unit import Unit

LOG_LINES = 30
DESK_LINES = 100
LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class AddressLine:
    """``is_code_sent``: a code is under way or was sent, and can be entered."""

    id: str
    address: str
    is_verified: bool
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelCard:
    """A channel as one person has it. ``is_local``: messages stay on this machine (demonstration, development)."""

    channel: str
    is_offered: bool
    is_local: bool
    addresses: tuple[AddressLine, ...]


@dataclass(frozen=True, slots=True)
class ChoiceLine:
    """One kind: by place, whether it is on and whether that may be changed."""

    kind: str
    cells: tuple[tuple[str, bool, bool], ...]


@dataclass(frozen=True, slots=True)
class HookCard:
    url: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptLine:
    number: int
    began_at: datetime
    outcome: str
    reason: str
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One delivery to its own reader."""

    id: str
    purpose: str
    channel: str
    code: str
    params: Mapping[str, object]
    queued_at: datetime
    state: str
    reason: str
    next_at: datetime | None
    attempts: tuple[AttemptLine, ...]


@dataclass(frozen=True, slots=True)
class NoticesPage:
    channels: tuple[ChannelCard, ...]
    choices: tuple[ChoiceLine, ...]
    lang: str
    quiet_from: str
    quiet_to: str
    hook: HookCard | None
    log: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class DeskChannel:
    """``trouble``: why nothing goes this way now; "" where nothing is known of any trouble."""

    channel: str
    is_offered: bool
    is_local: bool
    trouble: str


@dataclass(frozen=True, slots=True)
class DeskLine:
    """A message that was given up. ``to``: whom, masked."""

    id: str
    channel: str
    kind: str
    organisation: str
    to: str
    queued_at: datetime
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Desk:
    channels: tuple[DeskChannel, ...]
    failures: tuple[DeskLine, ...]


def notices_page(unit: Unit, settings: Settings) -> NoticesPage:
    """Everything about messages to the actor."""
    user_id = unit.actor.user_id or ""
    wanted = wanted_by(unit, (user_id,))
    manner = wanted.manner(user_id)
    return NoticesPage(
        channels=tuple(_channel(unit, settings, user_id, channel) for channel in (Channel.EMAIL, Channel.SMS)),
        choices=tuple(
            ChoiceLine(kind, tuple((one, wanted.is_on(user_id, kind, one), may_be_off(kind, one)) for one in PLACES))
            for kind in Kind
        ),
        lang=manner.lang,
        quiet_from=rules.clock_text(manner.quiet_from),
        quiet_to=rules.clock_text(manner.quiet_to),
        hook=_hook(unit),
        log=own_log(unit),
    )


def own_log(unit: Unit) -> tuple[LogLine, ...]:
    """The newest deliveries to the actor, and to its organisation's webhook."""
    mine = or_(
        NoticeDelivery.user_id == unit.actor.user_id,
        (NoticeDelivery.org_id == require_organisation(unit.actor)) & NoticeDelivery.user_id.is_(None),
    )
    rows = unit.session.execute(
        select(NoticeDelivery, InboxItem)
        .outerjoin(InboxItem, InboxItem.id == NoticeDelivery.item_id)
        .where(mine)
        .order_by(NoticeDelivery.queued_at.desc(), NoticeDelivery.id.desc())
        .limit(LOG_LINES)
    ).all()
    tries = _attempts(unit, [row.id for row, _ in rows])
    return tuple(
        LogLine(
            id=row.id,
            purpose=row.purpose,
            channel=row.channel,
            code=item.code if item is not None else "",
            params=item.params if item is not None else {},
            queued_at=row.queued_at,
            state=row.state,
            reason=row.reason,
            next_at=row.due_at if row.state is DeliveryState.QUEUED else None,
            attempts=tries.get(row.id, ()),
        )
        for row, item in rows
    )


def desk(unit: Unit, settings: Settings) -> Desk:
    """Ways that are closed, and messages given up that may be shown: none of a lot whose list is not frozen (R3.51)."""
    troubles = {row.channel: row.trouble for row in unit.session.scalars(select(NoticeWay))}
    return Desk(
        channels=tuple(
            DeskChannel(one, is_configured(settings, one), is_local(settings, one), troubles.get(one, ""))
            for one in Channel
        ),
        failures=tuple(_desk_line(unit, row) for row in unit.session.scalars(_shown_failures())),
    )


def _shown_failures() -> Select[NoticeDelivery]:
    return (
        select(NoticeDelivery)
        .where(
            NoticeDelivery.state == DeliveryState.GIVEN_UP,
            NoticeDelivery.purpose == Purpose.MESSAGE,
            NoticeDelivery.queued_at > machine_now() - LOOK_BACK,
            or_(NoticeDelivery.lot_id.is_(None), _is_frozen()),
        )
        .order_by(NoticeDelivery.queued_at.desc(), NoticeDelivery.id.desc())
        .limit(DESK_LINES)
    )


def _is_frozen() -> ColumnElement[bool]:
    """As ``composing.is_frozen``, for many rows at once."""
    return exists().where(
        JournalEntry.stream == "room:" + NoticeDelivery.lot_id,
        JournalEntry.type.in_((BidsFrozen.TYPE, OpeningFailed.TYPE)),
    )


def _desk_line(unit: Unit, row: NoticeDelivery) -> DeskLine:
    item = unit.session.get(InboxItem, row.item_id) if row.item_id else None
    organisation = unit.session.get(Organisation, row.org_id)
    address = unit.session.get(NoticeAddress, row.address_id) if row.address_id else None
    hook = unit.session.get(NoticeHook, row.hook_id) if row.hook_id else None
    shown = rules.masked(address.address) if address else host_of(hook.url) if hook else ""
    return DeskLine(
        id=row.id,
        channel=row.channel,
        kind=kind_of(item.code) if item is not None else Kind.WORK,
        organisation=organisation.name if organisation is not None else "",
        to=shown,
        queued_at=row.queued_at,
        reason=row.reason,
        attempts=row.attempts,
    )


def _channel(unit: Unit, settings: Settings, user_id: str, channel: Channel) -> ChannelCard:
    rows = unit.session.scalars(
        select(NoticeAddress)
        .where(NoticeAddress.user_id == user_id, NoticeAddress.channel == channel, NoticeAddress.removed_at.is_(None))
        .order_by(NoticeAddress.added_at)
    )
    lines = tuple(AddressLine(row.id, row.address, row.verified_at is not None, row.verified_at) for row in rows)
    return ChannelCard(channel, is_configured(settings, channel), is_local(settings, channel), lines)


def _hook(unit: Unit) -> HookCard | None:
    row = unit.session.scalar(
        select(NoticeHook).where(NoticeHook.org_id == require_organisation(unit.actor), NoticeHook.removed_at.is_(None))
    )
    return HookCard(row.url, row.set_at) if row is not None else None


def _attempts(unit: Unit, ids: list[str]) -> dict[str, tuple[AttemptLine, ...]]:
    found: dict[str, tuple[AttemptLine, ...]] = {}
    rows = unit.session.scalars(
        select(NoticeAttempt).where(NoticeAttempt.delivery_id.in_(ids)).order_by(NoticeAttempt.number)
    )
    for row in rows:
        line = AttemptLine(row.number, row.began_at, row.outcome, row.reason, row.next_at)
        found[row.delivery_id] = (*found.get(row.delivery_id, ()), line)
    return found
