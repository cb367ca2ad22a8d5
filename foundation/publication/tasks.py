"""The publisher in the worker: it waits for a hint of the journal, at most a quarter of a second, and looks."""

from __future__ import annotations

from typing import Final

from foundation.hints import Listener
from foundation.jobs.registry import periodic
from foundation.publication.publisher import Publisher
from foundation.publication.stamping import stamp_if_configured
from foundation.runtime import Runtime

WAIT_SECONDS: Final = 0.25
STAMP_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.02
"""Between two rounds, so that a burst of entries becomes one checkpoint and not one each."""


class _Seat:
    """What this process keeps between rounds."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.publisher = Publisher(runtime)
        # One name for all processes: only one of them publishes, and the others look by themselves.
        self.listener = Listener(runtime.settings.run_dir, "publisher", ("journal",))


_SEATS: Final[list[_Seat]] = []


@periodic("publication.publish", PAUSE_SECONDS)
def publish(runtime: Runtime) -> None:
    """Wait for a hint or a quarter of a second, then one round."""
    seat = next((one for one in _SEATS if one.runtime is runtime), None)
    if seat is None:
        seat = _Seat(runtime)
        _SEATS.append(seat)
    seat.listener.wait(WAIT_SECONDS)
    seat.publisher.round()


@periodic("publication.stamp", STAMP_SECONDS)
def stamp(runtime: Runtime) -> None:
    """Fetch time stamps that are wanted."""
    stamp_if_configured(runtime)


def leave(runtime: Runtime) -> None:
    """Give back what ``publish`` holds for ``runtime`` (tests)."""
    for seat in [one for one in _SEATS if one.runtime is runtime]:
        _SEATS.remove(seat)
        seat.publisher.close()
        seat.listener.close()
