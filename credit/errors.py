from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted


class BanEndsBeforeStart(InvalidInput):
    """A ban holds from its start to just before its end; the end must be later."""

    code = "credit.ban_ends_before_start"


class BanKnown(Conflict):
    """The decision is entered for this organisation already. Fields: ``decision_no``."""

    code = "credit.ban_known"


class BanAnnulledAlready(Conflict):
    code = "credit.ban_annulled_already"


class RecordRefused(InvalidInput):
    """The decision can not be entered so; the objections say why."""

    code = "credit.record_refused"


class RecordKnown(Conflict):
    """The act of that decision is recorded for the organisation already. Fields: ``decision_no``."""

    code = "credit.record_known"


class RecordOver(Conflict):
    """Its term is over: there is nothing left to publish."""

    code = "credit.record_over"


class SecondPersonNeeded(NotPermitted):
    """Whoever entered a record does not publish it (R7.16)."""

    code = "credit.second_person_needed"


class ObjectionLate(Conflict):
    """Ten working days have passed; review and court stay open. Fields: ``until``."""

    code = "credit.objection_late"


class NothingToObject(Conflict):
    """A commitment kept is nobody's reproach."""

    code = "credit.nothing_to_object"


class NoOpenObjection(Conflict):
    """There is nothing to answer: nobody objected, or the answer was given."""

    code = "credit.no_open_objection"


class RepairEarly(Conflict):
    """R7.13: a record is shown for three months at least. Fields: ``from_at``."""

    code = "credit.repair_early"


class RepairByOther(Conflict):
    """Only the body that listed an organisation takes it off its list (R7.13). Fields: ``authority``."""

    code = "credit.repair_by_other"


class NothingToRepair(Conflict):
    code = "credit.nothing_to_repair"
