"""The ceremony, without a clock, a database or a socket: what is (``fold``) and what may happen (``decide``, ``due``).

Law 1: everything that affects the state of an opening lives here and in ``states.py``.
Law 2: ``fold`` over all events of a room gives the live state; nothing else may be asked about it.
Instants are the server's; half-open (an act at ``until`` is too late).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bid_opening.states import RETURNS, ROOM_MACHINE, Phase, Step
from foundation.events import Event
from foundation.events import bid_opening as e

ESCROW_MINUTES: Final = 10
"""How long custodians' agents are waited for after the bidders' window; then the bid counts as missing."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One bidder in the room."""

    number: int
    org_id: str
    name: str
    uscc: str
    bid: str
    is_checked_in: bool = False
    seal_is_equal: bool | None = None
    tries: int = 0
    released_at: datetime | None = None
    escrowed_at: datetime | None = None
    total: str | None = None
    duration_days: int | None = None
    quality: str = ""
    project_manager: str = ""
    remarks: tuple[str, ...] = ()
    decrypted_at: datetime | None = None
    fault: str = ""
    read_at: datetime | None = None
    has_no_objection: bool = False
    confirmed_at: datetime | None = None

    @property
    def is_recoverable(self) -> bool:
        """Its secret is there, from the bidder or from custodians."""
        return self.released_at is not None or self.escrowed_at is not None


@dataclass(frozen=True, slots=True)
class Remark:
    """An objection raised on the spot, and its answer (R1.37)."""

    id: str
    seat: int
    org_id: str
    text: str
    raised_at: datetime
    answer: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoomState:
    """Everything about one opening."""

    phase: Phase = Phase.SCHEDULED
    lot: str = ""
    lot_name: str = ""
    opens_at: datetime | None = None
    decrypt_minutes: int = 0
    query_minutes: int = 0
    confirm_minutes: int = 0
    min_bidders: int = 0
    min_decrypted: int = 0
    escrow_rule: str = ""
    until: datetime | None = None
    extensions: int = 0
    window_ended_at: datetime | None = None
    frozen: tuple[e.FrozenBid, ...] = ()
    seats: tuple[Seat, ...] = ()
    draws: tuple[tuple[str, str], ...] = ()
    objections: tuple[Remark, ...] = ()
    halt: tuple[str, str, str] | None = None
    """(what, who, why) of a proposed suspension or abort."""
    suspended_from: Phase | None = None
    left: timedelta | None = None
    failure: str = ""
    record_sha256: str = ""
    phase_times: tuple[tuple[Phase, datetime], ...] = field(default=())

    def seat_of(self, org_id: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.org_id == org_id), None)

    def seat_of_bid(self, bid: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.bid == bid), None)

    @property
    def waiting_for(self) -> tuple[Seat, ...]:
        """Seats whose secret is not there yet."""
        return tuple(seat for seat in self.seats if not seat.is_recoverable)

    @property
    def is_over(self) -> bool:
        return ROOM_MACHINE.is_final(self.phase)


STEP_OF: Final[dict[type[Event], Step]] = {
    e.CheckInOpened: Step.OPEN_CHECK_IN,
    e.IntakeClosed: Step.CLOSE_INTAKE,
    e.BidsFrozen: Step.FREEZE,
    e.ListPublished: Step.PUBLISH_LIST,
    e.OpeningFailed: Step.FAIL,
    e.WindowOpened: Step.OPEN_WINDOW,
    e.WindowClosed: Step.CLOSE_WINDOW,
    e.GateReleased: Step.RELEASE_GATE,
    e.CoefficientDrawn: Step.DRAW,
    e.ReadingStarted: Step.START_READING,
    e.QueryOpened: Step.OPEN_QUERY,
    e.ConfirmationOpened: Step.OPEN_CONFIRMATION,
    e.OpeningClosed: Step.CLOSE,
    e.OpeningSuspended: Step.SUSPEND,
    e.OpeningAborted: Step.ABORT,
}
"""Events that move the phase, and by which step of the table."""


def fold_all(events: Iterable[tuple[Event, datetime]], state: RoomState | None = None) -> RoomState:
    """The state after ``events`` (event, instant) in order."""
    now = state or RoomState()
    for event, at in events:
        now = fold(now, event, at)
    return now


