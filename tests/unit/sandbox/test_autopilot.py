"""The pilot's pure parts: marks, what may be told, the file of the guide bar, the host's steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.autopilot import doing
from sandbox.autopilot.crew import Deed
from sandbox.autopilot.doing import Doing
from sandbox.autopilot.hosting import next_step
from sandbox.autopilot.marks import CONFIRMED, TOO_FAR, marks_for, points
from sandbox.autopilot.pilot import told_of
from sandbox.autopilot.stages import Stage

NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
EXPERTS = [f"expert{number}" for number in range(1, 21)]


@pytest.mark.parametrize("most", ["1", "2", "3", "4", "5", "10", "20", "40"])
def test_marks_are_in_range_in_halves_and_never_so_far_apart_that_they_must_be_confirmed(most: str) -> None:
    for code in "ABCDEFGH":
        given = [points(expert, code, "plan_method", Decimal(most)) for expert in EXPERTS]
        assert all(0 < one <= Decimal(most) and one % Decimal("0.5") == 0 for one in given)
        for mean in (min(given), max(given)):
            assert all(abs(one - mean) / mean <= TOO_FAR for one in given)


def test_experts_differ_and_each_repeats_itself() -> None:
    given = {expert: points(expert, "A", "plan_method", Decimal(20)) for expert in EXPERTS}
    assert len(set(given.values())) == 2
    assert given == {expert: points(expert, "A", "plan_method", Decimal(20)) for expert in EXPERTS}


def sheet(finding: str = "") -> dict[str, Any]:
    items = [
        {"key": "qualification", "kind": "pass", "most": "0"},
        {"key": "plan_method", "kind": "subjective", "most": "20"},
        {"key": "commitments", "kind": "objective", "most": "2"},
    ]
    cells = {code: {item["key"]: {"finding": finding} for item in items} for code in "BA"}
    return {"codes": ["B", "A"], "items": items, "cells": cells}


def test_a_sheet_is_filled_completely_and_facts_have_the_same_points_from_everybody() -> None:
    marks = marks_for("expert3", sheet())
    assert set(marks) == {"A", "B"}
    assert marks["A"]["qualification"] == {"verdict": "pass"}
    assert {marks_for(expert, sheet())["A"]["commitments"]["points"] for expert in EXPERTS} == {"2"}
    assert "reason" not in marks["A"]["plan_method"]


def test_what_the_check_gave_back_is_confirmed_in_writing() -> None:
    assert marks_for("expert3", sheet("outlier_high"))["A"]["plan_method"]["reason"] == CONFIRMED


def test_who_bids_is_told_after_the_deadline_only_and_who_judges_never() -> None:
    assert told_of(Deed("bidder3", "seal"), Stage.BIDDING) == ("bid", "")
    assert told_of(Deed("bidder3", "check_in"), Stage.CHECK_IN) == ("bid", "")
    assert told_of(Deed("bidder3", "release"), Stage.DECRYPTING) == ("release", "bidder3")
    assert told_of(Deed("expert7", "score"), Stage.SCORING) == ("score", "")
    assert told_of(Deed("agency", "answer_question"), Stage.BIDDING) == ("answer_question", "agency")


def test_what_is_told_is_read_as_it_was_written_and_rubbish_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "doing.json"
    assert doing.read(path) is None
    told = Doing(NOW, "seal", "bidder3", NOW + timedelta(seconds=10))
    doing.write(path, told)
    assert doing.read(path) == told
    doing.write(path, Doing(NOW))
    assert doing.read(path) == Doing(NOW)
    for rubbish in ("", "{", "[]", '{"told_at": "yesterday"}', '{"told_at": 1, "what": "", "who": "", "jump_at": ""}'):
        path.write_text(rubbish, encoding="utf-8")
        assert doing.read(path) is None


def test_a_pilot_that_says_nothing_is_taken_for_away_after_a_while() -> None:
    assert not Doing(NOW).is_silent(NOW + doing.SILENT_AFTER)
    assert Doing(NOW).is_silent(NOW + doing.SILENT_AFTER + timedelta(seconds=1))


class Desk:
    """Keeps what the host did."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *about: self.did.append(":".join([name, *about]))


def room(step: str, **more: Any) -> dict[str, Any]:
    line = {"total": "1.00"}
    seats = [{"number": one, "line": line, "has_no_objection": True} for one in (1, 2)]
    return {"next_step": step, "objections": [], "seats": seats, **more}


@pytest.mark.parametrize(
    ("step", "deed"),
    [
        ("host_starts", "start_decryption"),
        ("gate_released", "draw"),
        ("host_reads", "start_reading"),
        ("reading", "start_query"),
        ("query", "start_confirming"),
        *(
            (step, "")
            for step in ("log", "bidders", "custodians", "gate_holders", "decryption", "confirming", "closed")
        ),
    ],
)
def test_the_host_acts_when_the_room_waits_for_the_host_and_for_nobody_else(step: str, deed: str) -> None:
    found = next_step(room(step), Desk())  # type: ignore[arg-type]
    assert (found.what if found else "") == deed


def test_an_objection_is_answered_before_the_host_goes_on_and_the_silent_are_waited_for() -> None:
    desk = Desk()
    asked = {"id": "o1", "seat": 2, "answered_at": None}
    found = next_step(room("query", objections=[asked]), desk)  # type: ignore[arg-type]
    assert found is not None
    assert found.do is not None
    found.do()
    assert desk.did[0].startswith("answer:o1")
    waiting = room("query")
    waiting["seats"][1]["has_no_objection"] = False
    assert next_step(waiting, desk) is None  # type: ignore[arg-type]
    answered = {**asked, "answered_at": "2026-11-25T01:00:00Z"}
    after = next_step({**waiting, "objections": [answered]}, desk)  # type: ignore[arg-type]
    assert after is not None
    assert after.what == "start_confirming"
