"""Two languages, one meaning: zh-Hans (complete, default) and English (complete).

Journal, errors and database hold codes; the sentence is made here, at the edge, from ``translations/*.toml``.
Instants are shown in Beijing time, money grouped with two decimals, sizes in powers of 1000.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final, Literal

from foundation.clock import BEIJING
from foundation.money import Money

Lang = Literal["zh-Hans", "en"]
ZH: Final = "zh-Hans"
EN: Final = "en"
LANGUAGES: Final[tuple[Lang, ...]] = (ZH, EN)
DEFAULT_LANG: Final[Lang] = ZH
SECTIONS: Final = ("errors", "events", "terms")

_WEEKDAYS: Final = (
    ("星期一", "Mon"),
    ("星期二", "Tue"),
    ("星期三", "Wed"),
    ("星期四", "Thu"),
    ("星期五", "Fri"),
    ("星期六", "Sat"),
    ("星期日", "Sun"),
)
_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

_current: ContextVar[Lang] = ContextVar("lang", default=DEFAULT_LANG)


class UnknownSentence(LookupError):
    """No catalogue holds this code."""


class BrokenCatalogue(ValueError):
    """A translations file breaks the rules: both languages, same placeholders, one owner for each code."""


# --- the reader's language ---------------------------------------------------


def current_lang() -> Lang:
    return _current.get()


@contextmanager
def speaking(lang: Lang) -> Iterator[None]:
    """Everything inside speaks ``lang`` unless told otherwise."""
    token = _current.set(lang)
    try:
        yield
    finally:
        _current.reset(token)


def set_lang(lang: Lang) -> None:
    """Choose the language of this context (one request, one job). Edges call it once, at their start."""
    _current.set(lang)


def pick(zh: str, en: str, lang: Lang | None = None) -> str:
    return en if (lang or current_lang()) == EN else zh


def known_lang(text: str | None) -> Lang | None:
    """The language meant by ``zh``, ``zh-CN``, ``zh-Hans``, ``en-GB`` …; None when it is none of ours."""
    base = (text or "").strip().lower().replace("_", "-").partition("-")[0]
    if base == "zh":
        return ZH
    return EN if base == "en" else None


def lang_of_header(accept_language: str) -> Lang:
    """The best of ours in an ``Accept-Language`` header; zh-Hans when none is named."""
    best: tuple[float, Lang] = (0.0, DEFAULT_LANG)
    for part in accept_language[:500].split(","):
        name, _, weight = part.partition(";")
        lang = known_lang(name)
        try:
            quality = float(weight.strip().removeprefix("q=") or "1")
        except ValueError:
            continue
        if lang is not None and quality > best[0]:
            best = (quality, lang)
    return best[1]


# --- the catalogue -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every sentence of the product: section → code → (zh, en)."""

    sections: Mapping[str, Mapping[str, tuple[str, str]]]

    def has(self, section: str, code: str) -> bool:
        return code in self.sections[section]

    def sentence(self, section: str, code: str, params: Mapping[str, object] | None, lang: Lang) -> str:
        """The sentence for ``code`` with ``params`` filled in.

        Raises UnknownSentence. A placeholder without a value is shown as ``…``: an error page must never fail itself.
        """
        found = self.sections[section].get(code)
        if found is None:
            raise UnknownSentence(f"{section}:{code}")
        return _Filling(self, lang).vformat(found[1] if lang == EN else found[0], (), params or {})


class _Filling(string.Formatter):
    """Fills ``{name}`` and ``{name:style}``; a style is one of STYLES or a prefix of terms (``{state:lot_state}``)."""

    def __init__(self, book: Catalogue, lang: Lang) -> None:
        self.book = book
        self.lang = lang

    def get_field(self, field_name: str, _args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, str]:
        return kwargs.get(field_name, "…"), field_name

    def format_field(self, value: object, format_spec: str) -> str:
        if format_spec and format_spec not in STYLES:
            code = f"{format_spec}.{shown(value, '', self.lang)}"
            if self.book.has("terms", code):
                return self.book.sentence("terms", code, None, self.lang)
            return shown(value, "", self.lang)
        return shown(value, format_spec, self.lang)


