"""Vector V8 (2024) as a timetable, and why plans and lot terms are refused."""

import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import Objection
from foundation.money import Money
from foundation.working_days import BEIJING, from_state_council
from tendering.methods import default_parameters
from tendering.rulebook import RULEBOOKS, LotSubject
from tendering.timetable import (
    DateOutOfRange,
    LotTerms,
    MomentKind,
    TimetableFacts,
    earliest_deadline,
    lot_terms_objections,
    next_slot,
    objections,
    simulate,
)

CALENDAR = from_state_council()
MANDATORY = RULEBOOKS["works-mandatory-2022"]
BELOW = RULEBOOKS["works-below-threshold-2022"]


def at(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2024) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BEIJING)


def plan(**changes: Any) -> list[Objection]:
    facts = TimetableFacts(published_at=at(3, 12, 10), bid_deadline=at(4, 8))
    return objections(simulate(replace(facts, **changes), MANDATORY, CALENDAR))


def codes(found: list[Objection]) -> list[str]:
    return [objection.code for objection in found]


def test_v8_documents_of_12_march_allow_the_first_of_april() -> None:
    assert earliest_deadline(TimetableFacts(at(3, 12, 23)), MANDATORY, CALENDAR) == at(4, 1, 8, 30)
    assert plan(bid_deadline=at(4, 1, 8, 30)) == []


def test_a_deadline_one_slot_too_early_is_refused_with_the_nearest() -> None:
    found = plan(bid_deadline=at(3, 29, 17, 30))
    assert codes(found) == ["tendering.deadline_too_early_min_prep"]
    assert found[0].clause == "R1.31"
    assert found[0].params == {"given": at(3, 29, 17, 30), "nearest": at(4, 1, 8, 30), "days": 20}


def test_v8_a_change_on_20_march_moves_the_deadline_past_the_holiday() -> None:
    facts = TimetableFacts(at(3, 12), changed_at=at(3, 20))
    floors = {floor.key: floor.at for floor in simulate(facts, MANDATORY, CALENDAR).floors}
    assert floors["change"] == at(4, 4)
    assert earliest_deadline(facts, MANDATORY, CALENDAR) == at(4, 7, 8, 30)
    assert plan(changed_at=at(3, 20), bid_deadline=at(4, 7)) == []
    refused = plan(changed_at=at(3, 20), bid_deadline=at(4, 3))
    assert codes(refused) == ["tendering.deadline_too_early_change"]
    assert (refused[0].clause, refused[0].params["nearest"]) == ("R1.33", at(4, 7, 8, 30))


def test_a_change_exactly_fifteen_days_before_needs_no_postponement() -> None:
    assert plan(changed_at=at(3, 24)) == []
    assert codes(plan(changed_at=at(3, 24) + timedelta(seconds=1))) == ["tendering.deadline_too_early_change"]


def test_v8_objections_to_documents_are_heard_until_29_march() -> None:
    table = simulate(TimetableFacts(at(3, 12), at(4, 8)), MANDATORY, CALENDAR)
    row = table.moment("objection_until")
    assert (row.on, row.at, row.kind, row.rule_id) == (date(2024, 3, 29), at(3, 29), MomentKind.LATEST, "R1.34")
    assert table.moment("objection_answer_until").on == date(2024, 4, 1)


def test_v8_after_the_opening() -> None:
    # Opened on 04-08, two days of evaluation: the report of 04-10.
    table = simulate(TimetableFacts(at(3, 12), at(4, 8), evaluation_days=2), MANDATORY, CALENDAR)
    assert table.moment("evaluation_report").on == date(2024, 4, 10)
    assert table.moment("publicity_start_until").on == date(2024, 4, 15)
    assert table.moment("publicity_until").on == date(2024, 4, 15)
    # The award notice of 04-16 here: contract within 30 days, refund within 5 of that.
    assert table.moment("award_notice").on == date(2024, 4, 16)
    assert table.moment("contract_until").on == date(2024, 5, 16)
    assert table.moment("deposit_refund_until").on == date(2024, 5, 21)
    assert table.moment("regulator_report_until").on == date(2024, 5, 6)
    assert not table.is_provisional


