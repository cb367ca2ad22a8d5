"""What may happen in a room: each function takes the state and returns the events that follow, or raises a Refusal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bid_opening.ceremony import ESCROW_MINUTES, RoomState, Seat
from bid_opening.errors import (
    AlreadyDone,
    BeaconNotAnnounced,
    BidIsRefused,
    NoSeat,
    NothingProposed,
    NotNow,
    SecondPersonNeeded,
    StillWaiting,
    TooLate,
    TooManyTries,
    UnansweredObjections,
)
from bid_opening.marks import Figures, marks_of
from bid_opening.states import ROOM_MACHINE, Phase, Step
from foundation.draws import Beacon, BeaconFalse, beacon_time
from foundation.errors import InvalidInput
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.money import Money
from foundation.sealing import PriceSchedule

TEXT_LIMIT: Final = 2000
EXTENSION_MINUTES: Final = 10
EXTENSIONS_ALONE: Final = 1
"""The host may extend once alone; further extensions need a second person (R3.17)."""
HALTS: Final = ("suspend", "reconvene", "abort", "extend")
"""What two people decide together."""
TRIES_MAX: Final = 20
"""Wrong shares one seat may offer: guessing 32 bytes is hopeless, filling the journal is not."""
OBJECTIONS_MAX: Final = 20
BEACON_MINUTES: Final = 30
"""How long the draw waits for the announced beacon in a live room; then the room is suspended, and still waits."""
COSIGN_SECONDS: Final = 60
"""How long the closed window may wait for its cosignature before the room is suspended (docs/threat-model.md §4)."""


def require_phase(state: RoomState, *phases: Phase) -> None:
    if state.phase not in phases:
        raise NotNow(phase=str(state.phase), wanted=[str(phase) for phase in phases])


def require_time(state: RoomState, at: datetime) -> None:
    if state.until is not None and not at < state.until:
        raise TooLate(until=state.until, at=at)


def seat_for(state: RoomState, org_id: str) -> Seat:
    seat = state.seat_of(org_id)
    if seat is None:
        raise NoSeat
    return seat


def require_not_refused(seat: Seat) -> None:
    """Raises BidIsRefused: no key is taken for a bid that stays sealed."""
    if seat.refusal is not None:
        raise BidIsRefused(ground=seat.refusal.ground)


def text_of(text: str) -> str:
    clean = text.strip()
    if not clean or len(clean) > TEXT_LIMIT:
        raise InvalidInput(what="text", limit=TEXT_LIMIT)
    return clean


# What the platform does by itself ---------------------------------------------------------------------------------


def freeze(
    state: RoomState, bids: Sequence[e.FrozenBid], bidders: Sequence[e.ListedBidder], tree_size: int
) -> tuple[Event, ...]:
    """Fix the list; publish it, or fail below the legal minimum without any key being released (R1.36, R3.05)."""
    require_phase(state, Phase.INTAKE_CLOSED)
    frozen = e.BidsFrozen(state.lot, tuple(bids), tree_size)
    if len(bids) < state.min_bidders:
        return (frozen, e.OpeningFailed(state.lot, "too_few_bids", len(bids), state.min_bidders))
    return (frozen, e.ListPublished(state.lot, tuple(bidders)))


def delay_freeze(state: RoomState, at: datetime, waiting: str) -> tuple[Event, ...]:
    """Put on record, once, that the frozen list is not in the cosigned log within the published grace (R3.26)."""
    limit = state.freeze_limit
    if limit is None or state.opens_at is None or at <= limit or state.freeze_delay:
        return ()
    return (e.FreezeDelayed(state.lot, "platform", waiting, state.opens_at, state.freeze_grace_seconds),)


def receive_beacon(state: RoomState, beacon: Beacon, source: str) -> tuple[Event, ...]:
    """Take the announced round's value, already verified. The same value again changes nothing.

    Raises BeaconNotAnnounced, BeaconFalse (``reason`` round) for another round, NotNow before the freeze and after the
    draw.
    """
    if not state.beacon:
        raise BeaconNotAnnounced
    if beacon.round != state.beacon_round:
        raise BeaconFalse(round=beacon.round, reason="round")
    if state.beacon_value == beacon:
        return ()
    require_phase(
        state, Phase.LIST_PUBLISHED, Phase.DECRYPTING, Phase.WINDOW_CLOSED, Phase.GATE_RELEASED, Phase.SUSPENDED
    )
    if not state.frozen:
        raise NotNow(phase=str(state.phase), wanted=[str(Phase.LIST_PUBLISHED)])
    return (e.BeaconReceived(state.lot, beacon.chain, beacon.round, beacon.signature, source),)


def beacon_is_overdue(state: RoomState, at: datetime) -> bool:
    """Whether the draw has waited too long for the beacon, since all else was there and the round was to be given."""
    number = state.beacon_round
    if state.phase is not Phase.GATE_RELEASED or not state.needs_beacon or number is None:
        return False
    entered = (state.entered_at(Phase.GATE_RELEASED), state.entered_at(Phase.RECONVENED), beacon_time(number))
    return at >= max(moment for moment in entered if moment) + timedelta(minutes=BEACON_MINUTES)


def require_beacon(state: RoomState) -> None:
    """Raises StillWaiting while the announced beacon is not there: nothing else may take its place (R3.25)."""
    if state.needs_beacon:
        raise StillWaiting(waiting="beacon")


def end_window(state: RoomState, at: datetime, *, early: bool = False) -> tuple[Event, ...]:
    """The bidders' window ends at its limit, or as soon as nothing more can come."""
    require_phase(state, Phase.DECRYPTING)
    if state.window_ended_at is not None:
        raise AlreadyDone(what="window_ended")
    missing = tuple(seat.number for seat in state.waiting_for)
    is_time = state.until is not None and at >= state.until
    if missing and not (is_time or early):
        raise StillWaiting(waiting="bidders", seats=list(missing))
    # Who asked in time is waited for even where the duty officer has not confirmed yet: its delay is not the bidder's.
    until = at + timedelta(minutes=ESCROW_MINUTES) if state.escrow_expected else None
    released = sum(seat.is_recoverable for seat in state.seats)
    return (e.WindowEnded(state.lot, released, missing, until),)


