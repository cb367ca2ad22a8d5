"""Who may not sit (R4.04, R4.05), and what a committee has to be (R4.01). Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from foundation.errors import Objection

MIN_MEMBERS: Final = 5
MAX_MEMBERS: Final = 15
POOL_FACTOR: Final = 3
"""The pool holds at least this many times the seats (R4.07)."""
MIN_YEARS: Final = 8
"""R4.02."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody an expert must not work for. ``relation``: tenderee, agency or bidder."""

    org_id: str
    name: str
    relation: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expert as recusal sees it."""

    expert_id: str
    employer: str
    employer_org_id: str | None
    own_org_id: str
    years: int
    is_suspended: bool
    specialities: tuple[str, ...] = ()


def ground_of(expert: Candidate, parties: Iterable[Party]) -> str:
    """Why this expert may not sit, the gravest first; "" when nothing is known against it.

    Employers are compared by registration and by name: an employer that is not registered here is one too.
    """
    if expert.is_suspended:
        return "suspended"
    if expert.years < MIN_YEARS:
        return "too_few_years"
    own = {expert.employer_org_id, expert.own_org_id} - {None}
    for party in parties:
        if party.org_id in own or plain(party.name) == plain(expert.employer):
            return f"employed_by_{party.relation}"
    return ""


def employer_key(expert: Candidate) -> str:
    """What two experts of one employer have in common: at most one of them sits."""
    return plain(expert.employer)


def plain(name: str) -> str:
    """A name for comparison: full-width, blanks and case do not hide an employer."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def composition_objections(size: int, experts: int) -> list[Objection]:
    """What is unlawful about a committee of ``size`` with ``experts`` of technical or economic field (R4.01)."""
    found = []
    if size % 2 == 0:
        found.append(Objection("evaluation.committee_even", "size", {"size": size}, "R4.01"))
    if not MIN_MEMBERS <= size <= MAX_MEMBERS:
        bounds = {"size": size, "least": MIN_MEMBERS, "most": MAX_MEMBERS}
        found.append(Objection("evaluation.committee_size", "size", bounds, "R4.01"))
    if experts * 3 < size * 2:
        found.append(Objection("evaluation.experts_too_few", "size", {"experts": experts, "size": size}, "R4.01"))
    return found


def start_objections(size: int, accepted: Sequence[Candidate], parties: Sequence[Party]) -> list[Objection]:
    """Why a review with these members can not start: composition, empty seats, members to be recused."""
    found = composition_objections(size, len(accepted)) if len(accepted) == size else []
    if len(accepted) != size:
        found.append(
            Objection("evaluation.seats_empty", "", {"accepted": len(accepted), "size": size}, "R4.01"),
        )
    recused = sum(1 for expert in accepted if ground_of(expert, parties))
    if recused:
        found.append(Objection("evaluation.member_recused", "", {"count": recused}, "R4.04"))
    if len({employer_key(expert) for expert in accepted}) < len(accepted):
        found.append(Objection("evaluation.employer_twice", "", {}, "R4.05"))
    return found
