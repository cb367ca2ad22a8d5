from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from foundation.storage import BadName, LocalStore, ObjectStore, StorageFailed, open_store
from tests.unit.storage.contract import StoreContract


class TestLocalStore(StoreContract):
    @pytest.fixture
    def objects(self, tmp_path: Path) -> ObjectStore:
        return open_store((tmp_path / "objects").as_uri())


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def objects(self) -> ObjectStore:
        return open_store("memory://")


def test_an_object_and_its_folders_are_synced_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order matters: bytes, then the name, then the folder that holds the name."""
    done: list[str] = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(descriptor: int) -> None:
        where = Path(f"/proc/self/fd/{descriptor}").resolve()
        done.append("sync bytes" if where.is_file() else f"sync {where.relative_to(tmp_path).as_posix()}")
        real_fsync(descriptor)

    def link(source: Path, target: Path) -> None:
        done.append("take the name")
        real_link(source, target)

    objects = LocalStore(tmp_path)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "link", link)
    objects.put_once("lots/1/bid", b"sealed")
    assert done == ["sync bytes", "sync .", "sync lots", "take the name", "sync lots/1"]
    done.clear()
    objects.put_once("lots/1/bid", b"sealed")
    assert done[-1] == "sync lots/1", "the first writer may have died before its last step"


def test_a_full_disk_is_unavailable_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    objects = LocalStore(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFailed, match="No space"):
        objects.put_once("a", b"x")
    assert not objects.exists("a")
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_an_object_is_not_a_folder(tmp_path: Path) -> None:
    objects = LocalStore(tmp_path)
    objects.put_once("a", b"x")
    with pytest.raises(BadName):
        objects.put_once("a/b", b"x")
    assert not objects.exists("a/b")


def test_what_died_while_it_was_written_is_swept_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    objects = LocalStore(tmp_path)
    dead, alive = tmp_path / ".incoming" / "dead", tmp_path / ".incoming" / "alive"
    for path, at in ((dead, 1_000), (alive, 9_000)):
        path.write_bytes(b"x")
        os.utime(path, (at, at))
    assert objects.sweep_incoming(older_than_seconds=3_600, at=10_000) == 1
    assert not dead.exists()
    assert alive.exists()


@pytest.mark.parametrize(
    "url", ["", "objects", "http://host/bucket", "s3://", "file://elsewhere/a", "s3://b?endpiont=x"]
)
def test_an_address_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="storage"):
        open_store(url)
