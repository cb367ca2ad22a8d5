"""The log as static files (C2SP tlog-tiles): paths, entry bundles, the pure writer and the reader of proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from foundation.transparency import merkle
from foundation.transparency.blinding import MAX_ENTRY_BYTES
from foundation.transparency.errors import BadTile, MalformedText, TileMissing
from foundation.transparency.merkle import HASH_BYTES, Frontier, leaf_hash

TILE_WIDTH = 256
TILE_HEIGHT = 8

Get = Callable[[str], bytes | None]


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """``tile/<level>/<index>``, with ``.p/<width>`` for a partial tile."""
    return f"tile/{level}/{_index_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """``tile/entries/<index>``, with ``.p/<width>`` for a partial bundle."""
    return f"tile/entries/{_index_path(index, width)}"


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each after its length in two bytes; an entry of more than 65,535 bytes is refused."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise MalformedText(what="entry", reason="size")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes) -> list[bytes]:
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise MalformedText(what="entry bundle", reason="truncated")
        entries.append(data[at + 2 : end])
        at = end
    return entries


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tiled log: all a writer needs to go on.

    ``rows[l]`` are the hashes of the partial tile at level ``l`` (at most 255), ``bundle`` the entries of the partial
    bundle. ``Edge()`` is the empty log; ``load_edge`` reads one back and checks it.
    """

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()
    bundle: tuple[bytes, ...] = ()

    def frontier(self) -> Frontier:
        """The same edge as Merkle peaks."""
        peaks: list[bytes] = []
        for row in reversed(self.rows):
            peaks += _peaks(row)
        return Frontier(self.size, tuple(peaks))

    def root(self) -> bytes:
        return self.frontier().root()


@dataclass(frozen=True, slots=True)
class Extension:
    """What appending gives: the new edge, and the files to write before a checkpoint of its size is signed."""

    edge: Edge
    files: dict[str, bytes]


