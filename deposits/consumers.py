"""What deposits do when something happens to a lot or a bid. Each may run again."""

from __future__ import annotations

from deposits import cases
from deposits.services import refunds
from deposits.services.sending import WORKER
from deposits.states import RefundGround
from foundation.events import bid_opening as b
from foundation.events import evaluation as v
from foundation.events import tendering as e
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard


@consumer("deposits.refund_withdrawn", on=e.BidWithdrawn)
def refund_withdrawn(context: JobContext) -> None:
    """R2.10. The bidder may bid again: it then pays again."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, e.BidWithdrawn)
        refunds.refund_due(unit, told.event.lot, [told.event.org_id], RefundGround.WITHDRAWN, told.at)


@consumer("deposits.refund_failed", on=e.LotFailed)
def refund_failed(context: JobContext) -> None:
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, e.LotFailed)
        refunds.refund_due(unit, told.event.lot, None, RefundGround.LOT_FAILED, told.at)


@consumer("deposits.refund_cancelled", on=e.LotCancelled)
def refund_cancelled(context: JobContext) -> None:
    """R2.12."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, e.LotCancelled)
        refunds.refund_due(unit, told.event.lot, None, RefundGround.LOT_CANCELLED, told.at)


@consumer("deposits.follow_attribution", on=b.FaultAttributed)
def follow_attribution(context: JobContext) -> None:
    """R3.33: revoked, a case of forfeiture holds the deposit, no money moves; withdrawn, it goes back."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, b.FaultAttributed)
        cases.follow_attribution(unit, told.event, told.at)


@consumer("deposits.refund_unsuccessful", on=v.EvaluationFailed)
def refund_unsuccessful(context: JobContext) -> None:
    """The committee found no bid to award: the lot has failed after its opening."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, v.EvaluationFailed)
        refunds.refund_due(unit, told.event.lot, None, RefundGround.LOT_FAILED, told.at)


@consumer("deposits.refund_not_candidates", on=v.PublicityEnded)
def refund_not_candidates(context: JobContext) -> None:
    """R2.17: whoever can no longer win does not wait for the contract of somebody else."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, v.PublicityEnded)
        payers = refunds.payers(unit, told.event.lot)
        others = [org_id for org_id in payers if org_id not in told.event.candidates]
        refunds.refund_due(unit, told.event.lot, others, RefundGround.NOT_CANDIDATE, told.at)


@consumer("deposits.refund_after_contract", on=v.ContractSigned)
def refund_after_contract(context: JobContext) -> None:
    """R2.11: the awardee and everybody else, from the day of the contract."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, v.ContractSigned)
        refunds.refund_due(unit, told.event.lot, None, RefundGround.CONTRACT_SIGNED, told.event.signed_at)


@consumer("deposits.resume", on=e.StayLifted)
def resume(context: JobContext) -> None:
    """What the stay held up and nothing else does."""
    with context.runtime.units.begin(WORKER) as unit:
        told = heard(unit.session, context, e.StayLifted)
        refunds.order_ready(unit, told.event.lot)
