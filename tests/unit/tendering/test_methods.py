from collections.abc import Mapping
from decimal import Decimal

import pytest

from foundation.errors import InvalidInput
from tendering.methods import (
    K2_MINIMUM,
    METHODS,
    DrawSource,
    MethodParameters,
    MethodSpec,
    ParameterKind,
    ParametersRefused,
    UnknownMethod,
    default_parameters,
    draw_pools,
    method,
    parameter_rows,
    steps,
    validate_parameters,
)

K_BY_HALF = ("0.950", "0.955", "0.960", "0.965", "0.970", "0.975", "0.980")


def refused(method_id: str, params: Mapping[str, object]) -> list[tuple[str, str]]:
    with pytest.raises(ParametersRefused) as refusal:
        validate_parameters(method_id, params)
    return [
        (objection.code.removeprefix("tendering.parameter_"), objection.field) for objection in refusal.value.objections
    ]


@pytest.mark.parametrize("method_id", METHODS)
def test_the_defaults_of_every_method_are_lawful_and_stable(method_id: str) -> None:
    params = default_parameters(method_id)
    assert set(params.values) == {spec.key for spec in method(method_id).parameters}
    assert validate_parameters(method_id, params.as_document()) == params


def test_method_one_draws_k_from_the_default_list() -> None:
    assert draw_pools("jiangsu-1", {}) == {"K": K_BY_HALF}
    assert steps("0.950", "0.980", "0.005") == K_BY_HALF


def test_method_two_draws_two_coefficients() -> None:
    pools = draw_pools("jiangsu-2", {"K1": "95% 96% 97% 98%"})
    assert pools == {
        "K1": ("0.950", "0.960", "0.970", "0.980"),
        "Q1": ("0.650", "0.700", "0.750", "0.800", "0.850"),
    }


@pytest.mark.parametrize("method_id", ["jiangsu-3", "jiangsu-4"])
def test_methods_three_and_four_draw_nothing(method_id: str) -> None:
    assert draw_pools(method_id, {}) == {}


def test_method_five_draws_delta_and_k_from_the_document_and_b_from_the_bids() -> None:
    pools = draw_pools("jiangsu-5", default_parameters("jiangsu-5"))
    assert list(pools) == ["delta", "K"]
    assert pools["delta"] == ("0.060", "0.070", "0.080", "0.090", "0.100", "0.110", "0.120")
    assert [draw.coefficient for draw in method("jiangsu-5").draws if draw.source is DrawSource.BIDS] == ["B"]


def test_a_pool_is_ascending_however_it_was_typed() -> None:
    typed = validate_parameters("jiangsu-1", {"K": "９７％、0.95，96.5%"})
    listed = validate_parameters("jiangsu-1", {"K": ["0.965", "0.950", "0.97"]})
    assert typed.pool("K") == listed.pool("K") == ("0.950", "0.965", "0.970")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ([], "empty_set"),
        ("", "empty_set"),
        (["0.95", "0.950"], "repeated"),
        (["0.945"], "out_of_bounds"),
        (["1.015"], "out_of_bounds"),
        (["0.952"], "off_step"),
        ([0.95], "unreadable"),
        (["nan"], "unreadable"),
        (["-0.95"], "unreadable"),
        (["9.5e-1"], "unreadable"),
        (0.95, "unreadable"),
        (["0.95"] * 102, "set_too_long"),
    ],
)
def test_a_faulty_pool_is_refused(given: object, fault: str) -> None:
    assert refused("jiangsu-1", {"K": given}) == [(fault, "K")]


@pytest.mark.parametrize(
    ("method_id", "params", "faults"),
    [
        ("jiangsu-1", {"Q": "1"}, [("unknown", "Q")]),
        ("jiangsu-3", {"K": "0.95"}, [("unknown", "K")]),
        ("jiangsu-1", {"K": [], "full_points": "101"}, [("empty_set", "K"), ("out_of_bounds", "full_points")]),
        ("jiangsu-1", {"deviation_places": "4.0"}, [("unreadable", "deviation_places")]),
        ("jiangsu-1", {"deviation_places": True}, [("unreadable", "deviation_places")]),
        ("jiangsu-1", {"e_high": "0.5", "e_low": "0.6"}, [("e_order", "e_high")]),
        ("jiangsu-1", {"drop_highest_from": "6", "drop_highest_until": "5"}, [("drop_range", "drop_highest_from")]),
        ("jiangsu-2", {"work_type": "ship"}, [("not_offered", "work_type")]),
        ("jiangsu-2", {"work_type": "building", "K2": "0.89"}, [("out_of_bounds", "K2")]),
        ("jiangsu-5", {"weight_a": "0.4"}, [("weights", "weight_a")]),
        ("jiangsu-5", {"band_low": "0.92"}, [("bands", "band_low")]),
    ],
)
def test_faulty_parameters_are_all_named(
    method_id: str, params: Mapping[str, object], faults: list[tuple[str, str]]
) -> None:
    assert refused(method_id, params) == faults


@pytest.mark.parametrize("work_type", K2_MINIMUM)
def test_k2_reaches_down_to_the_limit_of_its_work_type(work_type: str) -> None:
    least = K2_MINIMUM[work_type]
    params = validate_parameters("jiangsu-2", {"work_type": work_type, "K2": str(least)})
    assert params.decimal("K2") == least
    assert refused("jiangsu-2", {"work_type": work_type, "K2": str(least - Decimal("0.001"))}) == [
        ("out_of_bounds", "K2")
    ]


def test_method_six_has_no_formula_and_is_not_offered() -> None:
    with pytest.raises(UnknownMethod) as refusal:
        validate_parameters("jiangsu-6", {})
    assert isinstance(refusal.value, InvalidInput)


def test_values_are_read_by_their_kind() -> None:
    params = validate_parameters("jiangsu-1", {"e_low": Decimal("0.6"), "score_places": 2})
    assert (params.decimal("e_low"), params.count("score_places")) == (Decimal("0.60"), 2)
    with pytest.raises(TypeError):
        params.text("K")
    with pytest.raises(TypeError):
        params.pool("e_low")
    with pytest.raises(KeyError):
        method("jiangsu-1").parameter("nothing")


def test_the_document_form_holds_texts_only() -> None:
    document = validate_parameters("jiangsu-1", {"K": ["0.95"]}).as_document()
    assert document["K"] == ["0.950"]
    assert document["e_high"] == "0.90"
    assert list(document) == sorted(document)


def rows_by_key(params: MethodParameters) -> dict[str, tuple[str, str, bool]]:
    return {row.key: (row.text_zh, row.text_en, row.is_drawn) for row in parameter_rows(params)}


def test_the_parameter_table_reads_in_both_languages() -> None:
    rows = rows_by_key(validate_parameters("jiangsu-5", {"K": ["0.95", "0.955"], "work_type": "municipal"}))
    assert rows["K"] == ("95%、95.5%", "95%, 95.5%", True)
    assert rows["work_type"] == ("市政", "Municipal works", False)
    assert rows["weight_a"] == ("50%", "50%", False)
    assert rows["full_points"] == ("100.00", "100.00", False)
    assert rows["deviation_places"] == ("4", "4", False)


@pytest.mark.parametrize("spec", METHODS.values(), ids=METHODS)
def test_every_drawn_coefficient_of_the_document_is_a_list(spec: MethodSpec) -> None:
    for draw in spec.draws:
        if draw.source is DrawSource.DOCUMENT:
            assert spec.parameter(draw.coefficient).kind is ParameterKind.RATE_SET
