from datetime import UTC, datetime, timedelta

import pytest

from foundation.clock import BEIJING, ClockPosition, DemoClock, SteppingClock, iso, machine_now, parse_iso, to_beijing
from foundation.entropy import SeededEntropy, SystemEntropy
from foundation.errors import NotFound
from foundation.ids import new_id, parse_id

AT = datetime(2026, 11, 24, 1, 30, 0, 123456, tzinfo=UTC)


def test_an_instant_has_one_text_and_reads_back():
    assert iso(AT) == "2026-11-24T01:30:00.123456Z"
    assert parse_iso(iso(AT)) == AT
    assert iso(AT.astimezone(BEIJING)) == iso(AT)


def test_an_instant_without_zone_is_no_instant():
    with pytest.raises(ValueError, match="no time zone"):
        parse_iso("2026-11-24T01:30:00")
    with pytest.raises(ValueError, match="aware"):
        SteppingClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_beijing_is_eight_hours_ahead_in_summer_and_winter():
    for month in (1, 7):
        assert to_beijing(datetime(2026, month, 1, tzinfo=UTC)).hour == 8


def test_a_running_demo_clock_moves_with_the_machine_and_a_paused_one_stands_still():
    machine = machine_now()
    running = ClockPosition(civil=AT, machine=machine, running=True)
    paused = ClockPosition(civil=AT, machine=machine, running=False)
    assert running.at(machine + timedelta(seconds=5)) == AT + timedelta(seconds=5)
    assert paused.at(machine + timedelta(seconds=5)) == AT


def test_a_demo_clock_takes_a_new_position_after_refresh():
    positions = [
        ClockPosition(AT, machine_now(), running=False),
        ClockPosition(AT + timedelta(days=3), machine_now(), running=False),
    ]
    clock = DemoClock(lambda: positions.pop(0))
    assert clock.now() == AT
    clock.refresh()
    assert clock.now() == AT + timedelta(days=3)


def test_ids_sort_by_time_and_are_version_seven():
    entropy = SystemEntropy()
    earlier, later = new_id(AT, entropy), new_id(AT + timedelta(milliseconds=1), entropy)
    assert earlier < later
    assert earlier[14] == "7"
    assert earlier[19] in "89ab"
    assert parse_id(earlier) == earlier


def test_ids_of_one_instant_differ():
    entropy = SystemEntropy()
    assert len({new_id(AT, entropy) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text", ["", "x", "../../etc", "019B76DA-A800-7005-8255-7A805EEBD874", "{019b76da-a800-7005-8255-7a805eebd874}"]
)
def test_anything_else_in_a_url_is_not_found(text):
    with pytest.raises(NotFound):
        parse_id(text)


def test_seeded_entropy_repeats_and_system_entropy_does_not():
    assert SeededEntropy("a").token(40) == SeededEntropy("a").token(40)
    assert SystemEntropy().token(16) != SystemEntropy().token(16)
