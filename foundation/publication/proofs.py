"""Proofs from the log. Whoever asks for a private entry's proof must have been checked by the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.errors import NotFound
from foundation.events import Audience
from foundation.journal.models import JournalEntry
from foundation.publication.audit import verify_log
from foundation.publication.entries import private_record
from foundation.publication.errors import LogDiffers, NoCheckpoint
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogLeaf, LogPlacement, LogState
from foundation.publication.policy import log_policy, receipt_vkey
from foundation.publication.tree import StoredHashes
from foundation.store.unit import Unit
from foundation.transparency.blinding import Unblinding, blinded_digest, tick_entry
from foundation.transparency.merkle import inclusion_proof, verify_inclusion
from foundation.transparency.proof import TlogProof

__all__ = [
    "LogHead",
    "PublishedProof",
    "is_cosigned",
    "latest_checkpoint",
    "leaf_index_of",
    "log_head",
    "log_policy",
    "proof_of_entry",
    "public_proof",
    "receipt_vkey",
    "verify_log",
]


@dataclass(frozen=True, slots=True)
class PublishedProof:
    """What a holder keeps.

    ``entry_text`` is the leaf of a public entry (for ``verify_entry``) or the record of a private one (for
    ``verify_blinded``, with ``extra`` in the proof). ``is_cosigned`` is False only where no cosigner is configured.
    """

    entry_text: str
    leaf_index: int
    tlog_proof: str
    is_cosigned: bool


@dataclass(frozen=True, slots=True)
class LogHead:
    """The newest checkpoint proofs may use; ``waiting`` counts leaves it does not cover yet."""

    size: int
    root: bytes
    note: str
    signed_at: datetime
    cosigned_at: datetime | None
    waiting: int


def proof_of_entry(unit: Unit, entry_id: str) -> PublishedProof | None:
    """The proof of a journal entry, or None until a cosigned checkpoint covers it.

    (A signed one suffices where no cosigner is configured.) Raises Tampering when the rows do not lead to that
    checkpoint.
    """
    session = unit.session
    row = session.get(JournalEntry, entry_id)
    head = _published(session)
    if row is None or head is None or row.leaf_index is None or row.leaf_index >= head.size:
        return None
    leaf = session.get_one(LogLeaf, row.leaf_index)
    text, extra = leaf.entry, None
    if row.audience is Audience.PRIVATE:
        text, extra = _unblinding(session, row, leaf)
    hashes = inclusion_proof(StoredHashes(session), row.leaf_index, head.size)
    verify_inclusion(row.leaf_index, head.size, leaf.leaf_hash, hashes, head.root)
    proof = TlogProof(row.leaf_index, tuple(hashes), head.note, extra)
    return PublishedProof(text.decode(), row.leaf_index, str(proof), head.cosigned_at is not None)


def public_proof(unit: Unit, entry_id: str) -> PublishedProof | None:
    """The proof of a PUBLIC entry, None while it waits. Raises NotFound for a private and for an unknown id alike."""
    audience = unit.session.scalar(select(JournalEntry.audience).where(JournalEntry.id == entry_id))
    if audience is not Audience.PUBLIC:
        raise NotFound(what=entry_id[:64])
    return proof_of_entry(unit, entry_id)


def leaf_index_of(unit: Unit, entry_id: str) -> int | None:
    """The leaf of an entry (a private one's tick), or None while it waits."""
    return unit.session.scalar(select(JournalEntry.leaf_index).where(JournalEntry.id == entry_id))


def is_cosigned(unit: Unit, entry_id: str) -> bool:
    """Whether ``proof_of_entry`` would give a proof now."""
    index = leaf_index_of(unit, entry_id)
    size = unit.session.scalar(select(LogState.published_size).where(LogState.id == STATE_ROW))
    return index is not None and size is not None and index < size


def log_head(unit: Unit) -> LogHead | None:
    """The newest published checkpoint, for people."""
    head = _published(unit.session)
    if head is None:
        return None
    size = unit.session.scalars(select(LogState.size).where(LogState.id == STATE_ROW)).one()
    return LogHead(head.size, head.root, head.note, head.signed_at, head.cosigned_at, size - head.size)


def latest_checkpoint(unit: Unit) -> str:
    """The newest published checkpoint as a signed note; raises NoCheckpoint before the first."""
    head = _published(unit.session)
    if head is None:
        raise NoCheckpoint
    return head.note


def _published(session: Session) -> LogCheckpoint | None:
    size = session.scalar(select(LogState.published_size).where(LogState.id == STATE_ROW))
    return session.get(LogCheckpoint, size) if size else None


def _unblinding(session: Session, row: JournalEntry, leaf: LogLeaf) -> tuple[bytes, bytes]:
    """The private record, and the ``extra`` that leads from it to its tick."""
    placed = session.get_one(LogPlacement, row.id)
    record = private_record(row)
    unblinding = Unblinding(row.nonce, placed.placement)
    if tick_entry(blinded_digest(row.nonce, record), unblinding.placement) != leaf.entry:
        raise LogDiffers(index=leaf.leaf_index, reason="entry_differs")
    return record, bytes(unblinding)
