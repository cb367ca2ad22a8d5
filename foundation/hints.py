"""Wake-up calls between processes of one machine: datagrams on Unix sockets. They may be lost; nobody relies on them.

Each listener owns ``<folder>/<topic>-<name>.sock``. A poke writes the topic's name to every socket of that topic.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from pathlib import Path


class UnixHints:
    """Pokes every listener of a topic."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)  # noqa: FBT003 - socket's own signature

    def poke(self, topics: frozenset[str]) -> None:
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 - glob takes twenty times as long, after every commit
        except OSError:
            return
        for name in names:
            topic = name.partition("-")[0]
            if topic in topics and name.endswith(".sock"):
                # A dead or slow listener is none of our business: it looks by itself every second.
                with contextlib.suppress(OSError):
                    self._socket.sendto(topic.encode(), f"{self.folder}/{name}")

    def close(self) -> None:
        self._socket.close()


class Listener:
    """Waits for hints of some topics."""

    def __init__(self, folder: Path, name: str, topics: tuple[str, ...]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.sockets = []
        for topic in topics:
            path = folder / f"{topic}-{name}.sock"
            path.unlink(missing_ok=True)
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            listening.setblocking(False)  # noqa: FBT003 - socket's own signature
            listening.bind(str(path))
            self.sockets.append(listening)

    def wait(self, seconds: float) -> bool:
        """Until a hint comes or the time is up; True for a hint. Drains what has piled up."""
        ready, _, _ = select.select(self.sockets, [], [], seconds)
        for listening in ready:
            with contextlib.suppress(BlockingIOError):
                while True:
                    listening.recv(64)
        return bool(ready)

    def close(self) -> None:
        for listening in self.sockets:
            path = Path(listening.getsockname())
            listening.close()
            path.unlink(missing_ok=True)
