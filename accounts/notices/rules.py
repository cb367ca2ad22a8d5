"""Pure decisions about deliveries: when to try again, when to be quiet, what of an address may be shown."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from foundation.clock import BEIJING

BACKOFF: Final = (30, 120, 600, 1800, 7200, 21600)
"""Seconds before attempts 2 to 7 (R3.52); then the message is given up."""
ATTEMPTS_MAX: Final = len(BACKOFF) + 1
INTERRUPTED_MAX: Final = 2
"""A message that may have gone twice already is not sent a third time by itself."""
CHANNEL_PAUSE: Final = timedelta(seconds=15)
"""How long nothing goes a way that is closed (server away, not let in)."""
LEASE: Final = timedelta(seconds=60)
"""Longer than any time-out of a provider: whoever holds a message this long is dead."""

CODE_MINUTES: Final = 15
CODE_DIGITS: Final = 6
CODE_TRIES: Final = 5
CODES_PER_HOUR: Final = 5
"""Asked for by one person, or sent to one address by whomsoever."""
ADDRESSES_PER_DAY: Final = 10
"""New addresses of one person: nobody uses the centre to write to strangers."""

_MOBILE: Final = re.compile(r"\+86(1[3-9]\d{9})")
_LOT_IN_LINK: Final = re.compile(
    r"/(?:lots|rooms|reviews)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:[/#?]|$)"
)
_MINUTES_A_DAY: Final = 24 * 60


def pause_after(attempts: int) -> timedelta | None:
    """How long to wait after so many failed attempts; None: given up."""
    return timedelta(seconds=BACKOFF[attempts - 1]) if 1 <= attempts <= len(BACKOFF) else None


def tidy_mobile(text: str) -> str | None:
    """A mainland mobile as ``+86…``; None for anything else."""
    digits = re.sub(r"[\s()-]", "", text)
    number = digits if digits.startswith("+86") else f"+86{digits.removeprefix('0086')}"
    return number if _MOBILE.fullmatch(number) else None


def masked(address: str) -> str:
    """What may be shown of an address to others than its owner: ``z***@***``, ``+86*******4567``."""
    name, at, _ = address.partition("@")
    return f"{name[:1]}***@***" if at else f"{address[:3]}*******{address[-4:]}"


def lot_in(link: str) -> str | None:
    """The lot a message's link is about."""
    found = _LOT_IN_LINK.search(link)
    return found.group(1) if found else None


def minute_of(text: str) -> int | None:
    """``22:30`` as minutes of the day; None for another form."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if not found:
        return None
    hour, minute = int(found.group(1)), int(found.group(2))
    return hour * 60 + minute if hour * 60 + minute < _MINUTES_A_DAY and minute < 60 else None  # noqa: PLR2004


def clock_text(minute: int | None) -> str:
    """The other way round: 1350 → ``22:30``; "" for None."""
    return "" if minute is None else f"{minute // 60:02d}:{minute % 60:02d}"


def quiet_left(at: datetime, begins: int | None, ends: int | None) -> timedelta:
    """How long quiet hours (minutes of the Beijing day, over midnight too) still last at ``at``; zero outside."""
    if begins is None or ends is None or begins == ends:
        return timedelta()
    local = at.astimezone(BEIJING)
    now = local.hour * 60 + local.minute
    inside = begins <= now < ends if begins < ends else now >= begins or now < ends
    if not inside:
        return timedelta()
    whole = timedelta(minutes=(ends - now) % _MINUTES_A_DAY)
    return whole - timedelta(seconds=local.second, microseconds=local.microsecond)


def wait_for_quiet(
    at: datetime, begins: int | None, ends: int | None, *, is_statutory: bool, stale_at: datetime | None
) -> timedelta:
    """How long a message waits: never one a right hangs on, never one that would be worthless afterwards."""
    left = quiet_left(at, begins, ends)
    if is_statutory or (stale_at is not None and at + left >= stale_at):
        return timedelta()
    return left
