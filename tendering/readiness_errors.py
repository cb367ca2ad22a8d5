"""Refusals of rehearsals and self-checks; sentences in ``translations/readiness.toml``."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, TooMany


class RehearsalLate(Conflict):
    """Rehearsals are put on record until the deadline only (fields: ``deadline``)."""

    code = "tendering.rehearsal_late"


class RehearsalOfAnotherBid(Conflict):
    """The statement is not for the live revision, or its challenge is not the one that waits (fields: ``rev``)."""

    code = "tendering.rehearsal_of_another_bid"


class RehearsalMalformed(InvalidInput):
    """Challenge and tag are 64 lower-case hex digits each."""

    code = "tendering.rehearsal_malformed"


class TooManyRehearsals(TooMany):
    """Statements kept for one revision (fields: ``limit``)."""

    code = "tendering.rehearsal_too_many"


class SelfCheckMalformed(InvalidInput):
    """Not a result of the self-check page: a line is missing, unknown or given twice."""

    code = "tendering.self_check_malformed"


class TrialRefused(InvalidInput):
    """Not trial bytes: another part, number or size than the self-check sends."""

    code = "tendering.trial_refused"


class TooManyTrials(TooMany):
    """Trial uploads of one organisation within a minute (fields: ``limit``)."""

    code = "tendering.trial_too_many"
