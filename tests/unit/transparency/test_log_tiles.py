from __future__ import annotations

import pytest

from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.errors import BadTile, MalformedText, TileMissing
from foundation.transparency.keys import VerifierKey
from foundation.transparency.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from foundation.transparency.notes import Note, verified
from foundation.transparency.storage import FolderStore, MemoryStore, put_all
from foundation.transparency.tiles import (
    Edge,
    TileReader,
    decode_bundle,
    encode_bundle,
    entries_path,
    extend,
    load_edge,
    tile_path,
)
from tests.unit.transparency.logbook import VECTORS, Logbook

TESSERA = VECTORS / "tlog" / "log"


def _tessera_checkpoint(name: str) -> Checkpoint:
    note = Note.parse((TESSERA / name).read_text(encoding="utf-8"))
    verified(note, [VerifierKey.parse((VECTORS / "tlog" / "log.vkey").read_text().strip())])
    return Checkpoint.parse(note.text)


def test_every_checkpoint_and_file_of_the_tessera_log_is_recomputed() -> None:
    entries = decode_bundle((TESSERA / "tile/entries/000.p/15").read_bytes())
    assert len(entries) == 15
    edge = Edge()
    for size in range(16):
        checkpoint = _tessera_checkpoint(f"checkpoint.{size}")
        assert (checkpoint.size, checkpoint.root) == (size, edge.root())
        if size == 15:
            break
        extension = extend(edge, entries[size : size + 1])
        wanted = [
            path for path in (f"tile/0/000.p/{size + 1}", f"tile/entries/000.p/{size + 1}") if (TESSERA / path).exists()
        ]
        assert wanted
        for path in wanted:
            assert extension.files[path] == (TESSERA / path).read_bytes(), path
        edge = extension.edge
    assert _tessera_checkpoint("checkpoint").root == edge.root()


def test_proofs_between_all_tessera_checkpoints_are_made_from_its_tiles() -> None:
    store = FolderStore(TESSERA)
    for new in range(2, 16):
        reader = TileReader(store.get, new)
        root = _tessera_checkpoint(f"checkpoint.{new}").root
        for old in range(1, new + 1):
            old_root = _tessera_checkpoint(f"checkpoint.{old}").root
            verify_consistency(old, new, old_root, root, reader.consistency_proof(old))
            assert reader.root(old) == old_root
            verify_inclusion(old - 1, new, leaf_hash(reader.entry(old - 1)), reader.inclusion_proof(old - 1), root)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (tile_path(0, 0), "tile/0/000"),
        (tile_path(1, 1_234_067), "tile/1/x001/x234/067"),
        (tile_path(2, 1000, 17), "tile/2/x001/000.p/17"),
        (entries_path(999, 255), "tile/entries/999.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(path: str, wanted: str) -> None:
    assert path == wanted


def test_a_tree_of_70000_has_the_tiles_the_specification_counts() -> None:
    files = extend(Edge(), [b"e"] * 70_000).files
    hashes = {path: data for path, data in files.items() if not path.startswith("tile/entries/")}
    assert sum(path.startswith("tile/0/") and ".p/" not in path for path in hashes) == 273
    assert {path for path in hashes if ".p/" in path} == {"tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}
    assert all(len(hashes[path]) == 8192 for path in hashes if ".p/" not in path)


def test_256_leaves_fill_a_tile_and_begin_the_one_above() -> None:
    extension = extend(Edge(), [b"e"] * 256)
    assert set(extension.files) == {"tile/0/000", "tile/1/000.p/1", "tile/entries/000"}
    assert extension.edge.root() == root_of([leaf_hash(b"e")] * 256)


def test_appending_nothing_writes_nothing() -> None:
    edge = extend(Edge(), [b"a", b"b"]).edge
    assert extend(edge, []).files == {}


def test_an_edge_is_read_back_from_the_files_and_checked() -> None:
    book = Logbook([str(i).encode() for i in range(777)])
    assert load_edge(777, book.edge.root(), book.store.get) == book.edge
    assert load_edge(0, Edge().root(), book.store.get) == Edge()
    with pytest.raises(BadTile):
        load_edge(777, bytes(32), book.store.get)


def test_a_full_file_stands_in_for_a_deleted_partial_one() -> None:
    book = Logbook([str(i).encode() for i in range(10)])
    root, old = book.edge.root(), book.edge
    book.append([str(i).encode() for i in range(10, 300)])
    for path in ("tile/0/000.p/10", "tile/entries/000.p/10"):
        del book.store.files[path]
    assert TileReader(book.store.get, 10).root() == root
    assert load_edge(10, root, book.store.get) == old


def test_a_missing_or_damaged_file_is_named() -> None:
    book = Logbook([b"a", b"b", b"c"])
    del book.store.files["tile/entries/000.p/3"]
    with pytest.raises(TileMissing) as missing:
        book.reader().entry(0)
    assert missing.value.fields["path"] == "tile/entries/000.p/3"
    book.store.files["tile/entries/000.p/3"] = encode_bundle([b"a", b"x", b"c"])
    assert book.reader().entry(0) == b"a"
    with pytest.raises(BadTile):
        book.reader().entry(1)
    book.store.files["tile/entries/000.p/3"] = encode_bundle([b"a", b"b"])
    with pytest.raises(BadTile):
        book.reader().entry(0)
    book.store.files["tile/0/000.p/3"] = bytes(95)
    with pytest.raises(BadTile):
        book.reader().root()


def test_bundles_are_strict() -> None:
    assert decode_bundle(encode_bundle([b"", b"a", b"x" * 65_535])) == [b"", b"a", b"x" * 65_535]
    for broken in (b"\0", b"\0\2a", b"\0\1a\0"):
        with pytest.raises(MalformedText):
            decode_bundle(broken)
    with pytest.raises(MalformedText):
        encode_bundle([b"x" * 65_536])


def test_questions_outside_the_tree_are_bugs() -> None:
    reader = Logbook([b"a", b"b"]).reader()
    for ask in (
        lambda: reader.inclusion_proof(2),
        lambda: reader.consistency_proof(3),
        lambda: reader.root(3),
        lambda: reader.entry(2),
    ):
        with pytest.raises(ValueError, match="tree"):
            ask()
    assert reader.consistency_proof(0) == []


def test_a_folder_keeps_files_and_stays_within_itself(tmp_path) -> None:
    store = FolderStore(tmp_path)
    assert store.get("tile/0/000") is None
    put_all(store, {"tile/0/000": b"old", "checkpoint": b"c"})
    store.put("tile/0/000", b"new")
    assert store.get("tile/0/000") == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["000", "checkpoint"]
    for path in ("../x", "/x", "a/../../x", ""):
        with pytest.raises(ValueError, match="inside"):
            store.get(path)


def test_a_memory_store_starts_with_what_it_is_given() -> None:
    assert MemoryStore({"checkpoint": b"c"}).get("checkpoint") == b"c"
