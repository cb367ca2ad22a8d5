"""What can go wrong with a time stamp."""

from __future__ import annotations

from foundation.errors import Tampering, Unavailable


class StampingAway(Unavailable):
    """The authority gives no stamp now. Fields: ``reason`` (network, http, refused, form)."""

    code = "timestamping.away"


class StampFalse(Tampering):
    """A stamp that does not hold. Fields: ``reason``.

    form, signature (or its chain, or its purpose), message (of other bytes), nonce (an answer to another question),
    time (too far from the clock of whoever asked).
    """

    code = "timestamping.false"
