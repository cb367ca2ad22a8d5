"""Suspension, reconvening and abort: two people (R3.17)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class HaltProposed(Event):
    """The first of two persons asks for a suspension or an abort (R3.17)."""

    TYPE: ClassVar[str] = "bid_opening.halt_proposed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "halt", "why")

    lot: str
    halt: str
    by: str
    why: str


@event_type
@dataclass(frozen=True)
class HaltWithdrawn(Event):
    TYPE: ClassVar[str] = "bid_opening.halt_withdrawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class OpeningSuspended(Event):
    """The clock stands. ``outage_since``: since when the platform did not work, where it stopped by itself for that."""

    TYPE: ClassVar[str] = "bid_opening.suspended"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "cause", "why", "left_seconds", "outage_since")

    lot: str
    cause: str
    why: str
    by: str
    left_seconds: int | None
    outage_since: datetime | None = None


@event_type
@dataclass(frozen=True)
class OpeningReconvened(Event):
    """复会: the interrupted phase goes on with the time that was left."""

    TYPE: ClassVar[str] = "bid_opening.reconvened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until")

    lot: str
    until: datetime | None


@event_type
@dataclass(frozen=True)
class OpeningAborted(Event):
    TYPE: ClassVar[str] = "bid_opening.aborted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "why")

    lot: str
    why: str
    by: str
