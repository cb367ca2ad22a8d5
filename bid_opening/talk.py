"""Talk in a room, decided: who may speak, hide, ask for help and show papers, and what follows. Pure.

Talk is no part of the ceremony. Its events stand in a stream of their own (``talk:<lot>``), not in ``room:<lot>``:
``ceremony.fold`` over the room's events stays the whole legal state, a flood of words makes no snapshot and no replay
longer, and nothing that is said can move a phase, a clock or a seat (R3.34). Its frames are numbered with the room's,
so that a screen that lost its line gets words and facts in one order and misses neither.

Nobody speaks before the list is published. Who bids is hidden until then from everybody, the duty desk included
(R1.05); an anonymous question would still tell that somebody bids, and its words often who. Until then a bidder calls
the centre's public number, which does not know where it calls from; refusing all alike tells nothing.

A hidden message keeps its number and its mark in public. Its words stay in the journal and on the desks of those who
may hide; they leave the frames (``without_text``), so that no late comer is handed them.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bid_opening.ceremony import LIVE, RoomState
from bid_opening.errors import AlreadyDone, NoSeat
from bid_opening.talk_errors import TalkIsClosed, TalkIsFull, TicketIsClosed, TooFast
from foundation.errors import InvalidInput, Objection
from foundation.events import bid_opening as e

MESSAGE_MAX: Final = 300
"""Characters of one message to all."""
HELP_MAX: Final = 1000
"""Characters of one line on the help line."""
PACE: Final = (6, timedelta(minutes=1))
"""So many messages of one organisation within this time."""
MESSAGES_OF_ONE: Final = 100
MESSAGES_OF_ROOM: Final = 1000
LINES_OF_TICKET: Final = 60
DOCUMENTS_MAX: Final = 20
TITLE_MAX: Final = 100
FILE_MAX_BYTES: Final = 10 * 1024 * 1024

QUIET: Final = frozenset({"message_said", "message_hidden"})
"""Frame types that are talk among people: no line of the room's log, and nothing of a page's structure follows."""
HIDE_REASONS: Final = ("abuse", "off_topic", "collusion", "personal", "other")
TOPICS: Final = ("decrypt", "identity", "line", "device", "other")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: ``role`` is host, tenderee, bidder, supervisor or duty; ``seat`` is 0 but for a bidder."""

    role: str
    org_id: str
    user_id: str
    name: str
    seat: int = 0