def extend(edge: Edge, entries: Sequence[bytes]) -> Extension:
    """Append ``entries``; pure. Doing it again from the same edge gives the same files, so a crash costs nothing."""
    files: dict[str, bytes] = {}
    size, bundle = edge.size, list(edge.bundle)
    rows = [list(row) for row in edge.rows]
    for entry in entries:
        bundle.append(entry)
        size += 1
        if len(bundle) == TILE_WIDTH:
            files[entries_path(size // TILE_WIDTH - 1)] = encode_bundle(bundle)
            bundle.clear()
        _push(rows, leaf_hash(entry), size, files)
    for level, row in enumerate(rows):
        count = size >> (TILE_HEIGHT * level)
        if row and count != edge.size >> (TILE_HEIGHT * level):
            files[tile_path(level, count // TILE_WIDTH, len(row))] = b"".join(row)
    if bundle and entries:
        files[entries_path(size // TILE_WIDTH, len(bundle))] = encode_bundle(bundle)
    return Extension(Edge(size, tuple(tuple(row) for row in rows), tuple(bundle)), files)


def load_edge(size: int, root: bytes, get: Get) -> Edge:
    """Read the edge of a log of ``size`` leaves back from its files; raises BadTile unless it has this ``root``."""
    reader = TileReader(get, size)
    rows: list[tuple[bytes, ...]] = []
    level = 0
    while count := size >> (TILE_HEIGHT * level):
        full = count // TILE_WIDTH
        rows.append(reader.tile(level, full) if count % TILE_WIDTH else ())
        level += 1
    bundle = reader.bundle(size // TILE_WIDTH) if size % TILE_WIDTH else ()
    edge = Edge(size, tuple(rows), bundle)
    if edge.root() != root:
        raise BadTile(path="", reason="root_differs")
    return edge


class TileReader:
    """Computes proofs for one tree size from tiles. It believes the tiles: whoever gets the proofs verifies them.

    ``get`` returns the file of a path, or None. Tiles are kept for the life of the reader, so make one a checkpoint.
    """

    def __init__(self, get: Get, size: int) -> None:
        self._get = get
        self._size = size
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}
        self._nodes: dict[tuple[int, int], list[tuple[bytes, ...]]] = {}

    def root(self, size: int | None = None) -> bytes:
        """Root of the tree, or of an earlier size."""
        return merkle.tree_root(self._hash, self._size if size is None else self._within(size))

    def inclusion_proof(self, index: int) -> list[bytes]:
        return merkle.inclusion_proof(self._hash, index, self._size)

    def consistency_proof(self, old: int) -> list[bytes]:
        """Proof from an earlier size; empty from size 0, where the cosigner protocol wants none."""
        return merkle.consistency_proof(self._hash, old, self._size) if old else []

    def entry(self, index: int) -> bytes:
        """The entry at ``index``, checked against its leaf hash."""
        self._within(index + 1)
        number, place = divmod(index, TILE_WIDTH)
        entry = self.bundle(number)[place]
        if leaf_hash(entry) != self.tile(0, number)[place]:
            raise BadTile(path=entries_path(number), reason="entry_differs")
        return entry

    def tile(self, level: int, index: int) -> tuple[bytes, ...]:
        """The hashes of a tile, as many as the tree's size gives it."""
        known = self._tiles.get((level, index))
        if known is None:
            width = self._width(level, index)
            data = self._file(tile_path(level, index, width), tile_path(level, index))
            if len(data) not in {width * HASH_BYTES, TILE_WIDTH * HASH_BYTES}:
                raise BadTile(path=tile_path(level, index, width), reason="length")
            known = tuple(data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES))
            self._tiles[level, index] = known
        return known

    def bundle(self, index: int) -> tuple[bytes, ...]:
        """The entries of a bundle, as many as the tree's size gives it."""
        width = self._width(0, index)
        entries = decode_bundle(self._file(entries_path(index, width), entries_path(index)))
        if len(entries) not in {width, TILE_WIDTH}:
            raise BadTile(path=entries_path(index, width), reason="length")
        return tuple(entries[:width])

    def _hash(self, level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        number, place = divmod(index << height, TILE_WIDTH)
        row = self._rows(tile_level, number)[height]
        if place >> height >= len(row):
            raise ValueError("the subtree is not complete at this size")
        return row[place >> height]

    def _rows(self, level: int, index: int) -> list[tuple[bytes, ...]]:
        """A tile and the complete subtrees over it, row by row; hashed once, because proofs share most of them."""
        rows = self._nodes.get((level, index))
        if rows is None:
            rows = [self.tile(level, index)]
            for _ in range(TILE_HEIGHT - 1):
                row = rows[-1]
                rows.append(tuple(merkle.node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)))
            self._nodes[level, index] = rows
        return rows

    def _file(self, partial: str, full: str) -> bytes:
        # A log may delete a partial file once the full one is there.
        data = self._get(partial)
        if data is None and full != partial:
            data = self._get(full)
        if data is None:
            raise TileMissing(path=partial)
        return data

    def _width(self, level: int, index: int) -> int:
        width = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)
        if width <= 0:
            raise ValueError("the tile lies outside the tree")
        return width

    def _within(self, size: int) -> int:
        if not 0 <= size <= self._size:
            raise ValueError("outside the tree")
        return size


def _push(rows: list[list[bytes]], leaf: bytes, size: int, files: dict[str, bytes]) -> None:
    """Add a leaf hash to the rows, passing each tile that fills to the level above."""
    value = leaf
    for level in range(len(rows) + 1):
        if level == len(rows):
            rows.append([])
        rows[level].append(value)
        if len(rows[level]) < TILE_WIDTH:
            return
        files[tile_path(level, (size >> (TILE_HEIGHT * (level + 1))) - 1)] = b"".join(rows[level])
        value = merkle.complete_root(rows[level])
        rows[level].clear()


def _peaks(row: Sequence[bytes]) -> list[bytes]:
    """Complete subtrees over the hashes of a partial tile, largest first."""
    peaks: list[bytes] = []
    at = 0
    while at < len(row):
        width = 1 << ((len(row) - at).bit_length() - 1)
        peaks.append(merkle.complete_root(row[at : at + width]))
        at += width
    return peaks


def _index_path(index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise ValueError("a tile has an index from 0 and a width from 1 to 256")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
