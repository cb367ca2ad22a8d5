"""Sessions: an opaque token in the person's hands, its digest here. They run on the machine clock."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Final

from sqlalchemy import select, update

from accounts.models import Organisation, User, UserRole, UserSession
from accounts.roles import acting_role
from accounts.rules import SEEN_EVERY, SESSION_LIFE, session_is_live
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.entropy import url_token
from foundation.events.accounts import SessionRevoked, SignedOut
from foundation.ids import OrgId, SessionId, UserId
from foundation.store.unit import Unit

COOKIE: Final = "centre_session"
_TOKEN: Final = re.compile(r"[0-9a-f]{64}")


def hash_of(token: str) -> str:
    """SHA-256 is enough: a token has 256 unpredictable bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(unit: Unit, user_id: str, *, source: str, user_agent: str) -> tuple[UserSession, str]:
    """A new session and its token. The token is shown once and stored nowhere."""
    token = url_token(unit.entropy)
    machine = machine_now()
    row = UserSession(
        id=unit.new_id(),
        user_id=user_id,
        token_hash=hash_of(token),
        opened_at=machine,
        seen_at=machine,
        expires_at=machine + SESSION_LIFE,
        ended_at=None,
        source=source[:120],
        user_agent=user_agent[:300],
    )
    unit.session.add(row)
    unit.session.flush()
    return row, token


def actor_of_token(unit: Unit, token: str, *, source: str = "") -> Actor | None:
    """Whose token it is, with the roles of this very moment; None when it is unknown, over or revoked."""
    found = _live(unit, token)
    if found is None:
        return None
    session, user, organisation = found
    roles = frozenset(unit.session.scalars(select(UserRole.role).where(UserRole.user_id == user.id)))
    return Actor(
        user_id=UserId(user.id),
        org_id=OrgId(organisation.id),
        roles=roles,
        role=acting_role(roles),
        display_name=user.name,
        org_name=organisation.name,
        session_id=SessionId(session.id),
        source=source or session.source,
    )


def needs_touch(unit: Unit, token: str) -> bool:
    """Whether the last use should be written down again. Reads only."""
    seen_at = unit.session.scalar(select(UserSession.seen_at).where(UserSession.token_hash == hash_of(token)))
    return seen_at is not None and machine_now() - seen_at >= SEEN_EVERY


def touch(unit: Unit, token: str) -> None:
    """Write down that the session is in use."""
    unit.session.execute(
        update(UserSession)
        .where(UserSession.token_hash == hash_of(token), UserSession.ended_at.is_(None))
        .values(seen_at=machine_now())
    )


def end_own(unit: Unit, session_id: str) -> None:
    """Sign out: the actor ends the session it uses. Twice is the same as once."""
    row = unit.session.get(UserSession, session_id)
    if row is None or row.user_id != unit.actor.user_id or row.ended_at is not None:
        return
    row.ended_at = machine_now()
    unit.append(f"user:{row.user_id}", SignedOut(user=row.user_id, session=row.id))


def revoke_all_of(unit: Unit, user_id: str, *, but: str | None = None) -> int:
    """End every live session of a person, except ``but``; returns how many."""
    rows = live_of(unit, user_id)
    ended = [row for row in rows if row.id != but]
    for row in ended:
        revoke(unit, row)
    return len(ended)


def revoke(unit: Unit, row: UserSession) -> None:
    """End one session; its next request finds nobody."""
    if row.ended_at is None:
        row.ended_at = machine_now()
        unit.append(f"user:{row.user_id}", SessionRevoked(user=row.user_id, session=row.id))


def live_of(unit: Unit, user_id: str) -> list[UserSession]:
    """The live sessions of a person, newest first."""
    machine = machine_now()
    rows = unit.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.expires_at > machine)
        .order_by(UserSession.opened_at.desc(), UserSession.id.desc())
    )
    return [row for row in rows if _is_live(row, machine)]


def _live(unit: Unit, token: str) -> tuple[UserSession, User, Organisation] | None:
    if not _TOKEN.fullmatch(token):
        return None
    found = unit.session.execute(
        select(UserSession, User, Organisation)
        .join(User, User.id == UserSession.user_id)
        .join(Organisation, Organisation.id == User.org_id)
        .where(UserSession.token_hash == hash_of(token), User.closed_at.is_(None))
    ).one_or_none()
    if found is None or not _is_live(found[0], machine_now()):
        return None
    return found[0], found[1], found[2]


def _is_live(row: UserSession, machine: datetime) -> bool:
    return session_is_live(
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        machine=machine,
    )
