"""Why refunds wait (R2.19): an open objection or complaint, a forfeiture case, a court's freeze."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from deposits import ledger, lots
from deposits.models import Refund, RefundBlock
from deposits.states import BlockGround, RefundGround
from deposits.streams import lot_stream, stream_of
from foundation.events.deposits import RefundsBlocked, RefundsUnblocked
from foundation.store.unit import Unit

STAYED: Final = frozenset({RefundGround.CONTRACT_SIGNED, RefundGround.NOT_CANDIDATE})
"""A stay of the award keeps the money of bidders still in the running, nobody else's (R2.19)."""


def must_wait(unit: Unit, refund: Refund) -> bool:
    """Whether something stands against this refund: a stay of its lot, or a block of the lot or the bidder.

    The stay is read from the lot's stream: the moment it is placed no refund is ordered any more.
    """
    if standing(unit, refund.lot_id, refund.org_id):
        return True
    return refund.ground in STAYED and any(one.stays for one in lots.terms_of_all(unit, [refund.lot_id]))


def standing(unit: Unit, lot_id: str, org_id: str) -> list[RefundBlock]:
    """The blocks that hold for this bidder."""
    rows = unit.session.scalars(
        select(RefundBlock)
        .where(RefundBlock.lot_id == lot_id, RefundBlock.org_id.in_(("", org_id)), RefundBlock.lifted_at.is_(None))
        .order_by(RefundBlock.placed_at, RefundBlock.id)
    )
    return list(rows)


def block(unit: Unit, lot_id: str, org_id: str, ground: BlockGround, reference: str) -> None:
    """Let refunds wait. ``reference`` names the matter, so that lifting one leaves another standing. Idempotent.

    An order the bank has already is not called back.
    """
    ledger.lock(unit)
    if _one(unit, lot_id, org_id, ground, reference) is not None:
        return
    row = RefundBlock(
        id=unit.new_id(), lot_id=lot_id, org_id=org_id, ground=ground, reference=reference, placed_at=unit.at
    )
    unit.session.add(row)
    unit.session.flush()
    unit.append(_stream(lot_id, org_id), RefundsBlocked(lot=lot_id, org_id=org_id, ground=ground, reference=reference))


def lift(unit: Unit, lot_id: str, org_id: str, ground: BlockGround, reference: str, *, reason: str = "") -> bool:
    """End one block; whether it stood. ``reason`` goes into the journal."""
    ledger.lock(unit)
    row = _one(unit, lot_id, org_id, ground, reference)
    if row is None:
        return False
    row.lifted_at = unit.at
    event = RefundsUnblocked(lot=lot_id, org_id=org_id, ground=ground, reference=reference)
    unit.append(_stream(lot_id, org_id), event, reason=reason)
    return True


def _one(unit: Unit, lot_id: str, org_id: str, ground: BlockGround, reference: str) -> RefundBlock | None:
    return unit.session.scalar(
        select(RefundBlock).where(
            RefundBlock.lot_id == lot_id,
            RefundBlock.org_id == org_id,
            RefundBlock.ground == ground,
            RefundBlock.reference == reference,
            RefundBlock.lifted_at.is_(None),
        )
    )


def _stream(lot_id: str, org_id: str) -> str:
    return stream_of(lot_id, org_id) if org_id else lot_stream(lot_id)
