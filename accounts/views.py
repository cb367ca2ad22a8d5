"""Registering, signing in, one's own account, sessions and messages."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, g, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from accounts import forms, inbox, passwords, queries, sessions
from accounts.certificates import read_roots
from accounts.errors import OldPasswordWrong
from accounts.rules import PASSWORD_MIN
from accounts.services import keys, people, registration, sign_in
from accounts.states import KeyPurpose
from foundation.actor import PUBLIC as NOBODY
from foundation.errors import Objection
from foundation.events.accounts import SignedIn
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, SIGNED_IN, allow, current_actor, safe_next
from foundation.web.limits import rate_limit
from foundation.web.nav import Nav
from foundation.web.negotiate import is_bearer, wants_json
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import runtime, units
from foundation.web.worklist import running_lots, worklist

bp = Blueprint("accounts", __name__)
AT_THE_DOOR = "120 per minute"
"""From one address. A whole bidders' hall may sit behind it; failures are counted far more strictly (``rules``)."""


def require_form_token() -> None:
    """Forms carry the CSRF token. A JSON body needs none: no other site can send one, and no cookie is set for it."""
    if current_app.config["WTF_CSRF_ENABLED"] and not request.is_json and not is_bearer(request):
        current_app.extensions["csrf"].protect()


@bp.get("/register")
@allow(PUBLIC)
def register() -> ResponseReturnValue:
    return page("accounts/register.html", password_min=PASSWORD_MIN, roles=tuple(forms.SelfServiceRole))


@bp.post("/register")
@allow(PUBLIC)
@rate_limit(AT_THE_DOOR)
@refusable(register)
def register_organisation() -> ResponseReturnValue:
    require_form_token()
    wanted = parse(forms.Registration)
    person = registration.NewPerson(wanted.login, wanted.person, passwords.shared().hash(wanted.password))
    organisation = registration.NewOrganisation(wanted.organisation, wanted.uscc, wanted.evidence)
    token = ""
    with units().begin(current_actor()) as unit:
        org_id, user_id = registration.register(
            unit, organisation, person, wanted.roles, centre_uscc=runtime().settings.centre_uscc
        )
        if not request.is_json:
            row, token = sessions.open_session(unit, user_id, source=current_actor().source, user_agent=_user_agent())
            unit.append(f"user:{user_id}", SignedIn(user=user_id, session=row.id, user_agent=row.user_agent))
    notice = ("已注册，现在就能下载文件", "Registered: you may download documents at once")
    response = done(url_for(".account"), status=201, notice=notice, org_id=org_id, user_id=user_id)
    return _with_cookie(response, token) if token else response


@bp.get("/sign-in")
@allow(PUBLIC)
def show_sign_in() -> ResponseReturnValue:
    return page(
        "accounts/sign_in.html",
        next=safe_next(request.values.get("next"), ""),
        demo_accounts=current_app.extensions.get("demo_accounts", ()),
    )


@bp.post("/sign-in")
@allow(PUBLIC)
@rate_limit(AT_THE_DOOR)
@refusable(show_sign_in)
def enter() -> ResponseReturnValue:
    require_form_token()
    wanted = parse(forms.SignIn)
    attempt = sign_in.Attempt(wanted.login, wanted.password, request.remote_addr or "", _user_agent())
    entered = sign_in.sign_in(units(), passwords.shared(), attempt)
    home = _first_place(entered.token)
    if request.is_json or wants_json(request):
        # No cookie beside the token: a JSON caller needs no CSRF token, so it must carry no cookie authority either.
        return done(home, token=entered.token, user_id=entered.user_id)
    session.clear()
    target = safe_next(request.form.get("next"), home)
    return _with_cookie(make_response(redirect(target, code=303)), entered.token)


@bp.post("/sign-out")
@allow(PUBLIC)
def leave() -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        sign_in.sign_out(unit)
    session.clear()
    g.actor = NOBODY
    response = done(url_for(".show_sign_in"), notice=("已退出", "Signed out"))
    response.delete_cookie(sessions.COOKIE, path="/", httponly=True, samesite="Lax", secure=_is_secure())
    return response


@bp.get("/account/keys")
@bp.get("/account")  # the lowest is the address url_for gives
@allow(SIGNED_IN)
def account() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/account.html", account=queries.account_page(unit))


