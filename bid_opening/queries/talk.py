"""Talk of one room as the asker may see it: words, its own call for help, the papers on the table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from bid_opening import access, talk, talk_access
from bid_opening.access import Viewer
from bid_opening.ceremony import RoomState
from bid_opening.errors import NoSeat
from bid_opening.services import rooms
from bid_opening.talk_models import HelpLine, HelpTicket, RoomMessage, ShownDocument
from foundation.errors import NotFound, Refusal
from foundation.store.unit import Unit
from tendering import facade as tendering

SHOWN: Final = 100
"""How many of the newest messages a page lists."""
TICKETS: Final = 50


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message. ``text`` is empty when it is hidden; ``hidden_text`` then, only for those who may hide."""

    number: int
    at: datetime
    role: str
    seat: int
    name: str
    text: str
    is_own: bool
    hidden_reason: str
    hidden_text: str


@dataclass(frozen=True, slots=True)
class LineOfHelp:
    at: datetime
    is_duty: bool
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class TicketView:
    """A call for help with its lines, oldest first. ``waiting_since``: the duty desk has to answer."""

    lot_id: str
    number: int
    seat: int
    name: str
    topic: str
    opened_at: datetime
    waiting_since: datetime | None
    is_closed: bool
    lines: tuple[LineOfHelp, ...]


@dataclass(frozen=True, slots=True)
class DocumentView:
    number: int
    source: str
    title: str
    sha256: str
    size_bytes: int
    shown_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class TalkPage:
    """What a room page shows of talk.

    ``why_silent`` is the code of the refusal that speaking would get ("" where the asker may speak; None for all who
    only look on). ``own_ticket`` is the asker's newest one; ``tickets`` all of them, for the duty desk and supervisors.
    ``choices`` are published papers the host may show.
    """

    lot_id: str
    is_open: bool
    why_silent: str | None
    may_hide: bool
    may_ask: bool
    may_answer: bool
    may_show: bool
    messages: tuple[MessageView, ...]
    own_ticket: TicketView | None
    tickets: tuple[TicketView, ...]
    documents: tuple[DocumentView, ...]
    choices: tuple[tendering.DocumentRow, ...]


def talk_page(unit: Unit, lot_id: str) -> TalkPage:
    """Raises NotFound where the lot has no room."""
    state = rooms.state_of(unit, lot_id)
    viewer = access.viewer_of(unit, lot_id, state)
    is_open = talk.is_open(state)
    may_show = viewer.is_host and is_open
    documents = tuple(_document(lot_id, row) for row in _documents(unit, lot_id))
    shown = {one.sha256 for one in documents}
    published = tendering.published_documents(unit, lot_id) if may_show else ()
    return TalkPage(
        lot_id=lot_id,
        is_open=is_open,
        why_silent=_why_silent(unit, lot_id, state, viewer),
        may_hide=talk_access.may_hide(viewer),
        may_ask=is_open and viewer.own is not None,
        may_answer=viewer.is_duty,
        may_show=may_show,
        messages=messages(unit, lot_id, viewer),
        own_ticket=_own_ticket(unit, state, viewer),
        tickets=_tickets(unit, state) if viewer.may_decide else (),
        documents=documents,
        choices=tuple(one for one in published if one.sha256 not in shown),
    )


def _why_silent(unit: Unit, lot_id: str, state: RoomState, viewer: Viewer) -> str | None:
    if talk_access.speaker_of(viewer) is None and not viewer.is_bidder:
        return None
    try:
        talk_access.require_speaker(unit, lot_id, state)
        talk.require_open(state)
    except NoSeat:
        return None
    except Refusal as refusal:
        return refusal.code
    return ""


def messages(unit: Unit, lot_id: str, viewer: Viewer) -> tuple[MessageView, ...]:
    """The newest messages, newest first. The words of a hidden one reach only those who may hide."""
    may_hide = talk_access.may_hide(viewer)
    rows = unit.session.scalars(
        select(RoomMessage).where(RoomMessage.lot_id == lot_id).order_by(RoomMessage.number.desc()).limit(SHOWN)
    )
    own = str(viewer.actor.org_id)
    return tuple(
        MessageView(
            number=row.number,
            at=row.at,
            role=row.role,
            seat=row.seat,
            name=row.name,
            text=row.text if row.hidden_at is None else "",
            is_own=row.org_id == own,
            hidden_reason=row.hidden_reason,
            hidden_text=row.text if row.hidden_at is not None and may_hide else "",
        )
        for row in rows
    )


def _own_ticket(unit: Unit, state: RoomState, viewer: Viewer) -> TicketView | None:
    if viewer.own is None:
        return None
    row = talk_access.newest_ticket(unit, state.lot, viewer.own.org_id)
    return None if row is None else tickets_of(unit, [row], {state.lot: state})[0]


def _tickets(unit: Unit, state: RoomState) -> tuple[TicketView, ...]:
    rows = unit.session.scalars(
        select(HelpTicket)
        .where(HelpTicket.lot_id == state.lot)
        .order_by(HelpTicket.closed_at.is_not(None), HelpTicket.waiting_since.is_(None), HelpTicket.number)
        .limit(TICKETS)
    ).all()
    return tickets_of(unit, rows, {state.lot: state})


def tickets_of(unit: Unit, rows: Iterable[HelpTicket], states: dict[str, RoomState]) -> tuple[TicketView, ...]:
    """The tickets with their lines and the bidders' names, in the order given; one query for all lines."""
    wanted = list(rows)
    lines: dict[tuple[str, int], list[LineOfHelp]] = {}
    lots = {row.lot_id for row in wanted}
    found = unit.session.scalars(select(HelpLine).where(HelpLine.lot_id.in_(lots)).order_by(HelpLine.number))
    for one in found if wanted else ():
        lines.setdefault((one.lot_id, one.ticket), []).append(LineOfHelp(one.at, one.is_duty, one.name, one.text))
    return tuple(
        TicketView(
            lot_id=row.lot_id,
            number=row.number,
            seat=row.seat,
            name=_name(states[row.lot_id], row.org_id),
            topic=row.topic,
            opened_at=row.opened_at,
            waiting_since=row.waiting_since,
            is_closed=row.closed_at is not None,
            lines=tuple(lines.get((row.lot_id, row.number), ())),
        )
        for row in wanted
    )


def _name(state: RoomState, org_id: str) -> str:
    seat = state.seat_of(org_id)
    return "" if seat is None else seat.name


def _documents(unit: Unit, lot_id: str) -> Iterable[ShownDocument]:
    return unit.session.scalars(
        select(ShownDocument).where(ShownDocument.lot_id == lot_id).order_by(ShownDocument.number)
    )


def _document(lot_id: str, row: ShownDocument) -> DocumentView:
    url = row.url or f"/rooms/{lot_id}/documents/{row.number}"
    return DocumentView(row.number, row.source, row.title, row.sha256, row.size_bytes, row.shown_at, url)


def document(unit: Unit, lot_id: str, number: int) -> DocumentView:
    """One paper on the table of this room. Raises NotFound."""
    row = unit.session.get(ShownDocument, (lot_id, number))
    if row is None:
        raise NotFound(what="document")
    return DocumentView(row.number, row.source, row.title, row.sha256, row.size_bytes, row.shown_at, row.url)
