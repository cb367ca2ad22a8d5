"""Jobs of deposits. The job sends a new order at once; the look-round asks about those without an answer."""

from __future__ import annotations

import structlog

from deposits.errors import BankContradicts
from deposits.gateway import gateway_of
from deposits.services import sending
from deposits.services.refunds import SEND_TASK
from foundation.errors import Unavailable
from foundation.jobs.registry import JobContext, periodic, task
from foundation.runtime import Runtime

log = structlog.get_logger("deposits")
ASK_EVERY_SECONDS = 5.0


@task(SEND_TASK)
def send_refund(context: JobContext) -> None:
    sending.send(context.runtime.units, gateway_of(context.runtime), context.payload["refund"])


@periodic("deposits.ask_bank", ASK_EVERY_SECONDS)
def ask_bank(runtime: Runtime) -> None:
    """Ask what became of every order that has no answer; a job that gave up is taken up again here."""
    with runtime.units.read() as unit:
        refunds = sending.waiting(unit)
    if not refunds:
        return
    bank = gateway_of(runtime)
    for refund_id in refunds:
        try:
            sending.send(runtime.units, bank, refund_id)
        except BankContradicts as error:
            # Loud, and seen by the reconciliation; the other refunds go on.
            log.error("bank_contradicts", refund=refund_id, **error.fields)  # noqa: TRY400 - no trace is wanted
        except Unavailable as error:
            log.warning("bank_waits", refund=refund_id, error=str(error))
            return
