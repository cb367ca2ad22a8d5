"""Trees, tiles and proofs against the plain definitions of RFC 6962, and every alteration of a proof refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from foundation.transparency.errors import BadProof
from foundation.transparency.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from foundation.transparency.storage import MemoryStore, put_all
from foundation.transparency.tiles import Edge, TileReader, extend, load_edge

SIZES = st.integers(1, 600)


def naive_root(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, as it is written there."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(naive_root(hashes[:split]), naive_root(hashes[split:]))


def naive_path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if index < split:
        return [*naive_path(index, hashes[:split]), naive_root(hashes[split:])]
    return [*naive_path(index - split, hashes[split:]), naive_root(hashes[:split])]


def naive_subproof(old: int, hashes: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962 §2.1.2."""
    if old == len(hashes):
        return [] if whole else [naive_root(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if old <= split:
        return [*naive_subproof(old, hashes[:split], whole=whole), naive_root(hashes[split:])]
    return [*naive_subproof(old - split, hashes[split:], whole=False), naive_root(hashes[:split])]


def leaves(count: int, salt: bytes = b"") -> list[bytes]:
    return [leaf_hash(salt + str(i).encode()) for i in range(count)]


def reader_of(hashes: Sequence[bytes]) -> Callable[[int, int], bytes]:
    def read(level: int, index: int) -> bytes:
        part = hashes[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "only complete subtrees are asked for"
        return naive_root(part)

    return read


@given(st.integers(0, 300), st.integers(0, 300))
def test_appending_gives_the_root_of_the_whole_list(first: int, more: int) -> None:
    hashes = leaves(first + more)
    frontier = Frontier().extended(hashes[:first]).extended(hashes[first:])
    one_by_one = Frontier()
    for leaf in hashes:
        one_by_one = one_by_one.appended(leaf)
    assert frontier == one_by_one
    assert frontier.root() == naive_root(hashes) == root_of(hashes) == tree_root(reader_of(hashes), len(hashes))


@given(SIZES, st.data())
def test_inclusion_proofs_are_those_of_the_standard_and_verify(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    proof = inclusion_proof(reader_of(hashes), index, size)
    assert proof == naive_path(index, hashes)
    verify_inclusion(index, size, hashes[index], proof, naive_root(hashes))


@given(SIZES, st.data())
def test_consistency_proofs_are_those_of_the_standard_and_verify(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    hashes = leaves(size)
    proof = consistency_proof(reader_of(hashes), old, size)
    assert proof == naive_subproof(old, hashes)
    verify_consistency(old, size, naive_root(hashes[:old]), naive_root(hashes), proof)


def altered(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """The proof with one bit turned, one hash gone, doubled, added or two swapped."""
    kinds = ["add", *(["flip", "drop", "double"] if proof else []), *(["swap"] if len(proof) > 1 else [])]
    kind = data.draw(st.sampled_from(kinds))
    place = data.draw(st.integers(0, max(len(proof) - 1, 0)))
    out = list(proof)
    if kind == "add":
        out.insert(place, bytes(32))
    elif kind == "flip":
        bit = data.draw(st.integers(0, 255))
        out[place] = (int.from_bytes(out[place], "big") ^ 1 << bit).to_bytes(32, "big")
    elif kind == "drop":
        out.pop(place)
    elif kind == "double":
        out.insert(place, out[place])
    else:
        other = data.draw(st.integers(0, len(proof) - 1))
        out[place], out[other] = out[other], out[place]
    assume(out != proof)
    return out


@given(SIZES, st.data())
def test_an_altered_inclusion_proof_never_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    root, proof = naive_root(hashes), naive_path(index, hashes)
    with pytest.raises(BadProof):
        verify_inclusion(index, size, hashes[index], altered(proof, data), root)
    other = data.draw(st.integers(-1, size + 1).filter(lambda i: i != index))
    with pytest.raises(BadProof):
        verify_inclusion(other, size, hashes[index], proof, root)
    with pytest.raises(BadProof):
        verify_inclusion(index, size, leaf_hash(b"other"), proof, root)


@given(SIZES, st.data())
def test_an_altered_consistency_proof_never_verifies(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    hashes = leaves(size)
    roots = naive_root(hashes[:old]), naive_root(hashes)
    with pytest.raises(BadProof):
        verify_consistency(old, size, *roots, altered(naive_subproof(old, hashes), data))


@given(SIZES, st.data())
def test_no_proof_leads_from_a_tree_to_a_fork_of_it(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    hashes = leaves(size)
    forked = list(hashes)
    forked[data.draw(st.integers(0, old - 1))] = leaf_hash(b"forged")
    for source in (hashes, forked):
        with pytest.raises(BadProof):
            verify_consistency(old, size, naive_root(hashes[:old]), naive_root(forked), naive_subproof(old, source))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=5), st.data())
def test_tiles_carry_the_tree_however_it_grew(steps: list[int], data: st.DataObject) -> None:
    entries = [str(i).encode() for i in range(sum(steps))]
    store, edge, heads = MemoryStore(), Edge(), []
    for step in steps:
        extension = extend(edge, entries[edge.size : edge.size + step])
        assert all(store.get(path) in {None, content} for path, content in extension.files.items()), (
            "files are immutable"
        )
        put_all(store, extension.files)
        edge = extension.edge
        heads.append((edge.size, edge.root()))
    hashes = [leaf_hash(entry) for entry in entries]
    assert edge.root() == naive_root(hashes)
    assert edge.frontier() == Frontier().extended(hashes)
    assert load_edge(edge.size, edge.root(), store.get) == edge
    reader = TileReader(store.get, edge.size)
    for old, old_root in heads:
        assert reader.root(old) == old_root
        if old:
            verify_consistency(old, edge.size, old_root, edge.root(), reader.consistency_proof(old))
    if entries:
        index = data.draw(st.integers(0, len(entries) - 1))
        assert reader.entry(index) == entries[index]
        verify_inclusion(index, edge.size, hashes[index], reader.inclusion_proof(index), edge.root())
