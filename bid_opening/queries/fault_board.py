"""The fault ledger as one actor sees it: evidence, what it suggests, who proposed and who decided (R3.08, R3.30)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from accounts import facade as accounts
from bid_opening import access, attribution, outages
from bid_opening.access import Viewer
from bid_opening.attribution import Evidence, Proposed
from bid_opening.ceremony import RoomState, Seat
from bid_opening.fault_fold import DECIDED_IN
from bid_opening.queries.faults import FaultInput, fault_inputs
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.store.unit import Unit

_WINDOW: Final = frozenset({Phase.DECRYPTING, Phase.SUSPENDED})


@dataclass(frozen=True, slots=True)
class FailureView:
    """A seat that can not release just now: what its page last met, and how often. ``code``: term ``client_code.…``."""

    seat: int
    name: str
    code: str
    at: datetime
    count: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class WordView:
    """One person's word: a proposal, or the decision with both persons. ``culprit``: term ``culprit.…``."""

    culprit: str
    why: str
    by: str
    at: datetime
    proposed_by: str = ""
    consequence: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class FaultView:
    """One bid that was not opened."""

    seat: int
    name: str
    is_own: bool
    suggested: Proposed | None
    """For staff, and for the bidder about itself; None for everybody else."""
    own_reason: str
    own_reason_at: datetime | None
    proposal: WordView | None
    decided: WordView | None


@dataclass(frozen=True, slots=True)
class FaultBoard:
    """``is_decidable``: the phase allows decisions; ``may_…``: the asker's part in them."""

    failing: tuple[FailureView, ...]
    faults: tuple[FaultView, ...]
    red: tuple[str, ...]
    undecided: int
    is_decidable: bool
    may_blame: bool
    may_propose: bool
    may_confirm: bool
    may_reason: bool
    share_percent: int

    @property
    def own(self) -> FaultView | None:
        return next((one for one in self.faults if one.is_own), None)


def fault_board(unit: Unit, lot_id: str) -> FaultBoard:
    """Raises NotFound where the lot has no room. What the asker may not see is not in it."""
    state = rooms.state_of(unit, lot_id)
    viewer = access.viewer_of(unit, lot_id, state)
    closed = [seat for seat in state.seats if _is_told(state, seat)]
    evidence = evidence_of(unit, state) if closed and (viewer.is_staff or viewer.own in closed) else {}
    faults = tuple(_fault(unit, seat, evidence.get(seat.number), viewer) for seat in closed)
    is_decidable = state.phase in DECIDED_IN
    own = next((one for one in faults if one.is_own), None)
    return FaultBoard(
        failing=_failing(state, viewer),
        faults=faults,
        red=tuple(sorted(outages.red_now(state))),
        undecided=0 if state.is_over else len(state.unattributed),
        is_decidable=is_decidable,
        may_blame=viewer.is_host and is_decidable,
        may_propose=(viewer.is_host or viewer.may_decide) and is_decidable,
        may_confirm=viewer.may_decide and is_decidable,
        may_reason=own is not None and is_decidable and own.decided is None and not own.own_reason,
        share_percent=state.common_failure_percent,
    )


def evidence_of(unit: Unit, state: RoomState) -> dict[int, Evidence]:
    """Everything known of every seat whose bid was not opened, by seat."""
    inputs = {one.seat: one for one in fault_inputs(unit, state.lot)}
    return {seat.number: _evidence(state, seat, inputs.get(seat.number), unit.at) for seat in state.seats}


def _evidence(state: RoomState, seat: Seat, known: FaultInput | None, at: datetime) -> Evidence:
    gate = tuple(f"{one.culprit}.gate_{one.reason}" for one in state.gate_faults if one.seat == seat.number)
    return Evidence(
        seat=seat.number,
        fault=seat.fault,
        gate_faults=gate if seat.fault else (),
        rehearsed=str(known.rehearsed) if known is not None else "never",
        rehearsed_at=known.rehearsed_at if known is not None else None,
        self_check_at=known.self_check_at if known is not None else None,
        fetched_at=outages.fetched_at(seat),
        tries=seat.tries,
        failures=outages.failures_of(seat),
        was_failing_while_red=outages.was_failing_while_red(state, seat, at),
        was_red=bool(outages.red_spans(state, at)),
        failed_together=outages.failed_together(state, seat),
        seats=len(state.seats),
        share_percent=state.common_failure_percent,
        others_released=sum(one.released_at is not None for one in state.seats if one.number != seat.number),
        escrow="none" if seat.is_recoverable else attribution.escrow_of(state, seat),
    )


def _is_told(state: RoomState, seat: Seat) -> bool:
    """An opening that ended without a decision has nothing to decide any more: nothing of it was opened."""
    if seat.attribution is not None:
        return True
    return not state.is_over and any(one.number == seat.number for one in state.unattributed)


def _failing(state: RoomState, viewer: Viewer) -> tuple[FailureView, ...]:
    """Seats whose own page failed and whose key has not come; of others only for staff."""
    if state.phase not in _WINDOW:
        return ()
    found = []
    for seat in state.seats:
        is_own = viewer.own is not None and viewer.own.number == seat.number
        failures = outages.failures_of(seat)
        if seat.is_recoverable or not failures or not (is_own or viewer.is_staff):
            continue
        code, at = failures[-1]
        found.append(FailureView(seat.number, seat.name, code, at, len(failures), is_own))
    return tuple(found)


def _fault(unit: Unit, seat: Seat, evidence: Evidence | None, viewer: Viewer) -> FaultView:
    is_own = viewer.own is not None and viewer.own.number == seat.number
    is_close = is_own or viewer.is_staff
    proposal, decided = seat.fault_proposal, seat.attribution
    word = None
    if proposal is not None and is_close:
        mine = proposal.by == str(viewer.actor.user_id)
        word = WordView(proposal.culprit, proposal.why, _name(unit, proposal.by, viewer), proposal.at, is_own=mine)
    final = None
    if decided is not None:
        by, first = _name(unit, decided.by, viewer), _name(unit, decided.proposed_by, viewer)
        final = WordView(decided.culprit, decided.why, by, decided.at, first, decided.consequence)
    return FaultView(
        seat=seat.number,
        name=seat.name,
        is_own=is_own,
        suggested=attribution.propose(evidence) if evidence is not None and is_close else None,
        own_reason=seat.own_reason if is_close else "",
        own_reason_at=seat.own_reason_at if is_close else None,
        proposal=word,
        decided=final,
    )


def _name(unit: Unit, user_id: str, viewer: Viewer) -> str:
    """People are named to staff only; bidders and the public read the decision."""
    return accounts.person(unit, user_id).name if viewer.is_staff else ""
