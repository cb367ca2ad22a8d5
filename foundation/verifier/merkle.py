"""RFC 6962 trees: where a proof leads, and whether one tree continues another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from foundation.verifier.problems import Problem, demand

HASH = 32


def leaf_digest(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node_digest(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class ProvenTree:
    """One tree of a known root, which remembers every node that a proof has led to the root.

    So 10,000 proofs cost little more than 10,000 hashes: at a known node the rest of the path is compared only.
    """

    def __init__(self, size: int, root: bytes) -> None:
        self.size = size
        self.root = root
        self._known: dict[tuple[int, int], bytes] = {}

    def prove(self, index: int, leaf: bytes, path: Sequence[bytes], where: str) -> None:
        """Raise Problem ``log.inclusion`` unless ``leaf`` (a hash) stands at ``index``."""
        demand(0 <= index < self.size, "log.inclusion", where, reason="index")
        places = path_places(index, self.size)
        demand(len(places) == len(path), "log.inclusion", where, reason="length")
        demand(all(len(one) == HASH for one in (leaf, self.root, *path)), "log.inclusion", where, reason="hash")
        own, value = (0, index), leaf
        fresh: dict[tuple[int, int], bytes] = {}
        for step, (is_left, sibling, parent) in enumerate(places):
            known = self._known.get(own)
            if known is not None:
                rest = zip(places[step:], path[step:], strict=True)
                is_same = known == value and all(self._known.get(place[1]) == part for place, part in rest)
                demand(is_same, "log.inclusion", where, reason="root")
                self._known.update(fresh)
                return
            fresh[own], fresh[sibling] = value, path[step]
            value = node_digest(path[step], value) if is_left else node_digest(value, path[step])
            own = parent
        demand(value == self.root, "log.inclusion", where, reason="root")
        self._known.update(fresh)


def path_places(index: int, size: int) -> list[tuple[bool, tuple[int, int], tuple[int, int]]]:
    """For each step of a path: is the sibling on the left, its place (level, number), and the parent's place."""
    found: list[tuple[bool, tuple[int, int], tuple[int, int]]] = []
    level, at, last = 0, index, size - 1
    while last:
        if at & 1 or at < last:
            is_left = bool(at & 1)
            sibling = (level, at - 1 if is_left else at + 1)
            found.append((is_left, sibling, (level + 1, at >> 1)))
        else:
            # The last node of a row without a sibling moves up as it is; it is the same node under the next name.
            last_name = (level + 1, at >> 1)
            if found:
                found[-1] = (found[-1][0], found[-1][1], last_name)
        level, at, last = level + 1, at >> 1, last >> 1
    return found


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes], where: str) -> None:
    """Raise Problem ``log.consistency`` unless the tree of ``new`` leaves begins with that of ``old`` (RFC 9162 2.1.4).

    A proof from size 0 says nothing and is refused, and so is one from a tree to itself.
    """
    demand(0 < old < new and all(len(one) == HASH for one in proof), "log.consistency", where, reason="sizes")
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    demand(path, "log.consistency", where, reason="length")
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for part in path[1:]:
        demand(last, "log.consistency", where, reason="length")
        if at & 1 or at == last:
            first, second = node_digest(part, first), node_digest(part, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node_digest(second, part)
        at, last = at >> 1, last >> 1
    demand(last == 0, "log.consistency", where, reason="length")
    if first != old_root or second != new_root:
        raise Problem("log.consistency", where, reason="root")
