"""Refusals of the opening room."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted, TooMany


class NotNow(Conflict):
    """The act belongs to another phase."""

    code = "bid_opening.not_now"


class TooLate(Conflict):
    """The phase's time is over; the instant and the limit are named."""

    code = "bid_opening.too_late"


class NoSeat(NotPermitted):
    """The organisation has no bid in this opening."""

    code = "bid_opening.no_seat"


class AlreadyDone(Conflict):
    """Once is enough; nothing was changed."""

    code = "bid_opening.already_done"


class EscrowNotOnRequest(Conflict):
    """The tender document has no escrow on request; ``rule`` is what it has instead (R3.09)."""

    code = "bid_opening.escrow_not_on_request"


class EmergencyNotYet(Conflict):
    """Papers are taken in the last minutes of the sign-in only; ``begins`` is when they start (R3.04)."""

    code = "bid_opening.emergency_not_yet"


class BidIsRefused(Conflict):
    """The bid was refused before any key was asked for; it stays sealed (R3.39). ``ground`` is the law's."""

    code = "bid_opening.bid_is_refused"


class PaperRefused(InvalidInput):
    """A paper of a sign-in is no PDF, PNG or JPEG, empty, or larger than ``limit`` bytes."""

    code = "bid_opening.paper_refused"


class ShareDoesNotMatch(InvalidInput):
    """The 32 bytes do not match the commitment in the sealed bid."""

    code = "bid_opening.share_does_not_match"


class StillWaiting(Conflict):
    """Something must come first; ``waiting`` names it."""

    code = "bid_opening.still_waiting"


class SecondPersonNeeded(NotPermitted):
    """The proposer can not be the one who confirms (R3.17)."""

    code = "bid_opening.second_person_needed"


class NothingProposed(Conflict):
    """There is no proposal to confirm or to withdraw."""

    code = "bid_opening.nothing_proposed"


class UnansweredObjections(Conflict):
    """Objections are answered on the spot, before the next phase (R1.37)."""

    code = "bid_opening.unanswered_objections"


class BeaconNotAnnounced(Conflict):
    """The notice of this lot names no public beacon: none is taken into its draws."""

    code = "bid_opening.beacon_not_announced"


class TooManyTries(TooMany):
    """One seat may offer a stated number of wrong shares, or objections (fields: ``limit``)."""

    code = "bid_opening.too_many_tries"


class SignatureDoesNotVerify(InvalidInput):
    """The signature under a confirmation is not by a registered signing key over the line as it was read."""

    code = "bid_opening.signature_does_not_verify"


class NotOfSession(InvalidInput):
    """A lot was named that does not open together with the others (fields: ``lots``, how many do)."""

    code = "bid_opening.not_of_session"


class SessionPartlyDone(Conflict):
    """An act was done in ``done`` lots of a session and refused in ``refused``; the objections say where and why."""

    code = "bid_opening.session_partly_done"


class OutdatedPage(Conflict):
    """The page speaks an older version of the room's protocol than the room does: it must be loaded again (R3.54)."""

    code = "bid_opening.outdated_page"
    http_status = 426
