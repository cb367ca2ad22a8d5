"""Two guided runs in one demonstration centre: one that plays itself to the last refund, with the pilot killed on the
way, and one in which a bidder is played by hand.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from foundation.clock import monotonic, pause
from sandbox import cast
from sandbox.autopilot.crew import Crew, Scene
from sandbox.autopilot.robots import Robot
from sandbox.autopilot.stages import OVER, Part, Stage
from sandbox.clients.deposits import DepositActs
from sandbox.clients.http import CentreClient
from sandbox.story_centre import Started, started_centre

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RUN_SECONDS = 300.0
STILL_SECONDS = 6.0
"""Three looks of the pilot: what it does not do in this time it does not do."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started_centre(tmp_path_factory.mktemp("autopilot"), print) as running:
        yield running


class Visitor:
    """Whoever tries the demonstration: follows the guide and opens every page it leads to."""

    def __init__(self, centre: Started, part: Part) -> None:
        self.client = CentreClient(centre.url).act_as("", "nobody")
        entered = self.client.post("/demo/run", {"part": part, "pace": 0})
        self.lot_id = str(entered["lot_id"])
        if entered["token"]:
            self.client.act_as(str(entered["login"]), str(entered["token"]))
        self.stages: list[str] = []
        self.places: set[str] = set()

    def guide(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/demo/guide")["guide"]
        return found

    def follow(self, act: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Until the end; ``act`` is called at every look. The last guide."""
        until = monotonic() + RUN_SECONDS
        while monotonic() < until:
            guide = self.guide()
            if guide["stage"] not in self.stages:
                self.stages.append(guide["stage"])
            if guide["url"] not in self.places:
                # Raises CentreRefused where the guide leads to what this role may not see.
                self.client.request("GET", guide["url"], headers={"Accept": "text/html"})
                self.places.add(guide["url"])
            if guide["stage"] in OVER:
                return guide
            act(guide)
            pause(0.2)
        raise AssertionError(f"not over after {RUN_SECONDS:.0f} s: {self.stages}, {self.guide()}")


def refunds(crew: Crew, lot_id: str) -> dict[str, str]:
    """How the deposit of every bidder stands, asked by each for itself."""
    return {part.login: DepositActs(crew.bidder(part.login), lot_id).status() for part in cast.BIDDERS}


def test_it_plays_itself_to_the_last_refund_though_it_is_killed_on_the_way(centre: Started, tmp_path: Path) -> None:
    visitor = Visitor(centre, Part.PUBLIC)
    kill_at, killed = {"bidding", "query", "scoring"}, []

    def kill(guide: dict[str, Any]) -> None:
        if guide["stage"] in kill_at and (pid := centre.child("bots")):
            kill_at.discard(guide["stage"])
            killed.append(guide["stage"])
            os.kill(pid, signal.SIGKILL)

    last = visitor.follow(kill)
    assert killed[:2] == ["bidding", "query"]
    assert last["stage"] == "done"
    assert last["refund"]["count"] == len(cast.BIDDERS)
    assert last["refund"]["principal"]["amount"] == f"{cast.DEPOSIT * len(cast.BIDDERS):.2f}"
    assert float(last["refund"]["interest"]["amount"]) > 0
    crew = Crew(centre.url, tmp_path)
    assert set(refunds(crew, visitor.lot_id).values()) == {"refunded"}
    found = visitor.client.post("/demo/check")
    assert (found["journal_ok"], found["log_ok"], found["rooms_ok"], found["faults"]) == (True, True, True, [])
    crew.close()


def test_a_bidder_played_by_hand_is_waited_for_and_gets_its_deposit_back(centre: Started, tmp_path: Path) -> None:
    visitor = Visitor(centre, Part.BIDDER)
    crew = Crew(centre.url, tmp_path)
    hand = Robot(crew, cast.BIDDERS[0], 1)
    turns: list[str] = []

    def play(guide: dict[str, Any]) -> None:
        if guide["turn"] is None:
            return
        if guide["turn"] not in turns:
            turns.append(guide["turn"])
        if guide["turn"] == "seal" and turns[-1:] == ["seal"] and len(turns) == turns.index("seal") + 1:
            assert_nothing_moves(visitor, guide)
        deed = hand.deed(Scene(visitor.lot_id, Stage(guide["stage"])))
        if deed is not None and deed.do is not None:
            deed.do()
            if deed.what == "seal":
                assert_held(visitor)

    last = visitor.follow(play)
    assert [turn for turn in turns if turn != "sign_contract"] == [
        "pay_deposit",
        "seal",
        "check_in",
        "check_seal",
        "release",
        "say",
        "confirm",
    ]
    assert (last["stage"], last["refund"]["is_own"], last["refund"]["count"]) == ("done", True, 1)
    assert last["refund"]["principal"]["amount"] == f"{cast.DEPOSIT:.2f}"
    assert set(refunds(crew, visitor.lot_id).values()) == {"refunded"}
    assert visitor.places >= {f"/lots/{visitor.lot_id}/{place}" for place in ("deposit", "bid", "my-result")}
    crew.close()


def assert_nothing_moves(visitor: Visitor, before: dict[str, Any]) -> None:
    """The visitor is due: the clock is not pressed and nobody bids for it."""
    pause(STILL_SECONDS)
    after = visitor.guide()
    assert (after["stage"], after["turn"], after["moment"]) == (before["stage"], before["turn"], before["moment"])


def assert_held(visitor: Visitor) -> None:
    """Held, everybody rests; going on, the story goes on."""
    visitor.client.post("/demo/run/hold")
    pause(STILL_SECONDS / 2)
    before = visitor.guide()
    assert before["doing"] is None
    pause(STILL_SECONDS / 2)
    after = visitor.guide()
    assert (after["stage"], after["moment"], after["jump_in"]) == (before["stage"], before["moment"], -1)
    visitor.client.post("/demo/run/go-on")
