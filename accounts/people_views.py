"""The administrator's desk: who holds which role. Nothing sealed is reachable from here."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from accounts import forms, passwords, queries
from accounts.duties import INCOMPATIBLE
from accounts.roles import GRANTED, Role
from accounts.rules import PASSWORD_MIN
from accounts.services import people, registration
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("people", __name__)
SEARCH_MAX = 100


@bp.get("/admin/people")
@allow(Role.ADMINISTRATOR)
def show_people() -> ResponseReturnValue:
    asked = keyset(limit=50)
    search = request.args.get("q", "").strip()[:SEARCH_MAX]
    with units().read(current_actor()) as unit:
        lines = queries.people(unit, after=asked.after, limit=asked.limit + 1, search=search)
    return page("accounts/people.html", paging=asked.cut(lines, key=lambda one: (one.org_name, one.id)), search=search)


@bp.get("/admin/people/new")
@allow(Role.ADMINISTRATOR)
def new_person() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        organisations = queries.organisations(unit)
    return page("accounts/person_new.html", organisations=organisations, roles=GRANTED, password_min=PASSWORD_MIN)


@bp.post("/admin/people/new")
@allow(Role.ADMINISTRATOR)
@refusable(new_person)
def add_person() -> ResponseReturnValue:
    wanted = parse(forms.NewColleague)
    password_hash = passwords.shared().hash(wanted.password)
    person = registration.NewPerson(wanted.login, wanted.person, password_hash, is_password_given=True)
    with units().begin(current_actor()) as unit:
        user_id = people.enrol_person(
            unit, wanted.org_id, person, wanted.roles, centre_uscc=runtime().settings.centre_uscc
        )
    return done(url_for(".show_people"), status=201, notice=("已添加", "Added"), user_id=user_id)


@bp.get("/admin/people/<user_id>")
@allow(Role.ADMINISTRATOR)
def show_person(user_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        person = queries.person_line(unit, parse_id(user_id))
    pairs = tuple(sorted(tuple(sorted(str(role) for role in pair)) for pair in INCOMPATIBLE))
    return page("accounts/person.html", person=person, roles=GRANTED, incompatible=pairs)


@bp.post("/admin/people/<user_id>")
@allow(Role.ADMINISTRATOR)
@refusable(show_person)
def assign_roles(user_id: str) -> ResponseReturnValue:
    wanted = parse(forms.Roles)
    with units().begin(current_actor()) as unit:
        people.assign_roles(
            unit,
            parse_id(user_id),
            wanted.roles,
            centre_uscc=runtime().settings.centre_uscc,
            reason=wanted.reason,
        )
    notice = ("权限已更改，从下一次操作起生效", "Roles changed; they count from the next request")
    return done(url_for(".show_people"), notice=notice, roles=sorted(wanted.roles))
