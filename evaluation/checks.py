"""Checks on marks: while a sheet is filled in (R4.52) and before signing (R4.56); verdicts become rejections. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from evaluation.rubric import STEP, ItemKind, Rubric
from foundation.errors import Objection

OUTLIER_SHARE: Final = Decimal("0.20")
"""|points - mean| / mean beyond this is 畸高 or 畸低 (R4.56)."""
PASS, FAIL = "pass", "fail"
POINTS_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of one member's sheet. ``reason`` says why a bid fails, or confirms points that stand out."""

    member: str
    code: str
    item: str
    points: Decimal | None = None
    verdict: str = ""
    clause: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """``kind``: objective_differs, outlier_high, outlier_low or points_missing; it goes back to ``member``.

    points_missing: the member failed the bid and was outvoted, so its points are needed after all.
    """

    kind: str
    member: str
    code: str
    item: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A bid the majority rejects: every clause cited, every reason given, joined by "；"."""

    code: str
    votes: int
    clause: str
    reason: str


def field_of(code: str, item: str, part: str = "points") -> str:
    """Name of a form field: ``marks.A.plan_method.points``."""
    return f"marks.{code}.{item}.{part}"


def faults(cells: Iterable[Cell], rubric: Rubric, codes: Sequence[str], *, is_final: bool) -> list[Objection]:
    """What is wrong with a sheet. A rejection without clause or reason is never saved (R4.52).

    ``is_final``: also what is missing. A bid that fails needs no points.
    """
    found: list[Objection] = []
    given = {(cell.code, cell.item): cell for cell in cells}
    for (code, key), cell in given.items():
        item = rubric.item(key)
        if item is None or code not in codes:
            found.append(Objection("evaluation.mark_unknown", field_of(code, key)))
        elif item.kind is ItemKind.PASS:
            found += _verdict_faults(cell)
        elif cell.points is not None and not (0 <= cell.points <= item.most and cell.points % STEP == 0):
            params = {"code": code, "most": item.most}
            found.append(Objection("evaluation.points_out_of_range", field_of(code, key), params, "R4.56"))
    if is_final:
        found += _missing(given, rubric, codes)
    return found


def _verdict_faults(cell: Cell) -> list[Objection]:
    if cell.verdict not in {PASS, FAIL, ""}:
        return [Objection("evaluation.mark_unknown", field_of(cell.code, cell.item, "verdict"))]
    found = []
    if cell.verdict == FAIL and not cell.clause.strip():
        field = field_of(cell.code, cell.item, "clause")
        found.append(Objection("evaluation.clause_missing", field, {"code": cell.code}, "R4.52"))
    if cell.verdict == FAIL and not cell.reason.strip():
        field = field_of(cell.code, cell.item, "reason")
        found.append(Objection("evaluation.reason_missing", field, {"code": cell.code}, "R4.52"))
    return found


def _missing(given: Mapping[tuple[str, str], Cell], rubric: Rubric, codes: Sequence[str]) -> list[Objection]:
    found = []
    for code in codes:
        fails = any(cell.verdict == FAIL for (its_code, _), cell in given.items() if its_code == code)
        for item in rubric.items:
            cell = given.get((code, item.key))
            is_open = cell is None or (cell.points is None if item.is_scored else not cell.verdict)
            if is_open and not fails:
                part = "points" if item.is_scored else "verdict"
                found.append(Objection("evaluation.mark_missing", field_of(code, item.key, part), {"code": code}))
    return found


def rejections(cells: Iterable[Cell], members: int) -> dict[str, Rejection]:
    """The bids that more than half of the members fail, by code; a member that fails two items is one vote."""
    against: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        if cell.verdict == FAIL:
            against.setdefault(cell.code, {}).setdefault(cell.member, []).append(cell)
    found = {}
    for code, votes in against.items():
        if len(votes) * 2 > members:
            said = [cell for cells_of in votes.values() for cell in cells_of]
            found[code] = Rejection(code, len(votes), _joined(c.clause for c in said), _joined(c.reason for c in said))
    return found


def findings(cells: Sequence[Cell], rubric: Rubric, rejected: Iterable[str]) -> list[Finding]:
    """R4.56: objective items on which members differ, and subjective points far from the mean and not confirmed."""
    found: list[Finding] = []
    gone = set(rejected)
    members = sorted({cell.member for cell in cells})
    kept = sorted({cell.code for cell in cells} - gone)
    scored = {(cell.member, cell.code, cell.item) for cell in cells if cell.points is not None}
    for item in rubric.scored:
        found += [
            Finding("points_missing", member, code, item.key)
            for code in kept
            for member in members
            if (member, code, item.key) not in scored
        ]
        by_code: dict[str, list[Cell]] = {}
        for cell in cells:
            if cell.item == item.key and cell.code not in gone and cell.points is not None:
                by_code.setdefault(cell.code, []).append(cell)
        for code, row in sorted(by_code.items()):
            if item.kind is ItemKind.OBJECTIVE:
                if len({cell.points for cell in row}) > 1:
                    found += [Finding("objective_differs", cell.member, code, item.key) for cell in row]
            else:
                found += _outliers(row, code, item.key)
    return found


def _outliers(row: Sequence[Cell], code: str, item: str) -> list[Finding]:
    points = [cell.points for cell in row if cell.points is not None]
    mean = sum(points, Decimal(0)) / len(points)
    found = []
    for cell in row:
        if cell.points is None or not is_outlier(cell.points, mean) or cell.reason.strip():
            continue
        kind = "outlier_high" if cell.points > mean else "outlier_low"
        found.append(Finding(kind, cell.member, code, item))
    return found


def is_outlier(points: Decimal, mean: Decimal) -> bool:
    return mean > 0 and abs(points - mean) / mean > OUTLIER_SHARE


def mean_points(points: Sequence[Decimal], *, drop_extremes: bool = False) -> Decimal:
    """The members' mean, two places; with ``drop_extremes`` without one highest and one lowest (R4.57)."""
    kept = sorted(points)
    if drop_extremes and len(kept) > 2:  # noqa: PLR2004 - something has to be left
        kept = kept[1:-1]
    return (sum(kept, Decimal(0)) / len(kept)).quantize(POINTS_PLACES, rounding=ROUND_HALF_UP)


def _joined(texts: Iterable[str]) -> str:
    return "；".join(dict.fromkeys(text.strip() for text in texts if text.strip()))
