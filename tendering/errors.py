"""Refusals up to and around publication; sentences in ``translations/tendering.toml``."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted


class TendereeUnknown(InvalidInput):
    """No organisation with a proved claim to this code acts as tenderee here (fields: ``uscc``)."""

    code = "tendering.tenderee_unknown"


class LotRefused(InvalidInput):
    """The lot's terms or dates do not fit the rulebook or its method; every objection is listed."""

    code = "tendering.lot_refused"


class LotLocked(Conflict):
    """A lot under approval or published is not edited (fields: ``state``)."""

    code = "tendering.lot_locked"


class NotReady(Conflict):
    """The lot may not go on to the next step yet; every reason is listed with its clause."""

    code = "tendering.not_ready"


class KeysetIncomplete(Conflict):
    """Not every holder's agent has made its key yet."""

    code = "tendering.keyset_incomplete"


class SamePerson(NotPermitted):
    """Who submitted a lot does not approve it (``accounts.duties``)."""

    code = "tendering.same_person"


class ResealTimeShort(Conflict):
    """A new key set now would leave bidders too little time to seal again (R1.26, R1.33).

    Fields: ``deadline``, and ``earliest``, the first lawful deadline: move it by a clarification first.
    """

    code = "tendering.reseal_time_short"


class PapersUnderWay(Conflict):
    """Papers of this lot are being rendered already."""

    code = "tendering.papers_under_way"


class PaperTooLate(Conflict):
    """The day changed while the papers were rendered: what they say of the date would be wrong."""

    code = "tendering.paper_day_passed"


class QuestionsClosed(Conflict):
    """Questions are taken until a stated instant only (fields: ``until``)."""

    code = "tendering.questions_closed"


class QuestionRefused(InvalidInput):
    """The question would give its asker away."""

    code = "tendering.question_refused"


class ClarificationRefused(InvalidInput):
    """Nothing is answered or changed, or the deadline leaves too little time; every reason is listed."""

    code = "tendering.clarification_refused"


class BidsClosedAlready(Conflict):
    """The bid deadline is over (fields: ``deadline``)."""

    code = "tendering.bids_closed_already"


class NotCancellable(Conflict):
    """After the deadline a lot is not cancelled here any more (fields: ``state``)."""

    code = "tendering.not_cancellable"
