"""What can be wrong with a draw's transcript."""

from __future__ import annotations

from foundation.errors import InvalidInput, Tampering


class TranscriptMalformed(InvalidInput):
    """The text is not a draw transcript, or its parts do not fit together. Field ``reason`` says how."""

    code = "draws.transcript_malformed"


class PoolMismatch(Tampering):
    """The pool offered is not the one the transcript was made over."""

    code = "draws.pool_mismatch"
