"""Bundles of openings with a beacon, and of openings whose freeze took too long: what the verifier says of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foundation.verifier import Report
from tests.support.beacon_relay import QUICKNET, ROUND
from tests.support_attacks import retold
from tests.support_beacon_bundle import BEACON_LIES, LATE_STORIES, beacon_bundle, late_bundle
from tests.support_bundle import Files, Keys, codes_of, findings, statuses, verified


@pytest.fixture(scope="module")
def with_beacon(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Keys, bytes]:
    return beacon_bundle(tmp_path_factory.mktemp("beacon"))


def test_the_bundle_carries_the_beacon_and_verifies(with_beacon: tuple[Files, Keys, bytes]) -> None:
    files, _, policy = with_beacon
    told = json.loads(files["beacons.json"])["beacons"]
    assert [(one["round"], one["signature"]) for one in told] == [(ROUND, QUICKNET["signature"])]
    report = verified(files, policy)
    assert findings(report) == []
    assert report.verdict == "verified"


def test_a_beacon_that_was_not_announced_or_is_another_one_is_named(with_beacon: tuple[Files, Keys, bytes]) -> None:
    files, keys, policy = with_beacon
    for change, code in BEACON_LIES:
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


def _warnings(report: Report) -> list[str]:
    return [one.code for check in report.checks for one in check.warnings if check.name == "V4"]


def test_a_late_freeze_is_on_record_as_the_platforms_and_shown_and_never_silent(tmp_path: Path) -> None:
    files, keys, policy = late_bundle(tmp_path, seconds=90)
    report = verified(files, policy)
    assert findings(report) == []
    assert _warnings(report) == ["freeze.delayed"]
    assert statuses(report)["V4"] == "warning"

    for change, is_late in LATE_STORIES:
        found = codes_of(verified(retold(files, keys, change), policy))
        assert ("freeze.late" in found) is is_late, change.__name__


def test_a_freeze_in_time_is_told_of_by_nobody(tmp_path: Path) -> None:
    files, _, policy = late_bundle(tmp_path, seconds=40)
    report = verified(files, policy)
    assert (findings(report), _warnings(report), report.verdict) == ([], [], "verified")
    assert b"freeze_delayed" not in files["leaves.jsonl"]
