"""Time stamps of an outside authority (RFC 3161): asking for one, and reading one that somebody else kept.

The centre's own clock is its own word; a cosigner's is that of one more party. A stamp adds a third that knows nothing
of tenders. It is offered where an authority is configured and nothing waits for it.
"""

from foundation.timestamping.authority import Authority, authority_of
from foundation.timestamping.errors import StampFalse, StampingAway
from foundation.timestamping.token import TimeStamp, read_roots, read_stamp

__all__ = ["Authority", "StampFalse", "StampingAway", "TimeStamp", "authority_of", "read_roots", "read_stamp"]
