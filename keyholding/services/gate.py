"""Publication of gate keys after the window is closed. Who decides is each holder's agent, not this code."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from foundation.errors import Objection
from foundation.events import bid_opening as opening
from foundation.events.keyholding import GateKeyReleased, GateKeysRequested
from foundation.journal import JournalEntry
from foundation.journal.read import entry_of
from foundation.sealing import Role, public_hex, suite_named
from foundation.store.unit import Unit
from keyholding import access
from keyholding.dummy import private_key_of
from keyholding.errors import EvidenceMissing, GateKeyWrong, GateNotAsked, KeysetNotReady, NotYourKeyset
from keyholding.models import GateKey, GateRequest, HolderSeat, LotKeyset
from keyholding.states import KeysetState


def request_gate(unit: Unit, lot_id: str, window_closed_entry_id: str) -> None:
    """Ask the gate holders of a lot for their keys, on the strength of the entry that says its window is closed.

    Idempotent. Raises EvidenceMissing when the entry says something else or that too few bids can be opened,
    KeysetNotReady without a rehearsed key set.
    """
    if unit.session.get(GateRequest, lot_id) is not None:
        return
    row = rehearsed_keyset(unit, lot_id)
    entry = unit.session.get(JournalEntry, window_closed_entry_id)
    event = entry_of(entry).event if entry is not None else None
    if not isinstance(event, opening.WindowClosed) or not _is_about(event, row) or not _is_enough(event):
        raise EvidenceMissing(wanted=opening.WindowClosed.TYPE)
    unit.session.add(
        GateRequest(lot_id=lot_id, keyset_id=row.id, entry_id=window_closed_entry_id, requested_at=unit.at)
    )
    unit.session.flush()
    unit.append(f"keyset:{row.id}", GateKeysRequested(lot_id, row.id, window_closed_entry_id))


def _is_about(event: opening.WindowClosed, row: LotKeyset) -> bool:
    return (event.lot, event.tender, event.lot_code) == (row.lot_id, row.tender, row.lot_code)


def _is_enough(event: opening.WindowClosed) -> bool:
    """A failed opening's keys are never asked for (R3.10); agents see the same in the entry and would refuse."""
    return len({*event.released, *event.escrowed}) >= event.minimum


def rehearsed_keyset(unit: Unit, lot_id: str) -> LotKeyset:
    """The key set that bids of the lot are sealed to; raises KeysetNotReady."""
    row = access.current_keyset(unit, lot_id)
    if row is None or row.state is not KeysetState.REHEARSED:
        raise KeysetNotReady(state=str(row.state) if row else "none")
    return row


def release_gate_key(unit: Unit, seat: HolderSeat, lot_id: str, private_key: str) -> None:
    """Publish the private key an agent gave up (64 hex digits).

    Idempotent. Raises GateNotAsked before the window's closing is recorded, NotYourKeyset, GateKeyWrong.
    """
    asked = unit.session.get(GateRequest, lot_id)
    if asked is None:
        raise GateNotAsked
    row = access.locked_keyset(unit, asked.keyset_id)
    member = access.member_of(unit, row.id, seat.id)
    if member.role is not Role.GATE:
        raise NotYourKeyset
    if not _belongs(private_key, member.public_key, row.suite):
        raise GateKeyWrong(objections=[Objection("keyholding.gate_key_wrong", "private_key")])
    if unit.session.get(GateKey, (lot_id, member.index)) is not None:
        return
    unit.session.add(
        GateKey(
            lot_id=lot_id,
            index=member.index,
            keyset_id=row.id,
            seat_id=seat.id,
            private_key=private_key,
            released_at=unit.at,
        )
    )
    unit.session.flush()
    released = GateKeyReleased(
        lot=lot_id,
        keyset=row.id,
        seat=seat.id,
        index=member.index,
        holder=member.holder_name,
        public_key=member.public_key or "",
        private_key=private_key,
    )
    unit.append(f"keyset:{row.id}", released)


def _belongs(private_key: str, public_key: str | None, suite: str) -> bool:
    try:
        return public_hex(private_key_of(private_key, suite_named(suite))) == public_key
    except ValueError:
        return False


def gate_keys(unit: Unit, lot_id: str) -> Mapping[int, str]:
    """Published private keys by seat."""
    rows = unit.session.scalars(select(GateKey).where(GateKey.lot_id == lot_id).order_by(GateKey.index))
    return {row.index: row.private_key for row in rows}