def fold(state: RoomState, event: Event, at: datetime) -> RoomState:
    """The state after one more event. Raises WrongState for an event that can not have happened here."""
    state = _move_phase(state, event, at)
    change = dataclasses.replace
    match event:
        case e.RoomScheduled():
            return change(
                state,
                lot=event.lot,
                lot_name=event.lot_name,
                opens_at=event.opens_at,
                decrypt_minutes=event.decrypt_minutes,
                query_minutes=event.query_minutes,
                confirm_minutes=event.confirm_minutes,
                min_bidders=event.min_bidders,
                min_decrypted=event.min_decrypted,
                escrow_rule=event.escrow_rule,
                phase_times=((Phase.SCHEDULED, at),),
            )
        case e.BidsFrozen():
            return change(state, frozen=event.bids)
        case e.ListPublished():
            return change(
                state,
                seats=tuple(
                    Seat(b.seat, b.org_id, b.name, b.uscc, b.bid, is_checked_in=b.is_checked_in) for b in event.bidders
                ),
            )
        case e.OpeningFailed():
            return change(state, failure=event.cause, until=None)
        case e.WindowOpened() | e.QueryOpened() | e.ConfirmationOpened():
            return change(state, until=event.until)
        case e.WindowExtended():
            return change(state, until=event.until, extensions=event.times)
        case e.WindowEnded():
            return change(state, window_ended_at=at, until=event.escrow_until)
        case e.WindowClosed():
            return change(state, until=None)
        case e.OpeningSuspended():
            left = None if event.left_seconds is None else timedelta(seconds=event.left_seconds)
            return change(state, left=left, until=None, halt=None)
        case e.OpeningReconvened():
            return change(state, until=event.until, left=None)
        case e.HaltProposed():
            return change(state, halt=(event.halt, event.by, event.why))
        case e.HaltWithdrawn():
            return change(state, halt=None)
        case e.OpeningClosed() | e.OpeningAborted():
            return change(state, until=None, halt=None)
        case e.RecordIssued():
            return change(state, record_sha256=event.sha256)
        case e.CoefficientDrawn():
            return change(state, draws=(*state.draws, (event.name, event.value)))
        case e.ObjectionRaised():
            remark = Remark(event.objection, event.seat, event.org_id, event.text, at)
            return change(state, objections=(*state.objections, remark))
        case e.ObjectionAnswered():
            return change(
                state,
                objections=tuple(
                    change(o, answer=event.text, answered_at=at) if o.id == event.objection else o
                    for o in state.objections
                ),
            )
        case _:
            return _fold_seat(state, event, at)


def _fold_seat(state: RoomState, event: Event, at: datetime) -> RoomState:
    match event:
        case e.SealChecked():
            return _seat(state, event.seat, seal_is_equal=event.is_equal)
        case e.ShareReleased():
            return _seat(state, event.seat, released_at=at)
        case e.ShareRejected():
            return _seat(state, event.seat, tries=event.tries)
        case e.EscrowOpened():
            return _seat(state, event.seat, escrowed_at=at)
        case e.PriceDecrypted():
            return _seat(
                state,
                event.seat,
                total=event.total,
                duration_days=event.duration_days,
                quality=event.quality,
                project_manager=event.project_manager,
                remarks=event.remarks,
                decrypted_at=at,
            )
        case e.BidUnreadable():
            return _seat(state, event.seat, fault=event.fault)
        case e.LineRead():
            return _seat(state, event.seat, read_at=at)
        case e.NoObjection():
            return _seat(state, event.seat, has_no_objection=True)
        case e.ResultConfirmed():
            return _seat(state, event.seat, confirmed_at=at)
        case _:
            return state


def _seat(state: RoomState, number: int, **changes: object) -> RoomState:
    seats = tuple(
        dataclasses.replace(seat, **changes) if seat.number == number else seat  # type: ignore[arg-type]
        for seat in state.seats
    )
    return dataclasses.replace(state, seats=seats)


def _move_phase(state: RoomState, event: Event, at: datetime) -> RoomState:
    if isinstance(event, e.CoefficientDrawn) and state.phase is Phase.PARAM_DRAWN:
        return state  # further coefficients of the same draw
    if isinstance(event, e.OpeningReconvened):
        if state.suspended_from is None:
            raise AssertionError("a room reconvenes only from a suspension")
        ROOM_MACHINE.advance(state.phase, Step.RECONVENE)
        phase = ROOM_MACHINE.advance(Phase.RECONVENED, RETURNS[state.suspended_from])
        times = (*state.phase_times, (Phase.RECONVENED, at))
        return dataclasses.replace(state, phase=phase, suspended_from=None, phase_times=times)
    step = STEP_OF.get(type(event))
    if step is None:
        return state
    before = state.phase
    phase = ROOM_MACHINE.advance(before, step)
    return dataclasses.replace(
        state,
        phase=phase,
        suspended_from=before if step is Step.SUSPEND else state.suspended_from,
        phase_times=(*state.phase_times, (phase, at)),
    )
