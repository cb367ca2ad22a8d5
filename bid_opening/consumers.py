"""The opening listens to tendering: publication, a moved deadline, the end of receiving, a cancellation."""

from __future__ import annotations

from typing import TypeVar

from bid_opening.services import schedule
from bid_opening.services.clock import PLATFORM
from foundation.events import Event
from foundation.events.bid_opening import BidsFrozen
from foundation.events.tendering import BidsClosed, DeadlineMoved, LotCancelled, LotPublished
from foundation.jobs.registry import JobContext
from foundation.journal import JournalEntry
from foundation.journal.consumers import consumer
from foundation.journal.read import entry_of
from foundation.publication.stamping import want_stamp
from foundation.store.unit import Unit

E = TypeVar("E", bound=Event)


def _heard(unit: Unit, context: JobContext, kind: type[E]) -> E:
    event = entry_of(unit.session.get_one(JournalEntry, context.payload["entry"])).event
    if not isinstance(event, kind):
        raise TypeError(event.TYPE)
    return event


@consumer("bid_opening.schedule", on=LotPublished)
def schedule_room(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.schedule_room(unit, _heard(unit, context, LotPublished).lot)


@consumer("bid_opening.reschedule", on=DeadlineMoved)
def reschedule_room(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.schedule_room(unit, _heard(unit, context, DeadlineMoved).lot)


@consumer("bid_opening.convene", on=BidsClosed)
def convene(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.close_intake(unit, _heard(unit, context, BidsClosed).lot)


@consumer("bid_opening.stamp_frozen_list", on=BidsFrozen)
def stamp_frozen_list(context: JobContext) -> None:
    """Where a time stamping authority is configured, have the frozen list stamped. The opening does not wait for it."""
    if context.runtime.settings.tsa_url:
        with context.runtime.units.begin(PLATFORM) as unit:
            want_stamp(unit, context.payload["entry"])


@consumer("bid_opening.follow_cancellation", on=LotCancelled)
def follow_cancellation(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        cancelled = _heard(unit, context, LotCancelled)
        schedule.follow_cancellation(unit, cancelled.lot, cancelled.why)
