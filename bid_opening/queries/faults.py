"""What is known about why a bid stayed closed, for those who must name whose fault it was (R3.08).

Facts only, put side by side; who is at fault is decided by people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bid_opening.ceremony import RoomState, Seat
from bid_opening.services import rooms
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.facade import Rehearsed


@dataclass(frozen=True, slots=True)
class FaultInput:
    """One seat's evidence."""

    seat: int
    bid: str
    org_id: str
    rehearsed: Rehearsed
    """``never``, ``filed`` (not checkable: r_bid is not known), ``right`` or ``wrong``."""
    rehearsed_at: datetime | None
    self_check_at: datetime | None
    """The bidder's last self-check that found everything ready."""
    tries: int
    """Wrong 32 bytes handed in during the window."""
    is_released: bool
    is_escrowed: bool
    others_released: int
    """How many other seats released: where many could, the platform was within reach."""
    fault: str
    """``<whose>.<what>`` where decryption itself named one."""

    @property
    def speaks_against_bidder(self) -> bool:
        """A statement made with another secret than the released one was never made with a working key."""
        return self.rehearsed is Rehearsed.WRONG


def fault_inputs(unit: Unit, lot_id: str) -> tuple[FaultInput, ...]:
    """For every seat, in seat order. Raises NotFound without a room, NotPermitted before the freeze."""
    state = rooms.state_of(unit, lot_id)
    evidence = tendering.rehearsal_evidence(unit, lot_id)
    return tuple(_input(state, seat, evidence[seat.bid]) for seat in state.seats if seat.bid in evidence)


def _input(state: RoomState, seat: Seat, evidence: tendering.RehearsalEvidence) -> FaultInput:
    others = [one for one in state.seats if one.number != seat.number and one.released_at is not None]
    return FaultInput(
        seat=seat.number,
        bid=seat.bid,
        org_id=seat.org_id,
        rehearsed=evidence.card.rehearsed,
        rehearsed_at=evidence.card.filed_at,
        self_check_at=evidence.self_check_at,
        tries=seat.tries,
        is_released=seat.released_at is not None,
        is_escrowed=seat.escrowed_at is not None,
        others_released=len(others),
        fault=seat.fault,
    )
