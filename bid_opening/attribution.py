"""归因: who answers for a bid that was not opened (R3.08, R3.30). Pure: evidence in, a proposal or events out.

A machine only proposes, and proposes UNKNOWN wherever anything but the bidder may have been in the way: losing a
deposit is decided by two people, with a reason. What nobody has decided keeps the opening from closing, never the gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bid_opening import rules
from bid_opening.errors import AlreadyDone, NothingProposed, SecondPersonNeeded, TooManyTries
from bid_opening.fault_fold import DECIDED_IN
from bid_opening.fault_state import CONSEQUENCES, Culprit
from bid_opening.outages import COMMON_LEAST, OWN_DEVICE
from bid_opening.room_state import RoomState, Seat
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import Event
from foundation.events import bid_opening as e

# Evidence and proposal ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one seat whose bid was not opened. Facts only."""

    seat: int
    fault: str = ""
    """``<whose>.<what>`` where decryption itself named one; "" where the secret never came."""
    gate_faults: tuple[str, ...] = ()
    """``<whose>.<what>`` of gate shares that do not verify."""
    rehearsed: str = "never"
    """``never``, ``filed``, ``right`` or ``wrong`` (R3.22)."""
    rehearsed_at: datetime | None = None
    self_check_at: datetime | None = None
    """The last self-check that found everything ready (R3.24)."""
    fetched_at: datetime | None = None
    tries: int = 0
    failures: tuple[tuple[str, datetime], ...] = ()
    """Failure codes of the bidder's own page."""
    was_failing_while_red: bool = False
    was_red: bool = False
    failed_together: int = 0
    """Most seats, this one included, that failed within the same minutes as one of its failures."""
    seats: int = 1
    share_percent: int = 30
    others_released: int = 0
    escrow: str = "none"
    """``none``, ``asked`` (nobody confirmed), ``confirmed`` (custodians did not open it), ``compulsory`` (the same)."""

    @property
    def has_fetched(self) -> bool:
        return self.fetched_at is not None or self.tries > 0

    @property
    def is_common(self) -> bool:
        return self.failed_together >= COMMON_LEAST and 100 * self.failed_together > self.share_percent * self.seats

    @property
    def was_ready(self) -> bool:
        """Its key was shown to be there before, or the failures lie with the key itself."""
        own = self.tries > 0 or any(code in OWN_DEVICE for code, _ in self.failures)
        return own or self.self_check_at is not None or self.rehearsed in {"filed", "right"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of evidence: term ``fault_line.<code>`` with ``at``, ``count``, ``of`` or ``what``.

    ``speaks``: ``bidder`` or ``platform`` as the culprit it points at, ``doubt`` where it forbids blaming the bidder,
    "" for a plain fact.
    """

    code: str
    speaks: str = ""
    at: datetime | None = None
    count: int = 0
    of: int = 0
    what: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What the evidence suggests, by which row of R3.08 (term ``fault_row.<row>``), with every line."""

    culprit: Culprit
    row: str
    lines: tuple[Line, ...]


def propose(evidence: Evidence) -> Proposed:
    """The row of R3.08 that fits, tried in an order in which doubt is for the bidder; UNKNOWN where none does."""
    lines = tuple(_lines(evidence))
    culprit, row = _row(evidence)
    return Proposed(culprit, row, lines)


def _row(found: Evidence) -> tuple[Culprit, str]:
    if found.fault or found.gate_faults:
        return _row_of_unreadable(found)
    if found.was_failing_while_red:
        return Culprit.PLATFORM, "failed_while_red"
    if found.is_common:
        return Culprit.PLATFORM, "failed_together"
    if found.escrow == "asked":
        return Culprit.PLATFORM, "escrow_not_confirmed"
    if found.escrow in {"confirmed", "compulsory"}:
        return Culprit.UNKNOWN, "custodians"
    if not found.has_fetched:
        return Culprit.UNKNOWN, "never_fetched"
    if found.was_red:
        return Culprit.UNKNOWN, "was_red"
    if any(code not in OWN_DEVICE for code, _ in found.failures):
        return Culprit.UNKNOWN, "on_the_way"
    if found.others_released and found.was_ready:
        return Culprit.BIDDER, "had_everything"
    return Culprit.UNKNOWN, "not_enough"


def _row_of_unreadable(found: Evidence) -> tuple[Culprit, str]:
    """Bytes that do not open. The platform gave a receipt for what it stores; anything else people have to look at."""
    named = found.fault or found.gate_faults[0]
    match named.partition(".")[0]:
        case "store":
            return Culprit.PLATFORM, "store"
        case "holder":
            return Culprit.UNKNOWN, "outer_layer"
        case _:
            return Culprit.UNKNOWN, "corrupt"


def _lines(found: Evidence) -> Iterable[Line]:
    if found.fault:
        yield Line("fault", _side(found.fault), what=found.fault)
    for fault in found.gate_faults:
        yield Line("gate_fault", _side(fault), what=fault)
    if not found.fault:
        yield from _lines_of_missing(found)
    if found.rehearsed == "wrong":
        yield Line("rehearsed_wrong", "bidder", at=found.rehearsed_at)
    elif found.rehearsed != "never":
        yield Line("rehearsed", "bidder", at=found.rehearsed_at)
    else:
        yield Line("never_rehearsed")
    yield Line("self_check", "bidder", at=found.self_check_at) if found.self_check_at else Line("no_self_check")


def _lines_of_missing(found: Evidence) -> Iterable[Line]:
    if found.fetched_at is not None:
        yield Line("fetched", "bidder", at=found.fetched_at)
    elif not found.has_fetched:
        yield Line("never_fetched", "doubt")
    if found.tries:
        yield Line("tries", "bidder", count=found.tries)
    for code, at in found.failures:
        yield Line("failure", "bidder" if code in OWN_DEVICE else "doubt", at=at, what=code)
    if found.was_failing_while_red:
        yield Line("failed_while_red", "platform")
    elif found.was_red:
        yield Line("was_red", "doubt")
    else:
        yield Line("was_green", "bidder")
    if found.failed_together >= COMMON_LEAST:
        speaks = "platform" if found.is_common else "doubt"
        yield Line("failed_together", speaks, count=found.failed_together, of=found.seats)
    yield Line("others_released", "bidder" if found.others_released else "doubt", count=found.others_released)
    if found.escrow != "none":
        yield Line(f"escrow_{found.escrow}", "platform" if found.escrow == "asked" else "doubt")


def _side(fault: str) -> str:
    return {"store": "platform", "bidder": "bidder"}.get(fault.partition(".")[0], "doubt")


def escrow_of(state: RoomState, seat: Seat) -> str:
    """How far the remedy of the tender document came for a bid that stayed closed."""
    if state.escrow_rule == "compulsory":
        return "compulsory"
    if seat.escrow_asked_at is None:
        return "none"
    return "confirmed" if seat.escrow_confirmed_at is not None else "asked"


# What people decide ---------------------------------------------------------------------------------------------------


def _closed_seat(state: RoomState, number: int) -> Seat:
    rules.require_phase(state, *DECIDED_IN)
    seat = next((one for one in state.seats if one.number == number), None)
    if seat is None or not seat.is_closed or seat.refusal is not None:
        raise InvalidInput(what="seat")
    if seat.attribution is not None:
        raise AlreadyDone(what="attributed")
    return seat


def propose_fault(state: RoomState, number: int, culprit: str, by: str, why: str) -> tuple[Event, ...]:
    """The first person's word, with a reason; nothing follows until a second one agrees (R3.17, R3.30).

    Raises NotNow before the window is closed, InvalidInput (``seat``, ``culprit``, ``text``), AlreadyDone.
    """
    seat = _closed_seat(state, number)
    if culprit not in CONSEQUENCES:
        raise InvalidInput(what="culprit")
    if seat.fault_proposal is not None:
        raise AlreadyDone(what="proposed")
    return (e.FaultProposed(state.lot, seat.number, seat.org_id, culprit, by, rules.text_of(why)),)


def withdraw_fault(state: RoomState, number: int) -> tuple[Event, ...]:
    """Taken back by who proposed it, or not agreed to by the second person; another proposal may follow."""
    seat = _closed_seat(state, number)
    if seat.fault_proposal is None:
        raise NothingProposed
    return (e.FaultProposalWithdrawn(state.lot, seat.number, seat.org_id),)


def confirm_fault(state: RoomState, number: int, by: str) -> tuple[Event, ...]:
    """The second person agrees: it is decided, with its consequence in law.

    Raises SecondPersonNeeded, NothingProposed.
    """
    seat = _closed_seat(state, number)
    proposal = seat.fault_proposal
    if proposal is None:
        raise NothingProposed
    if proposal.by == by:
        raise SecondPersonNeeded(act="attribute")
    consequence = CONSEQUENCES[Culprit(proposal.culprit)]
    return (
        e.FaultAttributed(
            lot=state.lot,
            seat=seat.number,
            org_id=seat.org_id,
            bid=seat.bid,
            culprit=proposal.culprit,
            consequence=consequence,
            why=proposal.why,
            proposed_by=proposal.by,
            by=by,
        ),
    )


def give_reason(state: RoomState, org_id: str, by: str, reason: str) -> tuple[Event, ...]:
    """The bidder's own word on why its bid stays closed, once, before it is decided. The same again changes nothing.

    Raises NoSeat, NotNow, InvalidInput, AlreadyDone, TooManyTries for a second, different one.
    """
    rules.require_phase(state, Phase.DECRYPTING, *DECIDED_IN)
    seat = rules.seat_for(state, org_id)
    if not seat.is_closed:
        raise InvalidInput(what="seat")
    if seat.attribution is not None:
        raise AlreadyDone(what="attributed")
    text = rules.text_of(reason)
    if seat.own_reason:
        if seat.own_reason == text:
            return ()
        raise TooManyTries(limit=1)
    return (e.FaultReasonGiven(state.lot, seat.number, org_id, by, text),)
