"""The web process: pages and JSON over Flask, served by cheroot."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import structlog
from cheroot.ssl.builtin import BuiltinSSLAdapter

from centre.doorway import PageServer
from centre.ports import PortTaken, allow_many_connections
from foundation.entropy import url_token
from foundation.runtime import Runtime
from foundation.transparency.storage import create_file

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger("web")
REQUEST_SECONDS = 60


class PatientTls(BuiltinSSLAdapter):
    """TLS whose handshake happens at a connection's first read, in its request thread.

    Cheroot's own does it where connections are accepted: one client that connects and says nothing would keep everybody
    else out for REQUEST_SECONDS.
    """

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        secure = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return secure, {"wsgi.url_scheme": "https", "HTTPS": "on"}


def make_app(runtime: Runtime) -> Flask:
    """The whole web application of this centre."""
    import accounts.web
    import bid_opening.web
    import centre.bundles.web
    import centre.demo_web
    import centre.drills.web
    import credit.web
    import deposits.web
    import evaluation.web
    import foundation.publication.web
    import keyholding.web
    import oversight.web
    import tendering.web
    from foundation.web.kit import WebSettings, complete, create_web

    settings = runtime.settings
    app = create_web(
        "centre",
        WebSettings(
            secret_key=web_secret(runtime),
            room_port=settings.room_port,
            hosts=tuple(name.strip() for name in settings.public_hosts.split(",") if name.strip()),
            demo=settings.demo,
            https=settings.tls_certificate is not None,
            rates_url=settings.redis_url or "memory://",
            extra_config={"MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024},
        ),
    )
    app.extensions["runtime"] = runtime
    app.extensions["civil_now"] = runtime.clock.now
    for package in (accounts, credit, deposits, keyholding, tendering, bid_opening, evaluation, oversight):
        package.web.register(app)
    foundation.publication.web.register(app)
    centre.bundles.web.register(app)
    centre.drills.web.register(app)
    centre.demo_web.register(app)
    complete(app)
    return app


def web_secret(runtime: Runtime) -> str:
    """The key of the page cookie (CSRF token and notices): from the settings, else made once in the data folder."""
    given = runtime.settings.secret_key.get_secret_value()
    if given:
        return given
    path = runtime.settings.secrets_dir / "web.key"
    create_file(path, url_token(runtime.units.entropy).encode(), mode=0o600)
    return path.read_text(encoding="ascii")


def run_web(runtime: Runtime) -> None:
    """Serve until SIGTERM."""
    settings = runtime.settings
    allow_many_connections()
    app = make_app(runtime)
    # From here on a closing lot waits for this process to have decided every seal it stamped.
    intake = app.extensions["intake"]
    intake.start_reporting()
    server = PageServer(
        (settings.bind_host, settings.web_port),
        app,
        numthreads=settings.web_threads,
        timeout=REQUEST_SECONDS,
        server_name="centre",
    )
    if settings.tls_certificate and settings.tls_key:
        server.ssl_adapter = PatientTls(str(settings.tls_certificate), str(settings.tls_key))
    for number in (signal.SIGTERM, signal.SIGINT):
        # Stopping joins the request threads, which a signal handler must not wait for.
        signal.signal(number, lambda *_: threading.Thread(target=server.stop, daemon=True).start())
    try:
        server.prepare()
    except OSError as error:
        raise PortTaken(port=settings.web_port) from error
    log.info("web_ready", port=settings.web_port)
    try:
        server.serve()
    finally:
        intake.stop_reporting()
