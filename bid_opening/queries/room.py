"""The room as one actor sees it: what is hidden from the actor is not in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from accounts import facade as accounts
from bid_opening import access, confirming, frames, rules, talk
from bid_opening.access import Viewer
from bid_opening.announcements import Statement, statements
from bid_opening.ceremony import Drawn, Remark, RoomState, Seat, Suspension
from bid_opening.identity_state import Interval
from bid_opening.models import CheckIn, RoomFrame
from bid_opening.queries.offers import Offer, offers_for
from bid_opening.queries.own_attendance import OwnAttendance, own_attendance
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.clock import parse_iso
from foundation.draws import beacon_time
from foundation.events import bid_opening as e
from foundation.publication import proofs
from foundation.store.unit import Unit
from tendering import facade as tendering

ANNOUNCEMENTS: Final = 60
"""How many of the newest public facts a page lists."""


@dataclass(frozen=True, slots=True)
class LineView:
    """What was read out of one bid."""

    total: str
    duration_days: int | None
    quality: str
    project_manager: str
    total_words: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat as the asker sees it.

    ``seal_is_equal``, ``tries`` and ``escrow_reason`` only for staff and for the seat's own bidder.

    ``status``: waiting, released, escrowed, missing, decrypted, unreadable, read, confirmed, refused
    (terms ``seat_status.…``).
    """

    number: int
    name: str
    uscc: str
    bid: str
    is_checked_in: bool
    is_own: bool
    status: str
    seal_is_equal: bool | None
    tries: int | None
    released_at: datetime | None
    escrow_asked_at: datetime | None
    escrow_confirmed_at: datetime | None
    escrow_reason: str | None
    escrowed_at: datetime | None
    decrypted_at: datetime | None
    fault: str
    refusal: str
    """The ground of law on which the bid was refused; "" where it was not."""
    line: LineView | None
    has_no_objection: bool
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HaltView:
    what: str
    by: str
    why: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class Announcement:
    """One public fact of the room: code ``events:<type>`` of the catalogue, its public fields, its journal entry."""

    type: str
    at: datetime
    params: dict[str, Any]
    entry_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class OwnView:
    """What only the bidder sees of itself. ``confirm_note`` is the text its device signs, once its line is read."""

    is_checked_in: bool
    has_bid: bool
    attendance: OwnAttendance
    seat: int | None
    tries_left: int
    confirm_note: str


@dataclass(frozen=True, slots=True)
class BeaconView:
    """The beacon the notice announced: its round by the deadline, when that is given, and its value once it is here."""

    round: int
    given_at: datetime
    signature: str
    limit_minutes: int


@dataclass(frozen=True, slots=True)
class RoomPage:
    """A room as one actor sees it at ``server_now``. ``heads`` are the last frame numbers it already contains."""

    lot_id: str
    lot_code: str
    lot_name: str
    project_name: str
    tenderee_name: str
    agency_name: str
    ceiling: str
    state: str
    """As in frames: upper case."""
    phase: Phase
    until: datetime | None
    window_ended_at: datetime | None
    opens_at: datetime | None
    server_now: datetime
    decrypt_minutes: int
    min_bidders: int
    escrow_rule: str
    beacon: BeaconView | None
    freeze_grace_seconds: int
    freeze_delay: str
    extensions: int
    failure: str
    suspension: Suspension | None
    halt: HaltView | None
    audiences: tuple[str, ...]
    heads: dict[str, int]
    is_host: bool
    is_staff: bool
    may_decide: bool
    seats: tuple[SeatView, ...]
    own: OwnView | None
    draws: tuple[Drawn, ...]
    objections: tuple[Remark, ...]
    offers: tuple[Offer, ...]
    statements: tuple[Statement, ...]
    """What the host reads out now, for all to see (R3.40)."""
    intervals: tuple[Interval, ...]
    """Pauses and extensions so far (R3.06)."""
    next_step: str
    """Term ``room_next.…``: what everybody waits for now."""
    announcements: tuple[Announcement, ...]
    phase_times: tuple[tuple[Phase, datetime], ...]
    has_record: bool
    record_sha256: str


RoomSnapshot = RoomPage
"""The JSON form of the page (contract)."""


def room_page(unit: Unit, lot_id: str) -> RoomPage:
    """Raises NotFound where the lot has no room."""
    state = rooms.state_of(unit, lot_id)
    viewer = access.viewer_of(unit, lot_id, state)
    card = tendering.lot_card(unit, lot_id)
    return RoomPage(
        lot_id=lot_id,
        lot_code=card.lot_code,
        lot_name=card.name,
        project_name=card.project_name,
        tenderee_name=card.tenderee_name,
        agency_name=card.agency_name,
        ceiling=card.ceiling.text() if card.ceiling.fen else "",
        state=state.phase.name,
        phase=state.phase,
        until=state.until,
        window_ended_at=state.window_ended_at,
        opens_at=state.opens_at,
        server_now=unit.at,
        decrypt_minutes=state.decrypt_minutes,
        min_bidders=state.min_bidders,
        escrow_rule=state.escrow_rule,
        beacon=_beacon(state),
        freeze_grace_seconds=state.freeze_grace_seconds,
        freeze_delay=state.freeze_delay,
        extensions=state.extensions,
        failure=state.failure,
        suspension=state.suspension,
        halt=_halt(unit, state, viewer),
        audiences=viewer.audiences,
        heads=rooms.heads_of(unit, lot_id, viewer.audiences),
        is_host=viewer.is_host,
        is_staff=viewer.is_staff,
        may_decide=viewer.may_decide,
        seats=tuple(_seat(state, seat, viewer) for seat in state.seats),
        own=_own(unit, state, viewer, card.lot_code),
        draws=state.draws,
        objections=tuple(replace(one, org_id="") for one in state.objections),
        offers=tuple(offers_for(unit, state, viewer)),
        statements=statements(state),
        intervals=state.intervals,
        next_step=_next_step(unit, state),
        announcements=_announcements(unit, lot_id),
        phase_times=state.phase_times,
        has_record=bool(state.record_sha256),
        record_sha256=state.record_sha256,
    )


