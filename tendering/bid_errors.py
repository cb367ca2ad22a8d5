"""Refusals of sealed submission; sentences in ``translations/bids.toml``."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotFound, TooMany, Unavailable


class SealRefused(InvalidInput):
    """The bid is not received; every reason is listed, and nothing is kept as a bid (R1.09, R1.46)."""

    code = "tendering.seal_refused"


class KeysetBeingReplaced(Conflict):
    """A holder was lost and other keys are being made: nothing can be sealed until they are rehearsed (R1.26)."""

    code = "tendering.keyset_being_replaced"


class SealContested(Conflict):
    """Two revisions of one bidder arrived together; ask again and the one that came second is told why."""

    code = "tendering.seal_contested"


class WithdrawalLate(Conflict):
    """A bid is withdrawn until the deadline only (EB20 27). Fields: ``deadline``, ``received_at``."""

    code = "tendering.withdrawal_late"


class NothingToWithdraw(Conflict):
    """The organisation has no live bid on this lot."""

    code = "tendering.nothing_to_withdraw"


class UploadRefused(InvalidInput):
    """The announced parts do not fit what this lot takes; every reason is listed."""

    code = "tendering.upload_refused"


class UploadUnverified(Conflict):
    """Uploading starts once the organisation's claim to its code is verified."""

    code = "tendering.upload_unverified"


class UploadClosed(Conflict):
    """The lot takes no more bytes (fields: ``state``)."""

    code = "tendering.upload_closed"


class TooManyUploads(TooMany):
    """Unfinished uploads of one organisation on one lot (fields: ``limit``)."""

    code = "tendering.upload_too_many"


class SegmentRefused(InvalidInput):
    """Not a segment of this upload: unknown part, number or size (fields: ``part``, ``number``)."""

    code = "tendering.segment_refused"


class SegmentDiffers(Conflict):
    """The place holds other bytes; they are never exchanged (fields: ``part``, ``number``)."""

    code = "tendering.segment_differs"


class DigestMismatch(InvalidInput):
    """The bytes that came are not those announced: damaged on the way, send them again."""

    code = "tendering.digest_mismatch"


class OpeningKeyUnfit(InvalidInput):
    """Not a public key of the algorithms the lot is sealed with (fields: ``suite``)."""

    code = "tendering.opening_key_unfit"


class UploadsBusy(Unavailable):
    """All places for uploading over plain HTTP are taken; the socket has room."""

    code = "tendering.uploads_busy"


class ProofNotYet(NotFound):
    """The inclusion proof follows once the log holds the bid and was cosigned (fields: ``log_by``)."""

    code = "tendering.proof_not_yet"


class NotSealedYet(NotFound):
    """The organisation has sealed nothing on this lot."""

    code = "tendering.not_sealed_yet"


class SamplesInDemoOnly(NotFound):
    """Sample files exist in a demonstration centre only."""

    code = "tendering.samples_in_demo_only"


class ClientNotBuilt(Unavailable):
    """The programs to seal with could not be assembled here: third-party browser files are missing."""

    code = "tendering.client_not_built"
