"""Read models of opening sessions: the page of one, its cover sheet, and a host's days."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final

from sqlalchemy import select

from bid_opening.models import OpeningRoom
from bid_opening.queries.room import RoomPage, room_page
from bid_opening.services import rooms, sessions
from bid_opening.sessions import Joint, LotStand, being_read, is_over, joint_acts, next_to_read
from bid_opening.states import ROOM_MACHINE, Phase
from foundation.clock import iso, to_beijing
from foundation.store.unit import Unit
from foundation.working_days import start_of_day
from tendering import facade as tendering

COVER: Final = "etender-session-cover/v1"
_NUMBER_SUFFIX: Final = {Phase.CLOSED: "KB", Phase.FAILED: "LB"}
"""As the records themselves are numbered."""


@dataclass(frozen=True, slots=True)
class SessionLot:
    """One lot of the session; ``room`` is its room as the asker sees it."""

    number: int
    room: RoomPage


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A session as one actor sees it. ``session_id`` is its first lot's id; the id of any of its lots finds it."""

    session_id: str
    project_name: str
    tenderee_name: str
    agency_name: str
    opens_at: datetime | None
    server_now: datetime
    lots: tuple[SessionLot, ...]
    is_host: bool
    is_staff: bool
    is_bidder: bool
    joint: tuple[Joint, ...]
    """For the host: what can be done with several lots at once."""
    next_to_read: str | None
    """For the host: the lot whose turn it is to be read out."""
    being_read: str | None
    is_over: bool
    has_record: bool
    """Whether the record of at least one lot is issued."""


def session_page(unit: Unit, lot_id: str) -> SessionPage:
    """The session this lot opens in, though it be alone in it. Raises NotFound where the lot has no room."""
    lots = tuple(_lot(unit, one) for one in sessions.lots_of(unit, lot_id))
    first = lots[0].room
    stands = [stand_of(lot) for lot in lots] if first.is_host else []
    turn, reading = next_to_read(stands), being_read(stands)
    return SessionPage(
        session_id=first.lot_id,
        project_name=first.project_name,
        tenderee_name=first.tenderee_name,
        agency_name=first.agency_name,
        opens_at=first.opens_at,
        server_now=unit.at,
        lots=lots,
        is_host=first.is_host,
        is_staff=first.is_staff,
        is_bidder=any(_concerns(lot.room) for lot in lots),
        joint=joint_acts(stands),
        next_to_read=turn.lot_id if turn else None,
        being_read=reading.lot_id if reading else None,
        is_over=is_over([lot.room.phase for lot in lots]),
        has_record=any(lot.room.has_record for lot in lots),
    )


def stand_of(lot: SessionLot) -> LotStand:
    """What the host can do in this lot now."""
    room = lot.room
    return LotStand(room.lot_id, lot.number, room.phase, {one.act: one.is_allowed for one in room.offers})


def _concerns(room: RoomPage) -> bool:
    return room.own is not None and (room.own.has_bid or room.own.seat is not None)


def _lot(unit: Unit, lot_id: str) -> SessionLot:
    return SessionLot(tendering.lot_card(unit, lot_id).number, room_page(unit, lot_id))


# --- the cover sheet --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CoverLine:
    """One lot on the cover. ``record_sha256`` is "" where no record is issued (yet, or at all: an aborted opening)."""

    number: int
    lot_id: str
    lot_code: str
    lot_name: str
    phase: Phase
    ended_at: datetime | None
    document_number: str
    record_sha256: str


@dataclass(frozen=True, slots=True)
class SessionCover:
    """What lies in front of the records of a session. ``text`` is what ``sha256`` is taken of: one line a lot.

    Both are empty while a lot is not over or its record not issued: a cover is final or it is none.
    """

    session_id: str
    project_name: str
    tender_code: str
    tenderee_name: str
    agency_name: str
    opens_at: datetime | None
    lines: tuple[CoverLine, ...]
    text: str
    sha256: str


