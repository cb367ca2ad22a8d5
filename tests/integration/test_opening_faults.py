"""The fault ledger through the use cases: evidence, two people, the blocked closing, the stopped clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bid_opening import facade, outages, worklist
from bid_opening.errors import AlreadyDone, NotNow, SecondPersonNeeded, StillWaiting
from bid_opening.queries.fault_board import FaultBoard, FaultView, fault_board
from bid_opening.services import acts, faults, health, record, rooms
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.documents.forms import OpeningRecordData
from foundation.errors import InvalidInput, NotPermitted, Unavailable
from tests.support_opening import Opening, make_opening


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path, bids=4, escrow_rule="none")


def board(opening: Opening, who: Actor) -> FaultBoard:
    with opening.world.units.read(who) as unit:
        return fault_board(unit, opening.lot.id)


def phase(opening: Opening) -> Phase:
    """Read anew each time."""
    return opening.state.phase


def to_closed_window(opening: Opening) -> int:
    """The last bidder does not release; the number of its seat."""
    opening.to_window_closed(released=(0, 1, 2))
    return int(opening.seat(3).number)


def to_confirming(opening: Opening) -> None:
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders[:3]:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    for index in range(3):
        opening.confirm(index)
    opening.look()


def decide(opening: Opening, number: int, culprit: str) -> None:
    opening.act(opening.host, faults.propose, number, culprit, "在窗口内没有操作")
    opening.act(opening.supervisor, faults.confirm, number)


# --- who may, and what is seen ----------------------------------------------------------------------------------------


def test_the_bidder_is_blamed_only_by_the_host_and_a_second_person(opening: Opening) -> None:
    number = to_closed_window(opening)
    for who in (opening.supervisor, opening.staff):
        with pytest.raises(NotPermitted):
            opening.act(who, faults.propose, number, "bidder", "没有操作")
    opening.act(opening.host, faults.propose, number, "bidder", "没有操作")
    with pytest.raises(NotPermitted):
        opening.act(opening.host, faults.confirm, number)
    with pytest.raises(NotPermitted):
        opening.act(opening.bidders[3].actor, faults.confirm, number)
    opening.act(opening.staff, faults.confirm, number)
    decided = opening.seat(3).attribution
    assert (decided.culprit, decided.consequence) == ("bidder", "revoked")
    assert (decided.proposed_by, decided.by) == (str(opening.host.user_id), str(opening.staff.user_id))
    with pytest.raises(AlreadyDone):
        opening.act(opening.host, faults.propose, number, "platform", "改判")
    opening.assert_story_holds()


def test_a_supervisor_may_propose_that_it_was_not_the_bidder_and_not_confirm_itself(opening: Opening) -> None:
    number = to_closed_window(opening)
    opening.act(opening.supervisor, faults.propose, number, "platform", "大面积断网")
    with pytest.raises(SecondPersonNeeded):
        opening.act(opening.supervisor, faults.confirm, number)
    with pytest.raises(NotPermitted):
        opening.act(opening.host, faults.withdraw, number)  # not its proposal, and not a second person
    opening.act(opening.staff, faults.withdraw, number)
    opening.act(opening.supervisor, faults.propose, number, "platform", "断网，有通报")
    opening.act(opening.staff, faults.confirm, number)
    assert opening.seat(3).attribution.consequence == "withdrawn"


def test_only_the_known_culprits_and_closed_seats(opening: Opening) -> None:
    number = to_closed_window(opening)
    for seat, culprit in ((number, "unknown"), (opening.seat(0).number, "bidder")):
        with pytest.raises(InvalidInput):
            opening.act(opening.host, faults.propose, seat, culprit, "x")


def test_what_the_page_met_is_evidence_and_others_do_not_see_it(opening: Opening) -> None:
    opening.to_window()
    missing = opening.bidders[3].actor
    opening.act(missing, faults.report, "fetched")
    opening.act(missing, faults.report, "no_key")
    with pytest.raises(InvalidInput):
        opening.act(missing, faults.report, "secret")
    (failing,) = board(opening, opening.host).failing
    assert (failing.seat, failing.code, failing.count) == (opening.seat(3).number, "no_key", 1)
    (own,) = board(opening, missing).failing
    assert own.is_own
    assert board(opening, opening.bidders[0].actor).failing == ()
    for index in (0, 1, 2):
        opening.release(index)
    opening.pass_window()
    one = _only(board(opening, opening.host))
    assert one.suggested is not None
    assert (one.suggested.culprit, one.suggested.row) == ("bidder", "had_everything")
    codes = [line.code for line in one.suggested.lines]
    assert codes[:2] == ["fetched", "failure"]
    mine = board(opening, missing).own
    assert mine is not None
    assert mine.suggested is not None
    other = _only(board(opening, opening.bidders[0].actor))
    assert (other.suggested, other.own_reason) == (None, "")


def _only(found: FaultBoard) -> FaultView:
    (one,) = found.faults
    return one


def test_the_bidder_gives_its_reason_before_the_decision_once(opening: Opening) -> None:
    number = to_closed_window(opening)
    missing = opening.bidders[3].actor
    assert board(opening, missing).may_reason
    opening.act(missing, faults.give_reason, "办公楼停电")
    assert _only(board(opening, opening.supervisor)).own_reason == "办公楼停电"
    assert not board(opening, missing).may_reason
    decide(opening, number, "platform")
    with pytest.raises(AlreadyDone):
        opening.act(missing, faults.give_reason, "再说一次")
    public = [frame for frame in opening.frames("public") if frame["type"] == "fault_attributed"]
    assert [frame["data"]["why"] for frame in public] == ["在窗口内没有操作"]
    assert "停电" not in str(opening.frames("public"))


def test_the_work_lists_say_whose_turn_it_is(opening: Opening) -> None:
    number = to_closed_window(opening)

    def rules_of(who: Actor) -> set[str]:
        with opening.world.units.read(who) as unit:
            return {one.rule_id for one in worklist.work(unit, who) if one.url.endswith("#part-faults")}

    assert (rules_of(opening.host), rules_of(opening.supervisor)) == ({"R3.08"}, set())
    opening.act(opening.supervisor, faults.propose, number, "platform", "断网")
    assert (rules_of(opening.host), rules_of(opening.supervisor), rules_of(opening.staff)) == (set(), set(), {"R3.30"})
    opening.act(opening.staff, faults.confirm, number)
    assert rules_of(opening.staff) == set()


def test_an_opening_that_failed_has_nothing_to_decide(opening: Opening) -> None:
    opening.to_window_closed(released=(0, 1))
    assert phase(opening) is Phase.FAILED
    for who in (opening.host, opening.supervisor, opening.bidders[3].actor):
        found = board(opening, who)
        assert (found.faults, found.undecided, found.may_propose, found.may_reason) == ((), 0, False, False)
    with pytest.raises(NotNow):
        opening.act(opening.host, faults.propose, opening.seat(3).number, "bidder", "没有操作")


# --- closing ----------------------------------------------------------------------------------------------------------


def test_an_undecided_bid_holds_the_closing_with_a_named_wait_and_nothing_else(opening: Opening) -> None:
    number = to_closed_window(opening)
    to_confirming(opening)
    until = opening.state.until
    assert until is not None
    opening.at(until + timedelta(minutes=5))
    opening.look()
    assert phase(opening) is Phase.CONFIRMING
    with pytest.raises(StillWaiting) as refused:
        opening.act(opening.host, acts.close)
    assert refused.value.fields == {"waiting": "attribution", "seats": [number]}
    decide(opening, number, "bidder")
    opening.look()
    assert phase(opening) is Phase.CLOSED
    with opening.world.units.read() as unit:
        result = facade.result_of(unit, opening.lot.id)
        paper = record.gather(unit, opening.state, opening.world.runtime.settings)
    assert isinstance(paper.data, OpeningRecordData)
    said = f"{number:02d} 号未能开启，认定系投标人原因，视为撤销投标文件（理由：在窗口内没有操作）。"
    assert said in paper.data.remarks
    unopened = next(bid for bid in result.bids if bid.seat == number)
    assert (unopened.total, unopened.fault) == (None, "bidder.not_released")
    assert unopened.consequence == "revoked"
    opening.assert_story_holds()


def test_a_withdrawn_bid_is_not_told_as_the_bidders_fault(opening: Opening) -> None:
    number = to_closed_window(opening)
    to_confirming(opening)
    decide(opening, number, "platform")
    opening.look()
    with opening.world.units.read() as unit:
        result = facade.result_of(unit, opening.lot.id)
    unopened = next(bid for bid in result.bids if bid.seat == number)
    assert (unopened.fault, unopened.consequence) == ("platform.not_released", "withdrawn")


# --- the clock that stops by itself -----------------------------------------------------------------------------------


def test_many_failures_within_minutes_stop_the_clock_and_two_people_reconvene(opening: Opening) -> None:
    opening.to_window()
    until = opening.state.until
    assert until is not None
    opening.act(opening.bidders[2].actor, faults.report, "network")
    opening.look()
    assert phase(opening) is Phase.DECRYPTING
    opening.act(opening.bidders[3].actor, faults.report, "platform")
    opening.look()
    state = opening.state
    assert phase(opening) is Phase.SUSPENDED
    assert state.suspension is not None
    assert (state.suspension.cause, state.suspension.why) == ("platform", "common_failure")
    opening.look()
    assert phase(opening) is Phase.SUSPENDED  # people bring it back, not a timer
    opening.at(opening.world.clock.now() + timedelta(minutes=12))
    opening.act(opening.host, acts.reconvene, "网络恢复")
    opening.act(opening.staff, acts.confirm_halt)
    state = opening.state
    assert phase(opening) is Phase.DECRYPTING
    assert state.until is not None
    assert state.until - until >= timedelta(minutes=24)
    for index in range(4):
        assert opening.release(index).is_accepted
    opening.assert_story_holds()


@dataclass
class BrokenStore:
    """An object store that is away."""

    def exists(self, name: str) -> bool:
        raise Unavailable(what=name)


def test_a_red_platform_is_marked_stops_the_clock_and_is_marked_green_again(opening: Opening) -> None:
    opening.to_window()
    opening.publish()
    assert opening.run_jobs() == []
    watch, machine = health.Watch(), machine_now()
    runtime = opening.world.runtime
    health.look(runtime, watch, machine)
    assert opening.state.health == ()
    # An entry that stays out of the log: first seen, then still there after a minute.
    opening.release(0)
    assert opening.run_jobs() == []
    health.look(runtime, watch, machine)
    health.look(runtime, watch, machine + health.HELD / 2)
    assert opening.state.health == ()
    health.look(runtime, watch, machine + health.HELD)
    assert outages.red_now(opening.state) == {"log"}
    opening.look()
    state = opening.state
    assert phase(opening) is Phase.SUSPENDED
    assert state.suspension is not None
    assert state.suspension.why == "platform_red"
    opening.publish()
    health.look(runtime, watch, machine + 2 * health.HELD)
    assert outages.red_now(opening.state) == frozenset()
    frames = [frame["data"] for frame in opening.frames("public") if frame["type"] == "platform_health_marked"]
    assert frames == [{"part": "log", "state": "red"}, {"part": "log", "state": "green"}]
    opening.assert_story_holds()


def test_a_store_that_is_away_and_a_job_nobody_takes_are_signs(opening: Opening) -> None:
    opening.to_window()
    opening.publish()
    watch, machine = health.Watch(), machine_now()
    away = replace(opening.world.runtime, objects=BrokenStore())  # type: ignore[arg-type]
    with opening.world.units.begin(opening.staff) as unit:
        unit.enqueue("tests.nobody", "one", {})
    health.look(away, watch, machine)
    health.look(away, watch, machine + health.HELD)
    assert outages.red_now(opening.state) == {"storage", "jobs"}


def test_without_a_window_nothing_is_looked_at(opening: Opening) -> None:
    opening.to_list()
    watch = health.Watch()
    health.look(opening.world.runtime, watch, machine_now())
    assert watch.since == {}


def test_a_platform_that_stood_still_takes_nobodys_time(opening: Opening) -> None:
    """Killed in the window and back after its limit: the clock stops first, and the whole outage is given back."""
    opening.to_window()
    until = opening.state.until
    assert until is not None
    runtime, seen = opening.world.runtime, opening.world.clock.now()
    health.look(runtime, health.Watch(), machine_now() - timedelta(minutes=40))
    opening.at(until + timedelta(minutes=10))
    opening.look()
    assert phase(opening) is Phase.DECRYPTING
    assert opening.state.window_ended_at is None
    back = health.Watch()  # another process
    health.look(runtime, back, machine_now())
    state = opening.state
    assert state.suspension is not None
    assert (state.suspension.why, state.suspension.outage_since) == ("stood_still", seen)
    assert outages.red_now(state) == frozenset()
    opening.act(opening.host, acts.reconvene, "平台恢复")
    opening.act(opening.staff, acts.confirm_halt)
    again = opening.state.until
    assert again is not None
    assert again - opening.world.clock.now() >= until - seen
    health.look(runtime, back, machine_now())
    assert opening.release(3).is_accepted
    opening.assert_story_holds()


def test_a_civil_clock_that_jumps_alone_is_no_outage(opening: Opening) -> None:
    opening.to_window()
    health.look(opening.world.runtime, health.Watch(), machine_now())
    for index in (0, 1, 2):
        opening.release(index)
    opening.pass_window()
    assert phase(opening) is Phase.WINDOW_CLOSED


# --- evidence of the platform's part ----------------------------------------------------------------------------------


def test_who_failed_while_the_platform_was_red_is_not_to_blame(opening: Opening) -> None:
    opening.to_window()
    missing = opening.bidders[3].actor
    opening.act(missing, faults.report, "fetched")
    opening.act(missing, faults.report, "platform")
    with opening.world.units.begin(opening.staff) as unit:
        rooms.apply(unit, opening.lot.id, outages.mark_health(rooms.locked(unit, opening.lot.id), frozenset({"log"})))
    opening.look()
    with opening.world.units.begin(opening.staff) as unit:
        rooms.apply(unit, opening.lot.id, outages.mark_health(rooms.locked(unit, opening.lot.id), frozenset()))
    opening.act(opening.host, acts.reconvene, "恢复")
    opening.act(opening.staff, acts.confirm_halt)
    for index in (0, 1, 2):
        opening.release(index)
    opening.pass_window()
    one = _only(board(opening, opening.host))
    assert one.suggested is not None
    assert (one.suggested.culprit, one.suggested.row) == ("platform", "failed_while_red")