def escrow_is_finished(state: RoomState, at: datetime) -> bool:
    """Whether nothing is waited for any more after the bidders' window."""
    if state.phase is not Phase.DECRYPTING or state.window_ended_at is None:
        return False
    return not state.escrow_expected or state.until is None or at >= state.until


def close_window(state: RoomState, at: datetime, *, tender: str, lot_code: str) -> tuple[Event, ...]:
    """Say once and for all which bids are released, escrowed, missing; fail if too few can be read (R3.10)."""
    require_phase(state, Phase.DECRYPTING)
    if not escrow_is_finished(state, at):
        raise StillWaiting(waiting="custodians", seats=[seat.number for seat in state.escrow_expected])
    released = tuple(s.bid for s in state.seats if s.released_at is not None)
    escrowed = tuple(s.bid for s in state.seats if s.released_at is None and s.escrowed_at is not None)
    missing = tuple(s.bid for s in state.seats if not s.is_recoverable)
    closed = e.WindowClosed(state.lot, tender, lot_code, released, escrowed, missing, state.min_decrypted)
    readable = len(released) + len(escrowed)
    if readable < state.min_decrypted:
        return (closed, e.OpeningFailed(state.lot, "too_few_released", readable, state.min_decrypted))
    return (closed,)


def release_gate(state: RoomState, holders: Sequence[int], threshold: int) -> tuple[Event, ...]:
    """Enough published gate keys."""
    require_phase(state, Phase.WINDOW_CLOSED)
    if len(holders) < threshold:
        raise StillWaiting(waiting="gate_holders", have=len(holders), threshold=threshold)
    return (e.GateReleased(state.lot, tuple(sorted(holders))),)


def cosignature_is_overdue(state: RoomState, at: datetime) -> bool:
    """Whether the closed window has waited too long for its cosignature since it closed, or since a reconvening."""
    since = [moment for moment in (state.entered_at(Phase.WINDOW_CLOSED), state.entered_at(Phase.RECONVENED)) if moment]
    return state.phase is Phase.WINDOW_CLOSED and at >= max(since) + timedelta(seconds=COSIGN_SECONDS)


