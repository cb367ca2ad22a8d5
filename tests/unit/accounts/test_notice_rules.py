"""Pure decisions about messages: kinds, retries, quiet hours, masks, mobiles."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from accounts.notices import rules
from accounts.notices.kinds import INBOX, KIND_OF, STATUTORY, Kind, codes_of, is_on_at_first, kind_of, may_be_off
from accounts.notices.states import DELIVERY_MACHINE, DeliveryState
from foundation.notices.message import Channel, Reason

ROOT = Path(__file__).resolve().parents[3]
LOT = "019323aa-0000-7000-8000-000000000001"


def sentences() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "translations").glob("*.toml"):
        terms = tomllib.loads(path.read_text(encoding="utf-8")).get("terms", {})
        found |= {code.removeprefix("inbox.") for code in terms if code.startswith("inbox.")}
    return found


def test_every_sentence_of_the_inbox_has_a_kind_and_every_kind_its_sentences() -> None:
    assert sentences() == set(KIND_OF)
    assert all(codes_of(kind) for kind in Kind)


def test_what_a_right_hangs_on_cannot_be_switched_off_in_the_inbox() -> None:
    for name in ("deadline_moved", "opening_suspended", "opening_record", "award_notice", "deposit_refunded"):
        assert kind_of(f"inbox.{name}") in STATUTORY
    assert not any(may_be_off(kind, INBOX) for kind in STATUTORY)
    assert all(may_be_off(kind, Channel.EMAIL) for kind in Kind)


def test_only_what_cannot_wait_goes_to_a_mobile_at_first() -> None:
    assert {kind for kind in Kind if is_on_at_first(kind, Channel.SMS)} == {Kind.DEADLINE, Kind.HALT, Kind.OPENING}
    assert all(is_on_at_first(kind, place) for kind in Kind for place in (INBOX, Channel.EMAIL))


def test_a_message_is_tried_seven_times_with_growing_pauses() -> None:
    pauses = [rules.pause_after(number) for number in range(1, rules.ATTEMPTS_MAX + 1)]
    assert pauses[-1] is None
    kept = [pause for pause in pauses if pause is not None]
    assert kept == sorted(kept)
    assert len(kept) == 6


def test_every_given_up_message_can_be_sent_again_and_a_sent_one_cannot() -> None:
    assert not DELIVERY_MACHINE.is_final(DeliveryState.GIVEN_UP)
    assert DELIVERY_MACHINE.is_final(DeliveryState.SENT)


@pytest.mark.parametrize(
    ("beijing", "left"),
    [("21:59:59", 0), ("22:00:00", 9 * 60), ("23:30:00", 7.5 * 60), ("06:59:30", 0.5), ("07:00:00", 0)],
)
def test_quiet_hours_go_over_midnight(beijing: str, left: float) -> None:
    at = datetime.fromisoformat(f"2026-11-24T{beijing}+08:00").astimezone(UTC)
    assert rules.quiet_left(at, 22 * 60, 7 * 60) == timedelta(minutes=left)


def test_quiet_hours_hold_back_neither_rights_nor_what_would_be_worthless() -> None:
    at = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 23:00 in Beijing
    plain = {"begins": 22 * 60, "ends": 7 * 60}
    assert rules.wait_for_quiet(at, **plain, is_statutory=False, stale_at=None) == timedelta(hours=8)
    assert rules.wait_for_quiet(at, **plain, is_statutory=True, stale_at=None) == timedelta()
    soon, late = at + timedelta(hours=8), at + timedelta(hours=8, seconds=1)
    assert rules.wait_for_quiet(at, **plain, is_statutory=False, stale_at=soon) == timedelta()
    assert rules.wait_for_quiet(at, **plain, is_statutory=False, stale_at=late) == timedelta(hours=8)
    assert rules.quiet_left(at, None, None) == timedelta()
    assert rules.quiet_left(at, 600, 600) == timedelta()


@pytest.mark.parametrize("text", ["13812345678", "+86 138 1234 5678", "0086-138-1234-5678", " 138-1234-5678 "])
def test_a_mainland_mobile_is_read_however_it_is_written(text: str) -> None:
    assert rules.tidy_mobile(text) == "+8613812345678"


@pytest.mark.parametrize("text", ["", "12345678901", "1381234567", "+85212345678", "138123456789", "zhou"])
def test_anything_else_is_no_mobile(text: str) -> None:
    assert rules.tidy_mobile(text) is None


def test_an_address_shows_neither_name_nor_firm() -> None:
    assert rules.masked("zhou.yuan@firm.example") == "z***@***"
    assert rules.masked("+8613812345678") == "+86*******5678"


@pytest.mark.parametrize("link", [f"/lots/{LOT}", f"/lots/{LOT}/bid", f"/rooms/{LOT}/seat", f"/lots/{LOT}#documents"])
def test_the_lot_of_a_link_is_found(link: str) -> None:
    assert rules.lot_in(link) == LOT


@pytest.mark.parametrize("link", ["", "/keyholding", "/credit/bans", "/lots/none", f"/organisations/{LOT}"])
def test_a_link_to_something_else_is_about_no_lot(link: str) -> None:
    assert rules.lot_in(link) is None


@pytest.mark.parametrize(("text", "minute"), [("22:30", 1350), ("0:00", 0), ("23:59", 1439)])
def test_a_time_of_the_day_is_read_and_written(text: str, minute: int) -> None:
    assert rules.minute_of(text) == minute
    assert rules.minute_of(rules.clock_text(minute)) == minute


@pytest.mark.parametrize("text", ["24:00", "9", "9:5", "ab:cd", "12:60", ""])
def test_anything_else_is_no_time_of_the_day(text: str) -> None:
    assert rules.minute_of(text) is None


def test_every_reason_has_its_words() -> None:
    terms = tomllib.loads((ROOT / "translations" / "notices.toml").read_text(encoding="utf-8"))["terms"]
    assert {f"notice_reason.{reason}" for reason in Reason} <= set(terms)
    assert {f"notice_kind.{kind}" for kind in Kind} <= set(terms)
    assert {f"notice_state.{state}" for state in DeliveryState} <= set(terms)
