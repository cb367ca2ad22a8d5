"""An agent killed (-9) at any line makes no second key, and releases what it would have released."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keyholding.agent import HolderAgent
from keyholding.errors import ServerOutOfReach
from tests.unit.keyholding.world import LATER, LOT, POLICY, World, build

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


def kill_on(world: World, org: str, moment: str) -> None:
    """Run one round of an agent in a process of its own that dies before or after its first POST."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.keyholding.dying_agent", str(world.folder), org, world.tokens[org], moment],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def key_files(world: World, org: str) -> list[Path]:
    return sorted((world.folder / org / "lots").rglob("*.key"))


@pytest.mark.parametrize(("moment", "given"), [("before", 0), ("after", 1)])
def test_killed_between_key_file_and_post_it_gives_the_same_key(world: World, moment: str, given: int) -> None:
    world.usual_seats(custodians=0)
    world.create(custodians=False)
    kill_on(world, "住建局", moment)
    (path,) = key_files(world, "住建局")
    before = path.read_bytes()
    assert sum(one.ready for one in world.card().holders) == given
    agents = {org: world.agent(org) for org in world.tokens}
    assert agents["住建局"].poll().refused == ()
    assert path.read_bytes() == before
    for _ in range(2):
        for agent in agents.values():
            agent.poll()
    assert world.card().state == "rehearsed"
    world.ask_gate(world.close_window())
    assert agents["住建局"].poll().done == 1
    assert list(world.gate_keys()) == [1]


def test_a_half_written_key_file_is_no_key(world: World) -> None:
    world.usual_seats(custodians=0)
    world.create(custodians=False)
    folder = world.folder / "住建局" / "lots" / LOT
    folder.mkdir(parents=True)
    (folder / ".half.key.abc.part").write_bytes(b'{"v":1,')
    assert world.agent("住建局").poll().done == 1
    assert len([one for one in key_files(world, "住建局") if not one.name.startswith(".")]) == 1


def test_while_the_centre_is_away_the_agent_waits_and_then_works(world: World) -> None:
    world.usual_seats(custodians=0)
    world.create(custodians=False)
    inner = httpx.WSGITransport(app=world.app)
    answers = iter([httpx.ConnectError("away"), httpx.Response(502, json={}), httpx.Response(200, text="<html>")])

    class Flaky(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = next(answers, None)
            if isinstance(answer, Exception):
                raise answer
            return answer or inner.handle_request(request)

    client = httpx.Client(transport=Flaky(), base_url="http://localhost")
    agent = HolderAgent(
        "http://localhost", world.tokens["住建局"], world.folder / "x", POLICY, client=client, now=lambda: LATER
    )
    world.opened.append(agent)
    with pytest.raises(ServerOutOfReach):
        agent.poll()
    stop = threading.Event()
    working = threading.Thread(target=agent.run, args=(stop,), kwargs={"poll_seconds": 0.01})
    working.start()
    for _ in range(500):
        if any(one.ready for one in world.card().holders):
            break
        stop.wait(0.01)
    stop.set()
    working.join(timeout=10)
    assert sum(one.ready for one in world.card().holders) == 1


def test_an_answer_that_was_lost_is_given_again_without_a_second_effect(world: World) -> None:
    agents = world.rehearsed(custodians=False)
    world.ask_gate(world.close_window())
    agent = agents["住建局"]
    task = world.tasks("住建局")[0]
    agent._do(task)
    agent._do(task)
    assert list(world.gate_keys()) == [1]
