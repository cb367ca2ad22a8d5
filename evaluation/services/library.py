"""The expert library (评标专家库): the centre's staff enters and suspends; it says nothing about who sits where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from accounts import facade as accounts
from accounts.models import User
from accounts.roles import Role
from evaluation.errors import ExpertKnown, NotAnExpert
from evaluation.models import Expert
from evaluation.recusal import Candidate
from foundation.errors import NotFound, NotPermitted, Objection
from foundation.events.evaluation import ExpertEntered
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class NewExpert:
    """``employer_org_id`` where the employer is registered here; ``years`` in the field (R4.02)."""

    user_id: str
    employer: str
    specialities: tuple[str, ...]
    title: str
    years: int
    employer_org_id: str | None = None


def enter_expert(unit: Unit, new: NewExpert) -> str:
    """Enter a person with the role expert; its id in the library. Raises ExpertKnown, NotAnExpert, NotPermitted."""
    _require_keeper(unit)
    person = accounts.person(unit, new.user_id)
    if Role.EXPERT not in person.roles:
        raise NotAnExpert(objections=[Objection("evaluation.not_an_expert", "login")])
    if unit.session.scalar(select(Expert.id).where(Expert.user_id == new.user_id)) is not None:
        raise ExpertKnown
    row = Expert(
        id=unit.new_id(),
        user_id=new.user_id,
        employer=new.employer,
        employer_org_id=new.employer_org_id,
        specialities=list(new.specialities),
        title=new.title,
        years=new.years,
        is_suspended=False,
        entered_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()
    _tell(unit, row)
    return row.id


def user_of_login(unit: Unit, login: str) -> str:
    """The open account of this name. Raises NotAnExpert."""
    found = unit.session.scalar(select(User.id).where(User.login == login, User.closed_at.is_(None)))
    if found is None:
        raise NotAnExpert(objections=[Objection("evaluation.not_an_expert", "login")])
    return found


def suspend(unit: Unit, expert_id: str, *, is_suspended: bool) -> None:
    """Suspended experts are in no pool; who sits already is recused at the next look at the committee."""
    _require_keeper(unit)
    row = unit.session.get(Expert, expert_id)
    if row is None:
        raise NotFound(what="expert")
    if row.is_suspended is is_suspended:
        return
    row.is_suspended = is_suspended
    unit.session.flush()
    _tell(unit, row)


def candidates(unit: Unit, ids: Iterable[str] | None = None) -> list[Candidate]:
    """Experts with an open account, as recusal sees them; all, or those with these ids."""
    query = select(Expert, User.org_id).join(User, User.id == Expert.user_id).where(User.closed_at.is_(None))
    if ids is not None:
        query = query.where(Expert.id.in_(list(ids)))
    return [
        Candidate(
            expert_id=row.id,
            employer=row.employer,
            employer_org_id=row.employer_org_id,
            own_org_id=org_id,
            years=row.years,
            is_suspended=row.is_suspended,
            specialities=tuple(row.specialities),
        )
        for row, org_id in unit.session.execute(query.order_by(Expert.id))
    ]


def _tell(unit: Unit, row: Expert) -> None:
    event = ExpertEntered(
        expert=row.id,
        user_id=row.user_id,
        employer=row.employer,
        specialities=tuple(row.specialities),
        title=row.title,
        years=row.years,
        is_suspended=row.is_suspended,
    )
    unit.append(f"user:{row.user_id}", event)


def _require_keeper(unit: Unit) -> None:
    if not unit.actor.has_role(Role.CENTRE_STAFF, "system"):
        raise NotPermitted(what="expert_library")
