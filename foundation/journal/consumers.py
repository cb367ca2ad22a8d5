"""Listening: a later stage reacts to an earlier one's event without being called by it.

For each consumer of an event type, appending the event also writes the consumer's job, in the same transaction. The
consumer then runs like any job: at least once, so it must be idempotent; its key is the entry's id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from foundation.events import Event
from foundation.jobs.registry import Handler, task

_CONSUMERS: Final[dict[str, list[str]]] = {}


def consumer(name: str, *, on: type[Event]) -> Callable[[Handler], Handler]:
    """Register a handler for every future event of type ``on``.

    The job's payload is ``{"entry": entry id}`` and no more: a private stream's name says who acted, and rows of jobs
    are read by more people than the journal is.
    """

    def register(handler: Handler) -> Handler:
        _CONSUMERS.setdefault(on.TYPE, []).append(name)
        return task(name)(handler)

    return register


def consumers_of(type_name: str) -> tuple[str, ...]:
    """The task names that listen to an event type."""
    return tuple(_CONSUMERS.get(type_name, ()))
