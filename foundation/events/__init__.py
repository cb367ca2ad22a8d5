"""The published language: every event type of the project, one file a package, as frozen dataclasses.

An event is a fact in the past tense. It has a ``TYPE`` ("tendering.lot_published"), an audience, and a public
projection by whitelist (``PUBLIC_FIELDS``). Fields are plain: text, integers, booleans, aware instants, tuples and
small frozen dataclasses of these; money and scores as decimal text. Sentences for people are in
``translations/<package>.toml``.
"""

from __future__ import annotations

from foundation.events.base import Audience, Event, dump, event_type, event_types, load, public_projection

__all__ = ["Audience", "Event", "dump", "event_type", "event_types", "load", "public_projection"]
