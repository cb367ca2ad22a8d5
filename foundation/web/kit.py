"""A Flask application with everything of this package wired, and the words and filters its templates speak with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flask import Flask, current_app, g, request
from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from werkzeug.middleware.proxy_fix import ProxyFix

from foundation import i18n
from foundation.web import access, assets, csrf, errors, health, language, limits, security
from foundation.web.access import current_actor
from foundation.web.lot_life import LotLife, lot_links
from foundation.web.nav import FOOTER, Nav
from foundation.web.negotiate import is_bearer
from foundation.web.respond import take_notices
from foundation.web.worklist import WorkList

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class WebSettings:
    """What the web needs to know; the root fills it from the settings.

    ``room_port`` 0 means the room is behind the same origin. ``hosts`` are names besides localhost and 127.0.0.1.
    ``proxies`` is the number of trusted reverse proxies in front (0: forwarded headers are ignored).
    """

    secret_key: str
    room_port: int = 0
    hosts: tuple[str, ...] = ()
    connect: tuple[str, ...] = ()
    demo: bool = False
    https: bool = False
    proxies: int = 0
    rates_url: str = "memory://"
    rates_on: bool = True
    sign_in_path: str = "/sign-in"
    sign_out_path: str = "/sign-out"
    home_path: str = "/"
    site_zh: str = "武进区公共资源交易中心"
    site_en: str = "Wujin Public Resources"
    help_zh: str = "服务热线 0519-0000 0000（工作日 8:30—17:30，开标日 8:00 起）"
    help_en: str = "Help line 0519-0000 0000 (working days 8:30-17:30; from 8:00 on opening days)"
    root: Path = ROOT
    extra_config: dict[str, Any] = field(default_factory=dict)


def create_web(name: str, settings: WebSettings) -> Flask:
    """The application without any feature package. Register those, then call :func:`complete`."""
    app = Flask(
        name, root_path=str(settings.root), static_folder=None, template_folder=str(settings.root / "templates")
    )
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="page",  # CSRF token and notices only; who is signed in is the accounts package's cookie
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        ROOM_PORT=settings.room_port,
        CSP_CONNECT=settings.connect,
        DEMO=settings.demo,
        SIGN_IN_PATH=settings.sign_in_path,
        SIGN_OUT_PATH=settings.sign_out_path,
    )
    app.config.update(settings.extra_config)
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    app.extensions["nav"] = Nav()
    app.extensions["worklist"] = WorkList()
    app.extensions["lot_life"] = LotLife()
    app.extensions["rule_sources"] = {}  # rule id → the law it rests on, filled by the package that owns the rulebooks
    # The order is the order in which a request meets them.
    security.install(app, settings.hosts)
    language.install(app)
    limits.install_body_limits(app)
    access.enforce(app)
    limits.install_rates(app, settings.rates_url, enabled=settings.rates_on)
    csrf.install(app)
    errors.install(app)
    assets.install(app, settings.root / "static")
    health.install(app)
    _install_words(app, settings)
    return app


def complete(app: Flask) -> Flask:
    """Check what only shows once all packages are registered: each route has a rule, each navigation entry a route.

    Raises RuleMissing or LookupError: the start must fail, not the first visitor.
    """
    access.check_complete(app)
    nav: Nav = app.extensions["nav"]
    lost = nav.endpoints() - set(app.view_functions)
    if lost:
        raise LookupError(f"navigation names unknown endpoints: {sorted(lost)}")
    i18n.catalogue()
    return app


def _install_words(app: Flask, settings: WebSettings) -> None:
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.trim_blocks = env.lstrip_blocks = True
    env.globals.update(_=i18n.pick, t=_term, lang_url=language.lang_url, text_url=language.text_url)
    env.globals.update(lot_links=lot_links)
    env.filters.update(
        iso=i18n.iso,
        money=i18n.money,
        size=i18n.size,
        grouped=i18n.grouped,
        hashed=i18n.hashed,
        fours=i18n.fours,
        instant=_in_readers_language(i18n.instant),
        until=_in_readers_language(i18n.until),
        duration=_in_readers_language(i18n.duration),
        span=_in_readers_language(i18n.span),
        shown=_in_readers_language(i18n.shown),
    )

    @app.context_processor
    def words() -> dict[str, object]:
        lang = i18n.current_lang()
        return {
            "lang": lang,
            "en": lang == i18n.EN,
            "text_large": language.text_is_large(),
            "now": health.civil_now(),
            "actor": current_actor(),
            "refusal": g.get("refusal"),
            "entered": g.get("entered") or {},
            "request_id": g.get("request_id", ""),
            "demo": settings.demo,
            "site": i18n.pick(settings.site_zh, settings.site_en),
            "help_line": i18n.pick(settings.help_zh, settings.help_en),
            "home_path": settings.home_path,
            "sign_in_path": settings.sign_in_path,
            "sign_out_path": settings.sign_out_path,
            "here": request.full_path.rstrip("?"),
            "nav_links": nav_links,
            "take_notices": take_notices,
            "rule_sources": app.extensions["rule_sources"],
            "csrf_wanted": not is_bearer(request),
        }


def _in_readers_language(speak: Callable[..., str]) -> Callable[..., str]:
    """A filter Jinja must not compute while compiling, or ``{{ 1800 | span }}`` would keep the first reader's words."""

    @pass_context
    def spoken(_context: Context, *args: object) -> str:
        return speak(*args)

    return spoken


def nav_links(place: str = "") -> object:
    """The masthead's links for the present actor, or those of ``place`` ("footer")."""
    nav: Nav = current_app.extensions["nav"]
    return nav.links(FOOTER) if place == FOOTER else nav.links_for(current_actor())


def _term(code: str, /, **params: object) -> str:
    """A term of the catalogue; one that is missing shows its code (a house test finds those)."""
    try:
        return i18n.term(code, **params)
    except i18n.UnknownSentence:
        return code


__all__ = ["WebSettings", "complete", "create_web"]
