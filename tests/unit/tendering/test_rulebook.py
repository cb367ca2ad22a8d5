from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from foundation.money import Money
from tendering.rulebook import (
    RULEBOOKS,
    Authority,
    LotSubject,
    NoRulebookInForce,
    PolicyRefused,
    Rulebook,
    RulebookKind,
    deposit_cap,
    must_be_tendered,
    rulebook_in_force,
)

MANDATORY = RULEBOOKS["works-mandatory-2022"]
BELOW = RULEBOOKS["works-below-threshold-2022"]


@pytest.mark.parametrize(
    ("estimate", "subject", "cap"),
    [
        ("12345678.00", LotSubject.WORKS, "246913.56"),
        ("60000000.00", LotSubject.WORKS, "800000.00"),
        ("60000000.00", LotSubject.GOODS, "800000.00"),
        ("900000.00", LotSubject.SURVEY_DESIGN, "18000.00"),
        ("60000000.00", LotSubject.SURVEY_DESIGN, "100000.00"),
        ("40000000.00", LotSubject.WORKS, "800000.00"),
    ],
)
def test_deposit_caps_are_those_of_v7(estimate: str, subject: LotSubject, cap: str) -> None:
    assert deposit_cap(Money.yuan(estimate), subject, MANDATORY) == Money.yuan(cap)


def test_a_cap_is_never_rounded_above_the_lawful_share() -> None:
    assert deposit_cap(Money(99), LotSubject.WORKS, MANDATORY) == Money(1)
    assert deposit_cap(Money(49), LotSubject.WORKS, MANDATORY) == Money(0)


def test_the_rulebook_is_chosen_by_the_day_of_publication() -> None:
    kind = RulebookKind.WORKS_MANDATORY
    assert rulebook_in_force(date(2022, 8, 31), kind).id == "works-mandatory-2019"
    assert rulebook_in_force(date(2022, 9, 1), kind).id == "works-mandatory-2022"
    assert rulebook_in_force(date(2031, 1, 1), kind).id == "works-mandatory-2022"
    with pytest.raises(NoRulebookInForce):
        rulebook_in_force(date(2019, 3, 1), kind)


@pytest.mark.parametrize("kind", list(RulebookKind))
def test_rulebooks_of_a_kind_neither_overlap_nor_leave_a_gap(kind: RulebookKind) -> None:
    books = sorted((b for b in RULEBOOKS.values() if b.kind is kind), key=lambda b: b.effective_from)
    for earlier, later in pairwise(books):
        assert earlier.effective_to is not None
        assert (later.effective_from - earlier.effective_to).days == 1
    assert books[-1].effective_to is None


@pytest.mark.parametrize("book", RULEBOOKS.values(), ids=RULEBOOKS)
def test_every_rule_is_lawful_and_cited_in_both_languages(book: Rulebook) -> None:
    for key, rule in book.rules.items():
        assert rule.key == key
        assert rule.bound.allows(rule.value), key
        assert rule.clause_zh
        assert rule.clause_en
        assert rule.source
        assert rule.id.startswith("R")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tender.doc_available_days", 5),
        ("tender.min_prep_days", 20),
        ("tender.clarify_before_days", 15),
        ("tender.objection_before_days", 10),
        ("answer.objection_days", 3),
        ("opening.min_bidders", 3),
        ("opening.decrypt_minutes", 30),
        ("opening.confirm_minutes", 10),
        ("opening.checkin_lead_minutes", 1440),
        ("opening.emergency_checkin_minutes", 30),
        ("opening.min_decrypted_to_continue", 3),
        ("publicity.candidate_days", 3),
        ("contract.sign_days", 30),
        ("deposit.refund_days", 5),
    ],
)
def test_mandatory_works_carry_the_values_of_the_law(key: str, value: int) -> None:
    assert MANDATORY.number(key) == value


def test_below_the_threshold_times_are_local_policy() -> None:
    assert BELOW.number("tender.min_prep_days") < MANDATORY.number("tender.min_prep_days")
    assert BELOW.rule("tender.min_prep_days").authority is Authority.LOCAL_POLICY
    assert MANDATORY.rule("tender.min_prep_days").authority is Authority.LAW
    assert not MANDATORY.has("tender.notice_workdays")
    assert BELOW.number("tender.notice_workdays") == 3


def test_drawing_lots_is_forbidden_since_september_2022() -> None:
    assert MANDATORY.flag("award.lots_drawing_forbidden")
    assert not RULEBOOKS["works-mandatory-2019"].flag("award.lots_drawing_forbidden")


def test_local_policy_moves_within_its_bound_and_renames_the_book() -> None:
    book = MANDATORY.configured("2026-03", {"opening.decrypt_minutes": 60, "tender.min_prep_days": 25})
    assert (book.id, book.number("opening.decrypt_minutes")) == ("works-mandatory-2022+2026-03", 60)
    assert book.number("tender.min_prep_days") == 25
    assert MANDATORY.number("opening.decrypt_minutes") == 30


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("tender.min_prep_days", 19, "tendering.policy_out_of_bound"),
        ("opening.decrypt_minutes", 5, "tendering.policy_out_of_bound"),
        ("contract.sign_days", 31, "tendering.policy_out_of_bound"),
        ("opening.decrypt_minutes", Decimal(30), "tendering.policy_out_of_bound"),
        ("opening.min_bidders", 2, "tendering.policy_fixed"),
        ("deposit.rate_cap", Decimal("0.03"), "tendering.policy_fixed"),
        ("tender.objection_before_days", 12, "tendering.policy_fixed"),
        ("tender.sign_up_days", 3, "tendering.policy_unknown"),
    ],
)
def test_unlawful_policy_is_refused(key: str, value: int | Decimal, code: str) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        MANDATORY.configured("x", {"opening.confirm_minutes": 15, key: value})
    assert [objection.code for objection in refusal.value.objections] == [code]


def test_a_value_read_as_another_kind_is_a_bug() -> None:
    with pytest.raises(TypeError):
        MANDATORY.number("deposit.rate_cap")
    with pytest.raises(TypeError):
        MANDATORY.rate("deposit.abs_cap_works")
    with pytest.raises(TypeError):
        MANDATORY.money("opening.min_bidders")
    with pytest.raises(KeyError):
        MANDATORY.number("nothing")


def test_four_million_of_public_money_must_be_tendered() -> None:
    at, under = Money.yuan("4000000.00"), Money.yuan("3999999.99")
    assert must_be_tendered(at, MANDATORY, is_state_funded=True)
    assert not must_be_tendered(under, MANDATORY, is_state_funded=True)
    assert not must_be_tendered(at, MANDATORY, is_state_funded=False)
