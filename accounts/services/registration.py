"""Anybody registers an organisation and a person; nobody has to approve it (R1.03)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from accounts.duties import conflicts_among
from accounts.errors import LoginTaken, OperatorMayNotTrade, RoleNotSelfService, RolesConflict, UsccNeedsEvidence
from accounts.inbox import add_to_inbox
from accounts.models import Claim, Organisation, User, UserRole
from accounts.roles import SELF_SERVICE, Role
from accounts.states import ClaimState, UsccGround
from foundation.codes import UsccCheckFailed, check_uscc
from foundation.errors import Objection
from foundation.events.accounts import ClaimAlarmed, OrganisationRegistered, PersonRegistered
from foundation.ids import OrgId, UserId
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """``evidence``: why a code whose check character does not fit is right all the same (R7.20)."""

    name: str
    uscc: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class NewPerson:
    login: str
    name: str
    password_hash: str
    is_password_given: bool = False


def register(
    unit: Unit, organisation: NewOrganisation, person: NewPerson, roles: Iterable[str], *, centre_uscc: str = ""
) -> tuple[OrgId, UserId]:
    """An organisation with its first person, who takes roles of its own choice out of SELF_SERVICE.

    Raises RoleNotSelfService, OperatorMayNotTrade (R1.07), UsccNeedsEvidence, UsccMalformed, LoginTaken.
    """
    wanted = frozenset(roles)
    for role in sorted(wanted - {str(one) for one in SELF_SERVICE}):
        raise RoleNotSelfService(role=role)
    if wanted and organisation.uscc.strip().upper() == centre_uscc:
        raise OperatorMayNotTrade(objections=[Objection("accounts.operator_may_not_trade", "uscc", clause="R1.07")])
    org_id = add_organisation(unit, organisation)
    user_id = add_person(unit, org_id, person, wanted)
    return org_id, user_id


def add_organisation(unit: Unit, new: NewOrganisation) -> OrgId:
    """The organisation and its claim, still unverified. Everybody who names the same code is told."""
    uscc, ground = _admit(new)
    org_id = OrgId(unit.new_id())
    evidence = new.evidence if ground is UsccGround.OVERRIDDEN else ""
    unit.session.add(
        Organisation(
            id=org_id,
            name=new.name,
            uscc=uscc,
            uscc_ground=ground,
            override_evidence=evidence,
            override_reviewed_by=None,
            override_reviewed_at=None,
            registered_at=unit.at,
        )
    )
    unit.session.flush()
    unit.session.add(Claim(id=unit.new_id(), org_id=org_id, uscc=uscc, state=ClaimState.UNVERIFIED, way=None, round=0))
    unit.session.flush()
    unit.append(
        f"org:{org_id}",
        OrganisationRegistered(org=org_id, name=new.name, uscc=uscc, uscc_ground=ground, evidence=evidence),
    )
    alarm_others(unit, org_id, new.name, uscc)
    return org_id


def add_person(unit: Unit, org_id: str, new: NewPerson, roles: Iterable[str]) -> UserId:
    """A person of an existing organisation. Raises LoginTaken, RolesConflict."""
    held = tuple(sorted({Role(role).value for role in roles}))
    refuse_conflicts(held)
    if unit.session.scalar(select(User.id).where(User.login == new.login)) is not None:
        raise LoginTaken(objections=[Objection("accounts.login_taken", "login")])
    user_id = UserId(unit.new_id())
    unit.session.add(
        User(
            id=user_id,
            org_id=org_id,
            login=new.login,
            name=new.name,
            password_hash=new.password_hash,
            is_password_given=new.is_password_given,
            registered_at=unit.at,
            closed_at=None,
        )
    )
    unit.session.flush()
    unit.session.add_all(
        UserRole(user_id=user_id, role=role, granted_at=unit.at, granted_by=unit.actor.user_id) for role in held
    )
    unit.session.flush()
    unit.append(
        f"user:{user_id}", PersonRegistered(user=user_id, org=org_id, login=new.login, name=new.name, roles=held)
    )
    return user_id


def refuse_conflicts(roles: Iterable[str]) -> None:
    """Raises RolesConflict naming the first pair that one person must not hold (``duties.INCOMPATIBLE``)."""
    for first, second in conflicts_among(roles):
        params = {"first": str(first), "second": str(second)}
        raise RolesConflict(objections=[Objection("accounts.roles_conflict", "roles", params)], **params)


def alarm_others(unit: Unit, org_id: str, name: str, uscc: str) -> None:
    """A second claim to a code alarms the first, in its inbox and in its stream of the journal."""
    others = unit.session.scalars(
        select(Claim).where(Claim.uscc == uscc, Claim.org_id != org_id, Claim.state != ClaimState.REJECTED)
    ).all()
    for other in others:
        unit.append(f"org:{other.org_id}", ClaimAlarmed(org=other.org_id, uscc=uscc, by_org=org_id, by_name=name))
        params = {"uscc": uscc, "name": name, "at": unit.at}
        add_to_inbox(unit, other.org_id, "inbox.second_claim", params, "/account/verification")


def _admit(new: NewOrganisation) -> tuple[str, UsccGround]:
    try:
        return check_uscc(new.uscc).uscc, UsccGround.COMPUTED
    except UsccCheckFailed as failed:
        if not new.evidence.strip():
            objections = [
                Objection(failed.code, "uscc", failed.fields),
                Objection("accounts.uscc_needs_evidence", "evidence", clause="R7.20"),
            ]
            raise UsccNeedsEvidence(objections=objections) from None
        return str(failed.fields["code_text"]), UsccGround.OVERRIDDEN
