"""Objects in a local folder.

obstore's own local store was not used for writing: it returns before anything is synced, and an object that is lost in
a power cut after its receipt was given is a bid lost. Here a file is written beside the others, synced, *linked* to its
name (which fails where the name is taken, so it also decides who was first) and the folders are synced.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Self

from foundation.storage.errors import BadName, ObjectDiffers, ObjectMissing, StorageFailed
from foundation.storage.names import check_name, check_prefix
from foundation.storage.port import CHUNK_BYTES, Entry, Stored, check_range, digest_of

INCOMING = ".incoming"
"""Unfinished files. No object's name may start with a dot, so it can never be one's folder."""


class LocalStore:
    """See ``port.ObjectStore``. Several processes may use one folder; it must be on one filesystem with hard links."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        _make_folders(folder / INCOMING)

    def put_once(self, name: str, content: bytes) -> Stored:
        return self.put_stream(name, (content,))

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> Stored:
        with self._incoming(check_name(name)) as incoming:
            for chunk in chunks:
                incoming.write(chunk)
            return incoming.keep()

    async def put_stream_async(
        self, name: str, chunks: AsyncIterable[bytes], *, sha256: Callable[[], str] | None = None
    ) -> Stored:
        with await asyncio.to_thread(self._incoming, check_name(name), sha256) as incoming:
            # Small pieces of a socket are gathered: one hop to a thread for each MiB, not for each packet.
            gathered = bytearray()
            async for chunk in chunks:
                gathered += chunk
                if len(gathered) >= CHUNK_BYTES:
                    await asyncio.to_thread(incoming.write, gathered)
                    gathered = bytearray()
            if gathered:
                await asyncio.to_thread(incoming.write, gathered)
            return await asyncio.to_thread(incoming.keep)

    def get(self, name: str) -> bytes:
        with self._open(name) as file:
            return file.read()

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        check_range(start, length)
        with self._open(name) as file:
            file.seek(start)
            return file.read(length)

    def open_stream(self, name: str) -> Iterator[bytes]:
        return _chunks_of(self._open(name))

    def size_bytes(self, name: str) -> int:
        with self._open(name) as file:
            return os.fstat(file.fileno()).st_size

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def list(self, prefix: str = "") -> Iterator[Entry]:
        base = self._path(prefix) if check_prefix(prefix) else self.folder
        found = []
        for folder, folders, files in os.walk(base):
            folders[:] = [f for f in folders if not f.startswith(".")]
            for file in files:
                path = Path(folder, file)
                with contextlib.suppress(FileNotFoundError):
                    found.append(Entry(path.relative_to(self.folder).as_posix(), path.stat().st_size))
        return iter(sorted(found, key=lambda entry: entry.name))

    def delete_prefix(self, prefix: str) -> int:
        if not prefix:
            raise BadName(name=prefix)
        path = self._path(prefix)
        if path.is_file():
            path.unlink()
            _sync_folder(path.parent)
            return 1
        count = sum(1 for _ in self.list(prefix))
        if path.is_dir():
            shutil.rmtree(path)
            _sync_folder(path.parent)
        return count

    def sweep_incoming(self, *, older_than_seconds: float, at: float) -> int:
        """Remove what died while it was being written: untouched for this long before ``at`` (seconds of the epoch)."""
        removed = 0
        for path in (self.folder / INCOMING).iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < at - older_than_seconds:
                    path.unlink()
                    removed += 1
        return removed

    def _path(self, name: str) -> Path:
        return self.folder / check_name(name)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._path(name).open("rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissing(name=name) from None
        except OSError as error:
            raise StorageFailed(name=name, reason=str(error)) from error

    def _incoming(self, name: str, sha256: Callable[[], str] | None = None) -> _Incoming:
        return _Incoming(self.folder, name, sha256)


class _Incoming:
    """A file on its way to its name: thrown away on leaving the block unless ``keep`` was reached."""

    def __init__(self, folder: Path, name: str, told: Callable[[], str] | None) -> None:
        self._name, self._target, self._told = name, folder / name, told
        self._size, self._digest = 0, hashlib.sha256()
        try:
            descriptor, path = tempfile.mkstemp(dir=folder / INCOMING)
        except OSError as error:
            raise StorageFailed(name=name, reason=str(error)) from error
        self._path = Path(path)
        self._file = os.fdopen(descriptor, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        with contextlib.suppress(OSError):  # a full disk was already reported by write or keep
            self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes | bytearray) -> None:
        try:
            self._file.write(chunk)
        except OSError as error:
            raise StorageFailed(name=self._name, reason=str(error)) from error
        if self._told is None:
            self._digest.update(chunk)
        self._size += len(chunk)

    def keep(self) -> Stored:
        """Sync, take the name, sync the folders. When this returns, a power cut does not lose the object."""
        stored = Stored(self._name, self._size, self._told() if self._told else self._digest.hexdigest())
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            _make_folders(self._target.parent)
            try:
                os.link(self._path, self._target)
            except FileExistsError:
                self._compare(stored)
            # Also when the name was taken by the same bytes: whoever wrote them may not have got this far.
            _sync_folder(self._target.parent)
        except (FileExistsError, NotADirectoryError):
            raise BadName(name=self._name) from None  # a part of the name is an object itself
        except OSError as error:
            raise StorageFailed(name=self._name, reason=str(error)) from error
        return stored

    def _compare(self, stored: Stored) -> None:
        if self._target.is_dir():
            raise ObjectDiffers(name=self._name)
        with self._target.open("rb") as present:
            if digest_of(iter(lambda: present.read(CHUNK_BYTES), b"")) != (stored.size_bytes, stored.sha256):
                raise ObjectDiffers(name=self._name)


def _chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")


def _make_folders(folder: Path) -> None:
    """Make a folder and its parents; each new name is synced into the folder that holds it."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