@bp.post("/account/keys")
@allow(SIGNED_IN)
@refusable(account)
def add_key() -> ResponseReturnValue:
    wanted = parse(forms.NewKey)
    with units().begin(current_actor()) as unit:
        if wanted.certificate:
            key_id = keys.register_certified_key(
                unit,
                read_roots(runtime().settings.ca_roots_dir),
                certificate=wanted.certificate.encode(),
                label=wanted.label,
                public_key_hex=wanted.public_key,
            )
        else:
            new = keys.NewKey(KeyPurpose(wanted.purpose), wanted.public_key, wanted.label)
            key_id = keys.register_own_key(unit, new)
    return done(url_for(".account"), status=201, notice=("公钥已登记", "Public key registered"), key_id=key_id)


@bp.post("/account/keys/<key_id>/retire")
@allow(SIGNED_IN)
def retire_key(key_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        keys.retire_key(unit, parse_id(key_id))
    return done(url_for(".account"), notice=("公钥已停用", "Public key retired"))


@bp.get("/account/password")
@allow(SIGNED_IN)
def password() -> ResponseReturnValue:
    return page("accounts/password.html", password_min=PASSWORD_MIN)


@bp.post("/account/password")
@allow(SIGNED_IN)
@rate_limit("10 per minute")
@refusable(password)
def change_password() -> ResponseReturnValue:
    wanted = parse(forms.PasswordChange)
    with units().read(current_actor()) as unit:
        known = sign_in.password_hash_of(unit)
    if not passwords.shared().matches(known, wanted.old_password):
        raise OldPasswordWrong(objections=[Objection("accounts.old_password_wrong", "old_password")])
    fresh = passwords.shared().hash(wanted.password)
    with units().begin(current_actor()) as unit:
        sign_in.change_password(unit, fresh)
    notice = ("密码已更改，其他登录已全部退出", "Password changed; all other sessions have ended")
    return done(url_for(".account"), notice=notice)


@bp.get("/account/sessions")
@allow(SIGNED_IN)
def show_sessions() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/sessions.html", sessions=queries.session_lines(unit))


@bp.post("/account/sessions/<session_id>/revoke")
@allow(SIGNED_IN)
def revoke_session(session_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        people.revoke_session(unit, parse_id(session_id))
    return done(url_for(".show_sessions"), notice=("已让它退出", "That session has ended"))


@bp.post("/account/sessions/revoke-others")
@allow(SIGNED_IN)
def revoke_other_sessions() -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        ended = people.revoke_other_sessions(unit)
    notice = (f"其他 {ended} 处登录已全部退出", f"{ended} other sessions have ended")
    return done(url_for(".show_sessions"), notice=notice, ended=ended)


@bp.get("/desk")
@allow(SIGNED_IN)
def show_desk() -> ResponseReturnValue:
    """Where everybody begins after signing in: what waits for the asker, then how its lots stand."""
    with units().read(current_actor()) as unit:
        found = worklist().items(unit)
        lots = running_lots(unit)
    return page("accounts/desk.html", items=found, lots=lots)


@bp.get("/inbox")
@allow(SIGNED_IN)
def show_inbox() -> ResponseReturnValue:
    asked = keyset(limit=30)
    with units().read(current_actor()) as unit:
        lines = queries.inbox(unit, after=asked.after, limit=asked.limit + 1)
        unread = queries.unread(unit)
    return page("accounts/inbox.html", paging=asked.cut(lines, key=lambda line: (line.id,)), unread=unread)


@bp.post("/inbox/read")
@allow(SIGNED_IN)
def read_inbox() -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        inbox.mark_read(unit)
    return done(url_for(".show_inbox"), notice=("全部标为已读", "All marked as read"))


def _first_place(token: str) -> str:
    """Where the person who has just signed in begins: the first place of its role."""
    with units().read() as unit:
        actor = sessions.actor_of_token(unit, token)
    nav: Nav = current_app.extensions["nav"]
    return nav.first_place(actor or NOBODY)


def _user_agent() -> str:
    return request.headers.get("User-Agent", "")[:300]


def _is_secure() -> bool:
    return request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"])


def _with_cookie(response: Response, token: str) -> Response:
    # Host-only (no domain): each role may open on its own host name, side by side in one browser.
    response.set_cookie(sessions.COOKIE, token, path="/", httponly=True, samesite="Lax", secure=_is_secure())
    return response
