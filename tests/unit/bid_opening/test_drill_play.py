"""A drill's opening in virtual time: by the real rules, repeatable from its seed, and marked as a drill everywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bid_opening.drill import MARK, Habit, Outcome, Terms, cast, is_ready, play, record_of
from bid_opening.drill.cast import WRONG_SHARES
from bid_opening.drill.lines import Hall, Line
from bid_opening.drill.report import CheckState
from bid_opening.states import Phase
from foundation.entropy import SystemEntropy
from foundation.money import Money
from foundation.roomwire import FrameLost

OPENS = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)


def terms(escrow_rule: str = "on_request", suite: str = "S1") -> Terms:
    return Terms(
        lot_name="道路改造一标段",
        lot_code="T2026-001.L1",
        tender_code="T2026-001",
        project_name="道路改造",
        tenderee="建设局",
        agency="招标代理公司",
        opens_at=OPENS,
        decrypt_minutes=30,
        query_minutes=10,
        confirm_minutes=10,
        min_bidders=3,
        min_decrypted=3,
        escrow_rule=escrow_rule,
        ceiling=Money.yuan("1000000.00"),
        duration_days=180,
        method_id="jiangsu-1",
        pools={"K": ("0.950", "0.955", "0.960")},
        suite=suite,
    )


def run(seed: str = "seed", escrow_rule: str = "on_request", suite: str = "S1") -> Outcome:
    made = terms(escrow_rule, suite)
    return play(made, cast(seed, made), SystemEntropy())


def seat_of(outcome: Outcome, habit: Habit):  # type: ignore[no-untyped-def]
    org = next(one.org_id for one in outcome.bidders if one.habit is habit)
    return next(seat for seat in outcome.state.seats if seat.org_id == org)


def line_of(outcome: Outcome, habit: Habit) -> Line:
    return next(line for line in outcome.lines if line.bidder.habit is habit)


@pytest.mark.parametrize("escrow_rule", ["on_request", "compulsory", "none"])
def test_a_drill_goes_from_the_sign_in_to_the_record_whatever_the_escrow_rule(escrow_rule: str) -> None:
    outcome = run(escrow_rule=escrow_rule)
    assert outcome.state.phase is Phase.CLOSED
    assert is_ready(outcome.checks)
    assert {check.code for check in outcome.checks} >= {"closed", "fold", "opened", "lines", "drawn", "signed"}


def test_a_drill_seals_with_guomi_keys_where_the_lot_does() -> None:
    assert is_ready(run(suite="S2").checks)


def test_the_same_seed_gives_the_same_bidders_and_the_same_story_at_the_same_instants() -> None:
    one, two, other = run("a"), run("a"), run("b")

    def story(outcome: Outcome) -> list[tuple[datetime, str]]:
        return [(moment.at, moment.type) for moment in outcome.moments]

    assert one.bidders == two.bidders
    assert story(one) == story(two)
    assert one.bidders != other.bidders


def test_the_keys_of_two_drills_are_never_the_same_even_with_one_seed() -> None:
    assert {seat.bid for seat in run("a").state.seats}.isdisjoint({seat.bid for seat in run("a").state.seats})


def test_every_habit_is_met_and_nobody_loses_a_right() -> None:
    outcome = run()
    dead, wrong, objector = (seat_of(outcome, one) for one in (Habit.DEAD_KEY, Habit.WRONG_SHARES, Habit.OBJECTS))
    assert dead.released_at is None
    assert dead.escrow_asked_at is not None
    assert dead.escrowed_at is not None
    assert dead.total is not None
    assert wrong.tries == WRONG_SHARES
    assert wrong.total is not None
    assert objector.confirmed_at is None
    assert [one.seat for one in outcome.state.objections] == [objector.number]
    assert all(one.answered_at for one in outcome.state.objections)
    assert seat_of(outcome, Habit.LATE).is_checked_in is False
    assert line_of(outcome, Habit.LATE).joined_late > 0
    assert line_of(outcome, Habit.DROPS).resumed == 1
    assert line_of(outcome, Habit.STUCK).resumed == 1
    assert all(line.lacks == 0 for line in outcome.lines)


def test_a_dead_key_without_escrow_stays_closed_and_two_people_say_who_answers_for_it() -> None:
    dead = seat_of(run(escrow_rule="none"), Habit.DEAD_KEY)
    assert dead.total is None
    assert dead.attribution is not None
    assert dead.attribution.proposed_by != dead.attribution.by


def test_a_line_with_a_hole_is_lost_and_says_so() -> None:
    hall = Hall()
    line = Line(cast("x", terms())[0], hall)
    hall.tell("public", json.dumps({"audience": "public", "seq": 2}))
    with pytest.raises(FrameLost):
        line.connect()


def test_every_frame_and_the_record_of_a_drill_carry_its_mark_and_no_id_of_the_centre() -> None:
    outcome = run()
    assert outcome.frames
    for text in outcome.frames:
        frame = json.loads(text)
        assert frame["drill"] is True
        assert frame["entry"] == ""
    record = record_of(outcome, terms(), centre="交易中心")
    for name in (record.document_number, record.centre, record.lot_name, record.project_name, *record.remarks):
        assert MARK in name
    assert all(MARK in line.name for line in record.bids)


def test_a_check_that_fails_makes_the_whole_not_ready_and_one_that_does_not_apply_does_not() -> None:
    checks = run().checks
    none = type(checks[0])("beacon", CheckState.NONE, why="no_beacon")
    bad = type(checks[0])("log", CheckState.FAILED, why="over_limit")
    assert is_ready((*checks, none))
    assert not is_ready((*checks, bad))
    assert not is_ready(())
