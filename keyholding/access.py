"""The loaders that check who asks. What is hidden is not found."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from sqlalchemy import or_, select

from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.ids import OrgId
from foundation.store.unit import Unit
from keyholding.errors import AgentUnknown, NotYourKeyset
from keyholding.models import HolderSeat, KeysetMember, LotKeyset, Rehearsal
from keyholding.states import KeysetState, Side

_TOKEN: Final = re.compile(r"[0-9a-f]{64}")


def hash_of(token: str) -> str:
    """SHA-256 is enough: a token has 256 unpredictable bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def seat_of_token(unit: Unit, token: str) -> HolderSeat:
    """The active seat whose agent shows this token; raises AgentUnknown."""
    seat = None
    if _TOKEN.fullmatch(token):
        seat = unit.session.scalar(
            select(HolderSeat).where(HolderSeat.agent_token_hash == hash_of(token), HolderSeat.is_active)
        )
    if seat is None:
        raise AgentUnknown
    return seat


def agent_actor(seat: HolderSeat, source: str) -> Actor:
    """The agent as the journal names it: no person, the seat's organisation, the seat's role."""
    role = "custodian" if seat.side is Side.CUSTODIAN else "gate_holder"
    return Actor(
        org_id=OrgId(seat.org_id),
        roles=frozenset({role}),
        role=role,
        display_name=seat.holder_name,
        org_name=seat.org_name,
        source=f"agent:{seat.id} {source}",
    )


def seat(unit: Unit, seat_id: str) -> HolderSeat:
    """A seat, for those who appoint."""
    row = unit.session.get(HolderSeat, seat_id)
    if row is None:
        raise NotFound(what="seat")
    return row


def own_seats(unit: Unit) -> list[HolderSeat]:
    """The active seats of the person who asks: in its own name, or of its organisation where no person is named."""
    actor = unit.actor
    rows = unit.session.scalars(
        select(HolderSeat)
        .where(
            HolderSeat.is_active,
            HolderSeat.org_id == actor.org_id,
            or_(HolderSeat.user_id == actor.user_id, HolderSeat.user_id.is_(None)),
        )
        .order_by(HolderSeat.appointed_at, HolderSeat.id)
    )
    kinds = {Side.CUSTODIAN: "custodian"}
    return [row for row in rows if actor.has_role(kinds.get(row.side, "gate_holder"))]


def own_seat(unit: Unit, seat_id: str) -> HolderSeat:
    """A seat of the person who asks; anybody else's is not found."""
    found = next((row for row in own_seats(unit) if row.id == seat_id), None)
    if found is None:
        raise NotFound(what="seat")
    return found


def current_keyset(unit: Unit, lot_id: str) -> LotKeyset | None:
    """The key set of a lot that counts now."""
    return unit.session.scalar(
        select(LotKeyset).where(LotKeyset.lot_id == lot_id, LotKeyset.state != KeysetState.RETIRED)
    )


def current_keyset_text(unit: Unit, lot_id: str) -> str | None:
    """The published text of the lot's rehearsed key set; None while it is being replaced."""
    return unit.session.scalar(
        select(LotKeyset.json_text).where(LotKeyset.lot_id == lot_id, LotKeyset.state == KeysetState.REHEARSED)
    )


def locked_keyset(unit: Unit, keyset_id: str) -> LotKeyset:
    """The key set, held until commit: two agents that come last together must see each other (PostgreSQL)."""
    row = unit.session.scalar(select(LotKeyset).where(LotKeyset.id == keyset_id).with_for_update())
    if row is None:
        raise NotFound(what="keyset")
    return row


def member_of(unit: Unit, keyset_id: str, seat_id: str) -> KeysetMember:
    """The seat's place in a key set; raises NotYourKeyset."""
    row = unit.session.get(KeysetMember, (keyset_id, seat_id))
    if row is None:
        raise NotYourKeyset
    return row


def members(unit: Unit, keyset_id: str) -> list[KeysetMember]:
    """Everybody in a key set: gate before escrow, in seat order."""
    rows = unit.session.scalars(select(KeysetMember).where(KeysetMember.keyset_id == keyset_id))
    return sorted(rows, key=lambda row: (row.role != "gate", row.index))


def rehearsal(unit: Unit, rehearsal_id: str) -> Rehearsal:
    row = unit.session.get(Rehearsal, rehearsal_id)
    if row is None:
        raise NotFound(what="rehearsal")
    return row
