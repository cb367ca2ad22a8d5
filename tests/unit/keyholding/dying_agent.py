"""A holder's agent in a process of its own that kills itself before or after its first POST."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx

from foundation.clock import SystemClock
from foundation.entropy import SystemEntropy
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from keyholding.agent import HolderAgent
from tests.unit.keyholding.world import LATER, POLICY, make_app


def main(folder: Path, org: str, token: str, moment: str) -> None:
    units = Units(open_engine(f"sqlite:///{folder / 'centre.db'}"), SystemClock(), SystemEntropy())
    inner = httpx.WSGITransport(app=make_app(units, {}, lambda _entry: ("", 503)))

    class Deadly(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            is_post = request.method == "POST"
            if is_post and moment == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            answer = inner.handle_request(request)
            answer.read()
            if is_post:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

    client = httpx.Client(transport=Deadly(), base_url="http://localhost")
    HolderAgent("http://localhost", token, folder / org, POLICY, client=client, now=lambda: LATER).poll()


main(Path(sys.argv[1]), *sys.argv[2:5])
