"""When the log gets a blinded leaf.

While a reason stands (a lot is open), exactly one in every interval of the machine clock, whatever happened: count and
time then tell nothing about bidders (招标投标法 §22). With no reason, one in an interval in which private entries wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from foundation.journal.models import JournalEntry
from foundation.publication.entries import private_record
from foundation.store.base import EPOCH
from foundation.store.unit import Unit
from foundation.transparency.blinding import SLOTS, Placement, blinded_digest, tick

Reason = Callable[[Unit], bool]
_REASONS: Final[list[Reason]] = []

ENTRIES_MAX: Final = SLOTS
"""Private entries a tick takes; the rest waits for the next one."""


def register_reason(reason: Reason) -> Reason:
    """Let ``reason(unit)`` say whether ticks must come although nothing happened, e.g. "a lot is open".

    It is asked several times a second, so it must be one indexed query. Registering it again changes nothing.
    """
    if reason not in _REASONS:
        _REASONS.append(reason)
    return reason


def forget_reason(reason: Reason) -> None:
    """Take a reason back (tests)."""
    _REASONS.remove(reason)


def must_tick(unit: Unit) -> bool:
    """Whether any reason stands."""
    return any(reason(unit) for reason in _REASONS)


def interval_start(machine: datetime, seconds: int) -> datetime:
    """Start of the interval that ``machine`` lies in; intervals are counted from 1970."""
    length = timedelta(seconds=seconds)
    return EPOCH + (machine - EPOCH) // length * length


def is_open_interval(machine: datetime, seconds: int, ticked_at: datetime | None) -> bool:
    """Whether the present interval has no tick yet. A machine clock that was set back does not silence the log."""
    return ticked_at is None or interval_start(machine, seconds) > ticked_at or machine < ticked_at


def make_tick(unit: Unit, rows: Sequence[JournalEntry]) -> tuple[bytes, list[tuple[JournalEntry, Placement]]]:
    """The tick leaf over ``rows`` and each row's place in it. Random: stored by the caller in this very transaction."""
    digests = {blinded_digest(row.nonce, private_record(row)): row for row in rows}
    made = tick(list(digests), unit.entropy)
    return made.entry, [(row, made.placements[digest]) for digest, row in digests.items()]
