"""Rows of the log. Leaves, nodes and placements are only ever inserted; the state is one row."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant, Json
from foundation.transparency.blinding import Placement
from foundation.transparency.merkle import HASH_BYTES

STATE_ROW: Final = 1


class LogState(Base):
    """How far the log has come. ``size`` moves by compare-and-swap only; instants are the machine clock's."""

    __tablename__ = "log_state"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    """Leaves with an index."""
    frontier: Mapped[list[str]] = mapped_column(Json)
    """Hex peaks of the tree of ``size`` leaves, largest first."""
    signed_size: Mapped[int] = mapped_column(BigInteger)
    """Size of the newest signed checkpoint."""
    published_size: Mapped[int] = mapped_column(BigInteger)
    """Size of the newest checkpoint that proofs may use: cosigned, or signed where no cosigner is configured."""
    needs_cosigner: Mapped[bool] = mapped_column(Boolean)
    ticked_at: Mapped[datetime | None] = mapped_column(Instant)
    """Start of the interval that has its tick."""
    lease_holder: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    alarm: Mapped[str | None] = mapped_column(String(80))
    """Code of the tampering that stopped the publisher."""
    alarm_at: Mapped[datetime | None] = mapped_column(Instant)


class LogLeaf(Base):
    """One leaf; ``journal_entry_id`` is None for a tick."""

    __tablename__ = "log_leaves"

    leaf_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    # Unique, so that no fault of ours can publish one entry twice.
    journal_entry_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("journal_entries.id"), unique=True)


class LogNode(Base):
    """Root of a full tile: the hash at tree level ``8 * tile_level``. Keeps proofs cheap however long the log is."""

    __tablename__ = "log_nodes"

    tile_level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    node_index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    node_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LogPlacement(Base):
    """Where a private entry lies within its tick: what unblinds it, known to nobody but its owner and the centre."""

    __tablename__ = "log_placements"

    journal_entry_id: Mapped[str] = mapped_column(String(36), ForeignKey("journal_entries.id"), primary_key=True)
    leaf_index: Mapped[int] = mapped_column(BigInteger, ForeignKey("log_leaves.leaf_index"), index=True)
    slot: Mapped[int] = mapped_column(Integer)
    path: Mapped[bytes] = mapped_column(LargeBinary(320))
    """Ten hashes from the slot to the tick's root."""

    @property
    def placement(self) -> Placement:
        """The same as the proof's ``extra`` wants it."""
        hashes = tuple(self.path[at : at + HASH_BYTES] for at in range(0, len(self.path), HASH_BYTES))
        return Placement(self.slot, hashes)


class LogStamp(Base):
    """A time stamp wanted for the first published checkpoint over an entry; filled once, then never changed."""

    __tablename__ = "log_stamps"

    journal_entry_id: Mapped[str] = mapped_column(String(36), ForeignKey("journal_entries.id"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    checkpoint: Mapped[str | None] = mapped_column(Text)
    """The signed note that was stamped, byte by byte."""
    response: Mapped[bytes | None] = mapped_column(LargeBinary)
    """DER of the RFC 3161 response."""
    stamped_at: Mapped[datetime | None] = mapped_column(Instant)
    authority: Mapped[str] = mapped_column(String(400), default="")
    serial: Mapped[str] = mapped_column(String(80), default="")


class LogCheckpoint(Base):
    """A signed checkpoint; ``note`` gains the cosigner's line once, and ``cosigned_at`` is the time it states."""

    __tablename__ = "log_checkpoints"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    cosigned_at: Mapped[datetime | None] = mapped_column(Instant)
