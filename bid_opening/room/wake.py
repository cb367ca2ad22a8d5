"""Hints of other processes as something a loop can wait for. A lost hint costs at most the look every second."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from pathlib import Path
from typing import Final

import structlog

from foundation.hints import Listener

log = structlog.get_logger("room")
TOPICS: Final = ("room",)
_numbers = itertools.count()


class Wake:
    """Rings when somebody pokes the topic ``room``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rung = asyncio.Event()
        self._listener: Listener | None = None

    def open(self) -> None:
        """Start listening on the running loop; where no socket can be made, only the look every second remains."""
        try:
            self._listener = Listener(self._folder, f"{os.getpid()}-{next(_numbers)}", TOPICS)
        except OSError as error:
            log.warning("room_without_hints", reason=str(error))
            return
        loop = asyncio.get_running_loop()
        for one in self._listener.sockets:
            loop.add_reader(one, self._ring)

    def _ring(self) -> None:
        if self._listener is not None:
            self._listener.wait(0)
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Until a hint comes or the time is up; True for a hint."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    def close(self) -> None:
        if self._listener is None:
            return
        loop = asyncio.get_running_loop()
        for one in self._listener.sockets:
            loop.remove_reader(one)
        self._listener.close()
        self._listener = None