def _beacon(state: RoomState) -> BeaconView | None:
    number = state.beacon_round
    if number is None:
        return None
    signature = state.beacon_value.signature if state.beacon_value else ""
    return BeaconView(number, beacon_time(number), signature, rules.BEACON_MINUTES)


def _halt(unit: Unit, state: RoomState, viewer: Viewer) -> HaltView | None:
    if state.halt is None or not viewer.is_staff:
        return None
    name = accounts.person(unit, state.halt.by).name
    return HaltView(state.halt.what, name, state.halt.why, is_own=state.halt.by == viewer.actor.user_id)


def _seat(state: RoomState, seat: Seat, viewer: Viewer) -> SeatView:
    is_own = viewer.own is not None and viewer.own.number == seat.number
    is_close = is_own or viewer.is_staff
    line = None
    if seat.read_at is not None and seat.total is not None:
        line = LineView(
            *(seat.total, seat.duration_days, seat.quality, seat.project_manager, seat.total_words, seat.remarks)
        )
    return SeatView(
        number=seat.number,
        name=seat.name,
        uscc=seat.uscc,
        bid=seat.bid,
        is_checked_in=seat.is_checked_in,
        is_own=is_own,
        status=_status(state, seat),
        seal_is_equal=seat.seal_is_equal if is_close else None,
        tries=seat.tries if is_close else None,
        released_at=seat.released_at,
        escrow_asked_at=seat.escrow_asked_at,
        escrow_confirmed_at=seat.escrow_confirmed_at,
        escrow_reason=seat.escrow_reason if is_close else None,
        escrowed_at=seat.escrowed_at,
        decrypted_at=seat.decrypted_at,
        fault=seat.fault,
        refusal=seat.refusal.ground if seat.refusal else "",
        line=line,
        has_no_objection=seat.has_no_objection,
        confirmed_at=seat.confirmed_at,
    )


def _status(state: RoomState, seat: Seat) -> str:
    if seat.refusal is not None:
        return "refused"
    if seat.confirmed_at is not None:
        return "confirmed"
    if seat.read_at is not None:
        return "read"
    if seat.fault:
        return "unreadable"
    if seat.total is not None:
        return "decrypted"
    if seat.released_at is not None:
        return "released"
    if seat.escrowed_at is not None:
        return "escrowed"
    return "missing" if state.entered_at(Phase.WINDOW_CLOSED) else "waiting"


def _own(unit: Unit, state: RoomState, viewer: Viewer, lot_code: str) -> OwnView | None:
    if not viewer.is_bidder:
        return None
    org_id, seat = str(viewer.actor.org_id), viewer.own
    note = confirming.note_for(lot_code, state, seat).decode() if seat is not None and seat.read_at is not None else ""
    return OwnView(
        is_checked_in=unit.session.get(CheckIn, (state.lot, org_id)) is not None,
        has_bid=tendering.own_bid(unit, state.lot, org_id) is not None,
        attendance=own_attendance(unit, state, org_id),
        seat=seat.number if seat is not None else None,
        tries_left=rules.TRIES_MAX - (seat.tries if seat is not None else 0),
        confirm_note=note,
    )


def _next_step(unit: Unit, state: RoomState) -> str:
    match state.phase:
        case Phase.LIST_PUBLISHED:
            frozen = rooms.entry_id_of(unit, state.lot, e.BidsFrozen)
            return "host_starts" if frozen and proofs.is_cosigned(unit, frozen) else "log"
        case Phase.DECRYPTING:
            return "bidders" if state.window_ended_at is None else "custodians"
        case Phase.WINDOW_CLOSED:
            entry_id = rooms.entry_id_of(unit, state.lot, e.WindowClosed)
            return "gate_holders" if entry_id and proofs.is_cosigned(unit, entry_id) else "log"
        case Phase.GATE_RELEASED if state.needs_beacon:
            return "beacon"
        case Phase.CONFIRMING if rules.is_kept_open(state, unit.at):
            return "attribution"
        case Phase.PARAM_DRAWN:
            return "decryption" if state.unsettled else "host_reads"
        case _:
            return str(state.phase)


def _announcements(unit: Unit, lot_id: str) -> tuple[Announcement, ...]:
    """The newest public facts, oldest first, as the public audience was told them: never more than its frames say.

    Talk is none of them: words must not push facts off the page.
    """
    told = unit.session.scalars(
        select(RoomFrame.frame)
        .where(RoomFrame.lot_id == lot_id, RoomFrame.audience == frames.PUBLIC, RoomFrame.type.not_in(talk.QUIET))
        .order_by(RoomFrame.seq.desc())
        .limit(ANNOUNCEMENTS)
    ).all()
    return tuple(_announcement(text) for text in reversed(told))


def _announcement(text: str) -> Announcement:
    frame = json.loads(text)
    return Announcement(
        type=f"bid_opening.{frame['type']}",
        at=parse_iso(frame["at"]),
        params=frame["data"],
        entry_id=frame["entry"],
        seq=frame["seq"],
    )
