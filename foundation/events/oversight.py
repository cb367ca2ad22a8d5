"""What oversight saw and what supervisors did. All of it is private: an alert is a lead, and no bidder learns of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foundation.events.base import Event, event_type


@event_type
@dataclass(frozen=True)
class CollusionScanned(Event):
    """A detector has looked at the bids of a lot. ``unread``: bids whose file can not be read."""

    TYPE: ClassVar[str] = "oversight.scanned"

    lot: str
    detector: str
    rules: str
    bids: int
    unread: int
    alerts: int


@event_type
@dataclass(frozen=True)
class AlertRaised(Event):
    """``evidence_sha256``: of the evidence in canonical JSON, so that it can not be changed unseen."""

    TYPE: ClassVar[str] = "oversight.alert_raised"

    alert: str
    number: int
    lot: str
    detector: str
    severity: str
    bidders: tuple[str, ...]
    evidence_sha256: str


@event_type
@dataclass(frozen=True)
class AlertTakenUp(Event):
    TYPE: ClassVar[str] = "oversight.alert_taken_up"

    alert: str


@event_type
@dataclass(frozen=True)
class AlertExplained(Event):
    """A supervisor found an innocent explanation (a key of the detector's catalogue, or other)."""

    TYPE: ClassVar[str] = "oversight.alert_explained"

    alert: str
    explanation: str


@event_type
@dataclass(frozen=True)
class AlertReferred(Event):
    """移送: the matter went to an authority by a decision with this number."""

    TYPE: ClassVar[str] = "oversight.alert_referred"

    alert: str
    authority: str
    document_no: str
