"""Who takes part in a drill and what goes wrong for whom: everything follows from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from foundation.entropy import SeededEntropy
from foundation.money import Money

BIDDERS_MIN: Final = 8
"""One for every habit."""
CLOCK_AHEAD_SECONDS: Final = 7 * 60
WRONG_SHARES: Final = 3
DROP_SECONDS: Final = 90
"""How long a lost line stays lost (performance: 30 % of the clients, 90 s)."""


class Habit(StrEnum):
    """What a synthetic bidder does."""

    PUNCTUAL = "punctual"
    LATE = "late"
    """Does not sign in, and comes when half of the window is over."""
    DEAD_KEY = "dead_key"
    """Its key opens nothing; it asks for the custodians where the tender document lets it."""
    DROPS = "drops"
    """Its line breaks before it can release, and comes back."""
    STUCK = "stuck"
    """Its line is open but nothing is read from it for minutes."""
    WRONG_SHARES = "wrong_shares"
    """Offers wrong shares, then the right one."""
    OBJECTS = "objects"
    """Objects when the objections are open, and does not confirm."""
    FAST_CLOCK = "fast_clock"
    """Its own clock says that the window is over; it releases in the last minute of the server's."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the drill takes over from the lot: names and numbers of its published document, nothing else."""

    lot_name: str
    lot_code: str
    tender_code: str
    project_name: str
    tenderee: str
    agency: str
    opens_at: datetime
    decrypt_minutes: int
    query_minutes: int
    confirm_minutes: int
    min_bidders: int
    min_decrypted: int
    escrow_rule: str
    ceiling: Money
    duration_days: int
    method_id: str
    pools: dict[str, tuple[str, ...]] = field(default_factory=dict)
    suite: str = "S1"


@dataclass(frozen=True, slots=True)
class Bidder:
    """``release_at`` is the part of the decryption window after which it releases; ``total_fen`` its price."""

    number: int
    org_id: str
    name: str
    uscc: str
    habit: Habit
    release_at: float
    total_fen: int

    @property
    def is_checked_in(self) -> bool:
        return self.habit is not Habit.LATE


def cast(seed: str, terms: Terms, *, bidders: int = BIDDERS_MIN) -> tuple[Bidder, ...]:
    """At least one bidder of every habit, in an order the seed gives; more are punctual."""
    dice = SeededEntropy(f"drill {seed}")
    count = max(bidders, BIDDERS_MIN, terms.min_bidders)
    habits = [*Habit, *[Habit.PUNCTUAL] * (count - len(Habit))]
    return tuple(_bidder(number, habit, terms, dice) for number, habit in enumerate(_mixed(habits, dice), start=1))


def _mixed(habits: Sequence[Habit], dice: SeededEntropy) -> list[Habit]:
    left, mixed = list(habits), []
    while left:
        mixed.append(left.pop(_below(dice, len(left))))
    return mixed


def _bidder(number: int, habit: Habit, terms: Terms, dice: SeededEntropy) -> Bidder:
    share = {Habit.LATE: 0.6, Habit.DROPS: 0.3, Habit.STUCK: 0.5}.get(habit, 0.05 + _below(dice, 30) / 100)
    ceiling = terms.ceiling.fen or 100_000_000
    total = ceiling * (850 + _below(dice, 120)) // 1000
    return Bidder(number, f"drill-{number}", f"演练投标人 {number:02d}", f"DRILL{number:013d}", habit, share, total)


def _below(dice: SeededEntropy, limit: int) -> int:
    return int.from_bytes(dice.token(8), "big") % limit
