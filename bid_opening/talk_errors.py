"""Refusals of what is said, asked and shown in a room."""

from __future__ import annotations

from foundation.errors import Conflict, TooMany


class TalkIsClosed(Conflict):
    """Nobody speaks before the list is published or after the end (R3.34): the same answer to everybody."""

    code = "bid_opening.talk_is_closed"


class TooFast(TooMany):
    """``limit`` messages within ``seconds`` are enough for one voice."""

    code = "bid_opening.talk_too_fast"


class TalkIsFull(TooMany):
    """``limit`` of ``what`` (messages, lines, documents) were reached."""

    code = "bid_opening.talk_is_full"


class TicketIsClosed(Conflict):
    """The ticket was closed; a new one may be opened."""

    code = "bid_opening.ticket_is_closed"
