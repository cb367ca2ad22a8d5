"""A person's e-mail address and mobile, verified by a code; an organisation's webhook with a key shown once."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from accounts.access import require_organisation
from accounts.notices import rules
from accounts.notices.composing import digest_of
from accounts.notices.errors import AddressKnown, AddressUnfit, CodeOver, CodeWrong, HookUnfit, NoHook, TooManyCodes
from accounts.notices.models import NoticeAddress, NoticeDelivery, NoticeHook
from accounts.notices.queueing import ask, new_delivery
from accounts.notices.states import Purpose
from foundation.clock import machine_now
from foundation.errors import NotFound, Objection
from foundation.notices.configured import webhook_key
from foundation.notices.mail import is_mail_address
from foundation.notices.message import Channel
from foundation.notices.targets import is_fit
from foundation.settings import Settings
from foundation.store.unit import Unit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def add_address(unit: Unit, channel: Channel, text: str) -> str:
    """Enter an address of the actor and have a code sent to it; returns its id.

    The verified one of the same channel stays in use until the new one is verified. An unverified one is exchanged.
    Raises AddressUnfit, AddressKnown, TooManyCodes.
    """
    address = _tidy(channel, text)
    user_id, now = unit.actor.user_id or "", machine_now()
    for row in _live(unit, user_id, channel):
        if row.verified_at is not None and row.address == address:
            raise AddressKnown
        if row.verified_at is None:
            row.removed_at = now
    _require_few_new(unit, user_id, now)
    row = NoticeAddress(id=unit.new_id(), user_id=user_id, channel=channel, address=address, added_at=now)
    unit.session.add(row)
    unit.session.flush()
    _send_code(unit, row, now)
    return row.id


def send_code(unit: Unit, address_id: str) -> None:
    """Another code for an address that waits for one. Raises NotFound, TooManyCodes."""
    row = _own(unit, address_id)
    if row.verified_at is not None:
        raise NotFound(what="address")
    _send_code(unit, row, machine_now())


def verify(unit: Unit, address_id: str, code: str) -> int | None:
    """Take a code. None: the address is verified, and takes the place of the one before. Otherwise the tries left.

    A wrong code is counted, so the caller commits before it refuses. Raises NotFound, CodeOver.
    """
    row, now = _own(unit, address_id), machine_now()
    if row.verified_at is not None or not row.code_hash or row.code_until is None or now >= row.code_until:
        raise CodeOver
    if row.code_tries >= rules.CODE_TRIES:
        raise CodeOver
    if not hmac.compare_digest(row.code_hash, digest_of(row.id, code)):
        row.code_tries += 1
        unit.session.flush()
        return rules.CODE_TRIES - row.code_tries
    for other in _live(unit, row.user_id, row.channel):
        if other.id != row.id:
            other.removed_at = now
    row.verified_at, row.code_hash, row.code_until = now, "", None
    unit.session.flush()
    return None


def wrong_code(left: int, field: str) -> CodeWrong:
    """The refusal of a wrong code that was entered in ``field``."""
    return CodeWrong(left=left, objections=[Objection(CodeWrong.code, field, {"left": left})])


def remove_address(unit: Unit, address_id: str) -> None:
    """Nothing is sent there any more, from now on. Raises NotFound."""
    _own(unit, address_id).removed_at = machine_now()
    unit.session.flush()


def set_hook(unit: Unit, settings: Settings, url: str) -> str:
    """Set the organisation's webhook; returns its key, which is shown this once. A new setting has a new key.

    A trial goes there at once. Raises HookUnfit.
    """
    if not is_fit(url, private_ok=settings.notice_private_targets):
        raise HookUnfit(objections=[Objection(HookUnfit.code, "url")])
    org_id = require_organisation(unit.actor)
    row = unit.session.scalar(select(NoticeHook).where(NoticeHook.org_id == org_id).with_for_update())
    if row is None:
        row = NoticeHook(id=unit.new_id(), org_id=org_id, version=0)
        unit.session.add(row)
    row.url, row.version, row.removed_at = url, row.version + 1, None
    row.set_by, row.set_at = unit.actor.user_id or "", machine_now()
    unit.session.flush()
    _send_trial(unit, row)
    return webhook_key(settings, unit.entropy, row.id, row.version)


def try_hook(unit: Unit) -> None:
    """Have a trial sent to the organisation's webhook. Raises NoHook, TooManyCodes where it was tried too often."""
    row = _own_hook(unit)
    if row is None:
        raise NoHook
    _require_few(unit, Purpose.TRIAL, NoticeDelivery.hook_id == row.id, machine_now())
    _send_trial(unit, row)


