"""Every route says who may use it; the application does not start while one is silent.

The rule is about roles only. Whose lot or bid it is, is decided by the loaders of the package (``access.py`` there).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import quote

from flask import Flask, Request, g, redirect, request
from flask.typing import ResponseReturnValue

from foundation.actor import PUBLIC as NOBODY
from foundation.actor import Actor
from foundation.errors import NotPermitted, SignInRequired
from foundation.web.negotiate import wants_json

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
Identify = Callable[[Request], Actor | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route: everybody, everybody signed in, or the holders of any one of ``roles``."""

    everybody: bool = False
    roles: frozenset[str] = frozenset()

    def admits(self, actor: Actor) -> bool:
        if self.everybody:
            return True
        return actor.is_signed_in and (not self.roles or actor.has_role(*self.roles))


PUBLIC: Final = Rule(everybody=True)
SIGNED_IN: Final = Rule()


class RuleMissing(RuntimeError):
    """Routes without an access rule: the application must not start."""

    def __init__(self, endpoints: Iterable[str]) -> None:
        super().__init__("no access rule (foundation.web.access.allow) on: " + ", ".join(sorted(endpoints)))


def allow(*who: Rule | str) -> Callable[[View], View]:
    """Declare the rule of a view: ``@allow(PUBLIC)``, ``@allow(SIGNED_IN)`` or ``@allow("bidder", "agency")``."""
    rules = [one for one in who if isinstance(one, Rule)]
    roles = frozenset(str(one) for one in who if not isinstance(one, Rule))
    if len(rules) + bool(roles) != 1:
        raise ValueError("allow() takes either PUBLIC, or SIGNED_IN, or one or more roles")
    rule = rules[0] if rules else Rule(roles=roles)

    def mark(view: View) -> View:
        view.__dict__["access_rule"] = rule
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    found = getattr(app.view_functions[endpoint], "access_rule", None)
    return found if isinstance(found, Rule) else None


def check_complete(app: Flask) -> None:
    """Raise RuleMissing when an endpoint of ``app`` has no rule."""
    silent = [endpoint for endpoint in app.view_functions if rule_of(app, endpoint) is None]
    if silent:
        raise RuleMissing(silent)


def current_actor() -> Actor:
    """Who asks. Never None: nobody signed in is an Actor without ``user_id``."""
    actor = g.get("actor")
    return actor if isinstance(actor, Actor) else replace(NOBODY, source=request.remote_addr or "")


def identify_actor(app: Flask) -> None:
    """Ask the accounts package who this is, once per request."""
    identify: Identify | None = app.extensions.get("identify")
    found = identify(request) if identify is not None else None
    g.actor = found or replace(NOBODY, source=request.remote_addr or "")


def enforce(app: Flask) -> None:
    """Check the rule before every view. A view without a rule is refused even if the start check was skipped."""

    @app.before_request
    def check_access() -> ResponseReturnValue | None:
        if request.endpoint in {"static", "static_versioned"}:  # no session is looked up for style sheets
            g.actor = replace(NOBODY, source=request.remote_addr or "")
            return None
        identify_actor(app)
        if request.endpoint is None:  # no such page; its error page still shows who is signed in
            return None
        rule = rule_of(app, request.endpoint)
        if rule is not None and rule.admits(current_actor()):
            return None
        if rule is None or current_actor().is_signed_in:
            raise NotPermitted
        if wants_json(request) or request.method not in {"GET", "HEAD"}:
            raise SignInRequired
        here = request.full_path.rstrip("?")
        return redirect(f"{app.config['SIGN_IN_PATH']}?next={quote(here, safe='/')}", code=303)


def safe_next(target: str | None, default: str = "/") -> str:
    """A ``next=`` value that stays on this site: one leading slash, no scheme, no host, no control characters."""
    text = target or ""
    if not text.startswith("/") or text[:2] in {"//", "/\\"} or any(ord(char) < 32 or char == "\\" for char in text):  # noqa: PLR2004 - control characters
        return default
    return text