def test_the_opening_is_at_the_deadline_and_signing_in_a_day_before() -> None:
    table = simulate(TimetableFacts(at(3, 12), at(4, 8)), MANDATORY, CALENDAR)
    assert table.moment("opening").at == table.moment("bid_deadline").at == table.bid_deadline
    assert table.moment("checkin_from").at == at(4, 7)
    assert table.moment("emergency_checkin_from").at == at(4, 8, 8, 30)
    assert all(moment.at.tzinfo is UTC for moment in table.moments)


def test_an_open_plan_takes_the_earliest_deadline_and_holds() -> None:
    table = simulate(TimetableFacts(at(3, 12)), MANDATORY, CALENDAR)
    assert table.bid_deadline == table.earliest_deadline == at(4, 1, 8, 30)
    assert objections(table) == []


@pytest.mark.parametrize(
    ("deadline", "code", "nearest"),
    [
        (at(4, 13), "tendering.deadline_on_rest_day", at(4, 15, 8, 30)),
        (at(5, 1), "tendering.deadline_on_rest_day", at(5, 6, 8, 30)),
        (at(4, 9, 9, 7), "tendering.deadline_off_slot", at(4, 9, 9, 15)),
        (at(4, 9, 8), "tendering.deadline_off_slot", at(4, 9, 8, 30)),
        (at(4, 9, 17, 45), "tendering.deadline_off_slot", at(4, 10, 8, 30)),
        (at(4, 9) + timedelta(microseconds=1), "tendering.deadline_off_slot", at(4, 9, 9, 15)),
    ],
)
def test_a_deadline_off_hours_is_refused_with_the_nearest_slot(
    deadline: datetime, code: str, nearest: datetime
) -> None:
    found = plan(bid_deadline=deadline)
    assert codes(found) == [code]
    assert found[0].params["nearest"] == nearest


@pytest.mark.parametrize("deadline", [at(4, 9), at(4, 9, 8, 30), at(4, 9, 17, 30), at(4, 28), at(4, 7)])
def test_slots_of_working_days_hold_also_on_make_up_days(deadline: datetime) -> None:
    assert plan(bid_deadline=deadline) == []


def test_documents_have_to_be_available_to_the_end_of_the_fifth_day() -> None:
    # 03-12 plus five days is Sunday 03-17, so the period ends on Monday.
    assert codes(plan(documents_until=at(3, 18, 23, 59))) == ["tendering.documents_too_short"]
    assert plan(documents_until=at(3, 19, 0)) == []


def test_a_deadline_before_publication_and_a_change_before_publication_are_refused() -> None:
    assert "tendering.deadline_before_publication" in codes(plan(bid_deadline=at(3, 11)))
    assert codes(plan(changed_at=at(3, 11))) == ["tendering.change_before_publication"]


def test_below_the_threshold_the_local_times_hold() -> None:
    facts = TimetableFacts(at(3, 11), at(3, 18))
    assert objections(simulate(facts, BELOW, CALENDAR)) == []
    early = objections(simulate(replace(facts, bid_deadline=at(3, 14)), BELOW, CALENDAR))
    assert codes(early) == [
        "tendering.deadline_too_early_min_prep",
        "tendering.deadline_too_early_documents_available",
        "tendering.deadline_too_early_notice",
    ]


def test_a_plan_in_a_year_without_a_notice_is_provisional_not_refused() -> None:
    table = simulate(TimetableFacts(at(1, 10, year=2029)), MANDATORY, CALENDAR)
    assert table.is_provisional
    assert objections(table) == []


@pytest.mark.parametrize(
    "change",
    [
        {"bid_deadline": datetime.max.replace(tzinfo=UTC)},
        {"bid_deadline": datetime.min.replace(tzinfo=UTC)},
        {"evaluation_days": 61},
        {"evaluation_days": -1},
        {"bid_validity_days": 0},
    ],
)
def test_dates_beyond_all_use_are_refused_not_crashed_on(change: dict[str, Any]) -> None:
    with pytest.raises(DateOutOfRange):
        plan(**change)


def test_next_slot_follows_a_configured_grid() -> None:
    book = MANDATORY.configured("x", {"tender.deadline_slot_minutes": 60, "tender.deadline_until_minute": 12 * 60})
    assert next_slot(at(4, 9, 9, 1), book, CALENDAR) == at(4, 9, 9, 30)
    assert next_slot(at(4, 9, 11, 31), book, CALENDAR) == at(4, 10, 8, 30)


