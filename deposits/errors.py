from __future__ import annotations

from foundation.errors import Conflict, Tampering, Unavailable


class LedgerUnsound(Tampering):
    """The ledger's law forbids this transfer: nothing is recorded. Fields: ``what``, ``key``."""

    code = "deposits.ledger_unsound"


class BankContradicts(Tampering):
    """The bank says something else of an order than it did, or than the book allows. Fields: ``order``, ``what``."""

    code = "deposits.bank_contradicts"


class BankAway(Unavailable):
    """The bank does not answer, or not in a form we know: what became of an order is unknown."""

    code = "deposits.bank_away"


class NoDepositWanted(Conflict):
    """The lot asks for no deposit, or takes none any more."""

    code = "deposits.no_deposit_wanted"


class DepositPaid(Conflict):
    """The deposit is there already; a second payment would only have to be refunded."""

    code = "deposits.deposit_paid"


class NotReturnable(Conflict):
    """Only money of another name waits for a decision, and it is on its way already or secures the bid."""

    code = "deposits.not_returnable"


class NotRejected(Conflict):
    """Only a declined refund is ordered again, and not while it is blocked."""

    code = "deposits.not_rejected"


class NoSuchCase(Conflict):
    """No case of forfeiture stands under that name: it was ended, or never opened. Nothing was changed."""

    code = "deposits.no_such_case"


class DepositsHidden(Conflict):
    """Nobody learns who has paid before the list of bids is frozen (R2.08)."""

    code = "deposits.hidden_before_freeze"
