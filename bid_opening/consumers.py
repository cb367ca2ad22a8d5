"""The opening listens to tendering: publication, a moved deadline, the end of receiving, a cancellation."""

from __future__ import annotations

from bid_opening.services import schedule
from bid_opening.services.clock import PLATFORM
from foundation.events.bid_opening import BidsFrozen
from foundation.events.tendering import BidsClosed, DeadlineMoved, LotCancelled, LotPublished
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard
from foundation.publication.stamping import want_stamp


@consumer("bid_opening.schedule", on=LotPublished)
def schedule_room(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.schedule_room(unit, heard(unit.session, context, LotPublished).event.lot)


@consumer("bid_opening.reschedule", on=DeadlineMoved)
def reschedule_room(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.schedule_room(unit, heard(unit.session, context, DeadlineMoved).event.lot)


@consumer("bid_opening.convene", on=BidsClosed)
def convene(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        schedule.close_intake(unit, heard(unit.session, context, BidsClosed).event.lot)


@consumer("bid_opening.stamp_frozen_list", on=BidsFrozen)
def stamp_frozen_list(context: JobContext) -> None:
    """Where a time stamping authority is configured, have the frozen list stamped. The opening does not wait for it."""
    if context.runtime.settings.tsa_url:
        with context.runtime.units.begin(PLATFORM) as unit:
            want_stamp(unit, context.payload["entry"])


@consumer("bid_opening.follow_cancellation", on=LotCancelled)
def follow_cancellation(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        cancelled = heard(unit.session, context, LotCancelled).event
        schedule.follow_cancellation(unit, cancelled.lot, cancelled.why)
