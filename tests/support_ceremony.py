"""The ceremony without a database: a room as its events, with every rule as a step one can try at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bid_opening import rules
from bid_opening.ceremony import RoomState, fold
from foundation.errors import Refusal
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.money import Money
from foundation.sealing import PriceSchedule

LOT = "lot-1"
OPENS = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
CEILING = Money.yuan("100.00")


def scheduled(**changes: object) -> e.RoomScheduled:
    facts: dict[str, object] = {
        "lot": LOT,
        "lot_name": "x",
        "opens_at": OPENS,
        "decrypt_minutes": 30,
        "confirm_minutes": 10,
        "query_minutes": 10,
        "min_bidders": 3,
        "min_decrypted": 3,
        "escrow_rule": "compulsory",
    }
    return e.RoomScheduled(**(facts | changes))  # type: ignore[arg-type]


def bid_of(number: int) -> str:
    return f"{number:032x}"


def schedule(total: str = "99.00", days: int = 100) -> PriceSchedule:
    return PriceSchedule("CNY", Decimal(total), days, "合格", "x", ())


@dataclass
class Room:
    """Events so far, the state they give, and the instant."""

    at: datetime = OPENS - timedelta(days=1)
    state: RoomState = field(default_factory=RoomState)
    events: list[tuple[Event, datetime]] = field(default_factory=list)

    def happen(self, *events: Event) -> None:
        for event in events:
            self.state = fold(self.state, event, self.at)
            self.events.append((event, self.at))

    def attempt(self, rule: Callable[[], Sequence[Event]]) -> Refusal | None:
        """Let a rule decide and its events happen; the refusal when it declines."""
        try:
            events = rule()
        except Refusal as refusal:
            return refusal
        self.happen(*events)
        return None

    def wait(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)

    # Steps

    def to_frozen(self, bids: int, **changes: object) -> None:
        self.happen(scheduled(**changes), e.CheckInOpened(LOT))
        self.at = OPENS
        self.happen(e.IntakeClosed(LOT))
        self.freeze(bids)

    def freeze(self, bids: int) -> None:
        frozen = [e.FrozenBid(bid_of(i), 1, i, f"{i:064x}") for i in range(1, bids + 1)]
        listed = [
            e.ListedBidder(i, f"org-{i}", f"投标人 {i}", f"code-{i}", bid_of(i), is_checked_in=True)
            for i in range(1, bids + 1)
        ]
        self.happen(*rules.freeze(self.state, frozen, listed, 9))

    def to_window(self, bids: int = 3, **changes: object) -> None:
        self.to_frozen(bids, **changes)
        self.happen(*rules.open_window(self.state, self.at))

    def release(self, number: int, *, matches: bool = True) -> None:
        self.happen(*rules.release(self.state, f"org-{number}", self.at, matches=matches))

    def escrow(self, number: int) -> None:
        seat = self.state.seats[number - 1]
        self.happen(e.EscrowOpened(LOT, number, seat.org_id, seat.bid, (0, 1)))

    def end_window(self) -> None:
        self.happen(*rules.end_window(self.state, self.at))

    def close_window(self) -> None:
        self.happen(*rules.close_window(self.state, self.at, tender="t", lot_code="l"))

    def draw(self) -> None:
        drawn = e.CoefficientDrawn(LOT, "K", "0.950", ("0.950",), "transcript", "seed")
        self.happen(*rules.draw(self.state, [drawn], method="jiangsu-1"))

    def read_price(self, number: int, total: str = "99.00") -> None:
        seat = self.state.seats[number - 1]
        self.happen(*rules.read_schedule(self.state, seat, schedule(total), "key", ceiling=CEILING, duration_days=180))

    def to_drawn(self, bids: int = 3) -> None:
        self.to_window(bids)
        for number in range(1, bids + 1):
            self.release(number)
        self.end_window()
        self.close_window()
        self.happen(*rules.release_gate(self.state, [2, 0], 2))
        self.draw()

    def to_query(self, bids: int = 3) -> None:
        self.to_drawn(bids)
        for number in range(1, bids + 1):
            self.read_price(number)
        self.happen(*rules.start_reading(self.state))
        self.happen(*rules.open_query(self.state, self.at))
