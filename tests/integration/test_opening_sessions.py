"""Two lots that open together: each with its own journal, its own clock and its own end, whatever the other does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bid_opening.errors import NotNow, NotOfSession, StillWaiting
from bid_opening.models import OpeningRoom, ReleasedShare
from bid_opening.queries import sessions as queries
from bid_opening.services import acts, rooms, sessions
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.errors import InvalidInput, NotFound, NotPermitted
from foundation.journal import read_stream
from tests.support.tender_world import TESTS
from tests.support_opening import Opening
from tests.support_session import make_session, to_check_in, to_lists, to_windows


@pytest.fixture
def lots(tmp_path: Path) -> tuple[Opening, Opening]:
    return make_session(tmp_path)


def act_on(one: Opening, act: str, *on: Opening, who: Actor | None = None) -> dict[str, str]:
    """Lot → the phase after the act, or the code it was refused with."""
    outcomes = sessions.act_on(one.world.units, who or one.host, one.lot.id, act, [lot.lot.id for lot in on])
    return {x.lot_id: str(x.phase) if x.refusal is None else x.refusal.code for x in outcomes}


def page(one: Opening, who: Actor) -> queries.SessionPage:
    with one.world.units.read(who) as unit:
        return queries.session_page(unit, one.lot.id)


def test_lots_of_one_project_and_deadline_are_a_session_by_the_id_of_either(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    alone = one.world.open_lot(agency=one.host)
    to_check_in(one, two)
    with one.world.units.begin(TESTS) as unit:
        rooms.add_room(unit, alone.id)
        for lot in (one, two):
            assert sessions.lots_of(unit, lot.lot.id) == (one.lot.id, two.lot.id)
        assert sessions.lots_of(unit, alone.id) == (alone.id,)
        with pytest.raises(NotFound):
            sessions.lots_of(unit, "nowhere")


def test_a_lot_whose_deadline_moves_leaves_the_session(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_check_in(one, two)
    with one.world.units.begin(TESTS) as unit:
        later = one.lot.deadline_at + timedelta(days=1)
        unit.session.execute(update(OpeningRoom).where(OpeningRoom.id == two.lot.id).values(opens_at=later))
    with one.world.units.read() as unit:
        assert sessions.lots_of(unit, one.lot.id) == (one.lot.id,)
        assert sessions.lots_of(unit, two.lot.id) == (two.lot.id,)


def test_one_lot_fails_for_too_few_bids_and_the_other_is_opened_to_its_end(tmp_path: Path) -> None:
    one, two = make_session(tmp_path, second=(0, 1))
    to_lists(one, two)
    assert two.state.phase is Phase.FAILED
    assert page(one, one.host).joint[0].lots == (one.lot.id,)
    assert act_on(one, "start-decryption", one) == {one.lot.id: "decrypting"}
    for index in range(3):
        assert one.release(index).is_accepted
    one.look()
    one.to_gate()
    assert act_on(one, "draw", one) == {one.lot.id: "param_drawn"}
    assert one.run_jobs() == []
    assert act_on(one, "start-reading", one) == {one.lot.id: "reading"}
    assert act_on(one, "start-query", one) == {one.lot.id: "query"}
    for bidder in one.bidders:
        one.act(bidder.actor, acts.no_objection)
    one.look(times=1)
    for index in range(3):
        one.confirm(index)
    one.look()
    assert one.run_jobs() == []
    assert (one.state.phase, two.state.phase) == (Phase.CLOSED, Phase.FAILED)
    one.assert_story_holds()
    two.assert_story_holds()
    assert_cover(one, two)


def assert_cover(one: Opening, two: Opening) -> None:
    with one.world.units.read() as unit:
        cover = queries.session_cover(unit, two.lot.id)
    assert cover.session_id == one.lot.id
    assert [line.phase for line in cover.lines] == [Phase.CLOSED, Phase.FAILED]
    assert [line.document_number[-3:] for line in cover.lines] == ["-KB", "-LB"]
    shas = [lot.state.record_sha256 for lot in (one, two)]
    assert all(shas)
    rows = cover.text.splitlines()
    assert rows[0] == "etender-session-cover/v1"
    assert rows[1] == one.lot.tender_code
    assert rows[3:] == [f"{one.lot.lot_code} closed {shas[0]}", f"{two.lot.lot_code} failed {shas[1]}"]
    assert len(cover.sha256) == 64


def test_the_same_act_is_judged_in_each_lot_and_a_refusal_undoes_nothing(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one)
    with two.world.units.begin(TESTS) as unit:
        rooms.add_room(unit, two.lot.id)
        opens_at = {"opens_at": one.lot.deadline_at}
        unit.session.execute(update(OpeningRoom).where(OpeningRoom.id == two.lot.id).values(**opens_at))
    found = act_on(one, "start-decryption", two, one)
    assert found == {one.lot.id: "decrypting", two.lot.id: NotNow.code}
    assert list(found) == [one.lot.id, two.lot.id]  # in the order of the session, not of the request
    assert two.state.phase is Phase.SCHEDULED


def test_windows_of_both_lots_open_with_limits_of_their_own(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_lists(one, two)
    joint = {act.act: act for act in page(one, one.host).joint}
    assert joint["start-decryption"].lots == (one.lot.id, two.lot.id)
    assert set(act_on(two, "start-decryption", one, two).values()) == {"decrypting"}
    one.act(one.host, acts.extend)
    assert one.state.until is not None
    assert two.state.until is not None
    assert one.state.until - two.state.until > timedelta(minutes=9)
    for lot in lots:
        with lot.world.units.read() as unit:
            entries = read_stream(unit.session, rooms.stream_of(lot.lot.id), limit=1000)
        assert {getattr(entry.event, "lot", "") for entry in entries} == {lot.lot.id}


def test_a_suspended_lot_stands_and_the_other_goes_on_to_its_reading(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    one.act(one.host, acts.propose_halt, "suspend", "网络中断")
    one.act(one.supervisor, acts.confirm_halt)
    for index in range(3):
        assert two.release(index).is_accepted
    two.look()
    two.to_gate()
    assert act_on(one, "draw", one, two) == {one.lot.id: NotNow.code, two.lot.id: "param_drawn"}
    assert two.run_jobs() == []
    seen = page(one, one.host)
    assert seen.next_to_read == two.lot.id  # the standing lot 1 is passed over
    assert act_on(one, "start-reading", two) == {two.lot.id: "reading"}
    assert page(one, one.host).being_read == two.lot.id
    assert (one.state.phase, two.state.phase) == (Phase.SUSPENDED, Phase.READING)
    one.assert_story_holds()
    two.assert_story_holds()


def test_a_key_of_one_lot_releases_nothing_in_the_other(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    assert not two.release(0, one.r_bid(0)).is_accepted
    assert two.release(0).is_accepted
    assert one.release(0).is_accepted
    with one.world.units.read() as unit:
        kept = {(row.lot_id, row.r_bid) for row in unit.session.query(ReleasedShare)}
    assert kept == {(one.lot.id, one.r_bid(0).hex()), (two.lot.id, two.r_bid(0).hex())}


def test_a_bidder_signs_in_to_the_lots_it_has_bid_for_and_to_no_other(tmp_path: Path) -> None:
    one, two = make_session(tmp_path, second=(0, 1))
    to_check_in(one, two)
    both, first_only = one.bidders[0].actor, one.bidders[2].actor
    for who, wanted in ((both, [one.lot.id, two.lot.id]), (first_only, [one.lot.id])):
        outcomes = sessions.check_in(one.world.units, who, two.lot.id)
        assert [x.lot_id for x in outcomes] == wanted
        assert all(x.is_done for x in outcomes)
    seen = page(one, both)
    assert [lot.room.own.is_checked_in for lot in seen.lots if lot.room.own] == [True, True]
    for who in (one.host, one.supervisor, one.bidders[1].actor):
        seen = page(one, who)
        assert all(lot.room.seats == () for lot in seen.lots)
        assert not any(lot.room.own and lot.room.own.is_checked_in for lot in seen.lots)


def test_only_the_host_acts_and_only_on_lots_of_the_session(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_lists(one, two)
    stranger = one.world.organisation("另一家招标代理", "agency")
    for who in (stranger, one.supervisor, one.bidders[0].actor):
        with pytest.raises(NotPermitted):
            act_on(one, "start-decryption", one, two, who=who)
    other = one.world.open_lot(agency=one.host)
    with pytest.raises(NotOfSession):
        sessions.act_on(one.world.units, one.host, one.lot.id, "start-decryption", [one.lot.id, other.id])
    for act in ("suspend", "extend", "abort", ""):
        with pytest.raises(InvalidInput):
            sessions.act_on(one.world.units, one.host, one.lot.id, act, [one.lot.id])
    assert (one.state.phase, two.state.phase) == (Phase.LIST_PUBLISHED, Phase.LIST_PUBLISHED)


def test_a_list_that_is_not_in_the_log_yet_waits_alone(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_check_in(one, two)
    for lot in lots:
        lot.close_bids()
    one.publish()
    for lot in lots:
        lot.look()
    assert act_on(one, "start-decryption", one, two) == {lot.lot.id: StillWaiting.code for lot in lots}
    one.publish()
    assert set(act_on(one, "start-decryption", one, two).values()) == {"decrypting"}


def test_who_watches_the_session_is_present_in_every_live_lot(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_lists(one, two)
    for _ in range(2):
        sessions.note_arrival(one.world.units, one.supervisor, two.lot.id)
    for lot in lots:
        assert [x.role for x in lot.state.attendants] == ["supervisor"]


def test_a_host_sees_its_days_with_what_overlaps(lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_check_in(one, two)
    soon = one.world.open_lot(agency=one.host, deadline_at=one.lot.deadline_at + timedelta(minutes=30))
    later = one.world.open_lot(agency=one.host, deadline_at=one.lot.deadline_at + timedelta(days=2))
    one.world.open_lot()  # somebody else's, at the same time
    with one.world.units.read(one.host) as unit:
        first, second = queries.days_of_host(unit)
    assert (first.is_today, second.is_today) == (True, False)
    assert [day.session_id for day in first.sessions] == [one.lot.id, soon.id]
    assert [len(day.lots) for day in first.sessions] == [2, 1]
    assert first.sessions[0].has_room
    assert not first.sessions[1].has_room
    assert [bool(day.clashes) for day in first.sessions] == [True, True]
    assert [day.session_id for day in second.sessions] == [later.id]
    assert second.sessions[0].clashes == ()
    with one.world.units.read(one.bidders[0].actor) as unit:
        assert queries.days_of_host(unit) == ()
