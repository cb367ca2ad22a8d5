"""One process group a data folder: the second start is refused and told who holds it."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Self

from foundation.errors import Conflict

NAME = "centre.lock"


class DataFolderInUse(Conflict):
    """Fields: ``folder``, ``pid`` of the holder, ``address`` where it answers ("" before it is up)."""

    code = "centre.data_folder_in_use"


class DataFolderLock:
    """An advisory lock that the system drops when its holder dies, however it dies.

    ``with DataFolderLock(folder) as lock: lock.tell(address=…)``. Raises DataFolderInUse on entering.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / NAME
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not truncated on opening: until the lock is ours the text is the holder's.
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, address = _read(file)
            file.close()
            raise DataFolderInUse(folder=str(self.folder), pid=pid, address=address) from None
        self._file = file
        self.tell()
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._file is not None:
            # The file stays: removing it would let two holders lock two files of the same name.
            self._file.truncate(0)
            self._file.close()
            self._file = None

    def tell(self, *, address: str = "") -> None:
        """Write down who holds the folder, for the next one to be told."""
        if self._file is None:
            raise RuntimeError("the lock is not held")
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), "address": address}, self._file)
        self._file.flush()


def _read(file: IO[str]) -> tuple[int, str]:
    try:
        holder = json.loads(file.read())
        return int(holder["pid"]), str(holder["address"])
    except (ValueError, KeyError, TypeError):
        # Between taking the lock and writing the text there is a moment.
        return 0, ""
