"""What a fact of the room sets going elsewhere, in the same transaction: the lot's own state, keys, jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete

from bid_opening.ceremony import RoomState
from bid_opening.models import ReleasedShare
from bid_opening.services import holders
from bid_opening.states import Phase
from foundation.draws import beacon_time
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.states import LOT_MACHINE, LotTrigger

UNSEAL: Final = "bid_opening.unseal"
RECORD: Final = "bid_opening.record"
FETCH_BEACON: Final = "bid_opening.fetch_beacon"
BEACON_DELAY: Final = timedelta(seconds=2)
"""A round is asked for a little after its instant: relays need a moment."""


def follow(unit: Unit, lot_id: str, event: Event, state: RoomState) -> None:
    """``state`` is the one after all events of this act."""
    match event:
        case e.BidsFrozen():
            tendering.freeze(unit, lot_id)
        case e.ListPublished():
            order_beacon(unit, state)
        case e.OpeningFailed():
            _end_without_opening(unit, lot_id, event.cause)
            unit.enqueue(RECORD, lot_id, {"lot": lot_id})
        case e.OpeningAborted():
            _end_without_opening(unit, lot_id, "aborted")
        case e.WindowEnded():
            _ask_custodians(unit, lot_id, state)
        case e.EscrowRequestConfirmed():
            # Confirmed in the window, it is asked for with the others when the window ends; after it, at once.
            _ask_custodians(unit, lot_id, state)
        case e.CoefficientDrawn() | e.NothingDrawn() | e.OpeningReconvened():
            order_unsealing(unit, lot_id, state)
        case e.OpeningClosed():
            unit.enqueue(RECORD, lot_id, {"lot": lot_id})
        case e.RecordIssued():
            if state.phase is Phase.CLOSED:
                tendering.mark_opened(unit, lot_id)
        case _:
            return


def order_unsealing(unit: Unit, lot_id: str, state: RoomState) -> None:
    """One job a bid whose secrets are there. Names of bids are public by now, so keys may carry them."""
    if state.phase is not Phase.PARAM_DRAWN:
        return
    # A job that met a suspension did nothing; after the reconvening it is asked for again, under another key.
    again = state.times_in(Phase.RECONVENED)
    for seat in state.unsettled:
        unit.enqueue(UNSEAL, f"{lot_id}:{seat.bid}:{again}", {"lot": lot_id, "bid": seat.bid})


def order_beacon(unit: Unit, state: RoomState, attempt: int = 1, pause: timedelta = timedelta(0)) -> None:
    """Have the announced round fetched once it is given; ``attempt`` counts, so that each order is a job of its own."""
    number = state.beacon_round
    if number is not None and state.needs_beacon:
        due = max(beacon_time(number) + BEACON_DELAY, unit.at + pause)
        payload = {"lot": state.lot, "round": number, "attempt": attempt}
        unit.enqueue(FETCH_BEACON, f"{state.lot}:{number}:{attempt}", payload, due=due)


def _ask_custodians(unit: Unit, lot_id: str, state: RoomState) -> None:
    due = state.escrow_due
    if state.window_ended_at is not None and due:
        holders.ask_custodians(unit, lot_id, [seat.bid for seat in due])


def _end_without_opening(unit: Unit, lot_id: str, cause: str) -> None:
    # Nothing is readable, now or later: without the gate the shares open nothing, and they are not kept either.
    unit.session.execute(delete(ReleasedShare).where(ReleasedShare.lot_id == lot_id))
    if LOT_MACHINE.allows(tendering.lot_card(unit, lot_id).state, LotTrigger.FAIL):
        tendering.mark_failed(unit, lot_id, cause)
