"""What tendering does when something happens elsewhere or to its lots. Each may run again: all are idempotent."""

from __future__ import annotations

from foundation.actor import system
from foundation.events.keyholding import KeysetRehearsed
from foundation.events.tendering import DocumentClarified, LotCancelled
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard
from tendering.services import clarifications, holder_loss, publication

WORKER = system("worker")


@consumer("tendering.pass_rehearsal", on=KeysetRehearsed)
def pass_rehearsal(context: JobContext) -> None:
    """The keyset of a lot was rehearsed with success: the lot may be submitted, or its bidders seal again."""
    with context.runtime.units.begin(WORKER) as unit:
        event = heard(unit.session, context, KeysetRehearsed).event
        publication.pass_rehearsal(unit, event.lot)
        holder_loss.tell_to_reseal(unit, event.lot)


@consumer("tendering.tell_of_clarification", on=DocumentClarified)
def tell_of_clarification(context: JobContext) -> None:
    """Subscribers find the clarification in their inboxes (R1.06)."""
    with context.runtime.units.begin(WORKER) as unit:
        event = heard(unit.session, context, DocumentClarified).event
        clarifications.tell_subscribers(unit, event.lot, event.number, "inbox.document_clarified")


@consumer("tendering.tell_of_cancellation", on=LotCancelled)
def tell_of_cancellation(context: JobContext) -> None:
    with context.runtime.units.begin(WORKER) as unit:
        event = heard(unit.session, context, LotCancelled).event
        number = clarifications.CANCELLED_TOLD
        clarifications.tell_subscribers(unit, event.lot, number, "inbox.lot_cancelled")
