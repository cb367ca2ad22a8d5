"""Whether the ways out are open, asked of the servers themselves every minute.

The staff's desk shows what is found here and never what waits: a desk that turned red with the first reminder would
tell that somebody prepares a bid (R1.05).
"""

from __future__ import annotations

from typing import Final

from accounts.notices.models import NoticeWay
from foundation.actor import system
from foundation.clock import machine_now
from foundation.notices.configured import is_configured, provider_of
from foundation.notices.message import Channel, NotSent
from foundation.runtime import Runtime

WORKER: Final = system("worker")
CHECKED: Final = (Channel.EMAIL, Channel.SMS)
"""A webhook is one organisation's own way."""


def check_ways(runtime: Runtime) -> None:
    """Ask each configured way; write only what has changed."""
    for channel in CHECKED:
        trouble = _trouble(runtime, channel) if is_configured(runtime.settings, channel) else ""
        with runtime.units.read(WORKER) as unit:
            known = unit.session.get(NoticeWay, channel)
        if trouble == (known.trouble if known is not None else ""):
            continue
        with runtime.units.begin(WORKER) as unit:
            unit.session.merge(NoticeWay(channel=channel, trouble=trouble, since=machine_now()))


def _trouble(runtime: Runtime, channel: Channel) -> str:
    try:
        provider_of(runtime.settings, channel).check()
    except NotSent as failed:
        return failed.reason
    return ""
