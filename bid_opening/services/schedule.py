"""From publication to the closed intake: the room is made, its check-in opened, its intake closed."""

from __future__ import annotations

from typing import Final

from bid_opening import rules
from bid_opening.ceremony import RoomState
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.clock import iso
from foundation.events import bid_opening as e
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.methods import draw_pools
from tendering.rulebook import RULEBOOKS, Rulebook

OPEN_CHECK_IN: Final = "bid_opening.open_check_in"
MIN_BIDDERS: Final = "opening.min_bidders"
EMERGENCY: Final = "opening.emergency_checkin_minutes"


def schedule_room(unit: Unit, lot_id: str) -> None:
    """Make the room of a published lot, or move it with its deadline. Idempotent."""
    card = tendering.lot_card(unit, lot_id)
    if card.is_imported or card.deadline_at is None or card.checkin_opens_at is None:
        return
    rooms.add_room(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if state.phase not in {Phase.SCHEDULED, Phase.CHECK_IN} or state.opens_at == card.deadline_at:
        return
    scheduled = e.RoomScheduled(
        lot=lot_id,
        lot_name=card.name,
        opens_at=card.deadline_at,
        decrypt_minutes=card.decrypt_minutes,
        confirm_minutes=card.confirm_minutes,
        query_minutes=card.query_minutes,
        min_bidders=min_bidders_of(card),
        min_decrypted=card.min_decrypted,
        escrow_rule=card.escrow_rule,
        # A method that draws nothing needs no beacon.
        beacon=card.beacon if draw_pools(card.method_id, card.method_params) else "",
        freeze_grace_seconds=card.freeze_grace_seconds,
        common_failure_percent=card.common_failure_percent,
        emergency_minutes=book_of(card).number(EMERGENCY),
    )
    rooms.apply(unit, lot_id, (scheduled,))
    # Keyed by the deadline: when it moves, the older job finds that its time has not come and does nothing.
    unit.enqueue(OPEN_CHECK_IN, f"{lot_id}:{iso(card.deadline_at)}", {"lot": lot_id}, due=card.checkin_opens_at)


def min_bidders_of(card: tendering.LotCard) -> int:
    """The legal minimum of the rulebook the lot is stamped with (R1.36)."""
    return book_of(card).number(MIN_BIDDERS)


def book_of(card: tendering.LotCard) -> Rulebook:
    """The rulebook the lot is stamped with."""
    # A book with local values is stamped "<id>+<digest>"; what is asked of it here is the same in both.
    return RULEBOOKS[card.rulebook_id.partition("+")[0]]


def open_check_in(unit: Unit, lot_id: str) -> None:
    """At the lead time before the deadline; does nothing earlier or later."""
    state, opens = rooms.locked(unit, lot_id), tendering.lot_card(unit, lot_id).checkin_opens_at
    if state.phase is Phase.SCHEDULED and opens is not None and unit.at >= opens:
        rooms.apply(unit, lot_id, (e.CheckInOpened(lot_id),))


def close_intake(unit: Unit, lot_id: str) -> None:
    """The lot's deadline has passed and nothing can come in any more. The clock's look-round freezes from here."""
    if not rooms.has_room(unit, lot_id):
        schedule_room(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if state.phase in {Phase.SCHEDULED, Phase.CHECK_IN}:
        rooms.apply(unit, lot_id, (e.IntakeClosed(lot_id),))


def follow_cancellation(unit: Unit, lot_id: str, why: str) -> None:
    """The lot was cancelled before its deadline: its room ends too."""
    if not rooms.has_room(unit, lot_id):
        return
    state: RoomState = rooms.locked(unit, lot_id)
    if state.phase in {Phase.SCHEDULED, Phase.CHECK_IN}:
        rooms.apply(unit, lot_id, rules.abort(state, why, unit.actor.user_id or "system"))
