"""Who may hold the keys of one lot together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.clock import machine_now
from keyholding.rules import (
    SeatFacts,
    choose,
    hands_among,
    is_present,
    objections_to_group,
    objections_to_seat,
    policy_warnings,
)
from keyholding.states import GATE_SIDES, KEYSET_MACHINE, KeysetState, Side

TENDEREE, AGENCY = "org-tenderee", "org-agency"


def seat(name: str, side: Side, **changes: object) -> SeatFacts:
    facts: dict[str, object] = {
        "id": name,
        "side": side,
        "org_id": f"org-{name}",
        "org_name": name,
        "holder_name": name,
        "operator": f"{name}机房",
    }
    return SeatFacts(**(facts | changes))  # type: ignore[arg-type]


def usual(**changes: dict[str, object]) -> list[SeatFacts]:
    seats = [
        seat("tenderee", Side.TENDEREE_SIDE),
        seat("regulator", Side.REGULATOR),
        seat("audit", Side.AUDIT),
        *(seat(f"custodian{i}", Side.CUSTODIAN) for i in range(3)),
    ]
    return [seat(one.id, one.side, **changes.get(one.id, {})) for one in seats]


def codes(seats: list[SeatFacts], *, custodians: bool = True, agency: str | None = AGENCY) -> list[str]:
    found = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=agency, custodians=custodians)
    return [objection.code for objection in found.objections]


def test_one_seat_a_side_and_three_custodians_are_chosen_in_order() -> None:
    found = choose(usual(), tenderee_org_id=TENDEREE, agency_org_id=None, custodians=True)
    assert found.choice is not None
    assert [one.side for one in found.choice.gate] == list(GATE_SIDES)
    assert [one.id for one in found.choice.custodians] == ["custodian0", "custodian1", "custodian2"]
    assert found.choice.warnings == ()


def test_tenderee_and_agency_never_sit_together_and_the_tenderee_comes_first() -> None:
    seats = [seat("agency", Side.TENDEREE_SIDE), *usual()]
    found = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=AGENCY, custodians=False)
    assert found.choice is not None
    assert [one.org_id for one in found.choice.gate if one.side is Side.TENDEREE_SIDE] == [TENDEREE]
    without = [one for one in seats if one.org_id != TENDEREE]
    found = choose(without, tenderee_org_id=TENDEREE, agency_org_id=AGENCY, custodians=False)
    assert found.choice is not None
    assert found.choice.gate[0].org_id == AGENCY


def test_a_tenderee_of_another_tender_does_not_fill_the_side() -> None:
    strangers = [seat("stranger", Side.TENDEREE_SIDE), *usual()[1:]]
    found = choose(strangers, tenderee_org_id=TENDEREE, agency_org_id=None, custodians=False)
    assert found.choice is None
    assert [(o.code, o.params["side"]) for o in found.objections] == [("keyholding.side_without_seat", "tenderee_side")]


def test_every_empty_side_is_named_and_a_seat_without_agent_does_not_count() -> None:
    seats = usual(regulator={"is_enrolled": False})[:2]
    assert codes(seats) == ["keyholding.side_without_seat", "keyholding.side_without_seat"]


@pytest.mark.parametrize(
    ("shared", "code"),
    [
        ({"org_id": TENDEREE}, "keyholding.seats_share_employer"),
        ({"operator": " tenderee 机房"}, "keyholding.seats_share_operator"),
    ],
)
def test_two_gate_seats_in_one_hand_are_refused(shared: dict[str, object], code: str) -> None:
    assert codes(usual(audit=shared)) == [code]


def test_another_seat_of_the_side_is_taken_where_the_first_would_be_in_one_hand() -> None:
    seats = [*usual(audit={"operator": "tenderee机房"}), seat("audit2", Side.AUDIT)]
    found = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=None, custodians=False)
    assert found.choice is not None
    assert found.choice.gate[2].id == "audit2"


def test_one_person_cannot_fill_two_seats() -> None:
    seats = usual(regulator={"user_id": "u"}, audit={"user_id": "u"})
    assert codes(seats) == ["keyholding.seats_share_person"]
    seats = usual(regulator={"user_id": "u"}, custodian0={"user_id": "u"})
    found = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=None, custodians=True)
    assert found.choice is not None
    assert "custodian0" not in [one.id for one in found.choice.custodians]


def test_two_seats_of_one_side_are_refused() -> None:
    found = objections_to_group([seat("a", Side.AUDIT), seat("b", Side.AUDIT)], 2)
    assert [one.code for one in found] == ["keyholding.seats_share_side"]


def test_too_few_independent_custodians_are_refused_but_none_may_be_wanted() -> None:
    seats = usual(custodian1={"operator": "custodian0机房"}, custodian2={"org_id": "org-custodian0"})
    assert codes(seats) == ["keyholding.too_few_custodians"]
    assert codes(seats, custodians=False) == []


def test_overlaps_that_are_lawful_are_warned_of() -> None:
    seats = usual(custodian0={"operator": "audit机房"}, custodian1={"org_id": AGENCY})
    found = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=AGENCY, custodians=True)
    assert found.choice is not None
    assert [(one.code, one.first) for one in found.choice.warnings] == [
        ("overlap_operator", "audit"),
        ("custodian_is_party", "custodian1"),
    ]
    none = choose(seats, tenderee_org_id=TENDEREE, agency_org_id=AGENCY, custodians=False)
    assert none.choice is not None
    assert [one.code for one in none.choice.warnings] == ["no_custodians"]
    assert [(one.code, one.name, one.holders) for one in hands_among(seats)] == [
        ("operator", "audit机房", ("audit", "custodian0"))
    ]
    same = [seat(f"s{number}", Side.CUSTODIAN, operator="一处 机房", org_id="o") for number in range(4)]
    assert [(one.code, len(one.holders)) for one in hands_among(same)] == [("operator", 4), ("employer", 4)]


@pytest.mark.parametrize(
    ("side", "roles", "code"),
    [
        (Side.REGULATOR, {"centre_staff"}, "keyholding.platform_holds_no_key"),
        (Side.TENDEREE_SIDE, {"gate_holder"}, "keyholding.not_of_tenderee_side"),
        (Side.AUDIT, {"agency"}, "keyholding.trader_holds_no_neutral_seat"),
        (Side.CUSTODIAN, {"bidder"}, "keyholding.trader_holds_no_neutral_seat"),
    ],
)
def test_who_may_not_take_a_seat(side: Side, roles: set[str], code: str) -> None:
    assert [one.code for one in objections_to_seat(side, roles)] == [code]
    assert objections_to_seat(Side.REGULATOR, {"supervisor", "gate_holder"}) == ()
    assert objections_to_seat(Side.TENDEREE_SIDE, {"agency"}) == ()


def test_an_agent_counts_as_present_for_a_minute() -> None:
    machine = machine_now()
    assert is_present(machine - timedelta(seconds=60), machine)
    assert not is_present(machine - timedelta(seconds=61), machine)
    assert not is_present(None, machine)


def test_a_retired_key_set_never_comes_back() -> None:
    assert KEYSET_MACHINE.is_final(KeysetState.RETIRED)
    assert not KEYSET_MACHINE.is_final(KeysetState.REHEARSED)


@pytest.mark.parametrize(
    ("t", "m", "k", "n", "wanted"),
    [
        (2, 3, 2, 3, []),
        (2, 2, 2, 3, ["gate_without_spare"]),
        (3, 3, 0, 0, ["gate_without_spare", "no_custodians"]),
        (2, 3, 1, 3, ["one_custodian_opens"]),
        (2, 3, 1, 1, ["one_custodian_opens"]),
        (2, 3, 2, 2, ["reserve_without_spare"]),
    ],
)
def test_weak_thresholds_are_named(t: int, m: int, k: int, n: int, wanted: list[str]) -> None:
    assert [one.code for one in policy_warnings(t, m, k, n)] == wanted


def test_two_custodians_are_enough_and_everybody_is_told_that_none_may_be_lost() -> None:
    found = choose(usual()[:5], tenderee_org_id=TENDEREE, agency_org_id=None, custodians=True)
    assert found.choice is not None
    assert [one.code for one in found.choice.warnings] == ["reserve_without_spare"]
