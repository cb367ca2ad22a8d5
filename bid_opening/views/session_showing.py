"""From a session to what its page draws. Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask import current_app

from bid_opening.queries.room import RoomPage, SeatView
from bid_opening.queries.sessions import SessionLot, SessionPage
from bid_opening.states import ROOM_MACHINE, Phase
from bid_opening.views import board, showing
from bid_opening.views.showing import ClockView, FeedLine
from foundation.clock import iso

FEED_LINES: Final = 60
LINES_MAX: Final = 8
"""Rooms of one page that have a line of their own; the others are brought up to date by asking the page again."""


@dataclass(frozen=True, slots=True)
class LotCard:
    """One lot on the page. ``given`` is None before the list is published."""

    number: int
    room: RoomPage
    clock: ClockView
    given: int | None
    own: SeatView | None
    to_release: bool
    """The asker has a seat here whose key is still to be released."""
    to_check_in: bool
    offers: dict[str, str]
    """Act → why not yet ("" when it is possible), for the host."""


@dataclass(frozen=True, slots=True)
class LotFeedLine:
    number: int
    line: FeedLine


@dataclass(frozen=True, slots=True)
class SessionShown:
    """Everything the page draws besides the session itself. ``lines`` is what the script opens its lines with."""

    desk: str
    """host, staff, bidder or gallery: how closely the page follows."""
    cards: tuple[LotCard, ...]
    nearest: LotCard | None
    """The lot whose limit comes first."""
    feed: tuple[LotFeedLine, ...]
    lines: tuple[dict[str, Any], ...]
    has_more: bool
    """More lots are under way than lines are opened."""
    words: dict[str, Any]
    room_port: int


def session(page: SessionPage) -> SessionShown:
    told = [(lot.number, one) for lot in page.lots for one in lot.room.announcements]
    told.sort(key=lambda one: (one[1].at, one[0], one[1].seq), reverse=True)
    cards = tuple(_card(lot) for lot in page.lots)
    under_way = [lot for lot in page.lots if not ROOM_MACHINE.is_final(lot.room.phase)]
    live = under_way[:LINES_MAX]
    return SessionShown(
        desk="host" if page.is_host else "staff" if page.is_staff else "bidder" if page.is_bidder else "gallery",
        cards=cards,
        nearest=min((one for one in cards if one.clock.until), key=_limit, default=None),
        feed=tuple(LotFeedLine(number, showing.line(one)) for number, one in told[:FEED_LINES]),
        lines=tuple(_line(lot, is_live=lot in live) for lot in page.lots),
        has_more=len(under_way) > len(live),
        words=showing.words(),
        room_port=current_app.config["ROOM_PORT"],
    )


def _limit(card: LotCard) -> datetime:
    return card.clock.until or datetime.max.replace(tzinfo=UTC)


def _card(lot: SessionLot) -> LotCard:
    room = lot.room
    own = next((seat for seat in room.seats if seat.is_own), None)
    given = sum(1 for seat in room.seats if seat.released_at or seat.escrowed_at)
    is_waiting = own is not None and not (own.released_at or own.escrowed_at)
    return LotCard(
        number=lot.number,
        room=room,
        clock=showing.clock(room),
        given=given if room.seats else None,
        own=own,
        to_release=is_waiting and room.phase is Phase.DECRYPTING and room.window_ended_at is None,
        to_check_in=room.own is not None
        and room.own.has_bid
        and not room.own.is_checked_in
        and room.phase is Phase.CHECK_IN,
        offers={one.act: "" if one.is_allowed else showing.why(one.code, one.params or {}) for one in room.offers},
    )


def _line(lot: SessionLot, *, is_live: bool) -> dict[str, Any]:
    room = lot.room
    return {
        "lot": room.lot_id,
        "number": lot.number,
        "phase": room.state,
        "until": iso(room.until) if room.until else None,
        "heads": room.heads,
        "seats": {seat.number: board.plain(room, seat) for seat in room.seats},
        "isLive": is_live,
        "own": room.own.seat if room.own else None,
    }
