"""What a sealed bid must be to be received. Pure: frozen facts in, objections out (R1.09, R1.10, R1.46)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.errors import Objection
from foundation.sealing import Suite, price_schedule
from foundation.sealing.manifest import Manifest, SealedPart
from foundation.sealing.padding import MAX_PART_BYTES, ciphertext_size, is_ciphertext_size, padded_size
from foundation.sealing.segments import SEGMENT_BYTES, root_of_digests
from tendering.states import LotState

STAGE: Final = "1"
"""One envelope a bid in this release; a two-envelope procedure has a stage more."""
MAX_BID_BYTES: Final = 2 << 30
"""Sum of the ciphertext lengths."""
LATE_CLAUSE: Final = "EB20 27"
ENCRYPTION_CLAUSE: Final = "EB20 26"
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PartRule:
    """One file of a bid. ``max_bytes`` limits its content; ``accept`` is what a file chooser takes."""

    id: str
    name_zh: str
    name_en: str
    accept: str
    max_bytes: int
    required: bool = True

    @property
    def max_ciphertext_bytes(self) -> int:
        return ciphertext_size(padded_size(self.max_bytes))


_PDF: Final = "application/pdf,.pdf"
_JSON: Final = "application/json"
_BILL: Final = ".pdf,.xlsx,.xml,.zip"
PARTS: Final = (
    PartRule(price_schedule.PART_ID, "开标一览表", "Price schedule", _JSON, price_schedule.MAX_BYTES),
    PartRule("technical", "技术标", "Technical bid", _PDF, MAX_PART_BYTES),
    PartRule("commercial", "商务标", "Commercial bid", _PDF, MAX_PART_BYTES),
    PartRule("boq", "已标价工程量清单", "Priced bill of quantities", _BILL, 256 * MIB, required=False),
)
RULES: Final[Mapping[str, PartRule]] = {part.id: part for part in PARTS}
REQUIRED: Final = frozenset(part.id for part in PARTS if part.required)
OPTIONAL: Final = frozenset(part.id for part in PARTS if not part.required)


@dataclass(frozen=True, slots=True)
class AnnouncedPart:
    """A part of an upload: ciphertext length in bytes and the number of its segments."""

    id: str
    size_bytes: int
    segments: int


@dataclass(frozen=True, slots=True)
class HeldSegment:
    """A stored segment, its SHA-256 verified when it came. ``leaf``: its digest in the lot's suite where it differs."""

    number: int
    size_bytes: int
    sha256: str
    leaf: str = ""


@dataclass(frozen=True, slots=True)
class Ban:
    """A lawful ban in force at the instant of receipt."""

    decision_no: str
    authority: str
    clause: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class SealFacts:
    """What is known when a seal is decided, besides the envelope's own bytes.

    ``received_at`` was stamped at the last byte of the request and is the only instant compared with the deadline.
    """

    received_at: datetime
    deadline_at: datetime
    lot_state: LotState
    is_verified: bool
    has_signing_key: bool
    is_commitment_known: bool
    is_upload_own: bool
    is_upload_used: bool
    bans: tuple[Ban, ...]


def segments_of(size_bytes: int) -> int:
    return -(-size_bytes // SEGMENT_BYTES)


def segment_size(size_bytes: int, number: int) -> int:
    """Length of segment ``number`` of a part; 0 when there is no such segment."""
    if not 0 <= number < segments_of(size_bytes):
        return 0
    return min(SEGMENT_BYTES, size_bytes - number * SEGMENT_BYTES)


def objections_to_upload(parts: Sequence[AnnouncedPart]) -> Iterator[Objection]:
    """Why these parts cannot become a bid here; looked at before a byte is taken."""
    seen: set[str] = set()
    for part in parts:
        params: dict[str, object] = {"part": part.id[:40], "size_bytes": part.size_bytes}
        rule = RULES.get(part.id)
        if rule is None or part.id in seen:
            yield Objection("tendering.upload_part_unknown", "parts", params)
            continue
        seen.add(part.id)
        if not is_ciphertext_size(part.size_bytes) or part.segments != segments_of(part.size_bytes):
            yield Objection("tendering.upload_part_length", "parts", params, ENCRYPTION_CLAUSE)
        elif part.size_bytes > rule.max_ciphertext_bytes:
            limit = rule.max_ciphertext_bytes
            yield Objection("tendering.upload_part_too_large", "parts", {**params, "limit_bytes": limit})
    for missing in sorted(REQUIRED - seen):
        yield Objection("tendering.upload_part_missing", "parts", {"part": missing})
    total = sum(part.size_bytes for part in parts)
    if total > MAX_BID_BYTES:
        params = {"size_bytes": total, "limit_bytes": MAX_BID_BYTES}
        yield Objection("tendering.upload_too_large", "parts", params)


def objections_to_seal(facts: SealFacts) -> Iterator[Objection]:
    """Why the bid is not received, whatever is in its envelope. A missing deposit is never among them."""
    yield from _time_objections(facts)
    if not facts.is_verified:
        yield Objection("tendering.seal_unverified")
    for ban in facts.bans:
        params = {"decision": ban.decision_no, "authority": ban.authority, "ends_at": ban.ends_at}
        yield Objection("tendering.seal_banned", "", params, ban.clause)
    if not facts.has_signing_key:
        yield Objection("tendering.seal_no_signing_key")
    if facts.is_commitment_known:
        yield Objection("tendering.seal_copied", "", {}, ENCRYPTION_CLAUSE)
    if not facts.is_upload_own:
        yield Objection("tendering.seal_no_upload")
    elif facts.is_upload_used:
        yield Objection("tendering.seal_upload_used")


def _time_objections(facts: SealFacts) -> Iterator[Objection]:
    if not facts.received_at < facts.deadline_at:
        params = {"deadline": facts.deadline_at, "received_at": facts.received_at}
        yield Objection("tendering.seal_late", "", params, LATE_CLAUSE)
    elif facts.lot_state in {LotState.CANCELLED, LotState.FAILED}:
        yield Objection("tendering.seal_lot_ended", "", {"state": facts.lot_state.value})
    elif facts.lot_state is not LotState.OPEN:
        # It came in time and could not be decided before receiving ended: the platform's doing, and it says so.
        yield Objection("tendering.seal_undecided_in_time", "", {"received_at": facts.received_at})


def objections_to_bytes(manifest: Manifest, held: Mapping[str, Sequence[HeldSegment]]) -> Iterator[Objection]:
    """Whether every byte the manifest speaks of is here: lengths, numbers and roots of the stored segments."""
    for part in manifest.parts:
        found = sorted(held.get(part.id, ()), key=lambda segment: segment.number)
        yield from _part_objections(part, found, manifest.suite)


def _part_objections(part: SealedPart, held: Sequence[HeldSegment], suite: Suite) -> Iterator[Objection]:
    wanted = segments_of(part.size_bytes)
    if [segment.number for segment in held] != list(range(wanted)):
        params = {"part": part.id, "held": len(held), "wanted": wanted}
        yield Objection("tendering.seal_bytes_missing", "", params, LATE_CLAUSE)
        return
    fits = sum(segment.size_bytes for segment in held) == part.size_bytes
    leaves = [bytes.fromhex(segment.leaf or segment.sha256) for segment in held]
    if not fits or root_of_digests(leaves, suite) != part.root:
        yield Objection("tendering.seal_bytes_differ", "", {"part": part.id}, ENCRYPTION_CLAUSE)
