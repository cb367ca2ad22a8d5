from __future__ import annotations

from foundation.errors import Conflict, InvalidInput


class BanEndsBeforeStart(InvalidInput):
    """A ban holds from its start to just before its end; the end must be later."""

    code = "credit.ban_ends_before_start"


class BanKnown(Conflict):
    """The decision is entered for this organisation already. Fields: ``decision_no``."""

    code = "credit.ban_known"


class BanAnnulledAlready(Conflict):
    code = "credit.ban_annulled_already"
