"""What happens to projects, lots and sealed bids. A lot's own stream holds public events only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class ProjectCreated(Event):
    """Private: a draft is nobody's business yet."""

    TYPE: ClassVar[str] = "tendering.project_created"

    project: str
    project_code: str
    name: str


@event_type
@dataclass(frozen=True)
class LotDrafted(Event):
    TYPE: ClassVar[str] = "tendering.lot_drafted"

    lot: str
    lot_code: str
    name: str


@event_type
@dataclass(frozen=True)
class LotChanged(Event):
    """Fields of a draft changed; ``fields`` names them."""

    TYPE: ClassVar[str] = "tendering.lot_changed"

    lot: str
    fields: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class LotPrepared(Event):
    """A step before publication: ``step`` is the trigger (request_keyset, pass_rehearsal, submit, approve …)."""

    TYPE: ClassVar[str] = "tendering.lot_prepared"

    lot: str
    step: str


@event_type
@dataclass(frozen=True)
class PapersOrdered(Event):
    """Somebody asked for papers to be rendered and published (``kind``: publication or clarification)."""

    TYPE: ClassVar[str] = "tendering.papers_ordered"

    lot: str
    order: str
    kind: str


@event_type
@dataclass(frozen=True)
class PapersIssued(Event):
    """The ordered papers were rendered, checked again and published."""

    TYPE: ClassVar[str] = "tendering.papers_issued"

    lot: str
    order: str


@event_type
@dataclass(frozen=True)
class PapersFailed(Event):
    """The ordered papers could not be rendered or published; ``cause`` is the code of the refusal."""

    TYPE: ClassVar[str] = "tendering.papers_failed"

    lot: str
    order: str
    cause: str


@event_type
@dataclass(frozen=True)
class LotPublished(Event):
    TYPE: ClassVar[str] = "tendering.lot_published"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "tender",
        "lot_code",
        "unified_deal_code",
        "name",
        "deadline_at",
        "ceiling",
        "deposit",
        "rulebook",
        "method",
        "escrow_rule",
        "keyset",
        "documents",
        "min_bidders",
        "min_decrypted",
        "freeze_grace_seconds",
        "common_failure_percent",
        "beacon",
    )

    lot: str
    tender: str
    lot_code: str
    unified_deal_code: str
    name: str
    deadline_at: datetime
    ceiling: str
    deposit: str
    rulebook: str
    method: str
    escrow_rule: str
    keyset: str
    documents: tuple[str, ...]
    """SHA-256 of each published document."""
    min_bidders: int = 0
    """Fewer frozen bids than this are never opened; 0 where an older notice did not say."""
    min_decrypted: int = 0
    """With fewer bids released or escrowed than this no gate key is released."""
    freeze_grace_seconds: int = 60
    """How long after the deadline the frozen list may be in the cosigned log without counting as late."""
    common_failure_percent: int = 30
    """When more than this share of the seats fails within the same minutes the clock of the opening stops."""
    beacon: str = ""
    """The public beacon that goes into the draws of the opening: "quicknet", or "" for none. No fallback."""


@event_type
@dataclass(frozen=True)
class DocumentClarified(Event):
    TYPE: ClassVar[str] = "tendering.document_clarified"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "number", "affects_bids", "sha256")

    lot: str
    number: int
    affects_bids: bool
    sha256: str


@event_type
@dataclass(frozen=True)
class DeadlineMoved(Event):
    TYPE: ClassVar[str] = "tendering.deadline_moved"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "before", "after", "clause")

    lot: str
    before: datetime
    after: datetime
    clause: str


@event_type
@dataclass(frozen=True)
class LotCancelled(Event):
    TYPE: ClassVar[str] = "tendering.lot_cancelled"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "why")

    lot: str
    why: str


@event_type
@dataclass(frozen=True)
class BidsClosed(Event):
    """No seal is admitted any more; says nothing about how many there are."""

    TYPE: ClassVar[str] = "tendering.bids_closed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "deadline_at")

    lot: str
    deadline_at: datetime


@event_type
@dataclass(frozen=True)
class LotFrozen(Event):
    """The opening room has fixed the list of bids (``bid_opening.bids_frozen`` carries it)."""

    TYPE: ClassVar[str] = "tendering.lot_frozen"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class LotOpened(Event):
    TYPE: ClassVar[str] = "tendering.lot_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class LotFailed(Event):
    """流标; ``cause`` as in ``bid_opening.failed``."""

    TYPE: ClassVar[str] = "tendering.lot_failed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "cause")

    lot: str
    cause: str


