"""What can be wrong with a draw's transcript."""

from __future__ import annotations

from foundation.errors import InvalidInput, Tampering, Unavailable


class TranscriptMalformed(InvalidInput):
    """The text is not a draw transcript, or its parts do not fit together. Field ``reason`` says how."""

    code = "draws.transcript_malformed"


class PoolMismatch(Tampering):
    """The pool offered is not the one the transcript was made over."""

    code = "draws.pool_mismatch"


class BeaconFalse(Tampering):
    """A beacon value that its chain never gave. Fields: ``round``, ``reason`` (chain, signature)."""

    code = "draws.beacon_false"


class BeaconUnchecked(Unavailable):
    """A beacon value can not be checked here. Fields: ``needs``, the library that is not installed."""

    code = "draws.beacon_unchecked"
