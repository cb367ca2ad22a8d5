"""Marks: what is refused while typing, what comes back before signing, when verdicts reject (V9, R4.52, R4.56)."""

from __future__ import annotations

from decimal import Decimal as D  # noqa: N817 - a table of numbers reads better

import pytest

from evaluation import checks, recusal
from evaluation.checks import Cell, Finding
from evaluation.recusal import Candidate, Party
from evaluation.rubric import FULL, ItemKind, rubric_for, rubric_of

LOW_PRICE = rubric_for(D(100))
PLAN = rubric_for(D(86))


def scored(member: str, points: str, item: str = "plan_method", code: str = "A", reason: str = "") -> Cell:
    return Cell(member, code, item, points=D(points), reason=reason)


def test_v9_mean_with_and_without_its_extremes() -> None:
    x = [D(p) for p in ("33", "34.5", "35", "36", "30", "39.5", "34")]
    y = [D(p) for p in ("22", "35", "36", "34", "35.5", "36.5", "34.5")]
    assert checks.mean_points(x) == D("34.57")
    assert checks.mean_points(x, drop_extremes=True) == D("34.50")
    assert checks.mean_points(y, drop_extremes=True) == D("35.00")
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    assert not any(checks.is_outlier(p, mean_x) for p in x)
    assert [p for p in y if checks.is_outlier(p, mean_y)] == [D(22)]


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        (Cell("m", "A", "qualification", verdict="fail", reason="r"), ["evaluation.clause_missing"]),
        (Cell("m", "A", "qualification", verdict="fail", clause="3.1"), ["evaluation.reason_missing"]),
        (
            Cell("m", "A", "qualification", verdict="fail", clause=" ", reason=" "),
            ["evaluation.clause_missing", "evaluation.reason_missing"],
        ),
        (Cell("m", "A", "qualification", verdict="fail", clause="3.1", reason="r"), []),
        (Cell("m", "A", "qualification", verdict="maybe"), ["evaluation.mark_unknown"]),
        (Cell("m", "A", "beauty", verdict="pass"), ["evaluation.mark_unknown"]),
        (Cell("m", "Z", "qualification", verdict="pass"), ["evaluation.mark_unknown"]),
        (Cell("m", "A", "plan_method", points=D("5.5")), ["evaluation.points_out_of_range"]),
        (Cell("m", "A", "plan_method", points=D("-0.5")), ["evaluation.points_out_of_range"]),
        (Cell("m", "A", "plan_method", points=D("4.3")), ["evaluation.points_out_of_range"]),
        (Cell("m", "A", "plan_method", points=D("5.0")), []),
        (Cell("m", "A", "plan_method", points=D(0)), []),
    ],
)
def test_what_a_cell_is_refused_for(cell: Cell, codes: list[str]) -> None:
    assert [one.code for one in checks.faults([cell], PLAN, ["A"], is_final=False)] == codes


def test_a_sheet_is_complete_when_every_cell_of_every_standing_bid_is_filled() -> None:
    passes = [Cell("m", "A", item.key, verdict="pass") for item in LOW_PRICE.items]
    assert checks.faults(passes, LOW_PRICE, ["A"], is_final=True) == []
    missing = checks.faults(passes[1:], LOW_PRICE, ["A"], is_final=True)
    assert [(one.code, one.field) for one in missing] == [
        ("evaluation.mark_missing", "marks.A.qualification.verdict"),
    ]
    fail = Cell("m", "A", "compliance", verdict="fail", clause="3.2", reason="r")
    assert checks.faults([fail], LOW_PRICE, ["A"], is_final=True) == []


@pytest.mark.parametrize(
    ("votes", "members", "is_rejected"), [(2, 5, False), (3, 5, True), (3, 7, False), (4, 7, True)]
)
def test_a_rejection_takes_more_than_half_of_the_members(votes: int, members: int, is_rejected: bool) -> None:
    cells = [
        Cell(f"m{n}", "A", item, verdict="fail", clause="3.1", reason=f"r{n}")
        for n in range(votes)
        for item in ("qualification", "compliance")
    ]
    found = checks.rejections(cells, members)
    assert ("A" in found) is is_rejected
    if is_rejected:
        assert (found["A"].votes, found["A"].clause) == (votes, "3.1")
        assert found["A"].reason == "；".join(f"r{n}" for n in range(votes))


