"""The robots take seven seats at the guided lot, so that one person alone can publish, open and read out."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import cast
from sandbox.autopilot.robots import HUMAN
from sandbox.clients.http import CentreClient
from sandbox.clients.room import RoomWatch
from sandbox.story import Story, StoryOptions, begin, leave
from sandbox.story_centre import started_centre
from sandbox.story_opening import start_once_logged
from sandbox.story_prepare import make_keys, publish_lot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
ROBOTS = [part for part in cast.BIDDERS if part.login != HUMAN]


def has_bid(server: str, login: str, lot_id: str) -> bool:
    """Only the bidder itself may know; so each is asked about its own."""
    with CentreClient(server) as client:
        client.sign_in(login, cast.PASSWORD)
        return client.get(f"/lots/{lot_id}/lot.json")["last"] is not None


def play_guided(story: Story, server: str) -> RoomWatch:
    story.clerk.sign_in("agency", cast.PASSWORD)
    story.approver.sign_in("tenderee", cast.PASSWORD)
    story.officer.sign_in("centre", cast.PASSWORD)
    lot_id = story.lot_id = str(story.public.get("/demo")["guided"]["lot_id"])
    make_keys(story)
    publish_lot(story)
    waiting = [part.login for part in ROBOTS]
    while waiting:
        login = waiting.pop()
        story.public.wait_for(f"the bid of {login}", lambda login=login: has_bid(server, login, lot_id), every=2.0)
    story.advance("checkin_from")
    with CentreClient(server) as robot:
        robot.sign_in(ROBOTS[0].login, cast.PASSWORD)
        origin = str(robot.get(f"/lots/{lot_id}/lot.json")["room_origin"])
    gallery = RoomWatch(story.public, lot_id, origin).start()
    story.advance("bid_deadline")
    gallery.wait_for_type("list_published")
    host = story.clerk.room(lot_id)
    story.clerk.wait_for("the frozen list in the log", lambda: start_once_logged(host))
    gallery.wait_for_type("gate_released")
    host.draw()
    gallery.wait_for_type("price_decrypted", count=len(ROBOTS))
    host.start_reading()
    gallery.wait_for_type("line_read", count=len(ROBOTS))
    host.start_query()
    gallery.wait_for_type("no_objection", count=len(ROBOTS))
    if not gallery.all_of("confirmation_opened"):
        host.start_confirming()
    gallery.wait_for_type("result_confirmed", count=len(ROBOTS))
    gallery.wait_for_type("record_issued")
    return gallery


def test_seven_robots_bid_release_and_confirm_at_the_guided_lot(tmp_path: Path) -> None:
    with started_centre(tmp_path, print) as centre:
        story = begin(StoryOptions(centre.url, bidders=3), tmp_path / "story", print)
        try:
            gallery = play_guided(story, centre.url)
            gallery.stop()
        finally:
            leave(story)
    listed = {one["name"] for one in gallery.all_of("list_published")[0].data["bidders"]}
    assert listed == {part.company.zh for part in ROBOTS}
    read = {frame.data["name"]: frame.data["total"] for frame in gallery.all_of("line_read")}
    assert read == {part.company.zh: f"{part.price:.2f}" for part in ROBOTS}
    assert all(frame.data["is_signed"] for frame in gallery.all_of("result_confirmed"))