def remove_hook(unit: Unit) -> None:
    """Nothing is posted any more; without a webhook nothing happens."""
    row = _own_hook(unit)
    if row is not None:
        row.removed_at = machine_now()
        unit.session.flush()


def _tidy(channel: Channel, text: str) -> str:
    given = text.strip()
    if channel is Channel.SMS:
        found = rules.tidy_mobile(given)
    else:
        found = given if is_mail_address(given) and "." in given.rpartition("@")[2] else None
    if found is None:
        raise AddressUnfit(objections=[Objection(AddressUnfit.code, "mobile" if channel is Channel.SMS else "email")])
    return found


def _live(unit: Unit, user_id: str, channel: Channel) -> list[NoticeAddress]:
    asked = select(NoticeAddress).where(
        NoticeAddress.user_id == user_id, NoticeAddress.channel == channel, NoticeAddress.removed_at.is_(None)
    )
    return list(unit.session.scalars(asked))


def _own(unit: Unit, address_id: str) -> NoticeAddress:
    row = unit.session.get(NoticeAddress, address_id, with_for_update=True)
    if row is None or row.user_id != unit.actor.user_id or row.removed_at is not None:
        raise NotFound(what="address")
    return row


def _own_hook(unit: Unit) -> NoticeHook | None:
    return unit.session.scalar(
        select(NoticeHook).where(NoticeHook.org_id == require_organisation(unit.actor), NoticeHook.removed_at.is_(None))
    )


def _send_code(unit: Unit, row: NoticeAddress, now: datetime) -> None:
    same = select(NoticeAddress.id).where(NoticeAddress.address == row.address)
    _require_few(unit, Purpose.CODE, NoticeDelivery.user_id == row.user_id, now)
    _require_few(unit, Purpose.CODE, NoticeDelivery.address_id.in_(same), now)
    row.code_hash, row.code_until = "", None
    made = new_delivery(
        unit, Purpose.CODE, row.channel, f"code:{row.id}:{unit.new_id()}", require_organisation(unit.actor)
    )
    made.user_id, made.address_id = row.user_id, row.id
    # A code that comes long after it was asked for is for nobody.
    made.stale_at = unit.at + timedelta(minutes=rules.CODE_MINUTES)
    unit.session.add(made)
    unit.session.flush()
    ask(unit, (row.channel,))


def _send_trial(unit: Unit, row: NoticeHook) -> None:
    made = new_delivery(unit, Purpose.TRIAL, Channel.WEBHOOK, f"trial:{row.id}:{unit.new_id()}", row.org_id)
    made.hook_id = row.id
    made.stale_at = unit.at + HOUR
    unit.session.add(made)
    unit.session.flush()
    ask(unit, (Channel.WEBHOOK,))


def _require_few(unit: Unit, purpose: Purpose, whose: ColumnElement[bool], now: datetime) -> None:
    asked = (
        select(func.count())
        .select_from(NoticeDelivery)
        .where(NoticeDelivery.purpose == purpose, whose, NoticeDelivery.queued_at > now - HOUR)
    )
    if (unit.session.scalar(asked) or 0) >= rules.CODES_PER_HOUR:
        raise TooManyCodes(limit=rules.CODES_PER_HOUR)


def _require_few_new(unit: Unit, user_id: str, now: datetime) -> None:
    asked = select(func.count()).where(NoticeAddress.user_id == user_id, NoticeAddress.added_at > now - DAY)
    if (unit.session.scalar(asked) or 0) >= rules.ADDRESSES_PER_DAY:
        raise TooManyCodes(limit=rules.ADDRESSES_PER_DAY)
