"""What a bidder signs when it confirms the opening (R3.48): its lot, its seat, its own line, and all that was shown.

Pure. Whoever has the public frames of a room (a bidder's device, a court) makes the same note from them and never has
to sign what the platform merely hands over. ``static/js/room/confirming.js`` is the same in a browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from foundation.sealing.text import h, note

NOT_OPENED: Final = "not_opened"
"""The fault of a seat whose secret never came."""
_FIGURES: Final = ("name", "total", "total_words", "duration_days", "quality", "project_manager")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLine:
    """One seat as everybody saw it. ``fault`` is "" for a line that was read out; the figures are then the line's.

    ``total`` is decimal text as in the frame of the line.
    """

    seat: int
    bid: str
    name: str
    fault: str = ""
    total: str = ""
    total_words: str = ""
    duration_days: int = 0
    quality: str = ""
    project_manager: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownDraw:
    """A coefficient as drawn; ``seed`` binds its whole transcript."""

    name: str
    value: str
    seed: str


@dataclass(frozen=True, slots=True)
class ShownObjection:
    """An objection with what came of it: its answer, or that it was taken back."""

    id: str
    seat: int
    text: str
    answer: str = ""
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the room showed of the result: lines in seat order, draws and objections in the order they came."""

    lot_code: str
    lines: tuple[ShownLine, ...]
    draws: tuple[ShownDraw, ...] = ()
    objections: tuple[ShownObjection, ...] = ()

    def line_of(self, bid: str) -> ShownLine | None:
        return next((line for line in self.lines if line.bid == bid), None)


def shown_in(lot_code: str, frames: Iterable[Mapping[str, Any]]) -> Shown:
    """What a room's public frames showed, in their order (docs/reference/room-protocol.md); other types pass by."""
    lines: dict[int, ShownLine] = {}
    draws: list[ShownDraw] = []
    objections: dict[str, ShownObjection] = {}
    for frame in frames:
        data = frame["data"]
        match frame["type"]:
            case "list_published":
                lines = {one["seat"]: _closed(one) for one in data["bidders"]}
            case "bid_unreadable":
                lines[data["seat"]] = replace(lines[data["seat"]], fault=data["fault"])
            case "line_read":
                figures = {name: data[name] for name in _FIGURES}
                lines[data["seat"]] = replace(lines[data["seat"]], fault="", marks=tuple(data["marks"]), **figures)
            case "coefficient_drawn":
                draws.append(ShownDraw(data["name"], data["value"], data["seed"]))
            case "objection_raised":
                objections[data["objection"]] = ShownObjection(data["objection"], data["seat"], data["text"])
            case "objection_answered":
                objections[data["objection"]] = replace(objections[data["objection"]], answer=data["text"])
            case "objection_withdrawn":
                objections[data["objection"]] = replace(objections[data["objection"]], is_withdrawn=True)
    return Shown(lot_code, tuple(lines[seat] for seat in sorted(lines)), tuple(draws), tuple(objections.values()))


def _closed(listed: Mapping[str, Any]) -> ShownLine:
    return ShownLine(seat=listed["seat"], bid=listed["bid"], name=listed["name"], fault=NOT_OPENED)


def line_digest(lot_code: str, line: ShownLine) -> str:
    """Hex SHA-256 over one seat's line. Free texts enter by their own digests: no spelling of spaces is lost."""
    head = ("etender-record-line/v2", lot_code, str(line.seat), line.bid, _of(line.name))
    if line.fault:
        return h(*head, "closed", line.fault)
    return h(
        *head,
        "read",
        line.total,
        _of(line.total_words),
        str(line.duration_days),
        _of(line.quality),
        _of(line.project_manager),
        *line.marks,
    )


def shown_digest(shown: Shown) -> str:
    """Hex SHA-256 over the whole result: what the record sheet is made of."""
    return h("etender-shown/v1", shown.lot_code, *_shown_lines(shown))


def _shown_lines(shown: Shown) -> Iterable[str]:
    yield from (f"draw {_of(one.name)} {_of(one.value)} {one.seed}" for one in shown.draws)
    yield from (f"line {line_digest(shown.lot_code, line)}" for line in shown.lines)
    for one in shown.objections:
        outcome = "withdrawn" if one.is_withdrawn else f"answered {_of(one.answer)}"
        yield f"objection {one.id} {one.seat} {_of(one.text)} {outcome}"


def confirmation_note(shown: Shown, bid: str) -> bytes:
    """``note("etender-confirm/v2", lot code, bid, line digest, shown digest)``: the bytes that are signed.

    Raises KeyError for a bid that has no seat.
    """
    line = shown.line_of(bid)
    if line is None:
        raise KeyError(bid)
    return note("etender-confirm/v2", shown.lot_code, bid, line_digest(shown.lot_code, line), shown_digest(shown))


def _of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
