"""What people say, ask and show in a room: decided by ``talk``, written down, told in frames. One function an act."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from sqlalchemy import func, select

from bid_opening import access, frames, talk, talk_access
from bid_opening.ceremony import RoomState
from bid_opening.models import RoomFrame
from bid_opening.services import rooms
from bid_opening.talk import Paper, SaidBefore, Speaker, Ticket
from bid_opening.talk_models import HelpLine, HelpTicket, RoomMessage, ShownDocument
from foundation.documents.reading import read_pdf
from foundation.errors import InvalidInput, NotFound, Objection
from foundation.events import Event
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from tendering import facade as tendering

UPLOAD: Final = "upload"
READ_SECONDS: Final = 10


def stream_of(lot_id: str) -> str:
    """The journal stream of a room's talk."""
    return f"talk:{lot_id}"


def object_name(lot_id: str, digest: str) -> str:
    """Where an uploaded paper lies: under its own digest, so that the same file twice is one object."""
    return f"shown/{lot_id}/{digest}"


# Room talk ---------------------------------------------------------------------------------------------------------


def say(unit: Unit, lot_id: str, text: str) -> int:
    """One message to everybody in the room; its number. Refusals as ``talk.say``, NotPermitted, NoSeat, NotFound."""
    state = rooms.locked(unit, lot_id)
    who = talk_access.require_speaker(unit, lot_id, state)
    event = talk.say(state, who, text, unit.at, _said_before(unit, lot_id, who))
    _tell(unit, state, event)
    seq = rooms.heads_of(unit, lot_id, (frames.PUBLIC,))[frames.PUBLIC]
    unit.session.add(
        RoomMessage(
            lot_id=lot_id,
            number=event.number,
            at=unit.at,
            role=event.role,
            seat=event.seat,
            org_id=event.org_id,
            user_id=event.by,
            name=event.name,
            text=event.text,
            frame_seq=seq,
            hidden_at=None,
            hidden_reason="",
        )
    )
    unit.session.flush()
    return event.number


def _said_before(unit: Unit, lot_id: str, who: Speaker) -> SaidBefore:
    own = (RoomMessage.lot_id == lot_id, RoomMessage.org_id == who.org_id)
    count = select(func.count()).select_from(RoomMessage)
    newest = select(RoomMessage.at).where(*own).order_by(RoomMessage.number.desc()).limit(talk.PACE[0])
    return SaidBefore(
        in_room=unit.session.scalar(count.where(RoomMessage.lot_id == lot_id)) or 0,
        by_speaker=unit.session.scalar(count.where(*own)) or 0,
        newest=tuple(unit.session.scalars(newest)),
    )


def hide(unit: Unit, lot_id: str, number: int, reason: str) -> None:
    """Take a message out of sight: a mark stays, its words leave the frame and stay in the journal and in the row."""
    state = rooms.locked(unit, lot_id)
    who = talk_access.require_hider(unit, lot_id, state)
    talk.require_reason(reason)
    row = talk_access.message(unit, lot_id, number)
    _tell(unit, state, talk.hide(state, who, number, reason, is_hidden=row.hidden_at is not None))
    row.hidden_at, row.hidden_reason = unit.at, reason
    told = unit.session.get_one(RoomFrame, (lot_id, frames.PUBLIC, row.frame_seq))
    told.frame = talk.without_text(told.frame)
    unit.session.flush()


# The help line ---------------------------------------------------------------------------------------------------


def ask_help(unit: Unit, lot_id: str, topic: str, text: str) -> int:
    """A bidder asks the duty desk from its seat; the number of the ticket. Refusals as ``talk.ask_help``."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    newest = talk_access.newest_ticket(unit, lot_id, org_id)
    last = select(func.max(HelpTicket.number)).where(HelpTicket.lot_id == lot_id)
    event = talk.ask_help(
        state,
        org_id,
        access.person_of(unit),
        topic,
        text,
        newest=None if newest is None else _ticket(unit, newest),
        next_number=(unit.session.scalar(last) or 0) + 1,
    )
    if newest is None or newest.number != event.ticket:
        newest = HelpTicket(
            lot_id=lot_id,
            number=event.ticket,
            org_id=org_id,
            seat=event.seat,
            topic=event.topic,
            opened_at=unit.at,
            waiting_since=None,
            closed_at=None,
        )
        unit.session.add(newest)
    newest.waiting_since = newest.waiting_since or unit.at
    _write_line(unit, newest, event.text, is_duty=False)
    _tell(unit, state, event)
    return event.ticket


def answer_help(unit: Unit, lot_id: str, number: int, text: str) -> None:
    """The duty officer answers; then it is the bidder's turn."""
    state = rooms.locked(unit, lot_id)
    row = talk_access.ticket_to_answer(unit, lot_id, number)
    event = talk.answer_help(state, _ticket(unit, row), access.person_of(unit), text)
    row.waiting_since = None
    _write_line(unit, row, event.text, is_duty=True)
    _tell(unit, state, event)


