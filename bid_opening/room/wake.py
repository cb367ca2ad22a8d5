"""Hints of other processes as something a loop can wait for. A lost hint costs at most the look every second."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from foundation.hints import Listener
from foundation.store.far_hints import FarListener

log = structlog.get_logger("room")
TOPICS: Final = ("room",)
_numbers = itertools.count()


class Wake:
    """Rings when somebody pokes the topic ``room``: a process here, or one elsewhere on the same database.

    ``address`` is that of the database; None where all its processes stand on one machine.
    """

    def __init__(self, folder: Path, address: str | None = None) -> None:
        self._folder = folder
        self._address = address
        self._rung = asyncio.Event()
        self._listener: Listener | None = None
        self._far: FarListener | None = None

    def open(self) -> None:
        """Start listening on the running loop; where no socket can be made, only the look every second remains."""
        if self._address is not None:
            loop = asyncio.get_running_loop()
            self._far = FarListener(self._folder, self._address, partial(loop.call_soon_threadsafe, self._rung.set))
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
        if self._far is not None:
            self._far.close()
            self._far = None
        if self._listener is None:
            return
        loop = asyncio.get_running_loop()
        for one in self._listener.sockets:
            loop.remove_reader(one)
        self._listener.close()
        self._listener = None
