"""What a cheating operator can not put into a bundle, even with the log's key, and mostly with the cosigner's too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from centre.bundles.gather import Tier
from foundation.errors import CentreError
from tests.support_attacks import Attack, attacks, honest, retold, with_panel
from tests.support_bundle import (
    Files,
    Keys,
    Storyteller,
    bundled_opening,
    files_of,
    findings,
    policy_of,
    verified,
    with_json,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Files, Keys, bytes]]:
    with bundled_opening(tmp_path_factory.mktemp("attacks")) as (opening, keys):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        yield files_of(opening, Tier.PUBLIC), keys, policy_of(opening)


def test_the_same_story_told_anew_by_everybody_together_holds(made: tuple[Files, Keys, bytes]) -> None:
    """The attacks below fail for what they say, not because their log was made by hand."""
    files, keys, policy = made
    assert findings(verified(honest(files, keys), policy)) == []
    assert findings(verified(with_panel(files, keys), policy)) == []


def test_no_attack_passes_and_each_is_named(made: tuple[Files, Keys, bytes]) -> None:
    files, keys, policy = made
    tried: list[Attack] = list(attacks(files, keys, policy))
    assert len({one.name for one in tried}) == len(tried) >= 25
    wrong = []
    for attack in tried:
        report = verified(attack.files, attack.policy)
        named = {(check.name, one.code) for check in report.checks for one in check.problems}
        if (attack.check, attack.code) not in named or report.verdict != "failed":
            wrong.append((attack.name, attack.check, attack.code, sorted(named)))
    assert wrong == []


def test_a_bundle_of_another_lots_opening_is_not_taken_for_this_one(
    made: tuple[Files, Keys, bytes], tmp_path: Path
) -> None:
    files, _, policy = made
    with bundled_opening(tmp_path) as (other, _):
        other.to_closed()
        assert other.run_jobs() == []
        other.publish()
        foreign = files_of(other, Tier.PUBLIC)
        assert findings(verified(foreign, policy_of(other))) == []
    assert verified(foreign, policy).verdict == "failed"
    for name in ("tender.json", "leaves.jsonl", "keyset.json", "log/checkpoint", "opening.jsonl"):
        assert verified({**files, name: foreign[name]}, policy).verdict == "failed", name


def test_a_suite_that_is_not_read_is_no_accusation(made: tuple[Files, Keys, bytes]) -> None:
    """Nothing is called false that was only not looked at; and nothing is called verified."""
    files, keys, policy = made

    def other_suite(story: Storyteller) -> None:
        def change(value: dict[str, Any]) -> None:
            value["suite"] = "S9"

        story.change_files(lambda now: with_json(with_json(now, "tender.json", change), "keyset.json", change))

    report = verified(retold(files, keys, other_suite), policy)
    assert findings(report) == []
    assert (report.verdict, report.exit_code) == ("incomplete", 5)
    unchecked = {check.name for check in report.checks if check.needs == ["suite S9"]}
    assert unchecked == {"V6", "V7", "V8", "V9", "V10", "V12"}


@pytest.mark.parametrize("odd", [None, True, 7, "", [], {}, [1], {"a": 1}, "０", "²"])
def test_nothing_an_operator_logs_brings_the_verifier_down(made: tuple[Files, Keys, bytes], odd: object) -> None:
    """Every field of every kind of event, one after the other, holds something that nobody expects there."""
    files, keys, policy = made
    fields = {(step.type, name) for step in Storyteller(files, keys).steps if step.type for name in step.event["data"]}
    assert len(fields) > 100
    by_name: dict[str, list[str]] = {}
    for kind, name in sorted(fields):
        by_name.setdefault(name, []).append(kind)
    for name, kinds in by_name.items():

        def make_odd(story: Storyteller, name: str = name, kinds: list[str] = kinds) -> None:
            for step in story.steps:
                if step.type in kinds and (step.type, name) != ("bid_opening.bids_frozen", "bids"):
                    step.change(**{name: odd})

        story = Storyteller(files, keys)
        story.told()
        make_odd(story)
        try:
            told = story.told()
        except (KeyError, TypeError, ValueError, AttributeError, CentreError):
            continue  # the story itself can not be told so
        report = verified(told, policy)
        assert report.verdict in {"failed", "verified"}, name
