"""What is known of one opening at one moment: frozen, and made by ``ceremony.fold`` alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bid_opening.fault_state import Attribution, ClientReport, FaultProposal, HealthMark
from bid_opening.identity_state import Absence, BidRefusal, IdentityCheck, Interval, RefusalAsked
from bid_opening.states import ROOM_MACHINE, Phase
from foundation.draws import Beacon, beacon_round
from foundation.events import bid_opening as e


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
    escrow_asked_at: datetime | None = None
    escrow_asked_by: str = ""
    escrow_reason: str = ""
    escrow_confirmed_at: datetime | None = None
    escrowed_at: datetime | None = None
    total: str | None = None
    duration_days: int | None = None
    quality: str = ""
    project_manager: str = ""
    total_words: str = ""
    remarks: tuple[str, ...] = ()
    """What stands out in its figures: codes of ``marks.CODES``."""
    decrypted_at: datetime | None = None
    fault: str = ""
    read_at: datetime | None = None
    has_no_objection: bool = False
    confirmed_at: datetime | None = None
    confirmation: str = ""
    """The signature under the confirmation, hex; "" where the person confirmed without a signing device."""
    absence: Absence | None = None
    checks: tuple[IdentityCheck, ...] = ()
    refusal_asked: RefusalAsked | None = None
    refusal: BidRefusal | None = None
    reports: tuple[ClientReport, ...] = ()
    own_reason: str = ""
    own_reason_at: datetime | None = None
    fault_proposal: FaultProposal | None = None
    attribution: Attribution | None = None

    @property
    def is_recoverable(self) -> bool:
        """Its secret is there, from the bidder or from custodians."""
        return self.released_at is not None or self.escrowed_at is not None

    def check_of(self, what: str) -> IdentityCheck | None:
        """The last word on ``what`` (``identity_rules.CHECKS``)."""
        return next((one for one in self.checks if one.what == what), None)

    @property
    def is_closed(self) -> bool:
        """Its bid was not opened, once the window is closed: the secret is missing, or nothing readable came of it."""
        return not self.is_recoverable or bool(self.fault)


@dataclass(frozen=True, slots=True)
class Attendant:
    """A person of the official side who was there: ``role`` is supervisor, witness or tenderee."""

    user_id: str
    role: str
    organisation: str
    name: str
    came_at: datetime


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
    side: str = ""
    """Who answered for the tenderee: agency or tenderee."""
    is_withdrawn: bool = False
    """Taken back by who raised it, at ``answered_at``."""


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
    outage_since: datetime | None = None


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
    beacon: str = ""
    """The beacon announced for the draws: "quicknet", or "" for none."""
    beacon_value: Beacon | None = None
    freeze_grace_seconds: int = 60
    emergency_minutes: int = 30
    """The last minutes of the sign-in, in which papers are taken instead of the ordinary way (R3.04)."""
    freeze_delay: str = ""
    """What the frozen list waited for when its grace ran out; "" where it was in time."""
    until: datetime | None = None
    extensions: int = 0
    window_ended_at: datetime | None = None
    frozen: tuple[e.FrozenBid, ...] = ()
    seats: tuple[Seat, ...] = ()
    attendants: tuple[Attendant, ...] = ()
    draws: tuple[Drawn, ...] = ()
    gate_holders: tuple[int, ...] = ()
    gate_faults: tuple[GateFault, ...] = ()
    objections: tuple[Remark, ...] = ()
    halt: Halt | None = None
    suspension: Suspension | None = None
    left: timedelta | None = None
    failure: str = ""
    failure_count: int = 0
    failure_minimum: int = 0
    common_failure_percent: int = 30
    """When more than this share of the seats reports failures within the same minutes, the clock stops (R3.32)."""
    health: tuple[HealthMark, ...] = ()
    common_stops: int = 0
    """How often reports of several bidders stopped the clock."""
    record_sha256: str = ""
    intervals: tuple[Interval, ...] = ()
    """Pauses and extensions, in the order they began (R3.06)."""
    phase_times: tuple[tuple[Phase, datetime], ...] = field(default=())

    def seat_of(self, org_id: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.org_id == org_id), None)

    def with_seat(self, number: int, **changes: object) -> RoomState:
        """The state with these fields of one seat changed."""
        seats = tuple(
            dataclasses.replace(seat, **changes) if seat.number == number else seat  # type: ignore[arg-type]
            for seat in self.seats
        )
        return dataclasses.replace(self, seats=seats)

    def seat_of_bid(self, bid: str) -> Seat | None:
        return next((seat for seat in self.seats if seat.bid == bid), None)

    @property
    def waiting_for(self) -> tuple[Seat, ...]:
        """Seats whose secret is not there yet; a refused bid's is not waited for."""
        return tuple(seat for seat in self.seats if not seat.is_recoverable and seat.refusal is None)

    @property
    def escrow_due(self) -> tuple[Seat, ...]:
        """Missing seats that custodians open: all where escrow is compulsory, on request the confirmed ones."""
        return self._escrow(lambda seat: seat.escrow_confirmed_at is not None)

    @property
    def escrow_expected(self) -> tuple[Seat, ...]:
        """Missing seats that custodians may still open: the due ones, and requests that wait for confirmation."""
        return self._escrow(lambda seat: seat.escrow_asked_at is not None)

    def _escrow(self, asked: Callable[[Seat], bool]) -> tuple[Seat, ...]:
        match self.escrow_rule:
            case "compulsory":
                return self.waiting_for
            case "on_request":
                return tuple(seat for seat in self.waiting_for if asked(seat))
            case _:
                return ()

    @property
    def unsettled(self) -> tuple[Seat, ...]:
        """Seats whose secret is there and whose prices are neither readable nor named unreadable."""
        return tuple(s for s in self.seats if s.is_recoverable and s.total is None and not s.fault)

    @property
    def unattributed(self) -> tuple[Seat, ...]:
        """Seats whose bid was not opened and of which nobody has decided yet who answers for it (R3.08)."""
        if self.entered_at(Phase.WINDOW_CLOSED) is None:
            return ()
        return tuple(s for s in self.seats if s.is_closed and s.attribution is None and s.refusal is None)

    @property
    def beacon_round(self) -> int | None:
        """The announced round: by formula, so that it moves with the deadline. None where no beacon is used."""
        return beacon_round(self.opens_at) if self.beacon and self.opens_at is not None else None

    @property
    def needs_beacon(self) -> bool:
        """A beacon was announced and its value is not there yet: nothing is drawn without it."""
        return bool(self.beacon) and self.beacon_value is None

    @property
    def freeze_limit(self) -> datetime | None:
        """Until when the frozen list is to be in the cosigned log."""
        return None if self.opens_at is None else self.opens_at + timedelta(seconds=self.freeze_grace_seconds)

    def given_back(self, at: datetime) -> timedelta:
        """What a reconvened phase gets besides what was left of it: the whole length of the outage (R3.32)."""
        halt = self.suspension
        if halt is None or halt.outage_since is None:
            return timedelta(0)
        return max(timedelta(0), at - halt.outage_since)

    @property
    def is_over(self) -> bool:
        return ROOM_MACHINE.is_final(self.phase)

    def entered_at(self, phase: Phase) -> datetime | None:
        """When the room last came into ``phase``."""
        return next((at for entered, at in reversed(self.phase_times) if entered is phase), None)

    def times_in(self, phase: Phase) -> int:
        return sum(entered is phase for entered, _ in self.phase_times)
