"""The page on which a lot's key holders are seen by those who answer for the lot, and a lost one is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from foundation.store.unit import Unit
from keyholding import facade as keyholding
from tendering import access
from tendering.services import holder_loss
from tendering.states import LotState


@dataclass(frozen=True, slots=True)
class HolderLine:
    """A holder of the present key set. ``loss_id``: a declared loss that waits for a second person, else ""."""

    seat_id: str
    role: str
    index: int
    side: str
    name: str
    org_name: str
    is_ready: bool
    loss_id: str
    reason: str
    is_own_declaration: bool


@dataclass(frozen=True, slots=True)
class HoldersPage:
    """``earliest``: the first lawful deadline where too little time is left to seal again, else None."""

    lot_id: str
    lot_code: str
    lot_name: str
    lot_state: LotState
    deadline_at: datetime | None
    keyset_state: str
    version: int
    ready: int
    t: int
    m: int
    k: int
    n: int
    holders: tuple[HolderLine, ...]
    warnings: tuple[keyholding.Overlap, ...]
    losses: tuple[keyholding.LossCard, ...]
    earliest: datetime | None
    can_declare: bool


def holders_page(unit: Unit, lot_id: str) -> HoldersPage:
    """Raises NotFound for others, and before a key set was asked for."""
    lot, _ = access.lot_in_preparation(unit, lot_id)
    card = keyholding.keyset_of(unit, lot.id)
    losses = keyholding.losses_of(unit, lot.id)
    open_ones = {one.seat_id: one for one in losses if not one.is_confirmed}
    is_before = lot.deadline_at is None or unit.at < lot.deadline_at
    is_open = lot.state is LotState.OPEN and is_before
    earliest = holder_loss.earliest_deadline_to_reseal(unit, lot) if is_open else None
    holders = tuple(
        HolderLine(
            seat_id=one.id,
            role=one.role,
            index=one.index,
            side=one.side,
            name=one.name,
            org_name=one.org_name,
            is_ready=one.ready,
            loss_id=open_ones[one.id].id if one.id in open_ones else "",
            reason=open_ones[one.id].reason if one.id in open_ones else "",
            is_own_declaration=one.id in open_ones and open_ones[one.id].declared_by == unit.actor.user_id,
        )
        for one in (card.holders if card else ())
    )
    return HoldersPage(
        lot_id=lot.id,
        lot_code=lot.lot_code,
        lot_name=lot.name,
        lot_state=lot.state,
        deadline_at=lot.deadline_at,
        keyset_state=card.state if card else "none",
        version=card.version if card else 0,
        ready=sum(one.is_ready for one in holders),
        t=card.t if card else 0,
        m=card.m if card else 0,
        k=card.k if card else 0,
        n=card.n if card else 0,
        holders=holders,
        warnings=card.warnings if card else (),
        losses=losses,
        earliest=earliest,
        can_declare=lot.state in holder_loss.REPLACEABLE and is_before,
    )
