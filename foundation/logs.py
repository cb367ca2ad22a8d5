"""What every process writes to standard error: JSON lines, and of a failure where it was, never what it held.

Local variables are secrets here (halves of content keys, private keys, passwords), and so may be the message of an
error that is not our own: it likes to quote the value it could not use. Of a failure a line tells the places in the
code and the kinds of error; a message only of our own errors, whose fields are made to be read, and of the system's.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, MutableMapping
from functools import cache
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final, TextIO

import structlog

from foundation.errors import CentreError

FRAMES_MAX: Final = 60
"""Places of one error; the outer ones of a deeper stack are left out."""
CAUSES_MAX: Final = 10
LEVELS: Final = ("debug", "info", "warning", "error")


def bare(error: BaseException) -> str:
    """An error as a log may show it: its causes first, kind and places of each, no values, no foreign message."""
    return "\n".join(_one(each) for each in reversed(list(_chain(error))))


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(CAUSES_MAX):
        if current is None:
            return
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _one(error: BaseException) -> str:
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    places = [f'  File "{one.filename}", line {one.lineno}, in {one.name}' for one in extract_tb(error.__traceback__)]
    message = _message(error)
    return "\n".join([*places[-FRAMES_MAX:], f"{kind}: {message}" if message else kind])


def _message(error: BaseException) -> str:
    if isinstance(error, CentreError):
        return str(error)
    return (error.strerror or "") if isinstance(error, OSError) else ""


def bare_exceptions(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: ``exc_info`` becomes ``exception`` as :func:`bare` writes it."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = bare(error)
    return event


class JsonFormatter(logging.Formatter):
    """The same lines for libraries that log by the standard library."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = bare(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


@cache
def _standard_error() -> TextIO:
    # Its own descriptor: whoever exchanges sys.stderr, the log goes where the process was started to write.
    return os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def configure_logging(level: str) -> None:
    """JSON lines of at least ``level`` on standard error, from structlog, the standard library, and uncaught errors."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            bare_exceptions,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=_standard_error()),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, JsonFormatter) for handler in root.handlers):
        handler = logging.StreamHandler(_standard_error())
        handler.setFormatter(JsonFormatter())
        root.addHandler(handler)
    root.setLevel(logging.ERROR if level == "error" else logging.WARNING)  # libraries tell addresses and more below it
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False  # a handler that fails would print the arguments of the line
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger("process").critical("uncaught", exc_info=error)


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
        structlog.get_logger("process").critical(
            "uncaught", thread=told.thread.name if told.thread else "", exc_info=told.exc_value
        )


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    structlog.get_logger("process").error("unraisable", exc_info=told.exc_value)
