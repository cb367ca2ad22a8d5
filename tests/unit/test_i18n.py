from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pytest

from foundation import i18n
from foundation.i18n import BrokenCatalogue, UnknownSentence, load_catalogue
from foundation.money import Money

AT = datetime(2026, 11, 24, 1, 30, 0, 412_345, tzinfo=UTC)


class State(StrEnum):
    OPEN = "open"


def write(folder: Path, text: str, name: str = "a.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_products_own_catalogue_is_sound():
    assert i18n.catalogue().has("errors", "foundation.conflict")


@pytest.mark.parametrize(
    ("style", "zh", "en"),
    [
        ("short", "11-24 09:30:00", "11-24 09:30:00"),
        ("full", "2026-11-24 09:30:00", "2026-11-24 09:30:00"),
        ("minute", "11-24 09:30", "11-24 09:30"),
        ("date", "2026-11-24", "2026-11-24"),
        ("time", "09:30:00", "09:30:00"),
        ("ms", "09:30:00.412", "09:30:00.412"),
        ("long", "2026年11月24日 09:30:00", "24 Nov 2026, 09:30:00"),
        ("weekday", "11月24日（星期二）09:30:00", "Tue 24 November, 09:30:00"),
    ],
)
def test_an_instant_is_shown_in_beijing_time(style, zh, en):
    assert (i18n.instant(AT, style, "zh-Hans"), i18n.instant(AT, style, "en")) == (zh, en)


def test_an_instant_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="time zone"):
        i18n.instant(datetime(2026, 11, 24))  # noqa: DTZ001 - the naive value is the point
    with pytest.raises(ValueError, match="style"):
        i18n.instant(AT, "soon")


def test_a_late_evening_in_utc_is_the_next_day_in_beijing():
    assert i18n.instant(datetime(2026, 11, 23, 16, 0, tzinfo=UTC), "date") == "2026-11-24"


def test_figures_read_as_in_the_design():
    assert i18n.money(Money(1_286_000_000)) == "12,860,000.00"
    assert i18n.money(-5) == "-0.05"
    assert i18n.grouped(1664) == "1,664"
    assert [i18n.size(n) for n in (0, 999, 1000, 302_400_000, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "302.4 MB",
        "2.5 GB",
    ]
    assert i18n.hashed(bytes.fromhex("5f1c8a02" + "00" * 26 + "d94e")) == "5f1c 8a02 … d94e"
    assert i18n.fours("9132041") == "9132 041"


def test_a_countdown_rounds_up_and_never_goes_below_zero():
    assert i18n.duration(timedelta(minutes=19, seconds=11, milliseconds=1)) == "19:12"
    assert i18n.duration(61_746) == "17:09:06"
    assert i18n.duration(timedelta(days=3, hours=4)) == "3 天 04:00:00"
    assert i18n.duration(timedelta(days=1), "en") == "1 day 00:00:00"
    assert i18n.duration(timedelta(seconds=-5)) == "00:00"


def test_a_length_in_words():
    assert i18n.span(1800) == "30 分钟"
    assert i18n.span(timedelta(hours=1, minutes=20), "en") == "1 hour 20 minutes"
    assert i18n.span(0, "en") == "0 seconds"


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "zh-Hans"),
        ("fr", "zh-Hans"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,en;q=0.9", "zh-Hans"),
        ("fr;q=1,en;q=0.4,zh;q=0.2", "en"),
        ("en;q=bad", "zh-Hans"),
    ],
)
def test_the_browsers_wish_is_read(header, lang):
    assert i18n.lang_of_header(header) == lang


def test_the_language_of_a_context_ends_with_it():
    assert i18n.pick("中", "en") == "中"
    with i18n.speaking("en"):
        assert i18n.pick("中", "en") == "en"
    assert i18n.current_lang() == "zh-Hans"


def test_a_sentence_is_filled_with_values_as_people_read_them(tmp_path: Path):
    book = load_catalogue(
        write(
            tmp_path,
            """
[errors]
"a.late" = { zh = "{due} 截止，{at:ms}，{sum} 元，{left:duration}", en = "{due:long}; {at:ms}; {sum}; {left:duration}" }
"a.state" = { zh = "现在是{state:lot_state}", en = "It is {state:lot_state}" }
"a.brace" = { zh = "{{x}} {missing}", en = "{{x}} {missing}" }
[terms]
"lot_state.open" = { zh = "接收投标", en = "receiving bids" }
""",
        )
    )
    params = {"due": "2026-11-24T01:30:00Z", "at": AT, "sum": Money(100), "left": 70}
    assert book.sentence("errors", "a.late", params, "en") == "24 Nov 2026, 09:30:00; 09:30:00.412; 1.00; 01:10"
    params["due"] = AT
    assert book.sentence("errors", "a.late", params, "zh-Hans") == "11-24 09:30:00 截止，09:30:00.412，1.00 元，01:10"
    assert book.sentence("errors", "a.state", {"state": State.OPEN}, "zh-Hans") == "现在是接收投标"
    assert book.sentence("errors", "a.state", {"state": "shut"}, "en") == "It is shut"
    assert book.sentence("errors", "a.brace", {}, "en") == "{x} …"
    with pytest.raises(UnknownSentence, match=r"a\.none"):
        book.sentence("errors", "a.none", {}, "en")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('"a.b" = { zh = "有" }', "exactly"),
        ('"a.b" = { zh = "有", en = " " }', "empty"),
        ('"a.b" = { zh = "有{x}", en = "has {y}" }', "different placeholders"),
        ('"a.b" = { zh = "{x.y}", en = "{x.y}" }', "plain name"),
        ('"a.b" = { zh = "{0}", en = "{0}" }', "plain name"),
        ('"a.b" = { zh = "{x", en = "{x" }', "expected"),
        ('a.b = { zh = "有", en = "has" }', "quoted"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, entry, fault):
    with pytest.raises(BrokenCatalogue, match=fault):
        load_catalogue(write(tmp_path, f"[errors]\n{entry}\n"))


def test_all_faults_are_reported_together(tmp_path: Path):
    good = '[errors]\n"a.b" = { zh = "有", en = "has" }\n'
    write(tmp_path, good)
    write(tmp_path, good, "b.toml")
    write(tmp_path, "[mistakes]\n", "c.toml")
    write(tmp_path, "not toml", "d.toml")
    with pytest.raises(BrokenCatalogue) as broken:
        load_catalogue(tmp_path)
    assert all(word in str(broken.value) for word in ("b.toml", "twice", "mistakes", "d.toml"))


@pytest.mark.parametrize(
    ("style", "zh", "en"),
    [
        ("full", "2026-11-23 24:00", "2026-11-23 24:00"),
        ("minute", "11-23 24:00", "11-23 24:00"),
        ("long", "2026年11月23日 24:00", "23 Nov 2026, 24:00"),
        ("weekday", "11月23日（星期一）24:00", "Mon 23 November, 24:00"),
        ("date", "2026-11-23", "2026-11-23"),
    ],
)
def test_a_period_that_ends_at_midnight_ends_at_24_of_its_last_day(style, zh, en):
    midnight = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    assert (i18n.until(midnight, style, "zh-Hans"), i18n.until(midnight, style, "en")) == (zh, en)
    assert i18n.until(AT, style, "en") == i18n.instant(AT, style, "en")
