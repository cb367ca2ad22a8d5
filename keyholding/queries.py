"""Read models of the pages: frozen, and only what their reader may know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from foundation.clock import machine_now
from foundation.errors import NotFound
from foundation.events import Event
from foundation.events import keyholding as events
from foundation.journal import read_stream
from foundation.store.unit import Unit
from keyholding import access
from keyholding.models import GateKey, HolderSeat, KeysetMember, LotKeyset, Rehearsal
from keyholding.rules import Overlap, SharedHand, hands_among, is_present
from keyholding.services.keysets import seat_facts
from keyholding.states import KeysetState
from keyholding.work import tasks_of

HOLDING_ROLES: Final = ("gate_holder", "custodian")


@dataclass(frozen=True, slots=True)
class SeatLine:
    """A standing seat as its desk and its holder see it. ``last_seen_at`` is machine time."""

    id: str
    side: str
    org_name: str
    holder_name: str
    operator: str
    is_enrolled: bool
    acts_by_hand: bool
    is_present: bool
    last_seen_at: datetime | None
    is_active: bool


@dataclass(frozen=True, slots=True)
class LotLine:
    """A lot this seat holds a key of. ``asked`` are the kinds of its open tasks."""

    lot_id: str
    lot_code: str
    tender: str
    version: int
    state: str
    role: str
    index: int
    has_key: bool
    is_published: bool
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A seat's place in a key set, as its holder's browser needs it to find its own key."""

    keyset_id: str
    lot_id: str
    tender: str
    lot_code: str
    version: int
    state: str
    role: str
    index: int
    public_key: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something the agent did, out of the journal."""

    at: datetime
    code: str
    lot_code: str


@dataclass(frozen=True, slots=True)
class SeatDesk:
    """One seat with its lots and its agent's deeds, newest first."""

    seat: SeatLine
    lots: tuple[LotLine, ...]
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class PublicHolder:
    """``fingerprint`` is the SHA-256 of the public key; ``private_key`` is "" until it was published."""

    index: int
    role: str
    side: str
    holder_name: str
    org_name: str
    operator: str
    public_key: str
    fingerprint: str
    private_key: str


@dataclass(frozen=True, slots=True)
class PublicKeyset:
    """A complete key set as everybody may see it."""

    lot_id: str
    tender: str
    lot_code: str
    version: int
    state: str
    hash: str
    t: int
    m: int
    k: int
    n: int
    holders: tuple[PublicHolder, ...]
    warnings: tuple[Overlap, ...]
    completed_at: datetime | None
    rehearsed_at: datetime | None
    rehearsal_hash: str


def seat_line(row: HolderSeat) -> SeatLine:
    return SeatLine(
        id=row.id,
        side=row.side.value,
        org_name=row.org_name,
        holder_name=row.holder_name,
        operator=row.operator,
        is_enrolled=row.agent_token_hash is not None,
        acts_by_hand=row.browser_since is not None,
        is_present=is_present(row.last_seen_at, machine_now()),
        last_seen_at=row.last_seen_at,
        is_active=row.is_active,
    )


def seats(unit: Unit) -> tuple[SeatLine, ...]:
    """Every seat, active ones first, in the order of appointment."""
    rows = unit.session.scalars(
        select(HolderSeat).order_by(HolderSeat.is_active.desc(), HolderSeat.appointed_at, HolderSeat.id)
    )
    return tuple(seat_line(row) for row in rows)


def standing_hands(unit: Unit) -> tuple[SharedHand, ...]:
    """Standing seats under one employer or one machine operator."""
    return hands_among(seat_facts(unit))


def organisations(unit: Unit) -> tuple[tuple[str, str], ...]:
    """(id, name) of organisations with a holder or of the tenderee's side: those a seat may go to."""
    found = {
        card.id: card.name
        for role in ("gate_holder", "custodian", "tenderee", "agency")
        for card in accounts.organisations_in_role(unit, role)
    }
    return tuple(sorted(found.items(), key=lambda pair: (pair[1], pair[0])))


def possible_holders(unit: Unit) -> tuple[tuple[str, str], ...]:
    """(id, name and organisation) of people in a holder's role, by organisation and name."""
    return tuple(
        (person.user_id, f"{organisation.name} · {person.name}")
        for organisation in {
            card.id: card for role in HOLDING_ROLES for card in accounts.organisations_in_role(unit, role)
        }.values()
        for person in accounts.people_of(unit, organisation.id)
        if not person.roles.isdisjoint(HOLDING_ROLES)
    )