def due_step(state: RoomState, at: datetime) -> str | None:
    """What the clock asks for now: ``end_window``, ``close_window``, ``open_confirmation``, ``close`` or nothing."""
    if state.phase is Phase.DECRYPTING:
        if state.window_ended_at is None:
            is_time = state.until is not None and at >= state.until
            return "end_window" if is_time or not state.waiting_for else None
        return "close_window" if escrow_is_finished(state, at) else None
    is_time = state.until is not None and at >= state.until
    if state.phase is Phase.QUERY:
        is_answered = all(o.answered_at for o in state.objections)
        spoken = {o.org_id for o in state.objections}
        everybody = all(s.has_no_objection or s.org_id in spoken for s in _readable(state))
        return "open_confirmation" if is_answered and (is_time or everybody) else None
    if state.phase is Phase.CONFIRMING:
        is_confirmed = is_time or all(s.confirmed_at for s in _readable(state))
        return "close" if is_confirmed and not state.unattributed else None
    return None


def is_kept_open(state: RoomState, at: datetime) -> bool:
    """Everything else is done, and only nobody has decided yet who answers for the bids that stay closed (R3.08)."""
    if state.phase is not Phase.CONFIRMING or not state.unattributed:
        return False
    is_time = state.until is not None and at >= state.until
    return is_time or all(seat.confirmed_at for seat in _readable(state))


def _readable(state: RoomState) -> list[Seat]:
    return [seat for seat in state.seats if seat.total is not None]


# What the host does -----------------------------------------------------------------------------------------------


def open_window(state: RoomState, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.LIST_PUBLISHED)
    asked = [seat.number for seat in state.seats if seat.refusal_asked is not None]
    if asked:
        raise StillWaiting(waiting="refusal", seats=asked)
    return (e.WindowOpened(state.lot, at + timedelta(minutes=state.decrypt_minutes)),)


def extend_window(state: RoomState, at: datetime, *, is_second_person: bool = False) -> tuple[Event, ...]:
    """Ten minutes more; more than once only with a second person."""
    require_phase(state, Phase.DECRYPTING)
    require_time(state, at)
    if state.window_ended_at is not None or state.until is None:
        raise NotNow(phase=str(state.phase), wanted=["decrypting"])
    if state.extensions >= EXTENSIONS_ALONE and not is_second_person:
        raise SecondPersonNeeded(act="extend")
    until = state.until + timedelta(minutes=EXTENSION_MINUTES)
    return (e.WindowExtended(state.lot, until, EXTENSION_MINUTES, state.extensions + 1),)


def draw(state: RoomState, draws: Sequence[e.CoefficientDrawn], *, method: str) -> tuple[Event, ...]:
    """Once only: the machine has no second way into PARAM_DRAWN (R3.17).

    A method without drawn coefficients passes the step all the same, so that prices always come after it.
    """
    if state.entered_at(Phase.PARAM_DRAWN) is not None:
        raise AlreadyDone(what="draw")
    require_phase(state, Phase.GATE_RELEASED)
    require_beacon(state)
    return tuple(draws) or (e.NothingDrawn(state.lot, method),)


def read_schedule(
    state: RoomState, seat: Seat, schedule: PriceSchedule, part_key: str, *, ceiling: Money, duration_days: int
) -> tuple[Event, ...]:
    """One decrypted price schedule, with what stands out (R3.13); nothing here rejects a bid, the committee does."""
    require_phase(state, Phase.PARAM_DRAWN)
    figures = Figures(
        Money(schedule.total_fen),
        schedule.duration_days,
        schedule.quality,
        schedule.project_manager,
        schedule.total_words,
    )
    return (
        e.PriceDecrypted(
            lot=state.lot,
            seat=seat.number,
            org_id=seat.org_id,
            bid=seat.bid,
            total=f"{schedule.total:.2f}",
            duration_days=schedule.duration_days,
            quality=schedule.quality,
            project_manager=schedule.project_manager,
            part_key=part_key,
            remarks=marks_of(figures, ceiling=ceiling, duration_days=duration_days),
            total_words=schedule.total_words,
        ),
    )


def name_unreadable(state: RoomState, seat: Seat, fault: str) -> tuple[Event, ...]:
    """A schedule that does not open; ``fault`` is ``<whose>.<what>``, a term ``bid_fault.…``."""
    require_phase(state, Phase.PARAM_DRAWN)
    return (e.BidUnreadable(state.lot, seat.number, seat.org_id, seat.bid, fault),)


