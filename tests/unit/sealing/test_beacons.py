"""Beacon values are believed only with a signature of their round under the pinned key."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from foundation.draws import QUICKNET_CHAIN, Beacon, BeaconFalse, BeaconUnchecked, check_beacon
from foundation.draws.beacon import QUICKNET_KEY, is_signature

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "drand_beacons.json").read_text(encoding="utf-8")
)["beacons"]
QUICKNET = next(one for one in VECTORS if one["name"] == "quicknet")


def quicknet(**other: Any) -> Beacon:
    fields = {"chain": QUICKNET["chain_hash"], "round": QUICKNET["round"], "signature": QUICKNET["signature"]}
    return Beacon(**{**fields, **other})


@pytest.mark.parametrize("one", VECTORS, ids=lambda one: one["name"])
def test_the_published_vectors(one: dict[str, Any]) -> None:
    key = bytes.fromhex(one["public_key"])
    assert is_signature(one["round"], bytes.fromhex(one["signature"]), key) is one["valid"]


def test_quicknet_round_1000_is_believed_under_the_pinned_key() -> None:
    assert (QUICKNET["chain_hash"], QUICKNET["public_key"]) == (QUICKNET_CHAIN, QUICKNET_KEY)
    check_beacon(quicknet())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"round": 1001}, "signature"),
        ({"chain": "0" * 64}, "chain"),
        ({"signature": "b4" * 48}, "signature"),
        ({"signature": "c0" + "00" * 47}, "signature"),
        ({"signature": "b4" * 96}, "signature"),
        ({"signature": "not hex"}, "signature"),
    ],
)
def test_anything_else_is_false(other: dict[str, Any], reason: str) -> None:
    with pytest.raises(BeaconFalse) as false:
        check_beacon(quicknet(**other))
    assert false.value.fields["reason"] == reason


def test_without_the_library_it_is_unchecked_not_true(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("py_ecc"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BeaconUnchecked):
        check_beacon(quicknet())