TERMS = LotTerms(
    subject=LotSubject.WORKS,
    contract_estimate=Money.yuan("12345678.00"),
    bid_deposit=Money.yuan("246913.56"),
    method_id="jiangsu-1",
    method_parameters=default_parameters("jiangsu-1"),
    ceiling_price=Money.yuan("12000000.00"),
)


def test_lawful_terms_hold() -> None:
    assert lot_terms_objections(TERMS, MANDATORY) == []
    assert lot_terms_objections(replace(TERMS, bid_deposit=Money(0), method_parameters={}), MANDATORY) == []


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"ceiling_price": None}, "tendering.ceiling_missing", "ceiling_price"),
        ({"ceiling_price": Money(0)}, "tendering.ceiling_not_positive", "ceiling_price"),
        ({"minimum_price": Money(1)}, "tendering.minimum_price_forbidden", "minimum_price"),
        ({"bid_deposit": Money.yuan("246913.57")}, "tendering.deposit_above_cap", "bid_deposit"),
        ({"bid_deposit": Money(-1)}, "tendering.deposit_negative", "bid_deposit"),
        (
            {"contract_estimate": Money(0), "bid_deposit": Money(0)},
            "tendering.estimate_not_positive",
            "contract_estimate",
        ),
        ({"decrypt_minutes": 5}, "tendering.term_out_of_bound", "decrypt_minutes"),
        ({"decrypt_minutes": 121}, "tendering.term_out_of_bound", "decrypt_minutes"),
        ({"bid_validity_days": 29}, "tendering.term_out_of_bound", "bid_validity_days"),
        ({"min_decrypted_to_continue": 0}, "tendering.term_out_of_bound", "min_decrypted_to_continue"),
        ({"method_id": "jiangsu-6"}, "tendering.unknown_method", "method_id"),
        ({"method_id": "jiangsu-4"}, "tendering.parameters_of_other_method", "method_id"),
        ({"method_parameters": {"K": []}}, "tendering.parameter_empty_set", "K"),
    ],
)
def test_each_unlawful_term_is_named_with_its_field(change: dict[str, Any], code: str, field: str) -> None:
    found = lot_terms_objections(replace(TERMS, **change), MANDATORY)
    assert [(objection.code, objection.field) for objection in found] == [(code, field)]
    assert found[0].clause


def test_a_method_that_uses_the_ceiling_needs_one_even_where_it_is_optional() -> None:
    terms = replace(TERMS, method_id="jiangsu-5", method_parameters={}, ceiling_price=None, is_state_funded=False)
    assert codes(lot_terms_objections(terms, BELOW)) == ["tendering.method_needs_ceiling"]
    assert lot_terms_objections(replace(terms, method_id="jiangsu-3"), BELOW) == []


def test_public_money_above_the_threshold_cannot_run_below_it() -> None:
    found = lot_terms_objections(TERMS, BELOW)
    assert codes(found) == ["tendering.must_be_tendered"]
    assert lot_terms_objections(replace(TERMS, is_state_funded=False), BELOW) == []


def test_every_code_and_row_has_a_sentence_in_both_languages() -> None:
    root = Path(__file__).resolve().parents[3]
    catalogue = tomllib.loads((root / "translations/timetable.toml").read_text(encoding="utf-8"))
    sources = [root / "tendering" / f"{name}.py" for name in ("rulebook", "timetable", "methods")]
    sources += [root / "foundation" / f"{name}.py" for name in ("money", "codes")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r'"((?:tendering|foundation)\.[a-z_]+)"', text))
    used |= {f"tendering.deadline_too_early_{key}" for key in ("min_prep", "documents_available", "notice", "change")}
    assert used == set(catalogue["errors"])
    facts = TimetableFacts(at(3, 12), at(4, 8), documents_until=at(4, 8), changed_at=at(3, 13))
    rows = {f"timetable_moment.{moment.key}" for moment in simulate(facts, MANDATORY, CALENDAR).moments}
    assert rows == {code for code in catalogue["terms"] if code.startswith("timetable_moment.")}
    assert {f"timetable_kind.{kind}" for kind in MomentKind} <= set(catalogue["terms"])
    for section in catalogue.values():
        assert all(entry["zh"] and entry["en"] for entry in section.values())
