"""The officers' desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select

from accounts import access
from accounts.models import (
    Claim,
    ClaimVerdict,
    Organisation,
    User,
)
from accounts.queries.own import DocumentLine, documents_of
from accounts.states import ClaimState, ClaimWay, UsccGround
from foundation.errors import NotFound
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class VerdictLine:
    officer: str
    verdict: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim before an officer. ``holder``: who holds a disputed code. ``is_mine``: I have agreed already."""

    id: str
    org_name: str
    uscc: str
    state: str
    way: str
    started_at: datetime | None
    evidence: str
    holder: str
    certificate: Mapping[str, str] | None
    documents: tuple[DocumentLine, ...]
    verdicts: tuple[VerdictLine, ...]
    is_mine: bool
    is_own_organisation: bool


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim as the queue shows it."""

    id: str
    org_name: str
    uscc: str
    state: str
    way: str
    started_at: datetime | None
    approvals: int


@dataclass(frozen=True, slots=True)
class OverrideLine:
    org_id: str
    org_name: str
    uscc: str
    evidence: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class VerificationDesk:
    claims: tuple[ClaimRow, ...]
    overrides: tuple[OverrideLine, ...]


def verification_desk(unit: Unit, *, limit: int = 100) -> VerificationDesk:
    """What officers decide, longest waiting first: documents, disputes, codes with a wrong check character."""
    approvals = (
        select(func.count())
        .select_from(ClaimVerdict)
        .where(ClaimVerdict.claim_id == Claim.id, ClaimVerdict.round == Claim.round)
        .scalar_subquery()
    )
    waiting = unit.session.execute(
        select(Claim, Organisation.name, approvals)
        .join(Organisation, Organisation.id == Claim.org_id)
        .where(
            or_(
                Claim.state == ClaimState.DISPUTED,
                (Claim.state == ClaimState.PENDING) & (Claim.way == ClaimWay.DOCUMENTS),
            )
        )
        .order_by(Claim.started_at, Claim.id)
        .limit(limit)
    ).all()
    return VerificationDesk(
        claims=tuple(
            ClaimRow(row.id, name, row.uscc, row.state, row.way or "", row.started_at, count)
            for row, name, count in waiting
        ),
        overrides=tuple(_override_line(row) for row in unit.session.scalars(_open_overrides().limit(limit))),
    )


def desk_claim(unit: Unit, claim_id: str) -> ClaimLine:
    """One claim with everything an officer needs to decide. Raises NotFound for anybody else."""
    claim = access.claim_for_officer(unit, claim_id)
    organisation = unit.session.get_one(Organisation, claim.org_id)
    return _claim_line(unit, claim, organisation.name, organisation.override_evidence)


def desk_override(unit: Unit, org_id: str) -> OverrideLine:
    """A code whose check character does not fit, waiting for a look at its evidence. Raises NotFound."""
    row = unit.session.scalar(_open_overrides().where(Organisation.id == org_id))
    if row is None:
        raise NotFound(what="override")
    return _override_line(row)


def _open_overrides() -> Select[Organisation]:
    return (
        select(Organisation)
        .where(Organisation.uscc_ground == UsccGround.OVERRIDDEN, Organisation.override_reviewed_at.is_(None))
        .order_by(Organisation.registered_at, Organisation.id)
    )


def _override_line(row: Organisation) -> OverrideLine:
    return OverrideLine(row.id, row.name, row.uscc, row.override_evidence, row.registered_at)


def _claim_line(unit: Unit, claim: Claim, org_name: str, evidence: str) -> ClaimLine:
    verdicts = unit.session.execute(
        select(ClaimVerdict, User.name)
        .join(User, User.id == ClaimVerdict.officer_id)
        .where(ClaimVerdict.claim_id == claim.id, ClaimVerdict.round == claim.round)
        .order_by(ClaimVerdict.at)
    ).all()
    holder = ""
    if claim.state is ClaimState.DISPUTED:
        holder = (
            unit.session.scalar(
                select(Organisation.name)
                .join(Claim, Claim.org_id == Organisation.id)
                .where(Claim.uscc == claim.uscc, Claim.state == ClaimState.VERIFIED)
            )
            or ""
        )
    return ClaimLine(
        id=claim.id,
        org_name=org_name,
        uscc=claim.uscc,
        state=claim.state,
        way=claim.way or "",
        started_at=claim.started_at,
        evidence=evidence,
        holder=holder,
        certificate=claim.certificate,
        documents=documents_of(unit, claim),
        verdicts=tuple(VerdictLine(name, row.verdict, row.note, row.at) for row, name in verdicts),
        is_mine=any(row.officer_id == unit.actor.user_id for row, _ in verdicts),
        is_own_organisation=claim.org_id == unit.actor.org_id,
    )
