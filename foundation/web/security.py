"""Headers that protect every answer, request numbers, and the list of host names this centre answers to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from werkzeug.sansio.utils import host_is_trusted

from foundation.entropy import SystemEntropy
from foundation.web.access import current_actor

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
_PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
_UNVERSIONED = "no-cache, private"
_OWN_HOSTS = ("localhost", ".localhost", "127.0.0.1")


class HostSettings(Protocol):
    """The part of the settings that names further hosts, comma separated."""

    @property
    def public_hosts(self) -> str: ...


def further_hosts(settings: HostSettings) -> tuple[str, ...]:
    return tuple(name.strip() for name in settings.public_hosts.split(",") if name.strip())


def allowed_host(host: str, settings: HostSettings) -> bool:
    """Whether this centre answers to ``host`` (with or without a port); the room checks an ``Origin`` with it."""
    return host_is_trusted(host, (*_OWN_HOSTS, *further_hosts(settings)))


def needs_wasm(view: View) -> View:
    """Mark a page that runs WebAssembly (incremental hashing): its policy alone gets ``'wasm-unsafe-eval'``."""
    view.__dict__["needs_wasm"] = True
    return view


def install(app: Flask, hosts: Iterable[str]) -> None:
    """Refuse unknown hosts, number each request, add the headers to each answer."""
    trusted = (*_OWN_HOSTS, *hosts)

    @app.before_request
    def admit_host() -> ResponseReturnValue | None:
        g.request_id = SystemEntropy().token(6).hex()
        if host_is_trusted(request.headers.get("Host"), trusted):
            return None
        # Plain text: a page would build links and a policy from the very name that is not ours.
        g.host_refused = True
        return Response("This centre does not answer to that host name.\n", status=400, mimetype="text/plain")

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy(app))
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Permissions-Policy"] = _PERMISSIONS
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["X-Request-Id"] = g.get("request_id", "")
        if request.is_secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        if current_actor().is_signed_in:
            headers["Cache-Control"] = "no-store"
        elif "Cache-Control" not in headers:
            headers["Cache-Control"] = _UNVERSIONED
        if request.endpoint not in {"static", "static_versioned"}:
            response.vary.update(("Accept", "Accept-Language", "Cookie"))
        return response


def policy(app: Flask) -> str:
    """The Content-Security-Policy of this answer; the room has the same host name, so it is named per request."""
    connect = ["'self'"]
    if not g.get("host_refused"):
        host = request.host.partition(":")[0]
        secure = request.is_secure
        port = app.config["ROOM_PORT"]
        web, socket = ("https", "wss") if secure else ("http", "ws")
        connect.append(f"{socket}://{request.host}")
        if port:
            connect += [f"{socket}://{host}:{port}", f"{web}://{host}:{port}"]
        connect += app.config["CSP_CONNECT"]
    view = app.view_functions.get(request.endpoint or "")
    wasm = " 'wasm-unsafe-eval'" if getattr(view, "needs_wasm", False) else ""
    return (
        f"default-src 'none'; script-src 'self'{wasm}; style-src 'self'; img-src 'self' data:; "
        f"connect-src {' '.join(connect)}; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'; worker-src 'self'; manifest-src 'self'"
    )