def close_help(unit: Unit, lot_id: str, number: int) -> None:
    """Close a ticket: the duty officer, or the bidder that was helped."""
    # Asked before the lock: somebody else's ticket and a missing room are told in the same words.
    row = talk_access.ticket_to_close(unit, lot_id, number)
    state = rooms.locked(unit, lot_id)
    unit.session.refresh(row)
    event = talk.close_help(state, _ticket(unit, row), access.person_of(unit))
    row.waiting_since, row.closed_at = None, unit.at
    _tell(unit, state, event)


def _ticket(unit: Unit, row: HelpTicket) -> Ticket:
    lines = _lines_of(unit, row)
    return Ticket(row.number, row.seat, row.org_id, row.topic, lines, is_closed=row.closed_at is not None)


def _lines_of(unit: Unit, row: HelpTicket) -> int:
    found = select(func.count()).where(HelpLine.lot_id == row.lot_id, HelpLine.ticket == row.number)
    return unit.session.scalar(found) or 0


def _write_line(unit: Unit, row: HelpTicket, text: str, *, is_duty: bool) -> None:
    unit.session.flush()
    number = _lines_of(unit, row) + 1
    unit.session.add(
        HelpLine(
            lot_id=row.lot_id,
            ticket=row.number,
            number=number,
            at=unit.at,
            is_duty=is_duty,
            name=unit.actor.display_name,
            text=text,
        )
    )
    unit.session.flush()


# Papers ----------------------------------------------------------------------------------------------------------


def require_may_show(unit: Unit, lot_id: str) -> None:
    """Asked before a file is read: the host, while there is talk. Raises NotFound, NotPermitted, TalkIsClosed."""
    access.require_host(unit, lot_id)
    talk.require_open(rooms.state_of(unit, lot_id))


def check_paper(runtime: Runtime, lot_id: str, title: str, content: bytes) -> Paper:
    """Read an upload in the limited child process and keep it under its digest; nothing is shown by this.

    Outside any Unit: reading takes seconds. Raises InvalidInput, UnreadablePdf.
    """
    if not content:
        raise InvalidInput(objections=[Objection("foundation.field_missing", "document_file")])
    if len(content) > talk.FILE_MAX_BYTES:
        limit = {"limit_mib": talk.FILE_MAX_BYTES // 1024**2}
        raise InvalidInput(objections=[Objection("bid_opening.paper_too_big", "document_file", limit)])
    read_pdf(content, seconds=READ_SECONDS)
    digest = sha256(content).hexdigest()
    runtime.objects.put_once(object_name(lot_id, digest), content)
    return Paper(UPLOAD, title, digest, len(content))


def show_upload(unit: Unit, lot_id: str, paper: Paper) -> int:
    """Show what :func:`check_paper` kept."""
    access.require_host(unit, lot_id)
    return _show(unit, lot_id, paper, url="")


def show_published(unit: Unit, lot_id: str, digest: str) -> int:
    """Show a published paper of the lot, named by its digest. Raises NotFound, NotPermitted, TalkIsClosed."""
    require_may_show(unit, lot_id)
    for one in tendering.published_documents(unit, lot_id):
        if one.sha256 == digest:
            title = one.title[: talk.TITLE_MAX]
            return _show(unit, lot_id, Paper(one.kind, title, digest, one.size_bytes), url=one.url)
    raise NotFound(what="document")


def _show(unit: Unit, lot_id: str, paper: Paper, *, url: str) -> int:
    state = rooms.locked(unit, lot_id)
    digests = select(ShownDocument.sha256).where(ShownDocument.lot_id == lot_id)
    shown = tuple(unit.session.scalars(digests))
    event = talk.show_document(state, paper, access.person_of(unit), shown=shown)
    unit.session.add(
        ShownDocument(
            lot_id=lot_id,
            number=event.number,
            source=event.source,
            title=event.title,
            sha256=event.sha256,
            size_bytes=event.size_bytes,
            url=url,
            shown_at=unit.at,
        )
    )
    _tell(unit, state, event)
    return event.number


def _tell(unit: Unit, state: RoomState, event: Event) -> None:
    """Journal and frames. The room's lock is held, so its frames get their numbers one writer at a time."""
    entry = unit.append(stream_of(state.lot), event)
    rooms.tell(unit, state.lot, event, state, entry)
