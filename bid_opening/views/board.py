"""The board of seats: what stands in each cell. ``static/js/room/board.js`` says the same from frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bid_opening.queries import LineView, RoomPage, SeatView
from bid_opening.states import Phase
from foundation.clock import iso
from foundation.i18n import pick, term
from foundation.money import Money

STRIP_LEAST: Final = 3
"""Fewer prices than this make no picture."""
_IN_WINDOW: Final = frozenset({Phase.LIST_PUBLISHED, Phase.DECRYPTING})


@dataclass(frozen=True, slots=True)
class Mark:
    """Shape, word, colour. ``code`` is the term the script uses too."""

    kind: str
    icon: str
    code: str

    @property
    def text(self) -> str:
        return term(self.code)


@dataclass(frozen=True, slots=True)
class Row:
    """One seat. ``tone`` tints the row; it never stands without its mark."""

    seat: SeatView
    tone: str
    seal: Mark | None
    key: Mark
    state: Mark
    time: Any


@dataclass(frozen=True, slots=True)
class Strip:
    """Prices on one axis: (label, place 0..1, is_hit), ticks, and the words for those who do not see it."""

    dots: tuple[tuple[str, float, bool], ...]
    ticks: tuple[tuple[str, float], ...]
    label: str


def rows(room: RoomPage) -> tuple[Row, ...]:
    objected = {one.seat for one in room.objections}
    return tuple(
        Row(
            seat=seat,
            tone="hit" if seat.fault or (seat.tries and not _given(seat)) else "",
            seal=_seal(seat) if seat.is_own or room.is_staff else None,
            key=_key(room, seat),
            state=_state(room, seat, has_objected=seat.number in objected),
            time=seat.confirmed_at or seat.released_at or seat.escrowed_at,
        )
        for seat in room.seats
    )


def _given(seat: SeatView) -> bool:
    return seat.released_at is not None or seat.escrowed_at is not None


def _seal(seat: SeatView) -> Mark:
    if seat.seal_is_equal is None:
        return Mark("wait", "wait", "room_seal.none")
    return Mark("ok", "tick", "room_seal.equal") if seat.seal_is_equal else Mark("bad", "bad", "room_seal.differs")


def _key(room: RoomPage, seat: SeatView) -> Mark:
    if seat.refusal:
        return Mark("shut", "lock", "room_key.refused")
    if seat.released_at is not None:
        return Mark("", "open", "room_key.released")
    if seat.escrowed_at is not None:
        return Mark("", "open", "room_key.escrowed")
    if seat.tries:
        return Mark("fail", "lock", "room_key.rejected")
    return Mark("shut", "lock", "room_key.waiting" if room.phase in _IN_WINDOW else "room_key.missing")


def _state(room: RoomPage, seat: SeatView, *, has_objected: bool) -> Mark:
    if seat.refusal:
        return Mark("bad", "bad", "room_seat.refused")
    if seat.confirmed_at is not None:
        return Mark("ok", "ok", "room_seat.confirmed")
    if has_objected:
        return Mark("warn", "warn", "room_seat.objected")
    if seat.has_no_objection:
        return Mark("ok", "ok", "room_seat.agreed")
    if seat.fault:
        return Mark("bad", "bad", "room_seat.unreadable")
    if seat.line is not None:
        return Mark("ok", "ok", "room_seat.read")
    if seat.status == "decrypted":
        return Mark("run", "run", "room_seat.decrypted")
    if seat.released_at is not None:
        return Mark("ok", "ok", "room_seat.matches")
    if seat.escrowed_at is not None:
        return Mark("ok", "ok", "room_seat.escrowed")
    if seat.escrow_confirmed_at is not None and room.phase in _IN_WINDOW:
        return Mark("run", "two", "room_seat.escrow_confirmed")
    if seat.escrow_asked_at is not None and room.phase in _IN_WINDOW:
        return Mark("warn", "two", "room_seat.escrow_asked")
    if seat.tries:
        return Mark("bad", "bad", "room_seat.rejected")
    return Mark("wait", "wait", "room_seat.idle" if room.phase in _IN_WINDOW else "room_seat.missing")


def tally(room: RoomPage) -> tuple[tuple[str, str, str, int], ...]:
    """(name, kind, word, count) above the board: failures are found by number, rows never re-sort."""
    seats = room.seats
    if not seats:
        return ()
    given = sum(map(_given, seats))
    wrong = sum(1 for seat in seats if seat.tries and not _given(seat))
    refused = sum(1 for seat in seats if seat.refusal)
    if room.phase in _IN_WINDOW or room.phase in {Phase.WINDOW_CLOSED, Phase.GATE_RELEASED}:
        found = [("given", "ok", pick("已交", "Released"), given)]
        found.append(("waiting", "wait", pick("未交", "Not yet"), len(seats) - given - wrong - refused))
        if room.is_staff:
            found.append(("wrong", "bad", pick("不匹配", "No match"), wrong))
        return tuple(found)
    opened = sum(1 for seat in seats if seat.line is not None or seat.status == "decrypted")
    faults = sum(1 for seat in seats if seat.fault)
    return (
        ("opened", "ok", pick("已开启", "Opened"), opened),
        ("confirmed", "run", pick("已确认", "Confirmed"), sum(1 for seat in seats if seat.confirmed_at)),
        ("unopened", "bad", pick("未开启", "Not opened"), len(seats) - given + faults),
    )


def plain(room: RoomPage, seat: SeatView) -> dict[str, Any]:
    """The seat as the script keeps it; only what the reader already sees, and just what its frames would have made."""
    found: dict[str, Any] = {
        "releasedAt": seat.released_at,
        "escrowedAt": seat.escrowed_at,
        "escrowAskedAt": seat.escrow_asked_at,
        "escrowConfirmedAt": seat.escrow_confirmed_at,
        "tries": seat.tries or None,
        "isEqual": seat.seal_is_equal,
        "decryptedAt": seat.decrypted_at,
        "fault": seat.fault or None,
        "refusal": seat.refusal or None,
        "line": _line(seat, seat.line) if seat.line else None,
        "hasObjected": any(one.seat == seat.number for one in room.objections) or None,
        "noObjection": seat.has_no_objection or None,
        "confirmedAt": seat.confirmed_at,
    }
    return {
        name: iso(value) if isinstance(value, datetime) else value for name, value in found.items() if value is not None
    }


def _line(seat: SeatView, line: LineView) -> dict[str, Any]:
    """As the frame ``line_read`` carries it."""
    return {
        "seat": seat.number,
        "name": seat.name,
        "total": line.total,
        "total_words": line.total_words,
        "duration_days": line.duration_days,
        "quality": line.quality,
        "project_manager": line.project_manager,
        "marks": list(line.remarks),
    }


def grouped(total: str) -> str:
    """A decimal text as people read it: ``12,860,000.00``."""
    return Money.yuan(total).grouped()


def told_values(data: dict[str, Any]) -> dict[str, Any]:
    """A frame's data as people read it: seats with two digits, money grouped, empty lists named."""
    shown = dict(data)
    if isinstance(data.get("seat"), int):
        shown["seat"] = f"{data['seat']:02d}"
    if isinstance(data.get("total"), str):
        shown["total"] = grouped(data["total"])
    for name, value in data.items():
        if isinstance(value, list) and not value:
            shown[name] = pick("无", "none")
    return shown


def strip(room: RoomPage) -> Strip | None:
    """The prices read so far on one axis, three or more; seats as labels, no ranking."""
    prices = [(seat.number, Money.yuan(seat.line.total).fen) for seat in room.seats if seat.line is not None]
    if len(prices) < STRIP_LEAST:
        return None
    low, high = min(fen for _, fen in prices), max(fen for _, fen in prices)
    width = max(1, high - low)

    def place(fen: int) -> float:
        return 0.04 + 0.92 * (fen - low) / width

    by_price: dict[int, list[str]] = {}
    for number, fen in prices:
        by_price.setdefault(fen, []).append(f"{number:02d}")
    return Strip(
        dots=tuple((" ".join(numbers), place(fen), False) for fen, numbers in sorted(by_price.items())),
        ticks=((Money(low).grouped(), place(low)), (Money(high).grouped(), place(high))),
        label=pick("、", "; ").join(
            pick(f"{number:02d} 号 {Money(fen).grouped()} 元", f"seat {number:02d} CNY {Money(fen).grouped()}")
            for number, fen in prices
        ),
    )
