"""Civil time without a query per message: read in a thread, carried on for a tenth of a second."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from foundation.clock import Clock, monotonic

CARRY_SECONDS: Final = 0.1


class CivilTime:
    """A demonstration clock stands in the database; a loop must not ask it for each of a thousand newcomers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._instant: datetime | None = None
        self._read_at = 0.0
        self._asking = asyncio.Lock()

    async def now(self) -> datetime:
        """The civil instant, at most CARRY_SECONDS old and carried on by the machine clock."""
        async with self._asking:
            if self._instant is None or monotonic() - self._read_at > CARRY_SECONDS:
                self._instant = await asyncio.to_thread(self._clock.now)
                self._read_at = monotonic()
        return self.estimate()

    def estimate(self) -> datetime:
        """The last reading carried on, without asking. Only for what has no legal effect. Ask ``now`` once before."""
        if self._instant is None:
            raise AssertionError("no reading yet")
        return self._instant + timedelta(seconds=monotonic() - self._read_at)
