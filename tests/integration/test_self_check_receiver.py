"""The trial upload over a real socket, as the page's own transport speaks it: compared, answered, and not kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from foundation.actor import PUBLIC, Actor
from foundation.ids import OrgId, UserId
from tendering import self_check_receiver as receiving
from tendering.self_check_receiver import TrialReceiver

CONTENT = bytes(range(256)) * 1000
FRAME = 64 * 1024


def person(number: int, role: str = "bidder") -> Actor:
    org = f"01900000-0000-7000-8000-00000000000{number}"
    return Actor(UserId(org), OrgId(org), frozenset({role}), role, "张三", "某公司", source="test")


@asynccontextmanager
async def room(actor: Actor) -> AsyncIterator[str]:
    receiver = TrialReceiver()

    async def handle(connection: ServerConnection) -> None:
        await receiver.handle(connection, actor)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/self-check"


async def trial(url: str, content: bytes = CONTENT, **changes: Any) -> list[dict[str, Any]]:
    """Everything the server says to one trial."""
    order = {"part": "trial", "index": 0, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()} | changes
    said = []
    async with connect(url, compression=None) as socket:
        said.append(json.loads(await socket.recv()))
        if "held" not in said[0]:
            return said
        try:
            await socket.send(json.dumps({"put": order}))
            for at in range(0, len(content), FRAME):
                await socket.send(content[at : at + FRAME])
            said.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            said.append({"closed": True})
    return said


def run(actor: Actor, content: bytes = CONTENT, times: int = 1, **changes: Any) -> list[dict[str, Any]]:
    async def story() -> list[dict[str, Any]]:
        async with room(actor) as url:
            for _ in range(times):
                said = await trial(url, content, **changes)
            return said

    return asyncio.run(story())


def test_a_trial_is_answered_as_a_stored_segment_is() -> None:
    assert run(person(1)) == [{"held": {}}, {"stored": {"part": "trial", "index": 0}}]


def test_damage_on_the_way_is_said() -> None:
    said = run(person(1), sha256=hashlib.sha256(b"other").hexdigest())
    assert said[1] == {"refused": {"part": "trial", "index": 0, "code": "tendering.digest_mismatch"}}


@pytest.mark.parametrize(
    "changes", [{"part": "technical"}, {"index": 1}, {"size": 2 << 20}, {"size": 0}, {"sha256": "x"}, {"size": "1"}]
)
def test_what_is_no_trial_is_refused(changes: dict[str, Any]) -> None:
    said = run(person(1), **changes)[1]
    assert said.get("closed") or said["refused"]["code"] == "tendering.trial_refused"


@pytest.mark.parametrize(
    ("actor", "code"),
    [(PUBLIC, "foundation.sign_in_required"), (person(1, "agency"), "foundation.not_permitted")],
)
def test_only_bidders_try(actor: Actor, code: str) -> None:
    (said,) = run(actor)
    assert said["refused"]["code"] == code


def test_an_organisation_tries_so_often_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "TRIALS_PER_MINUTE", 3)
    assert run(person(1), times=3)[1] == {"stored": {"part": "trial", "index": 0}}
    assert run(person(1), times=4)[0]["refused"]["code"] == "tendering.trial_too_many"


def test_whoever_falls_silent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "IDLE_SECONDS", 0.1)

    async def story() -> int | None:
        async with room(person(1)) as url, connect(url, compression=None) as socket:
            await socket.recv()
            await socket.wait_closed()
            return socket.close_code

    assert asyncio.run(story()) == receiving.CLOSE_MALFORMED
