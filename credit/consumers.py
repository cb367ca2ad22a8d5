"""What enters the ledger by itself: public facts that need nobody's judgement. Each may run again."""

from __future__ import annotations

from typing import Final

from accounts.facade import organisation
from credit.record_services import KeptContract, record_kept_contract
from foundation.actor import system
from foundation.events.evaluation import ContractSigned
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.models import JournalEntry
from foundation.journal.read import entry_of

WORKER: Final = system("credit")


@consumer("credit.record_contract", on=ContractSigned)
def record_contract(context: JobContext) -> None:
    """A contract signed within the thirty days is a commitment kept (R1.44).

    A late one is nothing here: whose fault that is, only a decision can say.
    """
    with context.runtime.units.begin(WORKER) as unit:
        row = unit.session.get_one(JournalEntry, context.payload["entry"])
        event = entry_of(row).event
        if not isinstance(event, ContractSigned) or event.is_late:
            return
        awardee = organisation(unit, event.awardee_org_id)
        record_kept_contract(unit, KeptContract(awardee.uscc, awardee.name, event.lot, event.signed_at, row.id))
