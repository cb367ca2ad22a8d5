"""From a delivery's row to the message that leaves: the address, the words, and for a code the code itself.

A code is made when it is sent and is in no table and no job: only its digest is kept.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from accounts.models import InboxItem
from accounts.notices import rules, wording
from accounts.notices.choices import wanted_by
from accounts.notices.kinds import kind_of
from accounts.notices.models import NoticeAddress, NoticeDelivery, NoticeHook
from accounts.notices.states import Purpose
from foundation.entropy import Entropy
from foundation.events.bid_opening import BidsFrozen, OpeningFailed
from foundation.i18n import Lang
from foundation.journal import JournalEntry
from foundation.notices.configured import webhook_key
from foundation.notices.message import Channel, NotSent, Outgoing, Reason
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Unit


def outgoing(runtime: Runtime, unit: Unit, row: NoticeDelivery, now: datetime) -> Outgoing:
    """The message of a delivery. Raises NotSent: ADDRESS_GONE for good, NOT_CONFIGURED where a key is missing."""
    settings = runtime.settings
    message_id = f"{row.id}@{_domain(settings)}"
    if row.channel is Channel.WEBHOOK:
        return _to_hook(runtime, unit, row, message_id)
    address = unit.session.get(NoticeAddress, row.address_id) if row.address_id else None
    if address is None or address.removed_at is not None:
        raise NotSent(Reason.ADDRESS_GONE, is_final=True)
    lang = wanted_by(unit, (address.user_id,)).manner(address.user_id).lang
    if row.purpose is Purpose.CODE:
        code = _new_code(unit, address, now)
        subject, text = _code_words(address.channel, code, lang)
    else:
        subject, text = _words(unit, row, lang, settings)
    return Outgoing(message_id, address.address, subject, text, row.queued_at, is_secret=row.purpose is Purpose.CODE)


def is_frozen(unit: Unit, lot_id: str) -> bool:
    """Whether the list of this lot's bids is fixed: only from then on may outside words name the lot."""
    asked = select(JournalEntry.id).where(
        JournalEntry.stream == f"room:{lot_id}", JournalEntry.type.in_((BidsFrozen.TYPE, OpeningFailed.TYPE))
    )
    return unit.session.scalar(asked.limit(1)) is not None


def digest_of(address_id: str, code: str) -> str:
    """What is kept of a code."""
    return hashlib.sha256(f"{address_id}:{code}".encode()).hexdigest()


def _words(unit: Unit, row: NoticeDelivery, lang: Lang, settings: Settings) -> tuple[str, str]:
    said = _said(unit, row)
    if row.channel is Channel.SMS:
        return "", wording.sms(said, lang)
    return wording.mail(said, lang, settings.public_origin)


def _said(unit: Unit, row: NoticeDelivery) -> wording.Said:
    item = unit.session.get(InboxItem, row.item_id) if row.item_id else None
    if item is None:
        raise NotSent(Reason.ADDRESS_GONE, is_final=True)
    is_discreet = row.lot_id is not None and not is_frozen(unit, row.lot_id)
    return wording.Said(item.code, item.params, item.link, kind_of(item.code), item.at, is_discreet)


def _to_hook(runtime: Runtime, unit: Unit, row: NoticeDelivery, message_id: str) -> Outgoing:
    settings = runtime.settings
    hook = unit.session.get(NoticeHook, row.hook_id) if row.hook_id else None
    if hook is None or hook.removed_at is not None:
        raise NotSent(Reason.ADDRESS_GONE, is_final=True)
    key = webhook_key(settings, runtime.units.entropy, hook.id, hook.version).encode()
    if row.purpose is Purpose.TRIAL:
        text = wording.trial(message_id, unit.at)
    else:
        text = wording.webhook(_said(unit, row), message_id, settings.public_origin)
    return Outgoing(message_id, hook.url, "", text, row.queued_at, key)


def _new_code(unit: Unit, address: NoticeAddress, now: datetime) -> str:
    code = _digits(unit.entropy, rules.CODE_DIGITS)
    address.code_hash = digest_of(address.id, code)
    address.code_until = now + timedelta(minutes=rules.CODE_MINUTES)
    address.code_tries = 0
    return code


def _digits(entropy: Entropy, count: int) -> str:
    """Even over all codes: 16 bytes are far more than the count of codes, so the remainder's bias is nothing."""
    return f"{int.from_bytes(entropy.token(16), 'big') % 10**count:0{count}d}"


def _code_words(channel: Channel, code: str, lang: Lang) -> tuple[str, str]:
    return ("", wording.code_sms(code, lang)) if channel is Channel.SMS else wording.code_mail(code, lang)


def _domain(settings: Settings) -> str:
    return urlsplit(settings.public_origin).hostname or "localhost"