def start_reading(state: RoomState) -> tuple[Event, ...]:
    """Every recoverable bid is decrypted or named unreadable; the lines are read in seat order (R3.13)."""
    require_phase(state, Phase.PARAM_DRAWN)
    if state.unsettled:
        raise StillWaiting(waiting="decryption", seats=[s.number for s in state.unsettled])
    lines: list[Event] = [e.ReadingStarted(state.lot)]
    lines += [
        e.LineRead(
            *(state.lot, s.number, s.name, s.total, s.duration_days or 0, s.quality, s.project_manager),
            total_words=s.total_words,
            marks=s.remarks,
        )
        for s in state.seats
        if s.total is not None
    ]
    return tuple(lines)


def open_query(state: RoomState, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.READING)
    return (e.QueryOpened(state.lot, at + timedelta(minutes=state.query_minutes)),)


def answer(state: RoomState, objection: str, text: str, *, side: str = "agency", by: str = "") -> tuple[Event, ...]:
    """For the tenderee, by the agency that hosts or by the tenderee itself (``side``); ``by`` is the person."""
    require_phase(state, Phase.QUERY)
    remark = next((o for o in state.objections if o.id == objection), None)
    if remark is None:
        raise InvalidInput(what="objection")
    if remark.answered_at is not None:
        raise AlreadyDone(what="answered")
    return (e.ObjectionAnswered(state.lot, objection, text_of(text), side, by),)


def open_confirmation(state: RoomState, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.QUERY)
    open_ones = [o.id for o in state.objections if o.answered_at is None]
    if open_ones:
        raise UnansweredObjections(waiting=open_ones)
    if due_step(state, at) != "open_confirmation":
        raise StillWaiting(waiting="query", until=state.until)
    return (e.ConfirmationOpened(state.lot, at + timedelta(minutes=state.confirm_minutes)),)


def close(state: RoomState, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.CONFIRMING)
    if is_kept_open(state, at):
        raise StillWaiting(waiting="attribution", seats=[seat.number for seat in state.unattributed])
    if due_step(state, at) != "close":
        raise StillWaiting(waiting="confirmation", until=state.until)
    confirmed = tuple(s.number for s in state.seats if s.confirmed_at)
    silent = tuple(s.number for s in state.seats if not s.confirmed_at)
    return (e.OpeningClosed(state.lot, confirmed, silent),)


# What bidders do --------------------------------------------------------------------------------------------------


def check_in(state: RoomState, org_id: str, person: str, at: datetime) -> tuple[Event, ...]:
    """Signing in is open from the lead time to the deadline; not signing in voids nothing (R3.04)."""
    require_phase(state, Phase.CHECK_IN)
    if state.opens_at is not None and not at < state.opens_at:
        raise TooLate(until=state.opens_at, at=at)
    return (e.BidderCheckedIn(state.lot, org_id, person),)


def check_seal(state: RoomState, org_id: str, *, is_equal: bool) -> tuple[Event, ...]:
    require_phase(state, Phase.LIST_PUBLISHED, Phase.DECRYPTING)
    seat = seat_for(state, org_id)
    if seat.seal_is_equal == is_equal:
        return ()
    return (e.SealChecked(state.lot, seat.number, org_id, is_equal),)


def release(state: RoomState, org_id: str, at: datetime, *, matches: bool) -> tuple[Event, ...]:
    """A bidder's 32 bytes. A repeated right answer changes nothing; a wrong one may be tried again in the window."""
    require_phase(state, Phase.DECRYPTING)
    seat = seat_for(state, org_id)
    require_not_refused(seat)
    if seat.released_at is not None:
        return ()
    if state.window_ended_at is not None:
        raise TooLate(until=state.window_ended_at, at=at)
    require_time(state, at)
    if seat.tries >= TRIES_MAX:
        raise TooManyTries(limit=TRIES_MAX)
    if not matches:
        return (e.ShareRejected(state.lot, seat.number, org_id, seat.tries + 1),)
    return (e.ShareReleased(state.lot, seat.number, org_id, seat.bid),)


