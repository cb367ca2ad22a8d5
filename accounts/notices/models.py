"""Rows of addresses, choices and deliveries. No code and no key of a webhook stands in any of them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from accounts.notices.kinds import Kind
from accounts.notices.states import DELIVERY_MACHINE, DeliveryState, DeliveryTrigger, Outcome, Purpose
from foundation.machine import Machine
from foundation.notices.message import Channel
from foundation.store.base import Base, EnumText, Instant


class NoticeAddress(Base):
    """Where a person can be written to. It is used once verified; all instants are of the machine clock."""

    __tablename__ = "notice_addresses"
    __table_args__ = (Index("ix_notice_addresses_user_id", "user_id", "removed_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    channel: Mapped[Channel] = mapped_column(EnumText(Channel))
    address: Mapped[str] = mapped_column(String(254), index=True)
    added_at: Mapped[datetime] = mapped_column(Instant)
    verified_at: Mapped[datetime | None] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)
    code_hash: Mapped[str] = mapped_column(String(64), default="")
    """Of address id and code together; the code itself is in the message alone."""
    code_until: Mapped[datetime | None] = mapped_column(Instant)
    code_tries: Mapped[int] = mapped_column(Integer, default=0)


class NoticeHook(Base):
    """An organisation's webhook. Its key is in no table: it follows from a file, ``id`` and ``version``."""

    __tablename__ = "notice_hooks"
    __table_args__ = (CheckConstraint("version > 0", name="version_positive"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), unique=True)
    url: Mapped[str] = mapped_column(String(300))
    version: Mapped[int] = mapped_column(Integer)
    set_by: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    set_at: Mapped[datetime] = mapped_column(Instant)
    removed_at: Mapped[datetime | None] = mapped_column(Instant)


class NoticeChoice(Base):
    """That a person wants a kind in a place, or not. ``place``: a channel, or ``inbox``. No row: as the kind begins."""

    __tablename__ = "notice_choices"

    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), primary_key=True)
    kind: Mapped[Kind] = mapped_column(EnumText(Kind), primary_key=True)
    place: Mapped[str] = mapped_column(String(10), primary_key=True)
    is_on: Mapped[bool] = mapped_column(Boolean)


class NoticeManner(Base):
    """How a person wants to be written to: language first in mail, quiet hours in minutes of the Beijing day."""

    __tablename__ = "notice_manners"
    __table_args__ = (CheckConstraint("(quiet_from IS NULL) = (quiet_to IS NULL)", name="both_or_none"),)

    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), primary_key=True)
    lang: Mapped[str] = mapped_column(String(10))
    quiet_from: Mapped[int | None] = mapped_column(Integer)
    quiet_to: Mapped[int | None] = mapped_column(Integer)


class NoticeDelivery(Base):
    """One message on one channel to one reader. ``key`` makes asking twice the same as asking once.

    ``lot_id``: the lot the message is about; until its list is frozen nobody but the reader may learn of it (R3.51).
    ``stale_at`` is civil time: from then on the message is worthless. All other instants are of the machine clock.
    """

    __tablename__ = "notice_deliveries"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_notice_deliveries_due", "channel", "state", "due_at"),
        Index("ix_notice_deliveries_reader", "user_id", "queued_at"),
        Index("ix_notice_deliveries_org", "org_id", "queued_at"),
    )
    MACHINE: ClassVar[Machine[DeliveryState, DeliveryTrigger]] = DELIVERY_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key: Mapped[str] = mapped_column(String(160))
    purpose: Mapped[Purpose] = mapped_column(EnumText(Purpose))
    channel: Mapped[Channel] = mapped_column(EnumText(Channel))
    item_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("inbox_items.id"))
    user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id"))
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    address_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("notice_addresses.id"))
    hook_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("notice_hooks.id"))
    lot_id: Mapped[str | None] = mapped_column(String(36))
    state: Mapped[DeliveryState] = mapped_column(EnumText(DeliveryState))
    reason: Mapped[str] = mapped_column(String(40), default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    """Since it was last asked for; the rows of attempts count on."""
    interrupted: Mapped[int] = mapped_column(Integer, default=0)
    queued_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    stale_at: Mapped[datetime | None] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class NoticeAttempt(Base):
    """One try to send one delivery."""

    __tablename__ = "notice_attempts"

    delivery_id: Mapped[str] = mapped_column(String(36), ForeignKey("notice_deliveries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    began_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[Outcome] = mapped_column(EnumText(Outcome))
    reason: Mapped[str] = mapped_column(String(40), default="")
    next_at: Mapped[datetime | None] = mapped_column(Instant)


class NoticeWay(Base):
    """Whether a channel is open, found by a look-round of its own: what waits to be sent is not asked (R3.51)."""

    __tablename__ = "notice_ways"

    channel: Mapped[Channel] = mapped_column(EnumText(Channel), primary_key=True)
    trouble: Mapped[str] = mapped_column(String(40))
    since: Mapped[datetime] = mapped_column(Instant)
