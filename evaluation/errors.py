"""Why a step of an evaluation may be refused."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted


class ExpertKnown(Conflict):
    code = "evaluation.expert_known"


class NotAnExpert(InvalidInput):
    """The person has no account in the role expert. Fields: ``login``."""

    code = "evaluation.not_an_expert"


class CommitteeUnlawful(InvalidInput):
    """Size or composition breaks the law; objections say how (R4.01)."""

    code = "evaluation.committee_unlawful"


class CommitteeKnown(Conflict):
    """A draw is under way or its tickets are not spent: nobody draws twice."""

    code = "evaluation.committee_known"


class PoolTooSmall(Conflict):
    """Fields: ``count``, ``needed``."""

    code = "evaluation.pool_too_small"


class ContributionKnown(Conflict):
    code = "evaluation.contribution_known"


class CommitteeNotReady(Conflict):
    """The review can not start; objections say why (R4.01, R4.04)."""

    code = "evaluation.committee_not_ready"


class MethodNotScored(Conflict):
    """The lot's scoring method has no calculation here. Fields: ``method``."""

    code = "evaluation.method_not_scored"


class NotSeated(NotPermitted):
    code = "evaluation.not_seated"


class AnsweredTooLate(Conflict):
    """The seat has gone to the next expert. Fields: ``until``."""

    code = "evaluation.answered_too_late"


class OathMissing(InvalidInput):
    code = "evaluation.oath_missing"


class MarksRefused(InvalidInput):
    """The sheet has faults; every one is listed by code and item."""

    code = "evaluation.marks_refused"


class SheetClosed(Conflict):
    """The sheet is handed in; it opens again only where the check before signing asks for it."""

    code = "evaluation.sheet_closed"


class SignedAlready(Conflict):
    code = "evaluation.signed_already"


class TieUndecided(Conflict):
    """Equal points and price among the candidates: the tenderee decides first (R4.21)."""

    code = "evaluation.tie_undecided"


class TieOrderWrong(InvalidInput):
    """The order does not hold exactly the bids that are tied."""

    code = "evaluation.tie_order_wrong"


class NothingToPublish(Conflict):
    """Every bid was rejected: there is no candidate."""

    code = "evaluation.nothing_to_publish"


class BidsRemain(Conflict):
    """Valid bids are left: the evaluation has not failed."""

    code = "evaluation.bids_remain"


class PaperNotIssued(Conflict):
    """A paper this step rests on is still being made. Fields: ``paper``."""

    code = "evaluation.paper_not_issued"


class NotInPublicity(Conflict):
    """Objections to the result are raised within publicity (R1.41). Fields: ``until``."""

    code = "evaluation.not_in_publicity"


class AlreadyAnswered(Conflict):
    code = "evaluation.already_answered"


class PublicityRuns(Conflict):
    """The award waits for the end of publicity. Fields: ``until``."""

    code = "evaluation.publicity_runs"


class ConfirmedAlready(Conflict):
    code = "evaluation.confirmed_already"


class ContractDiffers(Conflict):
    """What is signed is not the issued paper: read it again."""

    code = "evaluation.contract_differs"
