"""What an event is, and how it becomes JSON and back."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter


class Audience(StrEnum):
    """Who may learn of an event at the moment it happens."""

    PUBLIC = "public"
    """Everyone: the public projection becomes a readable leaf of the transparency log."""
    PRIVATE = "private"
    """Those concerned: only a blinded digest enters the log, hidden in the tick's fixed tree."""


@dataclasses.dataclass(frozen=True)
class Event:
    """Base of all events."""

    TYPE: ClassVar[str] = ""
    AUDIENCE: ClassVar[Audience] = Audience.PRIVATE
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ()


_TYPES: Final[dict[str, type[Event]]] = {}


def event_type(cls: type[Event]) -> type[Event]:
    """Class decorator: register an event type; a second class with the same TYPE is a programming error."""
    if not cls.TYPE or cls.TYPE in _TYPES:
        raise AssertionError(f"event type {cls.TYPE!r} is empty or taken")
    names = {f.name for f in dataclasses.fields(cls)}
    if unknown := set(cls.PUBLIC_FIELDS) - names:
        raise AssertionError(f"{cls.TYPE}: unknown public fields {sorted(unknown)}")
    if cls.PUBLIC_FIELDS and cls.AUDIENCE is not Audience.PUBLIC:
        raise AssertionError(f"{cls.TYPE}: a private event has no public fields")
    _TYPES[cls.TYPE] = cls
    return cls


def event_types() -> dict[str, type[Event]]:
    """All registered types (import the modules of ``foundation.events`` first)."""
    return dict(_TYPES)


@cache
def _adapter(type_name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_TYPES[type_name])


def dump(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values."""
    values: dict[str, Any] = _adapter(event.TYPE).dump_python(event, mode="json")
    return values


def load(type_name: str, values: dict[str, Any]) -> Event:
    """The event again. Raises KeyError for a type that is not registered, ValidationError for wrong fields."""
    event: Event = _adapter(type_name).validate_python(values)
    return event


def public_projection(event: Event) -> dict[str, Any] | None:
    """What the public log says of it, or None for a private event."""
    if event.AUDIENCE is not Audience.PUBLIC:
        return None
    values = dump(event)
    return {name: values[name] for name in event.PUBLIC_FIELDS}
