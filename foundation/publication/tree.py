"""The tree over the rows: growing it leaf by leaf, and reading its hashes back without its history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.publication.models import LogLeaf, LogNode, LogState
from foundation.transparency.merkle import Frontier, complete_root, node_hash
from foundation.transparency.tiles import TILE_HEIGHT, TILE_WIDTH

Node = tuple[int, int, bytes]
"""Tile level, index, hash."""

_FULL: Final = TILE_WIDTH - 1


def frontier_of(state: LogState) -> Frontier:
    return Frontier(state.size, tuple(bytes.fromhex(peak) for peak in state.frontier))


def grow(frontier: Frontier, leaves: Iterable[bytes]) -> tuple[Frontier, list[Node]]:
    """Append leaf hashes; also returns the roots of the tiles that filled, which proofs will ask for."""
    size, peaks = frontier.size, list(frontier.peaks)
    nodes: list[Node] = []
    for leaf in leaves:
        peak, level = leaf, 0
        while size >> level & 1:
            peak = node_hash(peaks.pop(), peak)
            level += 1
            if level % TILE_HEIGHT == 0:
                nodes.append((level // TILE_HEIGHT, size >> level, peak))
        peaks.append(peak)
        size += 1
    return Frontier(size, tuple(peaks)), nodes


class StoredHashes:
    """A hash reader (``merkle.HashReader``) over leaves and nodes: a proof reads at most a few rows of 256 hashes."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def __call__(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, at = divmod(index << height, TILE_WIDTH)
        part = self._row(tile_level, number)[at : at + (1 << height)]
        if len(part) != 1 << height:
            raise ValueError("the subtree is not complete")
        return complete_root(part)

    def _row(self, tile_level: int, number: int) -> tuple[bytes, ...]:
        row = self._rows.get((tile_level, number))
        if row is None:
            first = number * TILE_WIDTH
            if tile_level:
                query = (
                    select(LogNode.node_hash)
                    .where(LogNode.tile_level == tile_level, LogNode.node_index.between(first, first + _FULL))
                    .order_by(LogNode.node_index)
                )
            else:
                query = (
                    select(LogLeaf.leaf_hash)
                    .where(LogLeaf.leaf_index.between(first, first + _FULL))
                    .order_by(LogLeaf.leaf_index)
                )
            row = self._rows[tile_level, number] = tuple(self._session.scalars(query))
        return row
