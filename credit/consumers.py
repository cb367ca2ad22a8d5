"""What enters the ledger by itself: public facts that need nobody's judgement. Each may run again."""

from __future__ import annotations

from typing import Final

from accounts.facade import organisation
from credit.record_services import KeptContract, record_kept_contract
from foundation.actor import system
from foundation.events.evaluation import ContractSigned
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard

WORKER: Final = system("credit")


@consumer("credit.record_contract", on=ContractSigned)
def record_contract(context: JobContext) -> None:
    """A contract signed within the thirty days is a commitment kept (R1.44).

    A late one is nothing here: whose fault that is, only a decision can say.
    """
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, ContractSigned)
        if told.event.is_late:
            return
        awardee = organisation(unit, told.event.awardee_org_id)
        kept = KeptContract(awardee.uscc, awardee.name, told.event.lot, told.event.signed_at, told.entry_id)
        record_kept_contract(unit, kept)
