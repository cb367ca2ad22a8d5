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
    """A beacon value that its chain never gave. Fields: ``round``, ``reason`` (chain, round, randomness, signature)."""

    code = "draws.beacon_false"


class BeaconMalformed(InvalidInput):
    """Not a relay's answer for one round. Field ``reason``: too_large, json, fields, signature."""

    code = "draws.beacon_malformed"


class BeaconAway(Unavailable):
    """A relay gives no answer, or not this round yet. Field ``reason``: network, http, form, not_yet."""

    code = "draws.beacon_away"


class BeaconUnchecked(Unavailable):
    """A beacon value can not be checked here. Fields: ``needs``, the library that is not installed."""

    code = "draws.beacon_unchecked"
