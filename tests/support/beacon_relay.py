"""A relay of the public beacon on this machine: serves real rounds from the vectors, or misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from foundation.draws import QUICKNET_CHAIN

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "drand_beacons.json"
QUICKNET: dict[str, Any] = next(
    one for one in json.loads(VECTORS.read_text(encoding="utf-8"))["beacons"] if one["name"] == "quicknet"
)
ROUND: int = QUICKNET["round"]
DEADLINE = datetime.fromtimestamp(QUICKNET["genesis_time"] + QUICKNET["period"] * (ROUND - 1) - 600, UTC)
"""The deadline whose formula gives the round of the published vector."""
GIVEN = datetime.fromtimestamp(QUICKNET["genesis_time"] + QUICKNET["period"] * (ROUND - 1), UTC)


def answer(**changes: Any) -> bytes:
    """What a relay says of the round; ``None`` leaves a field out."""
    told = {"round": ROUND, "randomness": QUICKNET["randomness"], "signature": QUICKNET["signature"]} | changes
    return json.dumps({key: value for key, value in told.items() if value is not None}).encode()


@dataclass
class Relay:
    """One relay. ``status`` and ``content`` may be changed while it runs; ``asked`` are the paths asked for."""

    url: str = ""
    status: int = 200
    content: bytes = field(default_factory=answer)
    is_slow: bool = False
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running_relay() -> Iterator[Relay]:
    relay = Relay()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            relay.asked.append(self.path)
            is_known = self.path == f"/{QUICKNET_CHAIN}/public/{ROUND}"
            self.send_response(relay.status if is_known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(relay.content)))
            self.end_headers()
            if not relay.is_slow:
                self.wfile.write(relay.content)
                return
            # A byte at a time, slower than anybody waits, but never silent long enough for a read to time out.
            for byte in relay.content:
                if relay.released.wait(0.05):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    relay.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
