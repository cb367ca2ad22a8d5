"""The vectors V1 to V4 of the rule book, to the cent and to the hundredth of a point."""

import json
from decimal import Decimal as D  # noqa: N817 - a table of numbers reads better

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmark import Bid, CoefficientMissing, NoValidBids, ScoreRules, score, trimmed_mean
from evaluation.cli import score_command, score_document
from foundation.errors import InvalidInput

S10 = [9480000, 9350000, 9210000, 9120000, 9050000, 8960000, 8880000, 8740000, 8590000, 8120000]
CEILING = D(10_000_000)


def bids(prices=S10):
    return [Bid(f"b{n}", D(price)) for n, price in enumerate(prices)]


def points(result):
    return [str(s.points) for s in result.scores]


def test_v1_method_one_to_the_cent():
    result = score("jiangsu-1", bids(), CEILING, {"K": D("0.97")})
    assert str(result.benchmark) == "8723533.33"
    assert points(result) == ["92.20", "93.54", "94.98", "95.91", "96.63", "97.56", "98.39", "99.83", "99.08", "95.85"]
    assert [str(s.deviation) for s in result.scores][:1] == ["0.0867"]
    assert [str(s.deviation) for s in result.scores][-2:] == ["-0.0153", "-0.0692"]
    assert result.ranking[0] == "b7"


@pytest.mark.parametrize(
    ("prices", "k", "base"),
    [
        ([9480000, 9210000, 9050000, 8880000, 8590000], "0.98", "8753850.00"),
        ([9210000, 8880000, 8590000], "0.98", "8702400.00"),
        ([9000000], "1", "9000000.00"),
    ],
)
def test_v2_small_numbers_of_bids(prices, k, base):
    assert str(score("jiangsu-1", bids(prices), CEILING, {"K": D(k)}).benchmark) == base


@pytest.mark.parametrize(("count", "each"), [(7, 1), (8, 2), (12, 2), (13, 3), (17, 3), (18, 4), (20, 4)])
def test_v2_trim_counts(count, each):
    prices = [D(n) for n in range(1, count + 1)]
    mean, _ = trimmed_mean(prices, D("0.20"))
    kept = prices[each : count - each]
    assert mean == sum(kept) / len(kept)


@pytest.mark.parametrize(
    ("q1", "k1", "k2", "base", "expected"),
    [
        ("0.75", "0.97", "0.93", "8867650.00", "93.78 95.10 96.53 97.44 98.15 99.06 99.87 99.14 98.12 94.94"),
        ("0.65", "0.95", "0.90", "8703383.33", "91.97 93.31 94.76 95.69 96.42 97.35 98.17 99.62 99.22 95.98"),
        ("0.85", "0.98", "1.00", "8991446.67", "95.11 96.41 97.81 98.71 99.42 99.79 99.26 98.32 97.32 94.19"),
    ],
)
def test_v3_method_two(q1, k1, k2, base, expected):
    result = score("jiangsu-2", bids(), CEILING, {"Q1": D(q1), "K1": D(k1), "K2": D(k2)})
    assert str(result.benchmark) == base
    assert points(result) == expected.split()


def test_v4_methods_three_and_four():
    three = score("jiangsu-3", bids(), CEILING, {})
    assert str(three.benchmark) == "8590000.00"
    assert points(three) == ["90.68", "92.04", "93.50", "94.45", "95.18", "96.12", "96.96", "98.43", "100.00", "96.72"]
    four = score("jiangsu-4", bids(), CEILING, {"K": D("0.95")})
    assert str(four.benchmark) == "8543666.67"
    assert points(four) == ["90.14", "91.50", "92.98", "93.93", "94.66", "95.62", "96.45", "97.93", "99.51", "97.02"]


def test_an_invalid_bid_enters_neither_mean_nor_ranking():
    with_invalid = [*bids(), Bid("x", D(1), is_valid=False)]
    assert score("jiangsu-1", with_invalid, CEILING, {"K": D("0.97")}) == score(
        "jiangsu-1", bids(), CEILING, {"K": D("0.97")}
    )


def test_equal_points_rank_by_lower_price():
    rules = ScoreRules(e_high=D("0.6"), e_low=D("0.6"))
    result = score("jiangsu-3", [Bid("low", D(90)), Bid("mid", D(100)), Bid("high", D(110))], CEILING, {}, rules)
    assert result.ranking == ("mid", "low", "high")


def test_nothing_to_score_and_missing_coefficients_are_refused():
    with pytest.raises(NoValidBids):
        score("jiangsu-1", [], CEILING, {"K": D(1)})
    with pytest.raises(CoefficientMissing):
        score("jiangsu-1", bids(), CEILING, {})
    with pytest.raises(InvalidInput):
        score("jiangsu-9", bids(), CEILING, {})