def test_objective_marks_that_differ_go_back_to_everybody() -> None:
    cells = [scored(f"m{n}", "2" if n else "1", "commitments") for n in range(5)]
    cells += [scored(f"m{n}", "5", item) for n in range(5) for item in ("plan_method",)]
    cells += [scored(f"m{n}", "4", "plan_schedule") for n in range(5)]
    cells += [scored(f"m{n}", "3", "plan_safety") for n in range(5)]
    assert checks.findings(cells, PLAN, ()) == [
        Finding("objective_differs", f"m{n}", "A", "commitments") for n in range(5)
    ]
    assert checks.findings(cells, PLAN, ["A"]) == []


def test_an_outlier_goes_back_to_its_member_until_it_gives_a_reason() -> None:
    others = [
        scored(f"m{n}", p, i)
        for n in range(5)
        for i, p in (("plan_schedule", "4"), ("plan_safety", "3"), ("commitments", "2"))
    ]
    row = [scored("m0", "1"), *(scored(f"m{n}", "5") for n in range(1, 5))]
    assert checks.findings([*others, *row], PLAN, ()) == [Finding("outlier_low", "m0", "A", "plan_method")]
    row[0] = scored("m0", "1", reason="照抄规范")
    assert checks.findings([*others, *row], PLAN, ()) == []


def test_an_outvoted_member_is_asked_for_its_points() -> None:
    cells = [
        scored(f"m{n}", p, i)
        for n in range(4)
        for i, p in (("plan_method", "5"), ("plan_schedule", "4"), ("plan_safety", "3"), ("commitments", "2"))
    ]
    cells.append(Cell("m4", "A", "compliance", verdict="fail", clause="3.2", reason="r"))
    found = checks.findings(cells, PLAN, ())
    assert {(one.kind, one.member) for one in found} == {("points_missing", "m4")}
    assert len(found) == 4


@pytest.mark.parametrize("full", ["100", "95", "90", "88", "86", "80", "70", "60"])
def test_price_and_technical_part_make_a_hundred_points(full: str) -> None:
    rubric = rubric_for(D(full))
    assert rubric.full + D(full) == FULL
    assert all(item.most > 0 for item in rubric.scored)
    assert all(item.most % D("0.5") == 0 for item in rubric.scored)
    assert rubric_of(rubric.as_document()) == rubric
    assert any(item.kind is ItemKind.OBJECTIVE for item in rubric.items) is (D(full) <= D(86))


# --- recusal (R4.01, R4.04, R4.05) ----------------------------------------------------------

PARTIES = (Party("t", "武进区教育局", "tenderee"), Party("b", "ＡＢ 建设公司", "bidder"))


def expert(employer: str = "某院", org: str | None = None, own: str = "x", years: int = 8, **kw: bool) -> Candidate:
    return Candidate("e", employer, org, own, years, is_suspended=kw.get("is_suspended", False))


@pytest.mark.parametrize(
    ("candidate", "ground"),
    [
        (expert(), ""),
        (expert(" 武进区教育局"), "employed_by_tenderee"),
        (expert("ab建设公司"), "employed_by_bidder"),
        (expert(org="b"), "employed_by_bidder"),
        (expert(own="t"), "employed_by_tenderee"),
        (expert(years=7), "too_few_years"),
        (expert("武进区教育局", is_suspended=True), "suspended"),
    ],
)
def test_why_an_expert_may_not_sit(candidate: Candidate, ground: str) -> None:
    assert recusal.ground_of(candidate, PARTIES) == ground


@pytest.mark.parametrize(
    ("size", "experts", "codes"),
    [
        (5, 5, []),
        (5, 4, []),
        (7, 5, []),
        (9, 6, []),
        (11, 8, []),
        (5, 3, ["evaluation.experts_too_few"]),
        (7, 4, ["evaluation.experts_too_few"]),
        (6, 6, ["evaluation.committee_even"]),
        (3, 3, ["evaluation.committee_size"]),
        (4, 2, ["evaluation.committee_even", "evaluation.committee_size", "evaluation.experts_too_few"]),
    ],
)
def test_what_a_committee_has_to_be(size: int, experts: int, codes: list[str]) -> None:
    assert [one.code for one in recusal.composition_objections(size, experts)] == codes
