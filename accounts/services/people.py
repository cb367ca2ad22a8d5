"""The administrator gives roles; everybody rules over its own sessions."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, select

from accounts import access, sessions
from accounts.errors import OperatorMayNotTrade, OwnRoles
from accounts.models import Organisation, User, UserRole
from accounts.roles import GRANTED, SELF_SERVICE
from accounts.services.registration import NewPerson, add_person, refuse_conflicts
from foundation.errors import NotFound, Objection
from foundation.events.accounts import RolesChanged
from foundation.ids import UserId
from foundation.store.unit import Unit


def assign_roles(unit: Unit, user_id: str, roles: Iterable[str], *, centre_uscc: str = "", reason: str = "") -> None:
    """Give a person exactly these roles. They count from its very next request.

    Raises OwnRoles, RolesConflict, OperatorMayNotTrade (R1.07), NotFound.
    """
    if user_id == unit.actor.user_id:
        raise OwnRoles
    user = unit.session.get(User, user_id)
    if user is None:
        raise NotFound(what="user")
    wanted = {str(role) for role in roles} & {str(role) for role in GRANTED}
    refuse_conflicts(wanted)
    _refuse_trade_of_operator(unit, user.org_id, wanted, centre_uscc)
    before = set(unit.session.scalars(select(UserRole.role).where(UserRole.user_id == user_id)))
    if wanted == before:
        return
    unit.session.execute(delete(UserRole).where(UserRole.user_id == user_id, UserRole.role.in_(before - wanted)))
    unit.session.add_all(
        UserRole(user_id=user_id, role=role, granted_at=unit.at, granted_by=unit.actor.user_id)
        for role in sorted(wanted - before)
    )
    unit.session.flush()
    event = RolesChanged(user=user_id, before=tuple(sorted(before)), after=tuple(sorted(wanted)))
    unit.append(f"user:{user_id}", event, reason=reason)


def enrol_person(unit: Unit, org_id: str, new: NewPerson, roles: Iterable[str], *, centre_uscc: str = "") -> UserId:
    """The administrator adds a person to an existing organisation, with any roles that go together."""
    wanted = {str(role) for role in roles}
    if unit.session.get(Organisation, org_id) is None:
        raise NotFound(what="organisation")
    _refuse_trade_of_operator(unit, org_id, wanted, centre_uscc)
    return add_person(unit, org_id, new, wanted)


def revoke_session(unit: Unit, session_id: str) -> None:
    """End one of the actor's own sessions at once."""
    sessions.revoke(unit, access.own_session(unit, session_id))


def revoke_other_sessions(unit: Unit) -> int:
    """End all sessions of the actor but the one it uses; returns how many."""
    return sessions.revoke_all_of(unit, unit.actor.user_id or "", but=unit.actor.session_id)


def _refuse_trade_of_operator(unit: Unit, org_id: str, wanted: set[str], centre_uscc: str) -> None:
    organisation = unit.session.get(Organisation, org_id)
    trades = wanted & {str(role) for role in SELF_SERVICE}
    if organisation is not None and trades and organisation.uscc == centre_uscc:
        raise OperatorMayNotTrade(objections=[Objection("accounts.operator_may_not_trade", "roles", clause="R1.07")])
