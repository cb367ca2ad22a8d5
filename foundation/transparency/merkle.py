"""RFC 6962 Merkle trees over SHA-256: hashes, a frontier, proofs and their verification.

A *hash reader* is ``read(level, index) -> bytes``: the hash of the complete subtree over the leaves
``[index * 2**level, (index + 1) * 2**level)``. Proofs are made from complete subtrees only, so a reader never needs
to know the size of the tree.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from foundation.transparency.errors import BadProof

HASH_BYTES = 32
MAX_SIZE = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()

HashReader = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf (RFC 6962 §2.1: prefix 0x00)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962 §2.1: prefix 0x01)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over the given leaf hashes; the hash of the empty string for none."""
    return Frontier().extended(leaf_hashes).root()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Root over ``2**n`` hashes, level by level; the caller answers for the count."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: its size and the roots of its complete subtrees, largest first.

    It is all that is needed to append in O(log n) and to name the root; 32 bytes for each set bit of ``size``.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE or len(self.peaks) != self.size.bit_count():
            raise ValueError("a frontier holds one peak for each set bit of its size")

    def appended(self, leaf: bytes) -> Frontier:
        """The tree with one more leaf hash."""
        return self.extended((leaf,))

    def extended(self, leaves: Iterable[bytes]) -> Frontier:
        """The tree with more leaf hashes, in order."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peak, carry = leaf, size
            while carry & 1:
                peak = node_hash(peaks.pop(), peak)
                carry >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        return _fold(self.peaks) if self.peaks else EMPTY_ROOT


def tree_root(read: HashReader, size: int) -> bytes:
    """Root of the first ``size`` leaves."""
    return _range_root(read, 0, size) if size else EMPTY_ROOT


def inclusion_proof(read: HashReader, index: int, size: int) -> list[bytes]:
    """Audit path of leaf ``index`` in the tree of ``size`` leaves, from the sibling upwards (RFC 6962 §2.1.1)."""
    if not 0 <= index < size:
        raise ValueError("the leaf lies outside the tree")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(read, middle, end))
            end = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(read: HashReader, old: int, new: int) -> list[bytes]:
    """Proof that the first ``old`` of ``new`` leaves are unchanged (RFC 6962 §2.1.2).

    Empty for ``old == new``. From size 0 there is nothing to prove and nothing could be checked, so it is refused.
    """
    if not 0 < old <= new:
        raise ValueError("a consistency proof starts from a tree that is not empty and not larger")
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(read, middle, end))
            end = middle
        else:
            path.append(_range_root(read, start, middle))
            start = middle
    if start:
        path.append(_range_root(read, start, end))
    return path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that ``proof`` leads to. Refuses (BadProof) a proof of the wrong length before hashing anything."""
    if not 0 <= index < size <= MAX_SIZE:
        raise BadProof(kind="inclusion", reason="index_outside_tree")
    inner, border = _shape(index, size)
    _check_length("inclusion", proof, inner + border)
    if len(leaf) != HASH_BYTES:
        raise BadProof(kind="inclusion", reason="hash_length")
    return _chain_right(_chain(leaf, proof[:inner], index), proof[inner:])


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise BadProof unless ``leaf`` stands at ``index`` in the tree of ``size`` leaves with this ``root``."""
    if not hmac.compare_digest(root_from_inclusion(index, size, leaf, proof), root):
        raise BadProof(kind="inclusion", reason="root_differs")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise BadProof unless the tree of ``new`` leaves begins with the tree of ``old`` leaves.

    From size 0 every tree follows, so such a "proof" says nothing and is refused.
    """
    if not 0 < old <= new <= MAX_SIZE:
        raise BadProof(kind="consistency", reason="sizes")
    if old == new:
        _check_length("consistency", proof, 0)
        if not hmac.compare_digest(old_root, new_root):
            raise BadProof(kind="consistency", reason="root_differs")
        return
    shift = (old & -old).bit_length() - 1
    inner, border = _shape(old - 1, new)
    inner -= shift
    # A tree of 2**n leaves is itself a node of the larger tree: its root starts the chain and is not repeated.
    seeded = old != 1 << shift
    _check_length("consistency", proof, seeded + inner + border)
    seed, path = (proof[0], proof[1:]) if seeded else (old_root, proof)
    mask = (old - 1) >> shift
    first = _chain_right(_chain_inner_right(seed, path[:inner], mask), path[inner:])
    second = _chain_right(_chain(seed, path[:inner], mask), path[inner:])
    if not (hmac.compare_digest(first, old_root) and hmac.compare_digest(second, new_root)):
        raise BadProof(kind="consistency", reason="root_differs")


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(read: HashReader, start: int, end: int) -> bytes:
    """Hash of a node in the recursion of RFC 6962 §2.1, made of the complete subtrees in its range."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(read(level, start >> level))
        start += 1 << level
    return _fold(peaks)


def _fold(peaks: Sequence[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def _shape(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a path lie inside the part the index shares with the right edge, and how many border it."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _check_length(kind: str, proof: Sequence[bytes], wanted: int) -> None:
    if len(proof) != wanted:
        raise BadProof(kind=kind, reason="length")
    if any(len(part) != HASH_BYTES for part in proof):
        raise BadProof(kind=kind, reason="hash_length")


def _chain(seed: bytes, path: Sequence[bytes], index: int) -> bytes:
    for level, part in enumerate(path):
        seed = node_hash(part, seed) if index >> level & 1 else node_hash(seed, part)
    return seed


def _chain_inner_right(seed: bytes, path: Sequence[bytes], index: int) -> bytes:
    for level, part in enumerate(path):
        if index >> level & 1:
            seed = node_hash(part, seed)
    return seed


def _chain_right(seed: bytes, path: Sequence[bytes]) -> bytes:
    for part in path:
        seed = node_hash(part, seed)
    return seed
