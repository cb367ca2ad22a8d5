"""What neighbours may ask of key holding and do here, in business words. Every function runs in the caller's Unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foundation.errors import Objection
from foundation.ids import KeysetId
from foundation.store.unit import Unit
from keyholding import access
from keyholding.dummy import private_key_of
from keyholding.presence import HolderPresence, holders_present
from keyholding.rules import Overlap
from keyholding.services import escrow, gate, keysets, losses, rehearsals
from keyholding.services.escrow import EscrowWrapSet
from keyholding.services.losses import LossCard
from keyholding.services.seats import NewSeat, appoint_seat, enrol_agent
from keyholding.states import KeysetState, Side

__all__ = [
    "EscrowWrapSet",
    "HolderCard",
    "HolderPresence",
    "KeysetCard",
    "LossCard",
    "NewSeat",
    "Overlap",
    "Side",
    "appoint_seat",
    "confirm_loss",
    "create_keyset",
    "declare_loss",
    "enrol_agent",
    "escrow_shares",
    "gate_keys",
    "holders_present",
    "is_rehearsed",
    "keyset_of",
    "keyset_text",
    "losses_of",
    "objections_to_publication",
    "private_key_of",
    "request_escrow",
    "request_gate",
    "start_rehearsal",
]


@dataclass(frozen=True, slots=True)
class HolderCard:
    """A holder in a key set. ``role`` is ``gate`` or ``escrow``; ``id`` the seat; ``public_key`` "" while missing."""

    id: str
    role: str
    index: int
    side: str
    name: str
    org_name: str
    public_key: str
    ready: bool


@dataclass(frozen=True, slots=True)
class KeysetCard:
    """``hash`` and ``json_text`` are "" until every holder has given its key."""

    id: KeysetId
    lot_id: str
    version: int
    state: str
    suite: str
    hash: str
    json_text: str
    t: int
    m: int
    k: int
    n: int
    holders: tuple[HolderCard, ...]
    warnings: tuple[Overlap, ...]


def create_keyset(
    unit: Unit,
    lot_id: str,
    tender_code: str,
    lot_code: str,
    tenderee_org_id: str,
    agency_org_id: str | None,
    custodians: bool,
    suite: str = "S1",
) -> KeysetId:
    """Choose holders (2 of 3, one seat a side; 2 of 3 custodians where wanted); ask their agents for keys of a suite.

    An earlier key set of the lot is retired. Raises HoldersRefused (objections), KeysetInUse.
    """
    return keysets.create_keyset(
        unit, lot_id, tender_code, lot_code, tenderee_org_id, agency_org_id, custodians=custodians, suite=suite
    )


def keyset_text(unit: Unit, lot_id: str) -> str | None:
    """The published text of the key set that counts now: all that a bid is held against."""
    return access.current_keyset_text(unit, lot_id)


def keyset_of(unit: Unit, lot_id: str) -> KeysetCard | None:
    """The key set of the lot that counts now."""
    row = access.current_keyset(unit, lot_id)
    if row is None:
        return None
    holders = tuple(
        HolderCard(
            id=one.seat_id,
            role=one.role.value,
            index=one.index,
            side=one.side.value,
            name=one.holder_name,
            org_name=one.org_name,
            public_key=one.public_key or "",
            ready=one.ready_at is not None,
        )
        for one in access.members(unit, row.id)
    )
    return KeysetCard(
        id=KeysetId(row.id),
        lot_id=row.lot_id,
        version=row.version,
        state=row.state.value,
        suite=row.suite,
        hash=row.hash,
        json_text=row.json_text,
        t=row.t,
        m=row.m,
        k=row.k,
        n=row.n,
        holders=holders,
        warnings=tuple(Overlap(**one) for one in row.warnings),
    )


def declare_loss(unit: Unit, lot_id: str, seat_id: str, reason: str) -> str:
    """The first of two persons says that a holder is lost. Raises KeysetNotReady, KeysetInUse, NotFound."""
    return losses.declare_loss(unit, lot_id, seat_id, reason)


def confirm_loss(
    unit: Unit, lot_id: str, loss_id: str, tenderee_org_id: str, agency_org_id: str | None
) -> tuple[KeysetId, str] | None:
    """The second person: the key set is replaced. Gives the new one and the retired one's hash; None the second time.

    Raises NotFound, SecondPersonNeeded, KeysetInUse, HoldersRefused.
    """
    return losses.confirm_loss(unit, lot_id, loss_id, tenderee_org_id, agency_org_id)


def losses_of(unit: Unit, lot_id: str) -> tuple[LossCard, ...]:
    """Losses declared for a lot, oldest first."""
    return losses.losses_of(unit, lot_id)


def is_rehearsed(unit: Unit, lot_id: str) -> bool:
    """Whether the lot may be published: its key set passed a rehearsal."""
    row = access.current_keyset(unit, lot_id)
    return row is not None and row.state is KeysetState.REHEARSED


def objections_to_publication(unit: Unit, lot_id: str) -> tuple[Objection, ...]:
    """Holders that are gone or no longer apart (R1.23): the lot is not published with them."""
    return keysets.objections_to_publication(unit, lot_id)


def start_rehearsal(unit: Unit, lot_id: str) -> None:
    """Rehearse again after a failure; the first one starts by itself. Raises KeysetNotReady."""
    rehearsals.start_rehearsal(unit, lot_id)


def request_gate(unit: Unit, lot_id: str, window_closed_entry_id: str) -> None:
    """Ask for the gate keys. Idempotent. Raises EvidenceMissing, KeysetNotReady."""
    gate.request_gate(unit, lot_id, window_closed_entry_id)


def gate_keys(unit: Unit, lot_id: str) -> Mapping[int, str]:
    """Published private keys (64 hex digits; :func:`private_key_of`) by seat in the key set's JSON."""
    return gate.gate_keys(unit, lot_id)


def request_escrow(unit: Unit, lot_id: str, frozen_entry_id: str, bids: Sequence[EscrowWrapSet]) -> None:
    """Ask the custodians for their shares of these bids. Idempotent. Raises EvidenceMissing, KeysetNotReady."""
    escrow.request_escrow(unit, lot_id, frozen_entry_id, bids)


def escrow_shares(unit: Unit, lot_id: str) -> Mapping[str, Mapping[int, str]]:
    """Shares that match their commitments (66 hex digits), by bid and seat. Secrets: never into an event or a log."""
    return escrow.escrow_shares(unit, lot_id)