def placeholders(text: str) -> set[str]:
    """Names of the placeholders; raises BrokenCatalogue where one is not a plain name."""
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as bad:
        raise BrokenCatalogue(f"{text!r}: {bad}") from bad
    for name in names:
        if not _PLAIN_NAME.fullmatch(name):
            raise BrokenCatalogue(f"{text!r}: placeholder {name!r} is not a plain name")
    return set(names)


def load_catalogue(folder: Path) -> Catalogue:
    """Read and check every ``*.toml`` of ``folder``; all faults are reported together as one BrokenCatalogue."""
    sections: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in SECTIONS}
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as bad:
            faults.append(f"{path.name}: {bad}")
            continue
        faults += [f"{path.name}: unknown section {name!r}" for name in raw if name not in SECTIONS]
        for section in SECTIONS:
            for code, entry in raw.get(section, {}).items():
                fault = _entry_fault(entry) or ("is defined twice" if code in sections[section] else "")
                if fault:
                    faults.append(f"{path.name}: {section} {code!r} {fault}")
                else:
                    sections[section][code] = (entry["zh"], entry["en"])
    if faults:
        raise BrokenCatalogue("\n".join(faults))
    return Catalogue(sections)


def _entry_fault(entry: object) -> str:
    if not isinstance(entry, dict) or set(entry) != {"zh", "en"}:
        return 'needs exactly { zh = "…", en = "…" } (is the code quoted?)'
    if not all(isinstance(text, str) and text.strip() for text in entry.values()):
        return "has an empty sentence"
    try:
        zh, en = placeholders(entry["zh"]), placeholders(entry["en"])
    except BrokenCatalogue as bad:
        return str(bad)
    return "" if zh == en else f"has different placeholders: zh {sorted(zh)}, en {sorted(en)}"


@cache
def catalogue() -> Catalogue:
    """The product's own catalogue, read once."""
    return load_catalogue(Path(__file__).resolve().parent.parent / "translations")


def sentence(section: str, code: str, params: Mapping[str, object] | None = None, lang: Lang | None = None) -> str:
    """The sentence of ``code`` in the reader's language. Raises UnknownSentence."""
    return catalogue().sentence(section, code, params, lang or current_lang())


def term(code: str, lang: Lang | None = None, /, **params: object) -> str:
    return sentence("terms", code, params, lang)


# --- values as people read them ----------------------------------------------


def instant(at: datetime, style: str = "short", lang: Lang | None = None) -> str:
    """An instant in Beijing time.

    Styles: ``short`` 11-24 09:30:00 · ``full`` with the year · ``minute`` 11-24 09:30 · ``date`` 2026-11-24 ·
    ``time`` 09:30:00 · ``ms`` 09:30:00.412 · ``long`` 2026年11月24日 09:30:00 / 24 Nov 2026, 09:30:00 ·
    ``weekday`` 11月24日（星期二）09:30:00 / Tue 24 November, 09:30:00. A naive datetime is a bug (ValueError).
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    local = at.astimezone(BEIJING)
    en = (lang or current_lang()) == EN
    if style in _NUMERIC:
        return local.strftime(_NUMERIC[style])
    month = _MONTHS[local.month - 1]
    weekday = _WEEKDAYS[local.weekday()]
    if style == "ms":
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    if style == "long":
        return (
            f"{local.day} {month[:3]} {local.year}, {local:%H:%M:%S}"
            if en
            else f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}"
        )
    if style == "weekday":
        return (
            f"{weekday[1]} {local.day} {month}, {local:%H:%M:%S}"
            if en
            else f"{local.month}月{local.day}日（{weekday[0]}）{local:%H:%M:%S}"
        )
    raise ValueError(f"unknown style {style!r}")


def until(at: datetime, style: str = "short", lang: Lang | None = None) -> str:
    """The end of a period, half-open: midnight is written as 24:00 of the day before, as the law counts it (R0.03).

    Any other instant as :func:`instant` writes it.
    """
    if at.astimezone(BEIJING).time() != time(0):
        return instant(at, style, lang)
    return instant(at - timedelta(days=1), style, lang).replace("00:00:00", "24:00").replace("00:00", "24:00")


_NUMERIC: Final = {
    "short": "%m-%d %H:%M:%S",
    "full": "%Y-%m-%d %H:%M:%S",
    "minute": "%m-%d %H:%M",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
}
STYLES: Final = frozenset(
    {*_NUMERIC, "ms", "long", "weekday", "end", "money", "size", "duration", "span", "grouped", "iso", "text"}
)


def iso(at: datetime) -> str:
    """``2026-11-24T01:30:00.000Z``: for machines."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def money(amount: Money | int) -> str:
    """Grouped, two decimals, no unit (the unit stands in the heading): ``12,860,000.00``. An int is fen."""
    return (Money(amount) if isinstance(amount, int) else amount).grouped()


