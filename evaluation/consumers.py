"""What evaluation does when an opening closes, and when a stay ends that outlasted publicity."""

from __future__ import annotations

from evaluation.services import award, cases, committee
from foundation.events.bid_opening import OpeningClosed
from foundation.events.tendering import StayLifted
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard


@consumer("evaluation.open_case", on=OpeningClosed)
def open_case(context: JobContext) -> None:
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        event = heard(unit.session, context, OpeningClosed).event
        cases.open_case(unit, event.lot)
        committee.rerun_recusal(unit, event.lot)


@consumer("evaluation.end_publicity", on=StayLifted)
def end_publicity(context: JobContext) -> None:
    """A stay that outlasted publicity held its end up too."""
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        event = heard(unit.session, context, StayLifted).event
        award.tell_publicity_ended(unit, event.lot, after_stay=True)
