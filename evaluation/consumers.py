"""Evaluation listens to the end of the opening: the case begins, and recusal is looked at with the bidders known."""

from __future__ import annotations

from evaluation.services import cases, committee
from foundation.events.bid_opening import OpeningClosed
from foundation.jobs.registry import JobContext
from foundation.journal import JournalEntry
from foundation.journal.consumers import consumer
from foundation.journal.read import entry_of


@consumer("evaluation.open_case", on=OpeningClosed)
def open_case(context: JobContext) -> None:
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        event = entry_of(unit.session.get_one(JournalEntry, context.payload["entry"])).event
        if not isinstance(event, OpeningClosed):
            raise TypeError(event.TYPE)
        cases.open_case(unit, event.lot)
        committee.rerun_recusal(unit, event.lot)