def own_desks(unit: Unit) -> tuple[SeatDesk, ...]:
    """The desks of the person who asks."""
    return tuple(_desk(unit, row) for row in access.own_seats(unit))


def _newest_places(unit: Unit, row: HolderSeat) -> list[tuple[KeysetMember, LotKeyset]]:
    pairs = unit.session.execute(
        select(KeysetMember, LotKeyset)
        .join(LotKeyset, LotKeyset.id == KeysetMember.keyset_id)
        .where(KeysetMember.seat_id == row.id)
        .order_by(LotKeyset.requested_at.desc(), LotKeyset.id.desc())
        .limit(50)
    )
    return [(member, keyset) for member, keyset in pairs]


def places_of(unit: Unit, row: HolderSeat) -> tuple[Place, ...]:
    """The newest places of a seat, retired key sets among them."""
    return tuple(
        Place(
            keyset_id=keyset.id,
            lot_id=keyset.lot_id,
            tender=keyset.tender,
            lot_code=keyset.lot_code,
            version=keyset.version,
            state=keyset.state.value,
            role=member.role.value,
            index=member.index,
            public_key=member.public_key or "",
        )
        for member, keyset in _newest_places(unit, row)
    )


def _desk(unit: Unit, row: HolderSeat) -> SeatDesk:
    pairs = _newest_places(unit, row)
    asked: dict[str, list[str]] = {}
    for task in tasks_of(unit, row):
        asked.setdefault(task["keyset_id"], []).append(task["kind"])
    lots = tuple(
        LotLine(
            lot_id=keyset.lot_id,
            lot_code=keyset.lot_code,
            tender=keyset.tender,
            version=keyset.version,
            state=keyset.state.value,
            role=member.role.value,
            index=member.index,
            has_key=member.public_key is not None,
            is_published=bool(keyset.hash),
            asked=tuple(asked.get(keyset.id, ())),
        )
        for member, keyset in pairs
    )
    return SeatDesk(seat_line(row), lots, _deeds(unit, row, [keyset for _, keyset in pairs]))


def _deeds(unit: Unit, seat: HolderSeat, keysets: Sequence[LotKeyset]) -> tuple[Deed, ...]:
    found = [
        Deed(entry.at, entry.event.TYPE, keyset.lot_code)
        for keyset in keysets[:10]
        for entry in read_stream(unit.session, f"keyset:{keyset.id}")
        if _is_by(entry.event, seat)
    ]
    return tuple(sorted(found, key=lambda deed: deed.at, reverse=True)[:50])


def _is_by(event: Event, seat: HolderSeat) -> bool:
    return getattr(event, "seat", "") == seat.id or (
        isinstance(event, events.RehearsalFailed) and event.holder == seat.holder_name
    )


def public_keyset(unit: Unit, lot_id: str) -> PublicKeyset:
    """The lot's key set once all keys are there; raises NotFound before."""
    row = complete_keyset(unit, lot_id)
    published = {
        key.index: key.private_key for key in unit.session.scalars(select(GateKey).where(GateKey.keyset_id == row.id))
    }
    holders = tuple(
        PublicHolder(
            index=one.index,
            role=one.role.value,
            side=one.side.value,
            holder_name=one.holder_name,
            org_name=one.org_name,
            operator=one.operator,
            public_key=one.public_key or "",
            fingerprint=hashlib.sha256(bytes.fromhex(one.public_key or "")).hexdigest(),
            private_key=published.get(one.index, "") if one.role == "gate" else "",
        )
        for one in access.members(unit, row.id)
    )
    passed = unit.session.scalar(
        select(Rehearsal.header_hash).where(Rehearsal.keyset_id == row.id, Rehearsal.state == "passed")
    )
    return PublicKeyset(
        lot_id=row.lot_id,
        tender=row.tender,
        lot_code=row.lot_code,
        version=row.version,
        state=row.state.value,
        hash=row.hash,
        t=row.t,
        m=row.m,
        k=row.k,
        n=row.n,
        holders=holders,
        warnings=tuple(Overlap(**one) for one in row.warnings),
        completed_at=row.completed_at,
        rehearsed_at=row.rehearsed_at,
        rehearsal_hash=passed or "",
    )


def complete_keyset(unit: Unit, lot_id: str) -> LotKeyset:
    """The row, when its keys are public knowledge; raises NotFound."""
    row = access.current_keyset(unit, lot_id)
    if row is None or row.state is KeysetState.COLLECTING:
        raise NotFound(what="keyset")
    return row
