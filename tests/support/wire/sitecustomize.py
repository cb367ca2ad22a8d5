"""On the path of every process of a centre under test: each byte that passes a socket is written down.

``WIRE_RECORD`` names the folder: a file a process and socket and direction, written as the bytes pass.
"""

import asyncio
import itertools
import os
import socket
import sys
import threading
import types
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("WIRE_RECORD", "")
_LOCK = threading.Lock()
_NUMBERS = itertools.count()


class RecordingSocket(socket.socket):
    """A socket that writes down what it sends and receives."""

    _number = -1

    def _keep(self, way: str, data: Any) -> None:
        if not data or self.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        with _LOCK:
            if self._number < 0:
                self._number = next(_NUMBERS)
            with (Path(_FOLDER) / f"{os.getpid()}-{self._number}-{way}").open("ab") as out:
                out.write(data)

    def send(self, data: Any, *args: Any) -> int:
        sent = super().send(data, *args)
        self._keep("out", bytes(memoryview(data).cast("B")[:sent]))
        return sent

    def sendall(self, data: Any, *args: Any) -> None:
        self._keep("out", bytes(memoryview(data).cast("B")))
        super().sendall(data, *args)

    def sendmsg(self, buffers: Any, *args: Any) -> int:
        kept = [bytes(memoryview(one).cast("B")) for one in buffers]
        sent = super().sendmsg(kept, *args)
        self._keep("out", b"".join(kept)[:sent])
        return sent

    def recv(self, *args: Any) -> bytes:
        data = super().recv(*args)
        self._keep("in", data)
        return data

    def recv_into(self, buffer: Any, *args: Any) -> int:
        size = super().recv_into(buffer, *args)
        self._keep("in", bytes(memoryview(buffer).cast("B")[:size]))
        return size


if _FOLDER:
    socket.socket = RecordingSocket  # type: ignore[misc]
    # uvloop reads and writes below Python; its place is taken by the loop that uses these sockets.
    loop = types.ModuleType("uvloop")
    loop.run = asyncio.run  # type: ignore[attr-defined]
    loop.new_event_loop = asyncio.new_event_loop  # type: ignore[attr-defined]
    sys.modules["uvloop"] = loop
