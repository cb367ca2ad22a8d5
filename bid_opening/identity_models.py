"""Papers of a sign-in in an emergency. The bytes are in the object store; whether they may be read, access decides."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant


class SignInPaper(Base):
    """``kind`` is photo or letter; one of each. Hidden until the list is published, like the sign-in itself (R1.05)."""

    __tablename__ = "sign_in_papers"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(40))
    object_name: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    filed_at: Mapped[datetime] = mapped_column(Instant)
