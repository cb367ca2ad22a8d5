"""Evaluation, publicity, award and contract.

Public facts of a lot stand in ``lot:<id>``; who sits on the committee, what each expert says and which code hides which
bid stand in ``evaluation:<id>`` and are private. In public an expert is a blinded id until the winner is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type

# --- the library and the committee -------------------------------------------


@event_type
@dataclass(frozen=True)
class ExpertEntered(Event):
    """A person stands in the expert library, or what is known of it changed."""

    TYPE: ClassVar[str] = "evaluation.expert_entered"

    expert: str
    user_id: str
    employer: str
    specialities: tuple[str, ...]
    title: str
    years: int
    is_suspended: bool


@event_type
@dataclass(frozen=True)
class CaseOpened(Event):
    """The lot has an evaluation: because a committee was asked for, or because its opening closed."""

    TYPE: ClassVar[str] = "evaluation.case_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@dataclass(frozen=True)
class Exclusion:
    """An expert who can not sit: the blinded id and the ground (a term ``recusal.<ground>``)."""

    blinded: str
    ground: str


@event_type
@dataclass(frozen=True)
class ExpertsExcluded(Event):
    """Every recusal the platform found before a draw; private, because a ground may name an employer."""

    TYPE: ClassVar[str] = "evaluation.experts_excluded"

    draw: str
    excluded: tuple[Exclusion, ...]


@event_type
@dataclass(frozen=True)
class ExpertPoolFixed(Event):
    """The pool of blinded ids, without everybody excluded, and the centre's commitment: before any entropy is known."""

    TYPE: ClassVar[str] = "evaluation.expert_pool_fixed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "seats", "pool_hash", "pool", "commitment")

    lot: str
    draw: str
    seats: int
    pool: tuple[str, ...]
    pool_hash: str
    commitment: str


@event_type
@dataclass(frozen=True)
class ContributionCommitted(Event):
    """``contributor``: tenderee or supervisor. The value itself is told when the draw is made."""

    TYPE: ClassVar[str] = "evaluation.contribution_committed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "contributor", "commitment")

    lot: str
    draw: str
    contributor: str
    commitment: str


@event_type
@dataclass(frozen=True)
class CommitteeDrawn(Event):
    """The draw can be replayed from ``transcript`` and the pool alone (docs/sealed-bid-format.md §11)."""

    TYPE: ClassVar[str] = "evaluation.committee_drawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "transcript", "seed")

    lot: str
    draw: str
    transcript: str
    seed: str


@event_type
@dataclass(frozen=True)
class SeatOffered(Event):
    """The next ticket in the order of the draw is asked to sit."""

    TYPE: ClassVar[str] = "evaluation.seat_offered"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "blinded")

    lot: str
    draw: str
    blinded: str


@event_type
@dataclass(frozen=True)
class TicketPassed(Event):
    """A ticket that may not sit is passed over (``ground``: a term ``recusal.<ground>``)."""

    TYPE: ClassVar[str] = "evaluation.ticket_passed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "blinded", "ground")

    lot: str
    draw: str
    blinded: str
    ground: str


@event_type
@dataclass(frozen=True)
class SeatTaken(Event):
    TYPE: ClassVar[str] = "evaluation.seat_taken"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "blinded")

    lot: str
    blinded: str


@event_type
@dataclass(frozen=True)
class SeatVacated(Event):
    """Declined, recused, not answered in time, or a recusal the platform found; ``reason`` stays private."""

    TYPE: ClassVar[str] = "evaluation.seat_vacated"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "blinded", "ground")

    lot: str
    blinded: str
    ground: str
    reason: str


@event_type
@dataclass(frozen=True)
class DrawExhausted(Event):
    """No ticket is left and seats are empty: a further draw from a new pool is needed."""

    TYPE: ClassVar[str] = "evaluation.draw_exhausted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "draw", "missing")

    lot: str
    draw: str
    missing: int


# --- the review ----------------------------------------------------------------


@event_type
@dataclass(frozen=True)
class ReviewStarted(Event):
    """Bids lie under codes; ``codes_hash`` commits to which is which until the technical part is locked (R4.58)."""

    TYPE: ClassVar[str] = "evaluation.review_started"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "rubric", "members", "codes_hash")

    lot: str
    rubric: str
    members: int
    codes_hash: str


@dataclass(frozen=True)
class Mark:
    """One cell of one expert's sheet. ``points`` is "" on a pass-or-fail item, ``verdict`` pass, fail or ""."""

    code: str
    item: str
    points: str
    verdict: str
    clause: str
    reason: str


@event_type
@dataclass(frozen=True)
class SheetSubmitted(Event):
    TYPE: ClassVar[str] = "evaluation.sheet_submitted"

    lot: str
    member: str
    round: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Finding:
    """What the check before signing found (R4.56): ``kind`` objective_differs, outlier_high or outlier_low."""

    kind: str
    member: str
    code: str
    item: str


@event_type
@dataclass(frozen=True)
class SheetsReturned(Event):
    """Marks that do not pass the check go back to those who gave them, to correct or to confirm with a reason."""

    TYPE: ClassVar[str] = "evaluation.sheets_returned"

    lot: str
    round: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class CodeOpened:
    """Which seat of the opening record a code hid."""

    code: str
    seat: int
    bid: str


