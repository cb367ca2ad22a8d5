"""Whatever the prices: the ranking is an order, and what is out changes nothing for the rest."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from evaluation.scoring import Entry, compute
from evaluation.services.review import coded, codes_hash
from tendering.methods import validate_parameters

PRICES = st.lists(st.integers(1, 2_000_000_000).map(lambda fen: Decimal(fen) / 100), min_size=1, max_size=25)
METHODS = st.sampled_from([("jiangsu-1", {"K": "0.970"}), ("jiangsu-3", {}), ("jiangsu-4", {})])


@given(PRICES, METHODS, st.data())
def test_the_ranking_is_an_order_by_points_then_price(prices, method, data) -> None:
    name, drawn = method
    out = data.draw(st.sets(st.integers(0, len(prices) - 1)))
    entries = [
        Entry(n + 1, f"b{n:02d}", price, clause="3.1" if n in out else "", reason="r" if n in out else "")
        for n, price in enumerate(prices)
    ]
    result = compute(validate_parameters(name, {}), Decimal(0), drawn, entries)
    ranked = result.ranked
    assert [line.rank for line in ranked] == list(range(1, len(prices) - len(out) + 1))
    assert {line.bid for line in result.lines if not line.is_valid} == {f"b{n:02d}" for n in out}
    for better, worse in pairwise(ranked):
        assert (better.total, -(better.price or 0)) >= (worse.total, -(worse.price or 0))
    for line in ranked:
        assert line.total is not None
        assert 0 <= line.total <= 100
    kept = [entry for entry in entries if not entry.clause]
    alone = compute(validate_parameters(name, {}), Decimal(0), drawn, kept)
    assert alone.benchmark == result.benchmark
    assert [line.bid for line in alone.ranked] == [line.bid for line in ranked]


@given(st.sets(st.integers(0, 2**64), min_size=1, max_size=60), st.integers(0, 2**32))
def test_codes_hide_bids_one_to_one_and_their_commitment_binds(numbers, seed) -> None:
    bids = [f"{number:032x}" for number in numbers]
    salt = f"{seed:064x}"
    codes = coded(bids, salt)
    assert sorted(bid for _, bid in codes) == sorted(bids)
    assert len({code for code, _ in codes}) == len(bids)
    assert codes == coded(bids[::-1], salt)
    swapped = [(codes[0][0], codes[-1][1]), *codes[1:-1], (codes[-1][0], codes[0][1])]
    assert len(bids) == 1 or codes_hash(salt, codes) != codes_hash(salt, swapped)
