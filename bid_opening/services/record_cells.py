"""Cells of the opening record (R3.15) that need a word of their own: price, deposit, confirmation, objections."""

from __future__ import annotations

from bid_opening.ceremony import RoomState, Seat
from deposits import facade as deposits
from foundation.errors import NotFound
from foundation.i18n import ZH, instant, term
from foundation.money import Money
from foundation.store.unit import Unit


def price_of(seat: Seat) -> str:
    """The total as it was read out, with the amount in words where the bid has it; "" for a bid that was not opened."""
    if seat.total is None:
        return ""
    figures = Money.yuan(seat.total).grouped()
    return f"{figures}\n{seat.total_words}" if seat.total_words else figures


def deposit_of(unit: Unit, lot_id: str, org_id: str, required: Money) -> tuple[str, str]:
    """(form, status) of one bidder's deposit as the platform's accounts have it.

    A deposit that was paid elsewhere, or given as a guarantee, the platform does not know, and says nothing of.
    """
    if not required.fen:
        return term("record_deposit.none", ZH), ""
    try:
        status = deposits.deposit_status(unit, lot_id, org_id)
    except NotFound:
        status = deposits.DepositStatus.UNPAID
    if status is deposits.DepositStatus.UNPAID:
        return term("record_deposit.outside", ZH), ""
    return term("record_deposit.transfer", ZH), term(f"deposit_status.{status}", ZH)


def confirmation_of(seat: Seat) -> str:
    """Whether, how and when the bidder confirmed; silence is assent (R3.14)."""
    if seat.confirmed_at is None:
        return term("confirm_result.silent", ZH)
    how = "signed" if seat.confirmation else "confirmed"
    return f"{term(f'confirm_result.{how}', ZH)} {instant(seat.confirmed_at, 'time', ZH)}"


def objections_of(state: RoomState, seat: Seat) -> str:
    """Each objection of the seat with its answer and who gave it, or that it was taken back; "" for none."""
    found = []
    for one in state.objections:
        if one.seat != seat.number:
            continue
        if one.is_withdrawn:
            found.append(term("record_objection.withdrawn", ZH, text=one.text))
        else:
            side = one.side or "agency"
            found.append(term(f"record_objection.{side}", ZH, text=one.text, answer=one.answer))
    return "\n".join(found)
