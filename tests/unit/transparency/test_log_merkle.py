from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from foundation.transparency.errors import BadProof
from foundation.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.transparency.logbook import VECTORS


def _cases(kind: str) -> dict[str, dict[str, Any]]:
    return json.loads((VECTORS / "rfc6962" / f"{kind}.json").read_text())


def _proof(case: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(part or "") for part in case["proof"] or []]


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def test_the_vectors_are_all_there() -> None:
    assert [len(_cases(kind)) for kind in ("inclusion", "consistency")] == [98, 98]


@pytest.mark.parametrize("name", _cases("inclusion"))
def test_an_inclusion_vector(name: str) -> None:
    case = _cases("inclusion")[name]
    args = case["leafIdx"], case["treeSize"], _bytes(case["leafHash"]), _proof(case), _bytes(case["root"])
    if case["wantErr"]:
        with pytest.raises(BadProof):
            verify_inclusion(*args)
    else:
        verify_inclusion(*args)


@pytest.mark.parametrize("name", _cases("consistency"))
def test_a_consistency_vector(name: str) -> None:
    case = _cases("consistency")[name]
    args = case["size1"], case["size2"], _bytes(case["root1"]), _bytes(case["root2"]), _proof(case)
    if case["wantErr"]:
        with pytest.raises(BadProof):
            verify_consistency(*args)
    else:
        verify_consistency(*args)


def test_hashes_are_those_of_the_standard() -> None:
    assert hashlib.sha256(b"").digest() == EMPTY_ROOT == root_of([])
    assert leaf_hash(b"a") == hashlib.sha256(b"\0a").digest()
    one, two, three = (leaf_hash(data) for data in (b"1", b"2", b"3"))
    assert root_of([one]) == one
    assert root_of([one, two, three]) == node_hash(node_hash(one, two), three)


def test_consistency_from_the_empty_tree_is_refused_even_when_nothing_is_wrong() -> None:
    root = root_of([leaf_hash(b"1")])
    with pytest.raises(BadProof):
        verify_consistency(0, 1, EMPTY_ROOT, root, [])
    with pytest.raises(BadProof):
        verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])


def test_a_proof_is_refused_for_its_length_before_its_hashes_are_read() -> None:
    with pytest.raises(BadProof) as caught:
        verify_inclusion(0, 2, leaf_hash(b"1"), [b"short", b"short"], EMPTY_ROOT)
    assert caught.value.fields["reason"] == "length"
    with pytest.raises(BadProof) as caught:
        verify_inclusion(0, 2, leaf_hash(b"1"), [b"short"], EMPTY_ROOT)
    assert caught.value.fields["reason"] == "hash_length"


def test_a_frontier_with_the_wrong_number_of_peaks_is_a_bug() -> None:
    with pytest.raises(ValueError, match="peak"):
        Frontier(3, (leaf_hash(b"1"),))
