"""Robots that take the other bidders' seats at the guided lot, so that one person can try everything alone.

They use the same clients as the story. A company somebody plays by hand (its bid was not sealed by the robot) is left
alone, and so is everything but the guided lot.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from foundation.clock import machine_now
from foundation.errors import CentreError
from foundation.sealing import WrongKey
from foundation.sealing.suite import sign
from sandbox import cast, samples
from sandbox.clients.bidder import BidderClient
from sandbox.clients.http import CentreClient
from sandbox.clients.room import RoomActs
from sandbox.errors import CentreRefused
from sandbox.samples import Offer
from sandbox.story_opening import confirmation_note

log = structlog.get_logger("bots")
LOOK_SECONDS: Final = 2.0
HUMAN: Final = "bidder1"
"""Left to whoever tries the demonstration."""
PHASES: Final = ("CHECK_IN", "DECRYPTING", "QUERY", "CONFIRMING")


@dataclass(slots=True)
class Robot:
    """One company's machine. ``did``: what it has done at which lot, so that nothing is asked twice."""

    part: cast.Bidder
    number: int
    client: BidderClient
    did: set[tuple[str, str]] = field(default_factory=set)

    def enter(self) -> None:
        if not self.client.token:
            self.client.sign_in(self.part.login, cast.PASSWORD)

    def bid(self, lot_id: str) -> None:
        """Seal a sample bid, unless this company has one already."""
        self.enter()
        lot = self.client.lot(lot_id)
        note_file = self.client.home / f"{lot_id}.json"
        if lot.last is not None or note_file.exists():
            return
        page = self.client.get(f"/lots/{lot_id}")["lot"]
        offer = Offer(
            project_name=page["project_name"],
            lot_name=page["name"],
            lot_code=page["lot_code"],
            tenderee=page["tenderee_name"],
            bidder=self.part.company.zh,
            uscc=lot.bidder,
            total=self.part.price,
            duration_days=self.part.duration_days,
            manager=self.part.manager,
            variant=self.number,
        )
        at = machine_now()
        self.client.register_keys("robot")
        kept = self.client.bid(
            lot_id,
            {
                "price_schedule": samples.price_schedule(offer),
                "technical": samples.technical_bid(offer, at),
                "commercial": samples.priced_bill(offer, at),
            },
        )
        note_file.write_text(json.dumps({"bid": kept.bid, "lot_code": page["lot_code"]}), encoding="utf-8")

    def act(self, lot_id: str, phase: str, lines: dict[str, dict[str, Any]]) -> None:
        """What a willing bidder does in this phase of the room. ``lines``: read lines by bid."""
        note_file = self.client.home / f"{lot_id}.json"
        if not note_file.exists():
            return
        self.enter()
        kept = json.loads(note_file.read_text(encoding="utf-8"))
        acts = RoomActs(self.client, lot_id)
        if phase == "CHECK_IN":
            acts.check_in()
        elif phase == "DECRYPTING":
            acts.seal_check(ok=True)
            acts.release(self.client.secret_of(self.client.own_header(lot_id)))
        elif phase == "QUERY":
            acts.no_objection()
        elif phase == "CONFIRMING" and (line := lines.get(kept["bid"])):
            text = confirmation_note(kept["lot_code"], kept["bid"], line)
            acts.confirm(sign(self.client.keys.signing, text).hex())


class Robots:
    """All robots of one demonstration centre."""

    def __init__(self, server: str, home: Path, certificate: Path | None = None) -> None:
        self._public = CentreClient(server, certificate=certificate, away_seconds=5.0)
        self._robots = [
            Robot(part, number, BidderClient(server, home / part.login, certificate=certificate, away_seconds=5.0))
            for number, part in enumerate(cast.BIDDERS, start=1)
            if part.login != HUMAN
        ]
        self._frames: dict[str, list[dict[str, Any]]] = {}

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.look(stop)
            except CentreError as error:
                log.info("bots_wait", error=error.code)
            stop.wait(LOOK_SECONDS)

    def look(self, stop: threading.Event) -> None:
        """One look at the guided lot and whatever it asks for now."""
        guided = self._public.get("/demo")["guided"]
        if not guided:
            return
        lot_id, state = str(guided["lot_id"]), str(guided["state"])
        if state == "open":
            self._each(lot_id, "bid", stop)
        if state in {"open", "closed", "frozen"}:
            phase = self._phase(lot_id)
            if phase in PHASES:
                self._each(lot_id, phase, stop)

    def _phase(self, lot_id: str) -> str:
        frames = self._frames.setdefault(lot_id, [])
        after = frames[-1]["seq"] if frames else 0
        frames += self._public.get(f"/rooms/{lot_id}/events", after=f"public:{after}")["frames"]
        return str(frames[-1]["state"]) if frames else ""

    def _lines(self, lot_id: str) -> dict[str, dict[str, Any]]:
        """Lines as read out, by bid."""
        frames = self._frames.get(lot_id, [])
        bids = {
            one["seat"]: one["bid"]
            for frame in frames
            if frame["type"] == "list_published"
            for one in frame["data"]["bidders"]
        }
        return {bids[f["data"]["seat"]]: f["data"] for f in frames if f["type"] == "line_read"}

    def _each(self, lot_id: str, deed: str, stop: threading.Event) -> None:
        for robot in self._robots:
            if stop.is_set() or (lot_id, deed) in robot.did:
                continue
            try:
                if deed == "bid":
                    robot.bid(lot_id)
                else:
                    robot.act(lot_id, deed, self._lines(lot_id))
            except (CentreRefused, WrongKey) as refused:
                # Somebody plays this company by hand, or was quicker: the robot leaves it alone.
                log.info("robot_declined", login=robot.part.login, deed=deed, error=str(refused))
            robot.did.add((lot_id, deed))
