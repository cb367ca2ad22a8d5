"""Signing in and out. The password is checked before the Unit opens: argon2 is slow on purpose."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import delete, func, select

from accounts import sessions
from accounts.errors import SignInRefused, TooManySignIns
from accounts.models import SignInFailure, User
from accounts.passwords import Passwords
from accounts.rules import FAILURE_WINDOW, may_try_sign_in, tidy_login
from foundation.actor import PUBLIC
from foundation.clock import machine_now
from foundation.errors import NotFound
from foundation.events.accounts import PasswordChanged, SignedIn, SignInFailed
from foundation.ids import OrgId, UserId
from foundation.store.unit import Unit, Units

UNKNOWN_STREAM = "sign_in:unknown"
"""Where failures are written that belong to no person."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody typed, and from where. ``repr`` hides the password."""

    login: str
    password: str
    source: str
    user_agent: str

    def __repr__(self) -> str:
        return f"Attempt(source={self.source!r})"


@dataclass(frozen=True, slots=True)
class SignedInAs:
    """The token is shown once; whoever has it is this person."""

    user_id: UserId
    session_id: str
    token: str

    def __repr__(self) -> str:
        return f"SignedInAs(user_id={self.user_id!r}, session_id={self.session_id!r})"


def sign_in(units: Units, passwords: Passwords, attempt: Attempt) -> SignedInAs:
    """A new session, or SignInRefused: the same answer, after the same work, for a login unknown or a password wrong.

    Raises TooManySignIns after too many failures from this source within a quarter of an hour.
    """
    login = tidy_login(attempt.login)
    with units.read() as unit:
        _refuse_too_many(unit, login, attempt.source)
        known = unit.session.execute(
            select(User.id, User.org_id, User.password_hash, User.closed_at).where(User.login == login)
        ).one_or_none()
    right = passwords.matches(known.password_hash if known else None, attempt.password)
    nobody = replace(PUBLIC, source=attempt.source)
    if known is None or not right or known.closed_at is not None:
        with units.begin(nobody) as unit:
            cause = "unknown_login" if known is None else "closed" if right else "wrong_password"
            _record_failure(unit, login, known.id if known else "", cause)
        raise SignInRefused
    fresh_hash = passwords.hash(attempt.password) if passwords.is_outdated(known.password_hash) else ""
    actor = replace(nobody, user_id=UserId(known.id), org_id=OrgId(known.org_id))
    with units.begin(actor) as unit:
        if fresh_hash:
            _user(unit, known.id).password_hash = fresh_hash
        row, token = sessions.open_session(unit, known.id, source=attempt.source, user_agent=attempt.user_agent)
        unit.append(f"user:{known.id}", SignedIn(user=known.id, session=row.id, user_agent=row.user_agent))
    return SignedInAs(UserId(known.id), row.id, token)


def sign_out(unit: Unit) -> None:
    """End the session the actor uses."""
    if unit.actor.session_id:
        sessions.end_own(unit, unit.actor.session_id)


def password_hash_of(unit: Unit) -> str:
    """The actor's own hash, to check the old password before a change."""
    return _user(unit, unit.actor.user_id or "").password_hash


def change_password(unit: Unit, password_hash: str) -> None:
    """The actor's new password; every other session of the person ends."""
    user = _user(unit, unit.actor.user_id or "")
    user.password_hash = password_hash
    user.is_password_given = False
    unit.append(f"user:{user.id}", PasswordChanged(user=user.id))
    sessions.revoke_all_of(unit, user.id, but=unit.actor.session_id)


def _user(unit: Unit, user_id: str) -> User:
    user = unit.session.get(User, user_id)
    if user is None:
        raise NotFound(what="user")
    return user


def _refuse_too_many(unit: Unit, login: str, source: str) -> None:
    recent = (SignInFailure.source == source, SignInFailure.at > machine_now() - FAILURE_WINDOW)
    count = select(func.count()).select_from(SignInFailure).where(*recent)
    of_source = unit.session.scalar(count) or 0
    of_login = unit.session.scalar(count.where(SignInFailure.login_hash == _digest(login))) or 0
    if not may_try_sign_in(of_login=of_login, of_source=of_source):
        seconds = int(FAILURE_WINDOW.total_seconds())
        raise TooManySignIns(minutes=seconds // 60, retry_after=seconds)


def _record_failure(unit: Unit, login: str, user_id: str, cause: str) -> None:
    machine = machine_now()
    unit.session.execute(delete(SignInFailure).where(SignInFailure.at <= machine - FAILURE_WINDOW))
    unit.session.add(SignInFailure(id=unit.new_id(), login_hash=_digest(login), source=unit.actor.source, at=machine))
    stream = f"user:{user_id}" if user_id else UNKNOWN_STREAM
    unit.append(stream, SignInFailed(user=user_id, cause=cause))


def _digest(login: str) -> str:
    return hashlib.sha256(login.encode()).hexdigest()
