"""Rows of the journal. They are only ever inserted; the publisher alone fills ``leaf_index``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.events import Audience
from foundation.store.base import Base, EnumText, Instant


class JournalStream(Base):
    """The head of one stream: its last number, last hash and last instant."""

    __tablename__ = "journal_streams"

    stream: Mapped[str] = mapped_column(String(120), primary_key=True)
    head_seq: Mapped[int] = mapped_column(Integer)
    head_hash: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class JournalEntry(Base):
    """One fact. ``hash`` covers the canonical JSON of everything but itself and the log position."""

    __tablename__ = "journal_entries"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        # The publisher's work list: stays small however long the journal grows.
        Index(
            "ix_journal_entries_unpublished",
            "recorded_at",
            sqlite_where=text("leaf_index IS NULL"),
            postgresql_where=text("leaf_index IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    stream: Mapped[str] = mapped_column(String(120), ForeignKey("journal_streams.stream"))
    seq: Mapped[int] = mapped_column(Integer)
    type: Mapped[str] = mapped_column(String(80), index=True)
    audience: Mapped[Audience] = mapped_column(EnumText(Audience))
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    actor_user_id: Mapped[str | None] = mapped_column(String(36))
    actor_org_id: Mapped[str | None] = mapped_column(String(36))
    actor_role: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(Text)
    data: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(32))
    leaf_index: Mapped[int | None] = mapped_column(BigInteger)
