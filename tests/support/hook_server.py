"""An HTTP(S) server that keeps what is posted to it and answers as it is told: a webhook's or an SMS gateway's end."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Posted:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HookServer:
    """``status`` may be changed while it runs; ``location`` is the answer's ``Location``, if any."""

    server: ThreadingHTTPServer
    scheme: str
    status: int = 204
    location: str = ""
    posted: list[Posted] = field(default_factory=list)

    def url(self, path: str = "/hook") -> str:
        return f"{self.scheme}://localhost:{self.server.server_address[1]}{path}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def start_hook_server(tls: tuple[Path, Path] | None = None) -> HookServer:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            made.posted.append(Posted(self.path, dict(self.headers.items()), body))
            self.send_response(made.status)
            if made.location:
                self.send_header("Location", made.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that does not believe the certificate is part of the tests."""

    server = Server(("127.0.0.1", 0), Answer)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    made = HookServer(server, "https" if tls else "http")
    threading.Thread(target=server.serve_forever, name="hook-server", daemon=True).start()
    return made
