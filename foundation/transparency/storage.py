"""A small store of immutable files, and the two ways to bring a file onto the disk so that kill -9 leaves no half."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol


class TileStore(Protocol):
    """Where a log keeps its files. Paths are relative, with slashes: ``tile/0/000``."""

    def get(self, path: str, /) -> bytes | None: ...

    def put(self, path: str, data: bytes, /) -> None: ...


class FolderStore:
    """A ``TileStore`` in a local folder. Every ``put`` is durable when it returns."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, path: str) -> bytes | None:
        try:
            return self._place(path).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, path: str, data: bytes) -> None:
        place = self._place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_file(place, data, mode=0o644)

    def _place(self, path: str) -> Path:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise ValueError("a store path is relative and stays inside the store")
        return self._root / pure


class MemoryStore:
    """A ``TileStore`` for tests and for verifying a bundle that was read whole."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files: dict[str, bytes] = dict(files or {})

    def get(self, path: str) -> bytes | None:
        return self.files.get(path)

    def put(self, path: str, data: bytes) -> None:
        self.files[path] = data


def put_all(store: TileStore, files: Mapping[str, bytes]) -> None:
    """Write the files of one extension, in any order: none counts before a checkpoint of the new size is signed."""
    for path, data in files.items():
        store.put(path, data)


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Put ``data`` under ``path``: a reader, also one after a crash, sees the old bytes or the new, never a mixture."""
    temporary = _written_beside(path, data, mode)
    try:
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create_file(path: Path, data: bytes, *, mode: int) -> bool:
    """Put ``data`` under ``path`` unless something is there already; whether this call did it."""
    temporary = _written_beside(path, data, mode)
    try:
        os.link(temporary, path)  # fails when the name exists, which a rename would not
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _written_beside(path: Path, data: bytes, mode: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:  # a full disk, as a rule: leave it no fuller than it was
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _sync_folder(folder: Path) -> None:
    # Without this the new name itself may be lost with the power, although the bytes are on the disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
