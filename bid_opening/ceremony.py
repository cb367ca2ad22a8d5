"""The ceremony, without a clock, a database or a socket: what is (``fold``) and what may happen (``decide``, ``due``).

Law 1: everything that affects the state of an opening lives here and in ``states.py``.
Law 2: ``fold`` over all events of a room gives the live state; nothing else may be asked about it.
Instants are the server's; half-open (an act at ``until`` is too late).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from bid_opening import fault_fold, identity_fold, intervals
from bid_opening.room_state import Attendant, Drawn, GateFault, Halt, Remark, RoomState, Seat, Suspension
from bid_opening.states import RETURNS, ROOM_MACHINE, Phase, Step
from foundation.draws import Beacon
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.machine import WrongState

__all__ = [
    "ESCROW_MINUTES",
    "HAPPENS_IN",
    "LIVE",
    "STEP_OF",
    "Attendant",
    "Drawn",
    "GateFault",
    "Halt",
    "Remark",
    "RoomState",
    "Seat",
    "Suspension",
    "fold",
    "fold_all",
]

ESCROW_MINUTES: Final = 10
"""How long custodians' agents are waited for after the bidders' window; then the bid counts as missing."""


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

LIVE: Final = frozenset(
    {
        *(Phase.INTAKE_CLOSED, Phase.LIST_PUBLISHED, Phase.DECRYPTING, Phase.WINDOW_CLOSED, Phase.GATE_RELEASED),
        *(Phase.PARAM_DRAWN, Phase.READING, Phase.QUERY, Phase.CONFIRMING, Phase.SUSPENDED),
    }
)
"""The phases in which being there is attendance: from the deadline to the end, but not before and not afterwards."""

HAPPENS_IN: Final[dict[type[Event], frozenset[Phase]]] = {
    e.RoomScheduled: frozenset({Phase.SCHEDULED, Phase.CHECK_IN}),
    e.FreezeDelayed: frozenset({Phase.INTAKE_CLOSED, Phase.LIST_PUBLISHED}),
    # Once the list is frozen and until the draw; also while the opening stands still for want of it.
    e.BeaconReceived: frozenset(
        {Phase.LIST_PUBLISHED, Phase.DECRYPTING, Phase.WINDOW_CLOSED, Phase.GATE_RELEASED, Phase.SUSPENDED}
    ),
    e.SealChecked: frozenset({Phase.LIST_PUBLISHED, Phase.DECRYPTING}),
    e.ShareReleased: frozenset({Phase.DECRYPTING}),
    e.ShareRejected: frozenset({Phase.DECRYPTING}),
    e.WindowExtended: frozenset({Phase.DECRYPTING}),
    e.EscrowRequested: frozenset({Phase.DECRYPTING}),
    e.EscrowRequestConfirmed: frozenset({Phase.DECRYPTING}),
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
    e.ObjectionWithdrawn: frozenset({Phase.QUERY}),
    e.ResultConfirmed: frozenset({Phase.CONFIRMING}),
    e.RecordIssued: frozenset({Phase.CLOSED, Phase.FAILED}),
    e.StaffJoined: LIVE,
    **fault_fold.HAPPENS_IN,
    **identity_fold.HAPPENS_IN,
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
    state = intervals.with_intervals(_move_phase(state, event, at), event, at)
    for part in (_fold_list, _fold_time, _fold_gate, _fold_query, fault_fold.fold_fault, identity_fold.fold_identity):
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
                beacon=event.beacon,
                freeze_grace_seconds=event.freeze_grace_seconds,
                emergency_minutes=event.emergency_minutes,
                common_failure_percent=event.common_failure_percent,
                phase_times=state.phase_times or ((Phase.SCHEDULED, at),),
            )
        case e.BidsFrozen():
            return dataclasses.replace(state, frozen=event.bids)
        case e.FreezeDelayed():
            return dataclasses.replace(state, freeze_delay=event.waiting)
        case e.ListPublished():
            seats = (
                Seat(b.seat, b.org_id, b.name, b.uscc, b.bid, is_checked_in=b.is_checked_in) for b in event.bidders
            )
            return dataclasses.replace(state, seats=tuple(seats))
        case e.OpeningFailed():
            return dataclasses.replace(
                state,
                failure=event.cause,
                failure_count=event.count,
                failure_minimum=event.minimum,
                until=None,
                halt=None,
            )
        case e.OpeningAborted():
            return dataclasses.replace(state, failure="aborted", until=None, halt=None)
        case e.RecordIssued():
            return dataclasses.replace(state, record_sha256=event.sha256)
        case e.StaffJoined():
            came = Attendant(event.by, event.role, event.organisation, event.name, at)
            return dataclasses.replace(state, attendants=(*state.attendants, came))
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
            is_common = event.outage_since is not None and event.why == "common_failure"
            stops = state.common_stops + is_common
            return dataclasses.replace(state, left=left, until=None, halt=None, common_stops=stops)
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
        case e.BeaconReceived():
            return dataclasses.replace(state, beacon_value=Beacon(event.chain, event.round, event.value))
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
            return _objection(state, event.objection, answer=event.text, answered_at=at, side=event.side)
        case e.ObjectionWithdrawn():
            return _objection(state, event.objection, is_withdrawn=True, answered_at=at)
        case _:
            return None


def _objection(state: RoomState, objection: str, **changes: object) -> RoomState:
    changed = tuple(
        dataclasses.replace(one, **changes) if one.id == objection else one  # type: ignore[arg-type]
        for one in state.objections
    )
    return dataclasses.replace(state, objections=changed)


def _fold_seat(state: RoomState, event: Event, at: datetime) -> RoomState:
    match event:
        case e.SealChecked():
            return _seat(state, event.seat, seal_is_equal=event.is_equal)
        case e.ShareReleased():
            return _seat(state, event.seat, released_at=at)
        case e.ShareRejected():
            return _seat(state, event.seat, tries=event.tries)
        case e.EscrowRequested():
            return _seat(state, event.seat, escrow_asked_at=at, escrow_asked_by=event.by, escrow_reason=event.reason)
        case e.EscrowRequestConfirmed():
            return _seat(state, event.seat, escrow_confirmed_at=at)
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
                total_words=event.total_words,
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
            return _seat(state, event.seat, confirmed_at=at, confirmation=event.signature)
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
        suspension = Suspension(event.cause, event.why, before, event.outage_since)
    return dataclasses.replace(state, phase=phase, suspension=suspension, phase_times=(*state.phase_times, (phase, at)))


def _return(state: RoomState, at: datetime) -> RoomState:
    """Through RECONVENED back to the phase that was left; its own instant stays the one of its first beginning."""
    if state.suspension is None:
        raise WrongState(machine=ROOM_MACHINE.name, state=str(state.phase), trigger=str(Step.RECONVENE))
    reconvened = ROOM_MACHINE.advance(state.phase, Step.RECONVENE)
    phase = ROOM_MACHINE.advance(reconvened, RETURNS[state.suspension.since])
    times = (*state.phase_times, (reconvened, at))
    return dataclasses.replace(state, phase=phase, suspension=None, phase_times=times)