@event_type
@dataclass(frozen=True)
class DocumentDownloaded(Event):
    """Private for good: nobody may learn who took the documents (R1.05)."""

    TYPE: ClassVar[str] = "tendering.document_downloaded"

    lot: str
    org_id: str
    document: str


@event_type
@dataclass(frozen=True)
class LotSubscribed(Event):
    TYPE: ClassVar[str] = "tendering.lot_subscribed"

    lot: str
    org_id: str
    is_on: bool


@event_type
@dataclass(frozen=True)
class QuestionAsked(Event):
    TYPE: ClassVar[str] = "tendering.question_asked"

    lot: str
    org_id: str
    question: str


@event_type
@dataclass(frozen=True)
class UploadStarted(Event):
    TYPE: ClassVar[str] = "tendering.upload_started"

    lot: str
    org_id: str
    upload: str
    size_bytes: int


@event_type
@dataclass(frozen=True)
class BidSealed(Event):
    """A bid was received, sealed. ``received_at`` is the only instant compared with the deadline."""

    TYPE: ClassVar[str] = "tendering.bid_sealed"

    lot: str
    org_id: str
    bid: str
    rev: int
    prev: str
    envelope_hash: str
    size_bytes: int
    received_at: datetime


@event_type
@dataclass(frozen=True)
class SealRefused(Event):
    """A seal was declined; the codes of all reasons. No bytes are kept as a bid (R1.09)."""

    TYPE: ClassVar[str] = "tendering.seal_refused"

    lot: str
    org_id: str
    received_at: datetime
    codes: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class BidWithdrawn(Event):
    TYPE: ClassVar[str] = "tendering.bid_withdrawn"

    lot: str
    org_id: str
    bid: str
    rev: int
    withdrawn_at: datetime


@event_type
@dataclass(frozen=True)
class BidVoided(Event):
    """A bid sealed to a key set that was retired: it cannot be opened any more, its bidder is asked to seal again.

    Private to the bidder. ``keyset``: hash of the retired set, which the public log names as retired (R1.26).
    """

    TYPE: ClassVar[str] = "tendering.bid_voided"

    lot: str
    org_id: str
    bid: str
    rev: int
    keyset: str
    voided_at: datetime


@event_type
@dataclass(frozen=True)
class StayPlaced(Event):
    """暂缓: award, contract and refunds to candidates of the lot stand still until ``ground`` is settled (R1.41)."""

    TYPE: ClassVar[str] = "tendering.stay_placed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "ground")

    lot: str
    ground: str


@event_type
@dataclass(frozen=True)
class StayLifted(Event):
    TYPE: ClassVar[str] = "tendering.stay_lifted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "ground")

    lot: str
    ground: str


@event_type
@dataclass(frozen=True)
class BidRehearsed(Event):
    """The bidder's client showed that its key gives back r_bid; ``tag`` can be checked once r_bid is released (R3.22).

    ``tag`` is ``h("etender-rehearsal/v1", hex b, bid, rev, challenge, hex r_bid)`` (docs/sealed-bid-format.md).
    """

    TYPE: ClassVar[str] = "tendering.bid_rehearsed"

    lot: str
    org_id: str
    bid: str
    rev: int
    challenge: str
    asked_at: datetime
    tag: str


@event_type
@dataclass(frozen=True)
class RehearsalChecked(Event):
    """r_bid was released: the filed rehearsal is ``right``, or ``wrong`` (made with something else)."""

    TYPE: ClassVar[str] = "tendering.rehearsal_checked"

    lot: str
    org_id: str
    bid: str
    rev: int
    challenge: str
    outcome: str


@event_type
@dataclass(frozen=True)
class BidderReminded(Event):
    """A message before the deadline: ``kind`` is ``unverified`` or ``not_sealed`` (R3.23)."""

    TYPE: ClassVar[str] = "tendering.bidder_reminded"

    lot: str
    org_id: str
    kind: str
    hours: int
    deadline_at: datetime


@event_type
@dataclass(frozen=True)
class SelfCheckFiled(Event):
    """A bidder's device was checked; ``troubles`` names the lines that were not in order."""

    TYPE: ClassVar[str] = "tendering.self_check_filed"

    org_id: str
    check: str
    is_ready: bool
    troubles: tuple[str, ...]
