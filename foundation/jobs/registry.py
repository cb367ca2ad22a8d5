"""Which code does which job. Packages register handlers at import; the composition root imports the packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from foundation.runtime import Runtime


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a handler is given: the runtime to open Units with, and the job's own key and payload."""

    runtime: Runtime
    job_id: str
    key: str
    payload: dict[str, Any]
    attempt: int


Handler = Callable[[JobContext], None]
H = TypeVar("H", bound=Handler)
_HANDLERS: Final[dict[str, Handler]] = {}


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something the worker does every ``seconds`` (machine clock): look for due work, never decide anything."""

    name: str
    seconds: float
    run: Callable[[Runtime], None]


_PERIODIC: Final[dict[str, Periodic]] = {}


def task(name: str) -> Callable[[H], H]:
    """Register the handler of a task. It must be idempotent: it may run again after a crash at any line."""

    def register(handler: H) -> H:
        if name in _HANDLERS:
            raise AssertionError(f"task {name!r} has a handler already")
        _HANDLERS[name] = handler
        return handler

    return register


def periodic(name: str, seconds: float) -> Callable[[Callable[[Runtime], None]], Callable[[Runtime], None]]:
    """Register a periodic look-round of the worker."""

    def register(run: Callable[[Runtime], None]) -> Callable[[Runtime], None]:
        if name in _PERIODIC:
            raise AssertionError(f"periodic {name!r} is registered already")
        _PERIODIC[name] = Periodic(name, seconds, run)
        return run

    return register


def handler_of(name: str) -> Handler:
    """The handler, or KeyError: a job without code is a bug of deployment."""
    return _HANDLERS[name]


def periodics() -> tuple[Periodic, ...]:
    return tuple(_PERIODIC.values())