def grouped(number: Decimal | int) -> str:
    return f"{number:,}"


def size(size_bytes: int) -> str:
    """``302.4 MB``: powers of 1000, one decimal from kB on."""
    value, unit = Decimal(size_bytes), "B"
    for bigger in ("kB", "MB", "GB", "TB"):
        if value < 1000:  # noqa: PLR2004 - the base of the SI prefixes
            break
        value, unit = value / 1000, bigger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def duration(left: timedelta | int, lang: Lang | None = None) -> str:
    """A countdown: ``19:12``, ``17:09:06``, ``3 天 04:05:06``. Rounded up, never negative. An int is seconds."""
    exact = left if isinstance(left, timedelta) else timedelta(seconds=left)
    seconds = max(0, -(-exact // timedelta(seconds=1)))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = f"{hours:02d}:{minutes:02d}:{seconds:02d}" if hours or days else f"{minutes:02d}:{seconds:02d}"
    if not days:
        return clock
    return pick(f"{days} 天 {clock}", f"{days} day{'s' if days > 1 else ''} {clock}", lang)


def span(length: timedelta | int, lang: Lang | None = None) -> str:
    """A length in words: ``30 分钟`` / ``30 minutes``, ``1 小时 20 分钟``. An int is seconds."""
    seconds = int(length.total_seconds()) if isinstance(length, timedelta) else length
    parts: list[str] = []
    for step, zh, en in ((86_400, "天", "day"), (3600, "小时", "hour"), (60, "分钟", "minute"), (1, "秒", "second")):
        count, seconds = divmod(seconds, step)
        if count:
            parts.append(pick(f"{count} {zh}", f"{count} {en}{'' if count == 1 else 's'}", lang))
    return " ".join(parts) or pick("0 秒", "0 seconds", lang)


def hashed(digest: bytes | str) -> str:
    """The first eight and last four hex digits, in fours: ``5f1c 8a02 … d94e``. For the eye; never for comparison."""
    text = digest.hex() if isinstance(digest, bytes) else digest
    return f"{text[:4]} {text[4:8]} … {text[-4:]}" if len(text) > 12 else fours(text)  # noqa: PLR2004 - 8 + 4 digits


def fours(code: str) -> str:
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def shown(value: object, style: str = "", lang: Lang | None = None) -> str:
    """Any parameter of a sentence as people read it; ``style`` tells what an ISO text or a count of fen means."""
    if isinstance(value, str) and style in _DATED:
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if style == "end":
            return until(value, "full", lang)
        return iso(value) if style == "iso" else instant(value, style or "short", lang)
    if isinstance(value, Money):
        return money(value)
    if isinstance(value, timedelta):
        return span(value, lang) if style == "span" else duration(value, lang)
    if isinstance(value, int) and not isinstance(value, bool):
        number = {"money": money, "size": size, "grouped": grouped}.get(style)
        if number is not None:
            return number(value)
        if style in {"duration", "span"}:
            return span(value, lang) if style == "span" else duration(value, lang)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return pick("、", ", ", lang).join(shown(item, style, lang) for item in items)
    return str(value)


_DATED: Final = frozenset({*_NUMERIC, "ms", "long", "weekday", "end"})
