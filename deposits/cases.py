"""Cases of forfeiture (不予退还): the deposit of a bid that its bidder answers for no longer goes back by itself.

Nothing here moves money. A case is a block on the bidder's refunds with its ground; it ends when somebody decided that
the deposit goes back. Keeping the deposit is the tenderee's decision and no act of this desk (R2.20, R3.33).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from deposits import lots
from deposits.errors import NoSuchCase
from deposits.models import DepositArrival, RefundBlock
from deposits.services import blocks, refunds
from deposits.states import BlockGround, Outcome, RefundGround
from foundation.events import bid_opening as e
from foundation.journal.models import JournalEntry
from foundation.journal.read import entry_of
from foundation.money import Money
from foundation.store.unit import Unit

BIDDER: Final = "bidder"
CASES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ForfeitureCase:
    """One open case. ``why``: the reason that was published with the attribution; ``entry_id``: where it stands."""

    lot_id: str
    lot_name: str
    org_id: str
    org_name: str
    reference: str
    held: Money
    since: datetime
    why: str
    entry_id: str


def reference_of(seat: int) -> str:
    """What names the matter in a block: the rule and the seat."""
    return f"R3.33 #{seat:02d}"


def follow_attribution(unit: Unit, told: e.FaultAttributed, at: datetime) -> None:
    """Revoked: refunds wait for a decision. Withdrawn: the deposit goes back. Idempotent."""
    if told.culprit == BIDDER:
        blocks.block(unit, told.lot, told.org_id, BlockGround.FORFEITURE_CASE, reference_of(told.seat))
    else:
        refunds.refund_due(unit, told.lot, [told.org_id], RefundGround.WITHDRAWN, at)


def open_cases(unit: Unit, lot_ids: Sequence[str]) -> tuple[ForfeitureCase, ...]:
    """The cases that stand in these lots, oldest first. The caller answers for which lots the asker may see."""
    names = {one.id: one.name for one in lots.terms_of_all(unit, lot_ids)}
    rows = unit.session.scalars(
        select(RefundBlock)
        .where(
            RefundBlock.lot_id.in_(names),
            RefundBlock.ground == BlockGround.FORFEITURE_CASE,
            RefundBlock.org_id != "",
            RefundBlock.lifted_at.is_(None),
        )
        .order_by(RefundBlock.placed_at, RefundBlock.id)
        .limit(CASES_MAX)
    ).all()
    return tuple(_case(unit, row, names[row.lot_id]) for row in rows)


def end_case(unit: Unit, lot_id: str, org_id: str, reference: str, why: str) -> None:
    """Decided that the deposit goes back: what is due is ordered at once. Raises NoSuchCase."""
    if not blocks.lift(unit, lot_id, org_id, BlockGround.FORFEITURE_CASE, reference, reason=why):
        raise NoSuchCase
    refunds.order_ready(unit, lot_id)


def _case(unit: Unit, row: RefundBlock, lot_name: str) -> ForfeitureCase:
    why, entry_id = _attribution(unit, row.lot_id, row.org_id)
    return ForfeitureCase(
        lot_id=row.lot_id,
        lot_name=lot_name,
        org_id=row.org_id,
        org_name=accounts.organisation(unit, row.org_id).name,
        reference=row.reference,
        held=_held(unit, row.lot_id, row.org_id),
        since=row.placed_at,
        why=why,
        entry_id=entry_id,
    )


def _held(unit: Unit, lot_id: str, org_id: str) -> Money:
    rows = unit.session.scalars(
        select(DepositArrival.amount).where(
            DepositArrival.lot_id == lot_id, DepositArrival.org_id == org_id, DepositArrival.outcome == Outcome.MATCHED
        )
    )
    return Money.sum(rows)


def _attribution(unit: Unit, lot_id: str, org_id: str) -> tuple[str, str]:
    """The published reason and its journal entry: of the room's stream, where every attribution is public."""
    rows = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream == f"room:{lot_id}", JournalEntry.type == e.FaultAttributed.TYPE)
        .order_by(JournalEntry.seq.desc())
    )
    for row in rows:
        event = entry_of(row).event
        if isinstance(event, e.FaultAttributed) and event.org_id == org_id:
            return event.why, row.id
    return "", ""
