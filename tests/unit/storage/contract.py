"""What every store must do; run against a local folder, memory and S3 by the tests that subclass it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from foundation.storage import BadName, ObjectDiffers, ObjectMissing, ObjectStore

# More than is gathered in memory for S3, so that the long way is taken; its last piece is a short one.
LONG = bytes(range(256)) * 4096 * 9 + b"end"


def in_pieces(content: bytes, size: int = 300_000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def in_async_pieces(content: bytes, size: int = 300_000) -> AsyncIterator[bytes]:
    for piece in in_pieces(content, size):
        await asyncio.sleep(0)
        yield piece


class StoreContract:
    def test_what_was_put_is_read_back_whole_in_ranges_and_as_a_stream(self, objects: ObjectStore) -> None:
        stored = objects.put_once("lots/1/a.bin", b"0123456789")
        assert stored.size_bytes == 10
        assert stored.sha256 == hashlib.sha256(b"0123456789").hexdigest()
        assert objects.get("lots/1/a.bin") == b"0123456789"
        assert objects.get_range("lots/1/a.bin", start=2, length=3) == b"234"
        assert objects.get_range("lots/1/a.bin", start=8, length=5) == b"89"
        assert objects.get_range("lots/1/a.bin", start=10, length=5) == b""
        assert objects.get_range("lots/1/a.bin", start=99, length=5) == b""
        assert b"".join(objects.open_stream("lots/1/a.bin")) == b"0123456789"
        assert objects.size_bytes("lots/1/a.bin") == 10

    def test_the_same_bytes_again_are_fine_and_other_bytes_are_refused(self, objects: ObjectStore) -> None:
        first = objects.put_once("a", b"sealed")
        assert objects.put_once("a", b"sealed") == first
        with pytest.raises(ObjectDiffers):
            objects.put_once("a", b"forged")
        with pytest.raises(ObjectDiffers):
            objects.put_stream("a", [b"forged"])
        assert objects.get("a") == b"sealed"

    def test_an_empty_object_is_an_object(self, objects: ObjectStore) -> None:
        objects.put_stream("empty", [])
        assert objects.exists("empty")
        assert objects.get("empty") == b""
        assert list(objects.open_stream("empty")) == []

    @pytest.mark.parametrize("content", [b"short", LONG], ids=["short", "long"])
    def test_a_stream_is_stored_once(self, objects: ObjectStore, content: bytes) -> None:
        stored = objects.put_stream("streams/s", in_pieces(content))
        assert stored.sha256 == hashlib.sha256(content).hexdigest()
        assert objects.put_stream("streams/s", in_pieces(content)) == stored
        with pytest.raises(ObjectDiffers):
            objects.put_stream("streams/s", in_pieces(content + b"!"))
        assert b"".join(objects.open_stream("streams/s")) == content
        assert [entry.name for entry in objects.list()] == ["streams/s"]

    @pytest.mark.parametrize("content", [b"", b"short", LONG], ids=["empty", "short", "long"])
    def test_an_async_stream_is_stored_once(self, objects: ObjectStore, content: bytes) -> None:
        async def story() -> None:
            stored = await objects.put_stream_async("streams/a", in_async_pieces(content))
            assert stored.sha256 == hashlib.sha256(content).hexdigest()
            assert await objects.put_stream_async("streams/a", in_async_pieces(content)) == stored
            told = hashlib.sha256(content).hexdigest()
            again = await objects.put_stream_async("streams/a", in_async_pieces(content), sha256=lambda: told)
            assert again == stored
            with pytest.raises(ObjectDiffers):
                await objects.put_stream_async("streams/a", in_async_pieces(content + b"!"))

        asyncio.run(story())
        assert objects.get("streams/a") == content

    @pytest.mark.parametrize("before_it_breaks", [b"short", LONG], ids=["short", "long"])
    def test_a_stream_that_breaks_off_stores_nothing(self, objects: ObjectStore, before_it_breaks: bytes) -> None:
        def broken() -> Iterator[bytes]:
            yield from in_pieces(before_it_breaks)
            raise ConnectionResetError

        async def broken_async() -> AsyncIterator[bytes]:
            async for piece in in_async_pieces(before_it_breaks):
                yield piece
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            objects.put_stream("broken", broken())
        with pytest.raises(ConnectionResetError):
            asyncio.run(objects.put_stream_async("broken", broken_async()))
        assert not objects.exists("broken")
        assert list(objects.list()) == []

    def test_of_many_who_write_one_name_one_wins_and_its_bytes_stay(self, objects: ObjectStore) -> None:
        def attempt(number: int) -> bool:
            try:
                objects.put_once("race", b"writer %d" % number)
            except ObjectDiffers:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(attempt, range(16)))
        assert won.count(True) == 1
        assert objects.get("race") == b"writer %d" % won.index(True)

    def test_what_is_not_there_is_missing(self, objects: ObjectStore) -> None:
        assert not objects.exists("nothing")
        for read in (objects.get, objects.open_stream, objects.size_bytes):
            with pytest.raises(ObjectMissing):
                read("nothing")
        with pytest.raises(ObjectMissing):
            objects.get_range("nothing", start=0, length=1)

    def test_a_listing_is_sorted_and_keeps_to_its_folder(self, objects: ObjectStore) -> None:
        for name in ("lots/2/b", "lots/1/b", "lots/1/a", "lots/10/a"):
            objects.put_once(name, name.encode())
        assert [(e.name, e.size_bytes) for e in objects.list("lots/1")] == [("lots/1/a", 8), ("lots/1/b", 8)]
        assert [e.name for e in objects.list()] == ["lots/1/a", "lots/1/b", "lots/10/a", "lots/2/b"]
        assert list(objects.list("none")) == []

    def test_deleting_a_folder_leaves_its_neighbours(self, objects: ObjectStore) -> None:
        for name in ("lots/1/a", "lots/1/b", "lots/10/a", "lots/2"):
            objects.put_once(name, b"x")
        assert objects.delete_prefix("lots/1") == 2
        assert objects.delete_prefix("lots/2") == 1
        assert objects.delete_prefix("lots/3") == 0
        assert [e.name for e in objects.list()] == ["lots/10/a"]
        with pytest.raises(BadName):
            objects.delete_prefix("")

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "../a",
            "a/../b",
            "a/./b",
            ".hidden",
            "a/.b",
            "a b",
            "a\\b",
            "a\n",
            "é",
            "a" * 513,
        ],
    )
    def test_a_name_that_could_leave_its_folder_is_refused_everywhere(self, objects: ObjectStore, name: str) -> None:
        for act in (objects.get, objects.exists, objects.open_stream, objects.delete_prefix, objects.size_bytes):
            with pytest.raises(BadName):
                act(name)
        with pytest.raises(BadName):
            objects.put_once(name, b"x")
        with pytest.raises(BadName):
            objects.put_stream(name, [b"x"])
        with pytest.raises(BadName):
            asyncio.run(objects.put_stream_async(name, in_async_pieces(b"x")))
        with pytest.raises(BadName):
            objects.get_range(name, start=0, length=1)
        if name:
            with pytest.raises(BadName):
                objects.list(name)
