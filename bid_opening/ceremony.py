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
from foundation.machine import WrongState

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
class Drawn:
    """One coefficient and everything anyone needs to draw it again (R3.12)."""

    name: str
    value: str
    pool: tuple[str, ...]
    transcript: str
    seed: str
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class GateFault:
    """A gate wrap of one bid that does not verify: whose doing it is, by seat of the key set."""

    seat: int
    role: str
    culprit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Halt:
    """A proposal that needs a second person: ``what`` is one of ``rules.HALTS``, ``by`` a user's id."""

    what: str
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why the room stands still: ``cause`` is "platform" or "decision"; ``since`` the phase that was left."""

    cause: str
    why: str
    since: Phase


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
    draws: tuple[Drawn, ...] = ()
    gate_holders: tuple[int, ...] = ()
    gate_faults: tuple[GateFault, ...] = ()
    objections: tuple[Remark, ...] = ()
    halt: Halt | None = None
    suspension: Suspension | None = None
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
    def unsettled(self) -> tuple[Seat, ...]:
        """Seats whose secret is there and whose prices are neither readable nor named unreadable."""
        return tuple(s for s in self.seats if s.is_recoverable and s.total is None and not s.fault)

    @property
    def is_over(self) -> bool:
        return ROOM_MACHINE.is_final(self.phase)

    def entered_at(self, phase: Phase) -> datetime | None:
        """When the room last came into ``phase``."""
        return next((at for entered, at in reversed(self.phase_times) if entered is phase), None)

    def times_in(self, phase: Phase) -> int:
        return sum(entered is phase for entered, _ in self.phase_times)


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
    e.NothingDrawn: Step.DRAW,
    e.ReadingStarted: Step.START_READING,
    e.QueryOpened: Step.OPEN_QUERY,
    e.ConfirmationOpened: Step.OPEN_CONFIRMATION,
    e.OpeningClosed: Step.CLOSE,
    e.OpeningSuspended: Step.SUSPEND,
    e.OpeningAborted: Step.ABORT,
}
"""Events that move the phase, and by which step of the table."""

HAPPENS_IN: Final[dict[type[Event], frozenset[Phase]]] = {
    e.RoomScheduled: frozenset({Phase.SCHEDULED, Phase.CHECK_IN}),
    e.SealChecked: frozenset({Phase.LIST_PUBLISHED, Phase.DECRYPTING}),
    e.ShareReleased: frozenset({Phase.DECRYPTING}),
    e.ShareRejected: frozenset({Phase.DECRYPTING}),
    e.WindowExtended: frozenset({Phase.DECRYPTING}),
    e.WindowEnded: frozenset({Phase.DECRYPTING}),
    e.EscrowOpened: frozenset({Phase.DECRYPTING}),
    e.GateFaultFound: frozenset({Phase.WINDOW_CLOSED}),
    # After the gate and the draw, never before: nobody can know a price while K may still be anything (R3.11).
    e.PriceDecrypted: frozenset({Phase.PARAM_DRAWN}),
    e.BidUnreadable: frozenset({Phase.PARAM_DRAWN}),
    e.LineRead: frozenset({Phase.READING}),
    e.ObjectionRaised: frozenset({Phase.QUERY}),
    e.NoObjection: frozenset({Phase.QUERY}),
    e.ObjectionAnswered: frozenset({Phase.QUERY}),
    e.ResultConfirmed: frozenset({Phase.CONFIRMING}),
    e.RecordIssued: frozenset({Phase.CLOSED}),
}
"""Events that do not move the phase, and the phases they belong to; anywhere else they are refused."""


def fold_all(events: Iterable[tuple[Event, datetime]], state: RoomState | None = None) -> RoomState:
    """The state after ``events`` (event, instant) in order."""
    now = state or RoomState()
    for event, at in events:
        now = fold(now, event, at)
    return now


def fold(state: RoomState, event: Event, at: datetime) -> RoomState:
    """The state after one more event. Raises WrongState for an event that can not have happened here."""
    state = _move_phase(state, event, at)
    for part in (_fold_list, _fold_time, _fold_gate, _fold_query):
        after = part(state, event, at)
        if after is not None:
            return after
    return _fold_seat(state, event, at)


def _fold_list(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    match event:
        case e.RoomScheduled():
            return dataclasses.replace(
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
                phase_times=state.phase_times or ((Phase.SCHEDULED, at),),
            )
        case e.BidsFrozen():
            return dataclasses.replace(state, frozen=event.bids)
        case e.ListPublished():
            seats = (
                Seat(b.seat, b.org_id, b.name, b.uscc, b.bid, is_checked_in=b.is_checked_in) for b in event.bidders
            )
            return dataclasses.replace(state, seats=tuple(seats))
        case e.OpeningFailed():
            return dataclasses.replace(state, failure=event.cause, until=None, halt=None)
        case e.OpeningAborted():
            return dataclasses.replace(state, failure="aborted", until=None, halt=None)
        case e.RecordIssued():
            return dataclasses.replace(state, record_sha256=event.sha256)
        case _:
            return None


def _fold_time(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    match event:
        case e.WindowOpened() | e.QueryOpened() | e.ConfirmationOpened():
            return dataclasses.replace(state, until=event.until)
        case e.WindowExtended():
            return dataclasses.replace(state, until=event.until, extensions=event.times)
        case e.WindowEnded():
            return dataclasses.replace(state, window_ended_at=at, until=event.escrow_until)
        case e.WindowClosed():
            return dataclasses.replace(state, until=None)
        case e.OpeningSuspended():
            left = None if event.left_seconds is None else timedelta(seconds=event.left_seconds)
            return dataclasses.replace(state, left=left, until=None, halt=None)
        case e.OpeningReconvened():
            return dataclasses.replace(state, until=event.until, left=None, halt=None)
        case e.HaltProposed():
            return dataclasses.replace(state, halt=Halt(event.halt, event.by, event.why))
        case e.HaltWithdrawn():
            return dataclasses.replace(state, halt=None)
        case e.OpeningClosed():
            return dataclasses.replace(state, until=None, halt=None)
        case _:
            return None


def _fold_gate(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    match event:
        case e.GateFaultFound():
            fault = GateFault(event.seat, event.role, event.culprit, event.reason)
            return dataclasses.replace(state, gate_faults=(*state.gate_faults, fault))
        case e.GateReleased():
            return dataclasses.replace(state, gate_holders=event.holders)
        case e.CoefficientDrawn():
            drawn = Drawn(event.name, event.value, event.pool, event.transcript, event.seed, at)
            return dataclasses.replace(state, draws=(*state.draws, drawn))
        case _:
            return None


def _fold_query(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    match event:
        case e.ObjectionRaised():
            remark = Remark(event.objection, event.seat, event.org_id, event.text, at)
            return dataclasses.replace(state, objections=(*state.objections, remark))
        case e.ObjectionAnswered():
            answered = tuple(
                dataclasses.replace(o, answer=event.text, answered_at=at) if o.id == event.objection else o
                for o in state.objections
            )
            return dataclasses.replace(state, objections=answered)
        case _:
            return None


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
    belongs = HAPPENS_IN.get(type(event))
    if belongs is not None and state.phase not in belongs:
        raise WrongState(machine=ROOM_MACHINE.name, state=str(state.phase), trigger=event.TYPE)
    if isinstance(event, e.CoefficientDrawn) and state.phase is Phase.PARAM_DRAWN:
        return state  # further coefficients of the same draw
    if isinstance(event, e.OpeningReconvened):
        return _return(state, at)
    step = STEP_OF.get(type(event))
    if step is None:
        return state
    before = state.phase
    phase = ROOM_MACHINE.advance(before, step)
    suspension = state.suspension
    if isinstance(event, e.OpeningSuspended):
        suspension = Suspension(event.cause, event.why, before)
    return dataclasses.replace(state, phase=phase, suspension=suspension, phase_times=(*state.phase_times, (phase, at)))


def _return(state: RoomState, at: datetime) -> RoomState:
    """Through RECONVENED back to the phase that was left; its own instant stays the one of its first beginning."""
    if state.suspension is None:
        raise WrongState(machine=ROOM_MACHINE.name, state=str(state.phase), trigger=str(Step.RECONVENE))
    reconvened = ROOM_MACHINE.advance(state.phase, Step.RECONVENE)
    phase = ROOM_MACHINE.advance(reconvened, RETURNS[state.suspension.since])
    times = (*state.phase_times, (reconvened, at))
    return dataclasses.replace(state, phase=phase, suspension=None, phase_times=times)
