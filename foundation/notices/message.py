"""What is carried, and why it could not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from foundation.errors import CentreError


class Channel(StrEnum):
    """A way out of the platform."""

    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


class Reason(StrEnum):
    """Why a message did not go. No answer of a server is kept: it may quote the address or the message."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    TLS_FAILED = "tls_failed"
    NOT_LET_IN = "not_let_in"
    BUSY = "busy"
    REFUSED = "refused"
    REDIRECTED = "redirected"
    TARGET_FORBIDDEN = "target_forbidden"
    NOT_CONFIGURED = "not_configured"
    INTERRUPTED = "interrupted"
    TOO_LATE = "too_late"
    ADDRESS_GONE = "address_gone"


class NotSent(CentreError):
    """The message did not go. ``is_final``: trying again is useless; ``is_channel``: no message goes this way now."""

    code = "foundation.notice_not_sent"
    http_status = 503

    def __init__(self, reason: Reason, *, is_final: bool = False, is_channel: bool = False) -> None:
        super().__init__(reason=str(reason))
        self.reason = reason
        self.is_final = is_final
        self.is_channel = is_channel


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message.

    ``message_id`` (``name@host``, no brackets) is the same in every attempt, so that a receiver may drop a double.
    ``at``: when it was first to go (machine clock). ``key`` signs a webhook and is never shown.
    ``is_secret``: the text holds a code that only the addressee may read.
    """

    message_id: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime
    key: bytes = field(default=b"", repr=False)
    is_secret: bool = False


class Line(Protocol):
    """An open way out; one connection for several messages where the channel has connections."""

    def send(self, message: Outgoing) -> None:
        """Returns when the other side has taken the message over. Raises NotSent."""
        ...

    def close(self) -> None: ...


class Provider(Protocol):
    """Opens lines. Opening costs nothing; the first message connects."""

    def open(self) -> Line: ...

    def check(self) -> None:
        """Whether the way is open, without any message: raises NotSent where it is not."""
        ...
