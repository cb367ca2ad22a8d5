"""The administrator's lists."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, tuple_

from accounts.models import (
    Organisation,
    User,
    UserRole,
)
from accounts.roles import in_order
from foundation.errors import NotFound
from foundation.ids import OrgId
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class PersonLine:
    id: str
    name: str
    login: str
    org_id: str
    org_name: str
    roles: tuple[str, ...]
    is_me: bool


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    id: OrgId
    name: str
    uscc: str


def people(unit: Unit, *, after: Sequence[str] | None, limit: int, search: str = "") -> list[PersonLine]:
    """People by organisation and name, for the administrator."""
    query = (
        select(User, Organisation.name)
        .join(Organisation, Organisation.id == User.org_id)
        .order_by(Organisation.name, User.id)
        .limit(limit)
    )
    if after is not None and len(after) == 2:  # noqa: PLR2004 - organisation and id
        query = query.where(tuple_(Organisation.name, User.id) > (after[0], after[1]))
    if search:
        like = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        query = query.where(
            or_(
                Organisation.name.like(like, escape="\\"),
                User.name.like(like, escape="\\"),
                User.login.like(like, escape="\\"),
            )
        )
    rows = unit.session.execute(query).all()
    roles: dict[str, set[str]] = {}
    for user_id, role in unit.session.execute(
        select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_([user.id for user, _ in rows]))
    ):
        roles.setdefault(user_id, set()).add(role)
    return [_person_line(unit, user, org_name, roles.get(user.id, ())) for user, org_name in rows]


def person_line(unit: Unit, user_id: str) -> PersonLine:
    """Raises NotFound."""
    user = unit.session.get(User, user_id)
    if user is None:
        raise NotFound(what="user")
    organisation = unit.session.get_one(Organisation, user.org_id)
    roles = set(unit.session.scalars(select(UserRole.role).where(UserRole.user_id == user_id)))
    return _person_line(unit, user, organisation.name, roles)


def organisations(unit: Unit, *, limit: int = 500) -> tuple[OrganisationLine, ...]:
    """By name, for choosing one."""
    rows = unit.session.scalars(select(Organisation).order_by(Organisation.name, Organisation.id).limit(limit))
    return tuple(OrganisationLine(OrgId(row.id), row.name, row.uscc) for row in rows)


def _person_line(unit: Unit, user: User, org_name: str, roles: Collection[str]) -> PersonLine:
    return PersonLine(
        id=user.id,
        name=user.name,
        login=user.login,
        org_id=user.org_id,
        org_name=org_name,
        roles=in_order(roles),
        is_me=user.id == unit.actor.user_id,
    )