def session_cover(unit: Unit, lot_id: str) -> SessionCover:
    """Public, as the records are (Art 32). Raises NotFound where the lot has no room."""
    lots = sessions.lots_of(unit, lot_id)
    card, state = tendering.lot_card(unit, lots[0]), rooms.state_of(unit, lots[0])
    lines = tuple(_cover_line(unit, one) for one in lots)
    text = cover_text(card.tender_code, state.opens_at, lines)
    return SessionCover(
        session_id=card.id,
        project_name=card.project_name,
        tender_code=card.tender_code,
        tenderee_name=card.tenderee_name,
        agency_name=card.agency_name,
        opens_at=state.opens_at,
        lines=lines,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest() if text else "",
    )


def cover_text(tender_code: str, opens_at: datetime | None, lines: tuple[CoverLine, ...]) -> str:
    """What anybody hashes: version, tender code, deadline (UTC), then code, end and record of each lot; LF each."""
    is_final = all(line.record_sha256 or line.phase is Phase.ABORTED for line in lines)
    if not is_final or opens_at is None:
        return ""
    rows = [f"{line.lot_code} {line.phase} {line.record_sha256 or '-'}" for line in lines]
    return "".join(f"{row}\n" for row in (COVER, tender_code, iso(opens_at), *rows))


def _cover_line(unit: Unit, lot_id: str) -> CoverLine:
    card, state = tendering.lot_card(unit, lot_id), rooms.state_of(unit, lot_id)
    suffix = _NUMBER_SUFFIX.get(state.phase, "")
    return CoverLine(
        number=card.number,
        lot_id=lot_id,
        lot_code=card.lot_code,
        lot_name=card.name,
        phase=state.phase,
        ended_at=state.entered_at(state.phase) if ROOM_MACHINE.is_final(state.phase) else None,
        document_number=f"{card.lot_code}-{suffix}" if suffix and state.record_sha256 else "",
        record_sha256=state.record_sha256,
    )


# --- a host's days ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DaySession:
    """One session on a host's list. ``phases``: by lot, None where the lot is not published and has no room.

    ``clashes``: the names of the host's other sessions that run at the same time.
    """

    session_id: str
    name: str
    starts_at: datetime
    ends_at: datetime
    lots: tuple[tuple[str, str, Phase | None], ...]
    clashes: tuple[str, ...]

    @property
    def has_room(self) -> bool:
        return all(phase is not None for _, _, phase in self.lots)


@dataclass(frozen=True, slots=True)
class HostDay:
    """One civil day (Beijing) with its sessions in order."""

    on: date
    is_today: bool
    sessions: tuple[DaySession, ...]


def days_of_host(unit: Unit) -> tuple[HostDay, ...]:
    """The asker's openings to host, from today on, as its organisation plans them; nothing for who hosts none."""
    if unit.actor.org_id is None:
        return ()
    today = to_beijing(unit.at).date()
    openings = tendering.openings_of_host(unit, str(unit.actor.org_id), since=start_of_day(today))
    ids = [one.lot_id for one in openings]
    found = unit.session.execute(select(OpeningRoom.id, OpeningRoom.state).where(OpeningRoom.id.in_(ids)))
    phases: dict[str, Phase] = {row.id: row.state for row in found}
    planned = tendering.sessions_of(openings)
    shown = [_day_session(one, planned, phases) for one in planned]
    return tuple(
        HostDay(on, on == today, tuple(of_day))
        for on, of_day in groupby(shown, key=lambda one: to_beijing(one.starts_at).date())
    )


def _day_session(
    one: tendering.PlannedSession, planned: tuple[tendering.PlannedSession, ...], phases: dict[str, Phase]
) -> DaySession:
    is_done = is_over([phases[lot.lot_id] for lot in one.lots if lot.lot_id in phases])
    running = [other for other in planned if not is_over([phases[x.lot_id] for x in other.lots if x.lot_id in phases])]
    return DaySession(
        session_id=one.lots[0].lot_id,
        name=one.name,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        lots=tuple((lot.lot_id, lot.lot_name, phases.get(lot.lot_id)) for lot in one.lots),
        clashes=() if is_done else tuple(other.name for other in tendering.clashes_of(one, running)),
    )
