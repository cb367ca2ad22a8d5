"""An opening whose notice announced the public beacon: fetched, handed in, waited for; nothing drawn without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bid_opening import rules
from bid_opening.errors import BeaconNotAnnounced, StillWaiting
from bid_opening.services import acts, beacons, consequences, rooms
from bid_opening.states import Phase
from foundation.draws import (
    BeaconAway,
    BeaconFalse,
    BeaconMalformed,
    Transcript,
    check_beacon,
    replay,
)
from foundation.draws import (
    relay as relay_client,
)
from foundation.errors import NotPermitted
from foundation.events import bid_opening as e
from foundation.journal import read_stream
from tests.support.beacon_relay import DEADLINE, GIVEN, QUICKNET, ROUND, Relay, answer, running_relay
from tests.support_opening import Opening, make_opening

NOW = DEADLINE - timedelta(hours=18)


@pytest.fixture
def relay() -> Iterator[Relay]:
    with running_relay() as one:
        yield one


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    made = make_opening(tmp_path, now=NOW, deadline_at=DEADLINE, beacon="quicknet")
    yield made
    made.publisher.close()
    made.world.engine.dispose()


def with_relays(opening: Opening, *urls: str) -> None:
    settings = opening.world.runtime.settings.model_copy(update={"beacon_urls": ",".join(urls)})
    opening.world.runtime = dataclasses.replace(opening.world.runtime, settings=settings)


def to_gate(opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    assert opening.state.phase is Phase.GATE_RELEASED


def received(opening: Opening) -> list[e.BeaconReceived]:
    with opening.world.units.read() as unit:
        told = [entry.event for entry in read_stream(unit.session, rooms.stream_of(opening.lot.id), limit=10_000)]
    return [event for event in told if isinstance(event, e.BeaconReceived)]


def assert_drawn_with_the_beacon(opening: Opening) -> None:
    opening.act(opening.host, acts.draw)
    state = opening.state
    assert state.phase is Phase.PARAM_DRAWN
    for one in state.draws:
        parsed = Transcript.parse(one.transcript)
        assert parsed.beacon is not None
        assert (parsed.beacon.round, parsed.beacon.signature) == (ROUND, QUICKNET["signature"])
        check_beacon(parsed.beacon)
        assert replay(one.transcript, one.pool).drawn == (one.value,)
    opening.assert_story_holds()


def test_the_round_is_fetched_when_it_is_given_and_goes_into_every_draw(opening: Opening, relay: Relay) -> None:
    with_relays(opening, relay.url)
    to_gate(opening)
    opening.run_jobs()
    assert relay.asked == []
    with pytest.raises(StillWaiting) as waits:
        opening.act(opening.host, acts.draw)
    assert waits.value.fields["waiting"] == "beacon"
    opening.at(GIVEN + consequences.BEACON_DELAY)
    opening.run_jobs()
    (told,) = received(opening)
    assert (told.round, told.value, told.source) == (ROUND, QUICKNET["signature"], "relay")
    assert_drawn_with_the_beacon(opening)
    assert len(relay.asked) == 1


def test_a_relay_that_is_down_is_asked_again_until_it_answers(opening: Opening, relay: Relay) -> None:
    with_relays(opening, relay.url)
    to_gate(opening)
    opening.at(GIVEN + consequences.BEACON_DELAY)
    for status in (503, 404, 425):
        relay.status = status
        assert opening.run_jobs() == []
        assert received(opening) == []
        opening.at(opening.world.clock.now() + beacons.RETRY)
    relay.status = 200
    opening.run_jobs()
    assert len(received(opening)) == 1
    assert_drawn_with_the_beacon(opening)


@pytest.mark.parametrize(
    "lie",
    [
        answer(signature="b5" + QUICKNET["signature"][2:], randomness=None),
        answer(signature=QUICKNET["signature"][:-2] + "00", randomness=None),
        answer(round=ROUND + 1),
        answer(randomness="00" * 32),
        b"<html>not here</html>",
        b"{}",
        b"x" * 5000,
    ],
    ids=["no point", "wrong signature", "another round", "wrong randomness", "html", "empty", "too long"],
)
def test_a_lying_relay_is_passed_over_for_the_next_one(opening: Opening, relay: Relay, lie: bytes) -> None:
    with running_relay() as honest:
        with_relays(opening, relay.url, honest.url)
        relay.content = lie
        to_gate(opening)
        opening.at(GIVEN + consequences.BEACON_DELAY)
        opening.run_jobs()
        assert (len(relay.asked), len(honest.asked)) == (1, 1)
    assert_drawn_with_the_beacon(opening)


def test_a_slow_relay_holds_nobody_up_longer_than_its_time(
    opening: Opening, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.is_slow = True
    with pytest.raises(BeaconAway) as away:
        relay_client.fetch_round(relay.url, ROUND, timeout=0.3)
    assert away.value.fields["reason"] == "network"
    monkeypatch.setattr(beacons, "fetch_round", lambda url, number: relay_client.fetch_round(url, number, timeout=0.3))
    with running_relay() as honest:
        with_relays(opening, relay.url, "http://127.0.0.1:9", honest.url)
        to_gate(opening)
        opening.at(GIVEN + consequences.BEACON_DELAY)
        opening.run_jobs()
    assert_drawn_with_the_beacon(opening)


def test_a_worker_killed_between_the_answer_and_its_record_takes_it_again(
    opening: Opening, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> Any:
        raise Killed

    with_relays(opening, relay.url)
    to_gate(opening)
    opening.at(GIVEN + consequences.BEACON_DELAY)
    with monkeypatch.context() as patch:
        patch.setattr(beacons.rules, "receive_beacon", killed)
        with pytest.raises(Killed):
            beacons.fetch(opening.world.runtime, opening.lot.id, ROUND, 1)
    assert received(opening) == []
    opening.run_jobs()
    beacons.fetch(opening.world.runtime, opening.lot.id, ROUND, 1)
    assert len(received(opening)) == 1
    assert_drawn_with_the_beacon(opening)


def test_without_the_beacon_the_room_is_suspended_and_goes_on_by_itself_when_it_is_there(opening: Opening) -> None:
    to_gate(opening)
    opening.at(GIVEN + timedelta(minutes=rules.BEACON_MINUTES))
    opening.look()
    assert opening.state.phase is Phase.SUSPENDED
    assert opening.state.suspension is not None
    assert (opening.state.suspension.cause, opening.state.suspension.why) == ("platform", "beacon_missing")
    opening.look()
    assert opening.state.phase is Phase.SUSPENDED
    with opening.world.units.read(opening.staff) as unit:
        beacon = beacons.read_file(unit, opening.lot.id, answer())
    opening.act(opening.staff, beacons.receive_file, beacon)
    opening.look()
    assert opening.state.phase is Phase.GATE_RELEASED
    assert received(opening)[0].source == "file"
    assert_drawn_with_the_beacon(opening)


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (answer(round=ROUND - 1), BeaconFalse, "round"),
        (answer(randomness="00" * 32), BeaconFalse, "randomness"),
        (answer(signature=QUICKNET["signature"][:-2] + "00", randomness=None), BeaconFalse, "signature"),
        (answer(signature="zz"), BeaconMalformed, "signature"),
        (answer(signature=None), BeaconMalformed, "fields"),
        (answer(round=True), BeaconMalformed, "fields"),
        (b"\xff\xfe", BeaconMalformed, "json"),
        (b"9" * 5000, BeaconMalformed, "too_large"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    opening: Opening, content: bytes, error: type[BeaconFalse], reason: str
) -> None:
    opening.to_window()
    with pytest.raises(error) as refused, opening.world.units.read(opening.staff) as unit:
        beacons.read_file(unit, opening.lot.id, content)
    assert refused.value.fields["reason"] == reason
    assert received(opening) == []


def test_only_the_duty_officer_hands_a_file_in(opening: Opening) -> None:
    opening.to_window()
    for actor in (opening.host, opening.supervisor, opening.bidders[0].actor):
        with pytest.raises(NotPermitted), opening.world.units.read(actor) as unit:
            beacons.read_file(unit, opening.lot.id, answer())


def test_a_lot_without_a_beacon_takes_no_file_and_asks_no_relay(tmp_path: Path, relay: Relay) -> None:
    made = make_opening(tmp_path, now=NOW, deadline_at=DEADLINE)
    with_relays(made, relay.url)
    to_gate(made)
    made.at(GIVEN + timedelta(minutes=1))
    made.run_jobs()
    with pytest.raises(BeaconNotAnnounced), made.world.units.read(made.staff) as unit:
        beacons.read_file(unit, made.lot.id, answer())
    made.act(made.host, acts.draw)
    assert all(Transcript.parse(one.transcript).beacon is None for one in made.state.draws)
    assert relay.asked == []
    made.publisher.close()
    made.world.engine.dispose()
