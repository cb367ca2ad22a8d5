"""Bundles of openings with a beacon, and of openings whose freeze took too long: what the verifier says of each."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path

import pytest

from bid_opening.services import acts, consequences
from foundation.verifier import Report
from tests.support.beacon_relay import DEADLINE, GIVEN, QUICKNET, ROUND, running_relay
from tests.support_attacks import retold
from tests.support_bundle import (
    Files,
    Keys,
    Storyteller,
    bundled_opening,
    codes_of,
    files_of,
    findings,
    policy_of,
    statuses,
    verified,
    with_json,
)
from tests.support_opening import Opening


@pytest.fixture(scope="module")
def with_beacon(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Keys, bytes]:
    folder = tmp_path_factory.mktemp("beacon")
    now = DEADLINE - timedelta(hours=18)
    with (
        running_relay() as relay,
        bundled_opening(folder, now=now, deadline_at=DEADLINE, beacon="quicknet") as (o, keys),
    ):
        settings = o.world.runtime.settings.model_copy(update={"beacon_urls": relay.url})
        o.world.runtime = dataclasses.replace(o.world.runtime, settings=settings)
        o.to_window_closed()
        o.to_gate()
        o.at(GIVEN + consequences.BEACON_DELAY)
        assert o.run_jobs() == []
        o.act(o.host, acts.draw)
        _to_the_end(o)
        return files_of(o), keys, policy_of(o)


def _to_the_end(opening: Opening) -> None:
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    for index in range(len(opening.bidders)):
        opening.confirm(index)
    opening.look()
    assert opening.run_jobs() == []
    opening.publish()


def test_the_bundle_carries_the_beacon_and_verifies(with_beacon: tuple[Files, Keys, bytes]) -> None:
    files, _, policy = with_beacon
    told = json.loads(files["beacons.json"])["beacons"]
    assert [(one["round"], one["signature"]) for one in told] == [(ROUND, QUICKNET["signature"])]
    report = verified(files, policy)
    assert findings(report) == []
    assert report.verdict == "verified"


def test_a_beacon_that_was_not_announced_or_is_another_one_is_named(with_beacon: tuple[Files, Keys, bytes]) -> None:
    files, keys, policy = with_beacon

    def unannounced(story: Storyteller) -> None:
        story.of("tendering.lot_published").change(beacon="")

    def other_on_record(story: Storyteller) -> None:
        story.of("bid_opening.beacon_received").change(value="00" * 48)

    def moved(story: Storyteller) -> None:
        """The deadline of everything is another one, so that the formula gives another round."""
        later = (DEADLINE + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for kind in ("tendering.lot_published", "tendering.bids_closed"):
            story.of(kind).change(deadline_at=later)
        story.change_files(lambda now: with_json(now, "tender.json", lambda value: value.update(deadline_at=later)))

    def after_the_draw(story: Storyteller) -> None:
        story.move("bid_opening.beacon_received", before="bid_opening.price_decrypted")

    for change, code in (
        (unannounced, "draw.beacon"),
        (other_on_record, "draw.beacon"),
        (moved, "draw.beacon"),
        (after_the_draw, "order.wrong"),
    ):
        assert code in codes_of(verified(retold(files, keys, change), policy)), change.__name__


@pytest.mark.parametrize("change", [None, b'{"beacons":[]}', b"[]", b'{"beacons":[1]}'])
def test_a_missing_or_false_file_of_beacons_is_named(
    with_beacon: tuple[Files, Keys, bytes], change: bytes | None
) -> None:
    files, _, policy = with_beacon
    other = {name: content for name, content in files.items() if name != "beacons.json"}
    if change is not None:
        other["beacons.json"] = change
    assert statuses(verified(other, policy))["V10"] == "failed"


def _late(folder: Path, *, seconds: int) -> tuple[Files, Keys, bytes]:
    """An opening whose log and cosigner took ``seconds`` after the deadline to take the frozen list up."""
    with bundled_opening(folder) as (opening, keys):
        opening.to_check_in()
        opening.close_bids()
        opening.publish()
        opening.look()
        opening.at(opening.lot.deadline_at + timedelta(seconds=seconds))
        opening.look()
        opening.publish()
        opening.look()
        opening.act(opening.host, acts.start_decryption)
        for index in range(len(opening.bidders)):
            assert opening.release(index).is_accepted
        opening.look()
        opening.to_gate()
        opening.act(opening.host, acts.draw)
        _to_the_end(opening)
        opening.assert_story_holds()
        return files_of(opening), keys, policy_of(opening)


def _warnings(report: Report) -> list[str]:
    return [one.code for check in report.checks for one in check.warnings if check.name == "V4"]


def test_a_late_freeze_is_on_record_as_the_platforms_and_shown_and_never_silent(tmp_path: Path) -> None:
    files, keys, policy = _late(tmp_path, seconds=90)
    report = verified(files, policy)
    assert findings(report) == []
    assert _warnings(report) == ["freeze.delayed"]
    assert statuses(report)["V4"] == "warning"

    def told(story: Storyteller) -> None:
        story.late_from = "bid_opening.bids_frozen"

    def hushed_up(story: Storyteller) -> None:
        told(story)
        story.of("bid_opening.freeze_delayed").tell({**story.of("bid_opening.freeze_delayed").event, "type": "x.y"})

    def bids_late_too(story: Storyteller) -> None:
        story.late_from = "tendering.bid_sealed"

    def longer(story: Storyteller) -> None:
        hushed_up(story)
        story.of("tendering.lot_published").change(freeze_grace_seconds=120)

    for change, is_late in ((told, False), (hushed_up, True), (bids_late_too, True), (longer, False)):
        found = codes_of(verified(retold(files, keys, change), policy))
        assert ("freeze.late" in found) is is_late, change.__name__


def test_a_freeze_in_time_is_told_of_by_nobody(tmp_path: Path) -> None:
    files, _, policy = _late(tmp_path, seconds=40)
    report = verified(files, policy)
    assert (findings(report), _warnings(report), report.verdict) == ([], [], "verified")
    assert b"freeze_delayed" not in files["leaves.jsonl"]
