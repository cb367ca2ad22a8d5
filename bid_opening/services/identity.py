"""Use cases around who is there: sign-in by papers, absence, identity checks, refusal of a bid by two people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bid_opening import access, identity_rules
from bid_opening.ceremony import RoomState
from bid_opening.errors import PaperRefused
from bid_opening.identity_models import SignInPaper
from bid_opening.models import CheckIn
from bid_opening.services import rooms
from foundation.errors import NotFound, Objection
from foundation.events import bid_opening as e
from foundation.ids import new_id
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from tendering import facade as tendering

PAPER_MAX_BYTES: Final = 10 * 1024 * 1024
"""As large as a document that proves a claim."""
KINDS: Final = ("photo", "letter")
READERS: Final = ("supervisor",)
"""Who reads the papers besides the host's side and the bidder; not the duty desk, not a witness (R3.37)."""


class Media(StrEnum):
    """What a paper may be."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"

    @property
    def ending(self) -> str:
        return {Media.PDF: "pdf", Media.PNG: "png", Media.JPEG: "jpg"}[self]


_MAGIC: Final = ((b"%PDF-", Media.PDF), (b"\x89PNG\r\n\x1a\n", Media.PNG), (b"\xff\xd8\xff", Media.JPEG))


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper as it came, checked."""

    kind: str
    media: Media
    content: bytes


@dataclass(frozen=True, slots=True)
class KeptPaper:
    """The same once it is in the store."""

    kind: str
    media: Media
    object_name: str
    size_bytes: int
    sha256: str


def read_paper(kind: str, content: bytes) -> Paper:
    """What the bytes are by their beginning; the name a stranger gives is not asked. A photo is no PDF.

    Raises PaperRefused, naming the field.
    """
    media = next((media for magic, media in _MAGIC if content.startswith(magic)), None)
    if media is None or len(content) > PAPER_MAX_BYTES or (kind == "photo" and media is Media.PDF):
        objection = Objection("bid_opening.paper_refused", kind, {"limit": PAPER_MAX_BYTES})
        raise PaperRefused(objections=[objection], limit=PAPER_MAX_BYTES)
    return Paper(kind, media, content)


def is_wanted(unit: Unit, lot_id: str) -> bool:
    """Whether the asker's papers would be taken now; asked before anything is stored. False once it is signed in.

    Raises NotFound, NotPermitted, NotNow, EmergencyNotYet, TooLate.
    """
    org_id = access.require_bidder(unit, lot_id)
    if unit.session.get(CheckIn, (lot_id, org_id)) is not None:
        return False
    identity_rules.may_sign_in_by_papers(rooms.state_of(unit, lot_id), unit.at)
    return True


def keep_papers(runtime: Runtime, lot_id: str, papers: tuple[Paper, ...]) -> tuple[KeptPaper, ...]:
    """Store the bytes under names that tell nothing of whose they are, before the Unit opens."""
    kept = []
    for paper in papers:
        name = f"openings/{lot_id}/papers/{new_id(runtime.clock.now(), runtime.units.entropy)}"
        stored = runtime.objects.put_once(name, paper.content)
        kept.append(KeptPaper(paper.kind, paper.media, stored.name, stored.size_bytes, stored.sha256))
    return tuple(kept)


def sign_in_by_papers(unit: Unit, lot_id: str, papers: tuple[KeptPaper, ...]) -> None:
    """应急签到, in the last minutes (R3.37): known to nobody else until the list is published. Once is enough."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if unit.session.get(CheckIn, (lot_id, org_id)) is not None:
        return
    identity_rules.may_sign_in_by_papers(state, unit.at)
    person, digests = unit.actor.display_name, {paper.kind: paper.sha256 for paper in papers}
    unit.session.add(CheckIn(lot_id=lot_id, org_id=org_id, person=person[:100], at=unit.at))
    for paper in papers:
        unit.session.add(
            SignInPaper(
                lot_id=lot_id,
                org_id=org_id,
                kind=paper.kind,
                media_type=str(paper.media),
                object_name=paper.object_name,
                size_bytes=paper.size_bytes,
                sha256=paper.sha256,
                filed_at=unit.at,
            )
        )
    event = e.EmergencySignedIn(lot_id, org_id, person, digests["photo"], digests["letter"])
    entry = unit.append(f"bid:{lot_id}:{org_id}", event)
    rooms.tell(unit, lot_id, event, state, entry)


def was_by_papers(unit: Unit, lot_id: str, org_id: str) -> bool:
    """Whether this organisation signed in by papers; the caller has checked that the asker may know."""
    return unit.session.get(SignInPaper, (lot_id, org_id, "letter")) is not None


def paper_for(unit: Unit, lot_id: str, number: int, kind: str) -> SignInPaper:
    """A paper of one seat, for the host's side, a supervisor, or the seat's own people; once the list is published.

    Raises NotFound for everybody else and for what is not there: both look the same.
    """
    if not rooms.has_room(unit, lot_id):
        raise NotFound(what="paper")
    state, actor = rooms.state_of(unit, lot_id), unit.actor
    seat = next((one for one in state.seats if one.number == number), None)
    if seat is None or not (
        reads_papers(unit, lot_id) or (actor.has_role("bidder") and str(actor.org_id) == seat.org_id)
    ):
        raise NotFound(what="paper")
    row = unit.session.get(SignInPaper, (lot_id, seat.org_id, kind))
    if row is None:
        raise NotFound(what="paper")
    return row


def reads_papers(unit: Unit, lot_id: str) -> bool:
    """Whether the asker is of the host's side, or a supervisor."""
    actor = unit.actor
    if actor.has_role(*READERS):
        return True
    return actor.has_role("agency", "tenderee") and tendering.belongs_to_host_side(unit, lot_id, actor)


def explain_absence(unit: Unit, lot_id: str, seat: int, reason: str, text: str) -> RoomState:
    """未签到原因, recorded by the host."""
    access.require_host(unit, lot_id)
    by, state = access.person_of(unit), rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, identity_rules.explain_absence(state, seat, reason, text, by))


def check_identity(unit: Unit, lot_id: str, seat: int, what: str, reason: str, *, is_passed: bool) -> RoomState:
    """身份核验, recorded by the host between the list and the reading (R3.16)."""
    access.require_host(unit, lot_id)
    by, state = access.person_of(unit), rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, identity_rules.check_identity(state, seat, what, by, reason, is_passed=is_passed))


def propose_refusal(unit: Unit, lot_id: str, seat: int, ground: str, why: str) -> RoomState:
    """标书拒绝, the first of two: the host names the ground of law (R3.39)."""
    access.require_host(unit, lot_id)
    by, state = access.person_of(unit), rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, identity_rules.propose_refusal(state, seat, ground, why, by))


def withdraw_refusal(unit: Unit, lot_id: str, seat: int) -> RoomState:
    """The proposer takes it back."""
    access.require_host(unit, lot_id)
    by, state = access.person_of(unit), rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, identity_rules.withdraw_refusal(state, seat, by))


def decide_refusal(unit: Unit, lot_id: str, seat: int, *, agrees: bool) -> RoomState:
    """The second person agrees, and the bid stays sealed; or does not, and it takes part."""
    by = access.require_second_person(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    rule = identity_rules.confirm_refusal if agrees else identity_rules.reject_refusal
    return rooms.apply(unit, lot_id, rule(state, seat, by))