def raise_objection(state: RoomState, org_id: str, objection: str, text: str, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.QUERY)
    require_time(state, at)
    seat = seat_for(state, org_id)
    own = [o for o in state.objections if o.org_id == org_id]
    if any(o.text == text_of(text) and o.answered_at is None for o in own):
        return ()
    if len(own) >= OBJECTIONS_MAX:
        raise TooManyTries(limit=OBJECTIONS_MAX)
    return (e.ObjectionRaised(state.lot, objection, seat.number, org_id, text_of(text)),)


def no_objection(state: RoomState, org_id: str, at: datetime) -> tuple[Event, ...]:
    require_phase(state, Phase.QUERY)
    require_time(state, at)
    seat = seat_for(state, org_id)
    return () if seat.has_no_objection else (e.NoObjection(state.lot, seat.number, org_id),)


def confirm(state: RoomState, org_id: str, at: datetime, signature: str) -> tuple[Event, ...]:
    require_phase(state, Phase.CONFIRMING)
    require_time(state, at)
    seat = seat_for(state, org_id)
    return () if seat.confirmed_at else (e.ResultConfirmed(state.lot, seat.number, org_id, signature),)


# What two people do -----------------------------------------------------------------------------------------------


_HALT_STEPS: Final = {"suspend": Step.SUSPEND, "abort": Step.ABORT, "reconvene": Step.RECONVENE}


def propose_halt(state: RoomState, halt: str, by: str, why: str) -> tuple[Event, ...]:
    """The first person's word; nothing changes until a second one agrees."""
    if halt not in HALTS:
        raise InvalidInput(what="halt")
    step = _HALT_STEPS.get(halt)
    # Before the deadline a lot is cancelled by tendering, which the room then follows.
    is_early = state.phase in {Phase.SCHEDULED, Phase.CHECK_IN}
    if is_early or (step is not None and not ROOM_MACHINE.allows(state.phase, step)):
        raise NotNow(phase=str(state.phase), wanted=[halt])
    if halt == "extend":
        require_phase(state, Phase.DECRYPTING)
    if state.halt is not None:
        raise AlreadyDone(what="proposed")
    return (e.HaltProposed(state.lot, halt, by, text_of(why)),)


def withdraw_halt(state: RoomState, by: str) -> tuple[Event, ...]:
    if state.halt is None:
        raise NothingProposed
    if state.halt.by != by:
        raise SecondPersonNeeded(act="withdraw")
    return (e.HaltWithdrawn(state.lot),)


def confirm_halt(state: RoomState, by: str, at: datetime) -> tuple[Event, ...]:
    """The second person agrees; it must be another one than the proposer."""
    halt = state.halt
    if halt is None:
        raise NothingProposed
    if halt.by == by:
        raise SecondPersonNeeded(act=halt.what)
    match halt.what:
        case "extend":
            return (*extend_window(state, at, is_second_person=True), e.HaltWithdrawn(state.lot))
        case "abort":
            return abort(state, halt.why, by)
        case "reconvene":
            return reconvene(state, at)
        case _:
            return suspend(state, "decision", halt.why, by, at)


def abort(state: RoomState, why: str, by: str) -> tuple[Event, ...]:
    """End the opening for good: by two people, or because the lot was cancelled before its deadline."""
    if not ROOM_MACHINE.allows(state.phase, Step.ABORT):
        raise NotNow(phase=str(state.phase), wanted=["abort"])
    return (e.OpeningAborted(state.lot, why, by),)


def suspend(state: RoomState, cause: str, why: str, by: str, at: datetime) -> tuple[Event, ...]:
    """Stop the clock; the rest of the phase's time is kept."""
    if not ROOM_MACHINE.allows(state.phase, Step.SUSPEND):
        raise NotNow(phase=str(state.phase), wanted=["suspend"])
    left = None if state.until is None else max(0, int((state.until - at).total_seconds()))
    return (e.OpeningSuspended(state.lot, cause, why, by, left),)


def reconvene(state: RoomState, at: datetime) -> tuple[Event, ...]:
    """复会: go on with the time that was left; after an outage with its whole length besides, never with less."""
    require_phase(state, Phase.SUSPENDED)
    until = None if state.left is None else at + state.left + state.given_back(at)
    return (e.OpeningReconvened(state.lot, until),)