@given(st.lists(st.integers(1, 10**10), min_size=1, max_size=40))
def test_points_stay_between_zero_and_full_and_everybody_is_ranked(prices):
    result = score("jiangsu-1", bids(prices), CEILING, {"K": D("0.975")})
    assert all(0 <= s.points <= 100 for s in result.scores)
    assert sorted(result.ranking) == sorted(s.bid for s in result.scores)


def v1_document(**changes):
    bids = [{"id": f"b{n}", "price": f"{price}.00", "valid": True} for n, price in enumerate(S10)]
    params = {"trim_share": "0.20", "e_high": "0.9", "e_low": "0.6", "full": "100"}
    return {"ceiling": "10000000.00", "bids": bids, "params": params, "draws": {"K": "0.970"}} | changes


def run(tmp_path, document, *options):
    source = tmp_path / "in.json"
    source.write_text(document if isinstance(document, str) else json.dumps(document))
    return CliRunner().invoke(score_command, ["--method", "jiangsu-1", "--input", str(source), *options])


def test_the_command_gives_v1_as_json_to_the_cent(tmp_path):
    done = run(tmp_path, v1_document(), "--json")
    answer = json.loads(done.output)
    assert done.exit_code == 0
    assert set(answer) == {"base", "scores", "ranking", "trace"}
    assert answer["base"] == "8723533.33"
    by_id = {one["id"]: (one["deviation"], one["points"]) for one in answer["scores"]}
    assert [by_id[f"b{n}"][1] for n in range(10)] == (
        ["92.20", "93.54", "94.98", "95.91", "96.63", "97.56", "98.39", "99.83", "99.08", "95.85"]
    )
    assert (by_id["b0"][0], by_id["b9"][0]) == ("0.0867", "-0.0692")
    assert answer["ranking"] == ["b7", "b8", "b6", "b5", "b4", "b3", "b9", "b2", "b1", "b0"]
    assert "base = 8723533.33" in answer["trace"]


def test_the_command_leaves_invalid_bids_out_and_takes_the_usual_values_for_what_is_not_said(tmp_path):
    document = v1_document(params={})
    document["bids"].append({"id": "out", "price": "1.00", "valid": False})
    assert json.loads(run(tmp_path, document, "--json").output) == json.loads(
        run(tmp_path, v1_document(), "--json").output
    )
    printed = run(tmp_path, document).output
    assert "base = 8723533.33" in printed
    assert "  1  b7" in printed


ONE = {"id": "a", "price": "1.00"}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("[1", ["--input"]),
        ('{"ceiling": 1.5, "bids": []}', ["--input"]),
        ("[]", [""]),
        (v1_document(bids=[7]), ["bids.0"]),
        (v1_document(bids="all"), ["bids"]),
        (v1_document(bids=[{"id": "a"}]), ["bids.0.price"]),
        (v1_document(bids=[{"id": "a", "price": "viel"}]), ["bids.0.price"]),
        (v1_document(bids=[{"id": "a", "price": "1.005"}]), ["bids.0.price"]),
        (v1_document(bids=[{"id": "a", "price": "-1"}]), ["bids.0.price"]),
        (v1_document(bids=[{"id": "a", "price": 5}]), ["bids.0.price"]),
        (v1_document(bids=[{**ONE, "valid": "yes"}]), ["bids.0.valid"]),
        (v1_document(bids=[ONE, ONE]), ["bids.1.id"]),
        (v1_document(ceiling="0"), ["ceiling"]),
        (v1_document(params={"trim_share": "0.5"}), ["params.trim_share"]),
        (v1_document(params={"e_hgih": "0.9"}), ["params.e_hgih"]),
        (v1_document(draws={"K": "NaN"}), ["draws.K"]),
    ],
)
def test_what_the_command_can_not_read_is_refused_at_its_field(tmp_path, document, fields):
    done = run(tmp_path, document, "--json")
    assert isinstance(done.exception, InvalidInput)
    assert done.exception.exit_code == 3
    assert [one.field for one in done.exception.objections] == fields
    assert done.output == ""


def test_a_file_without_valid_bids_or_without_k_and_an_unknown_method_are_refused(tmp_path):
    assert isinstance(run(tmp_path, v1_document(bids=[])).exception, NoValidBids)
    assert isinstance(run(tmp_path, v1_document(draws={})).exception, CoefficientMissing)
    with pytest.raises(InvalidInput) as refused:
        score_document("jiangsu-9", v1_document())
    assert [one.field for one in refused.value.objections] == ["--method"]
