"""A holder lost before the deadline (R1.26): declared by one person, confirmed by another, then a new key set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from foundation.errors import NotFound
from foundation.events.keyholding import HolderLossDeclared, HolderLost
from foundation.ids import KeysetId
from foundation.store.unit import Unit
from keyholding import access
from keyholding.errors import KeysetNotReady, SecondPersonNeeded
from keyholding.models import HolderLoss, LotKeyset
from keyholding.services import keysets


@dataclass(frozen=True, slots=True)
class LossCard:
    """A declared loss of a holder. ``is_confirmed``: a second person said so too, and the key set was replaced."""

    id: str
    seat_id: str
    holder: str
    version: int
    reason: str
    declared_by: str
    declared_at: datetime
    is_confirmed: bool


def declare_loss(unit: Unit, lot_id: str, seat_id: str, reason: str) -> str:
    """Say that a holder of the lot's present key set is lost; the id of the declaration. Nothing changes yet.

    Idempotent. Raises KeysetNotReady, KeysetInUse once keys were asked for, NotFound for a seat that is not in it.
    """
    row = _replaceable(unit, lot_id)
    member = next((one for one in access.members(unit, row.id) if one.seat_id == seat_id), None)
    if member is None:
        raise NotFound(what="seat")
    known = unit.session.scalar(select(HolderLoss).where(HolderLoss.keyset_id == row.id, HolderLoss.seat_id == seat_id))
    if known is not None:
        return known.id
    loss = HolderLoss(
        id=unit.new_id(),
        lot_id=lot_id,
        keyset_id=row.id,
        seat_id=seat_id,
        reason=reason,
        declared_by=unit.actor.user_id or "",
        declared_at=unit.at,
        confirmed_by=None,
        confirmed_at=None,
    )
    unit.session.add(loss)
    unit.session.flush()
    declared = HolderLossDeclared(lot_id, row.id, seat_id, member.role.value, member.index, member.holder_name)
    unit.append(keysets.stream_of(row), declared, reason=reason)
    return loss.id


def confirm_loss(
    unit: Unit, lot_id: str, loss_id: str, tenderee_org_id: str, agency_org_id: str | None
) -> tuple[KeysetId, str] | None:
    """The second person: the present key set is retired, other holders are asked for their keys.

    Gives the new key set and the hash of the retired one; None when this loss was confirmed before. Raises NotFound,
    SecondPersonNeeded, KeysetInUse, HoldersRefused when no admissible holder is left for the place.
    """
    loss = unit.session.get(HolderLoss, loss_id)
    if loss is None or loss.lot_id != lot_id:
        raise NotFound(what="loss")
    if loss.confirmed_at is not None:
        return None
    row = _replaceable(unit, lot_id)
    if row.id != loss.keyset_id:
        raise NotFound(what="loss")
    if loss.declared_by == unit.actor.user_id:
        raise SecondPersonNeeded
    loss.confirmed_by, loss.confirmed_at = unit.actor.user_id, unit.at
    unit.session.flush()
    member = access.member_of(unit, row.id, loss.seat_id)
    lost = HolderLost(lot_id, row.id, row.version, loss.seat_id, member.role.value, member.index, member.holder_name)
    unit.append(keysets.stream_of(row), lost, reason=loss.reason)
    fresh = keysets.create_keyset(
        unit,
        lot_id,
        row.tender,
        row.lot_code,
        tenderee_org_id,
        agency_org_id,
        custodians=bool(row.n),
        suite=row.suite,
    )
    return fresh, row.hash


def losses_of(unit: Unit, lot_id: str) -> tuple[LossCard, ...]:
    """Everything declared for a lot, oldest first."""
    rows = unit.session.execute(
        select(HolderLoss, LotKeyset.version)
        .join(LotKeyset, LotKeyset.id == HolderLoss.keyset_id)
        .where(HolderLoss.lot_id == lot_id)
        .order_by(HolderLoss.declared_at, HolderLoss.id)
    )
    return tuple(
        LossCard(
            id=one.id,
            seat_id=one.seat_id,
            holder=access.member_of(unit, one.keyset_id, one.seat_id).holder_name,
            version=version,
            reason=one.reason,
            declared_by=one.declared_by,
            declared_at=one.declared_at,
            is_confirmed=one.confirmed_at is not None,
        )
        for one, version in rows
    )


def _replaceable(unit: Unit, lot_id: str) -> LotKeyset:
    current = access.current_keyset(unit, lot_id)
    if current is None:
        raise KeysetNotReady(state="none")
    keysets.refuse_used(unit, lot_id)
    return access.locked_keyset(unit, current.id)