@dataclass(frozen=True)
class RankedLine:
    """One bid's outcome; points as decimal text, "" where it was rejected; ``rank`` 0 then."""

    seat: int
    bid: str
    name: str
    price: str
    technical: str
    price_points: str
    total: str
    rank: int
    clause: str


@event_type
@dataclass(frozen=True)
class TechnicalLocked(Event):
    """Technical marks can no longer change, the codes are opened, prices are scored.

    Private until the candidates are published: the report belongs to the tenderee first (R5.01).
    """

    TYPE: ClassVar[str] = "evaluation.technical_locked"

    lot: str
    salt: str
    codes: tuple[CodeOpened, ...]
    benchmark: str
    lines: tuple[RankedLine, ...]


@event_type
@dataclass(frozen=True)
class ReportMemberSigned(Event):
    """``dissent`` is the written dissent, "" for agreement; ``is_silent``: did not sign, counts as agreeing."""

    TYPE: ClassVar[str] = "evaluation.report_member_signed"

    lot: str
    member: str
    dissent: str
    is_silent: bool


@event_type
@dataclass(frozen=True)
class ReportConcluded(Event):
    """Every member has signed, dissented or let the time pass (R4.11)."""

    TYPE: ClassVar[str] = "evaluation.report_concluded"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str
    dissents: int


@event_type
@dataclass(frozen=True)
class TieDecided(Event):
    """Equal points and equal price: the tenderee put the bids in this order (R4.21)."""

    TYPE: ClassVar[str] = "evaluation.tie_decided"

    lot: str
    bids: tuple[str, ...]
    reason: str


@event_type
@dataclass(frozen=True)
class PaperIssued(Event):
    """A PDF of this evaluation is in the store. ``org_id``: whose it is, "" for a public one."""

    TYPE: ClassVar[str] = "evaluation.paper_issued"

    lot: str
    kind: str
    org_id: str
    sha256: str
    size_bytes: int


# --- publicity, award, contract --------------------------------------------------


@event_type
@dataclass(frozen=True)
class CandidatesPublished(Event):
    """候选人公示, with everything the ranking rests on: prices, points, rejections with clauses, opened codes."""

    TYPE: ClassVar[str] = "evaluation.candidates_published"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "lines",
        "candidates",
        "benchmark",
        "codes",
        "salt",
        "until",
        "is_late",
    )

    lot: str
    lines: tuple[RankedLine, ...]
    candidates: tuple[str, ...]
    benchmark: str
    codes: tuple[CodeOpened, ...]
    salt: str
    until: datetime
    is_late: bool


@event_type
@dataclass(frozen=True)
class EvaluationFailed(Event):
    """Every bid was rejected: no candidate, the tenderee tenders anew."""

    TYPE: ClassVar[str] = "evaluation.failed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "lines")

    lot: str
    lines: tuple[RankedLine, ...]


@event_type
@dataclass(frozen=True)
class ResultObjected(Event):
    """An objection to the result. Who raised it is in no public projection."""

    TYPE: ClassVar[str] = "evaluation.result_objected"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection", "answer_until")

    lot: str
    objection: str
    org_id: str
    text: str
    answer_until: datetime


@event_type
@dataclass(frozen=True)
class ResultObjectionAnswered(Event):
    TYPE: ClassVar[str] = "evaluation.result_objection_answered"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection")

    lot: str
    objection: str
    text: str


@event_type
@dataclass(frozen=True)
class PublicityEnded(Event):
    """Publicity is over and nothing stays the lot. ``candidates``: organisations that may still be awarded it.

    From now on the deposits of everybody else go back (R2.17). Told once, however often stays come and go.
    """

    TYPE: ClassVar[str] = "evaluation.publicity_ended"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class MemberNamed:
    """A member of the committee; ``expert`` with the salt gives the blinded id of the draw."""

    blinded: str
    expert: str
    name: str


@event_type
@dataclass(frozen=True)
class AwardDecided(Event):
    """The winner. ``amount``: decimal text in yuan. From now on the committee's names are public (R4.01)."""

    TYPE: ClassVar[str] = "evaluation.award_decided"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "bid",
        "awardee",
        "amount",
        "decided_at",
        "contract_until",
        "salt",
        "members",
    )

    lot: str
    bid: str
    awardee_org_id: str
    awardee: str
    amount: str
    decided_at: datetime
    contract_until: datetime
    salt: str
    members: tuple[MemberNamed, ...]


@event_type
@dataclass(frozen=True)
class ContractConfirmed(Event):
    """One party signed the contract paper of this digest; ``party`` tenderee or awardee."""

    TYPE: ClassVar[str] = "evaluation.contract_confirmed"

    lot: str
    party: str
    sha256: str
    by: str


@event_type
@dataclass(frozen=True)
class ContractSigned(Event):
    """Both parties have signed. ``amount``: decimal text in yuan. ``is_late``: after the thirty days (R1.44)."""

    TYPE: ClassVar[str] = "evaluation.contract_signed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "awardee_org_id", "signed_at", "amount", "is_late")

    lot: str
    awardee_org_id: str
    signed_at: datetime
    amount: str
    is_late: bool