@dataclass(frozen=True, slots=True)
class SaidBefore:
    """What was said until now: in the room, by this organisation, and when its newest messages were."""

    in_room: int
    by_speaker: int
    newest: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call for help as it stands."""

    number: int
    seat: int
    org_id: str
    topic: str
    lines: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """What is to be shown."""

    source: str
    title: str
    sha256: str
    size_bytes: int


def is_open(state: RoomState) -> bool:
    """Whether there is talk: from the published list to the end, a suspension included."""
    return state.phase in LIVE and bool(state.seats)


def require_open(state: RoomState) -> None:
    """Raises TalkIsClosed."""
    if not is_open(state):
        raise TalkIsClosed(phase=str(state.phase))


def clean(text: str, field: str, limit: int) -> str:
    """One line of plain text. Raises InvalidInput for nothing, and for more than ``limit`` characters.

    Control and direction characters are taken out: they could make a line read otherwise than it is written.
    """
    kept = "".join(" " if mark in "\r\n\t" else mark for mark in text)
    line = " ".join("".join(m for m in kept if unicodedata.category(m) not in {"Cc", "Cf", "Co", "Cs"}).split())
    if not line:
        raise InvalidInput(objections=[Objection("bid_opening.nothing_said", field)])
    if len(line) > limit:
        raise InvalidInput(objections=[Objection("foundation.field_too_long", field, {"max_length": limit})])
    return line


def say(state: RoomState, who: Speaker, text: str, at: datetime, before: SaidBefore) -> e.MessageSaid:
    """One message to all. Raises TalkIsClosed, InvalidInput, TooFast, TalkIsFull."""
    require_open(state)
    line = clean(text, "message", MESSAGE_MAX)
    count, span = PACE
    if sum(at - said < span for said in before.newest) >= count:
        raise TooFast(limit=count, seconds=int(span.total_seconds()))
    if before.by_speaker >= MESSAGES_OF_ONE:
        raise TalkIsFull(what="messages", limit=MESSAGES_OF_ONE)
    if before.in_room >= MESSAGES_OF_ROOM:
        raise TalkIsFull(what="messages", limit=MESSAGES_OF_ROOM)
    return e.MessageSaid(state.lot, before.in_room + 1, who.role, who.seat, who.org_id, who.name, line, who.user_id)


def require_reason(reason: str) -> None:
    """Raises InvalidInput."""
    if reason not in HIDE_REASONS:
        raise InvalidInput(objections=[Objection("bid_opening.unknown_choice", "hide_reason")])


def hide(state: RoomState, who: Speaker, number: int, reason: str, *, is_hidden: bool) -> e.MessageHidden:
    """Take a message out of sight, at any time once it was said. Raises InvalidInput, AlreadyDone."""
    require_reason(reason)
    if is_hidden:
        raise AlreadyDone(what="hidden")
    return e.MessageHidden(state.lot, number, reason, who.role, who.user_id)


def ask_help(
    state: RoomState, org_id: str, by: str, topic: str, text: str, *, newest: Ticket | None, next_number: int
) -> e.HelpAsked:
    """Ask the duty desk; while the ``newest`` ticket of this bidder is open this is another line of it.

    Raises TalkIsClosed, NoSeat, InvalidInput, TalkIsFull.
    """
    require_open(state)
    seat = state.seat_of(org_id)
    if seat is None:
        raise NoSeat
    if topic not in TOPICS:
        raise InvalidInput(objections=[Objection("bid_opening.unknown_choice", "help_topic")])
    line = clean(text, "help_text", HELP_MAX)
    if newest is not None and not newest.is_closed:
        _require_room(newest)
        return e.HelpAsked(state.lot, newest.number, seat.number, org_id, newest.topic, line, by)
    return e.HelpAsked(state.lot, next_number, seat.number, org_id, topic, line, by)


def answer_help(state: RoomState, ticket: Ticket, by: str, text: str) -> e.HelpAnswered:
    """Raises TicketIsClosed, InvalidInput, TalkIsFull."""
    if ticket.is_closed:
        raise TicketIsClosed(ticket=ticket.number)
    _require_room(ticket)
    line = clean(text, "help_answer", HELP_MAX)
    return e.HelpAnswered(state.lot, ticket.number, ticket.seat, ticket.org_id, line, by)


def close_help(state: RoomState, ticket: Ticket, by: str) -> e.HelpClosed:
    """Raises TicketIsClosed."""
    if ticket.is_closed:
        raise TicketIsClosed(ticket=ticket.number)
    return e.HelpClosed(state.lot, ticket.number, ticket.seat, ticket.org_id, by)


def _require_room(ticket: Ticket) -> None:
    if ticket.lines >= LINES_OF_TICKET:
        raise TalkIsFull(what="lines", limit=LINES_OF_TICKET)


def show_document(state: RoomState, paper: Paper, by: str, *, shown: Sequence[str]) -> e.DocumentShown:
    """Show a paper to all; ``shown`` are the digests shown before, and once is enough.

    Raises TalkIsClosed, InvalidInput, AlreadyDone, TalkIsFull.
    """
    require_open(state)
    title = clean(paper.title, "document_title", TITLE_MAX)
    if paper.sha256 in shown:
        raise AlreadyDone(what="shown")
    if len(shown) >= DOCUMENTS_MAX:
        raise TalkIsFull(what="documents", limit=DOCUMENTS_MAX)
    return e.DocumentShown(state.lot, len(shown) + 1, paper.source, title, paper.sha256, paper.size_bytes, by)


def number_hidden_by(frame: str) -> int | None:
    """The message that this frame takes out of sight; None for every other frame."""
    if '"type":"message_hidden"' not in frame:  # spares parsing; inside a text the quotes would be escaped
        return None
    told = json.loads(frame)
    return int(told["data"]["number"]) if told["type"] == "message_hidden" else None


def is_message(frame: str, number: int) -> bool:
    """Whether the frame is that of message ``number``."""
    if '"type":"message_said"' not in frame:
        return False
    told = json.loads(frame)
    return bool(told["type"] == "message_said" and told["data"]["number"] == number)


def without_text(frame: str) -> str:
    """The frame of a message that was hidden: its number and who spoke stay, its words do not."""
    told = json.loads(frame)
    told["data"] = {**told["data"], "text": ""}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
