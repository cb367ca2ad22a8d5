"""Messages as they stand on the wire: made into bytes once, plain and deflated, however many sockets they go to.

The library deflates a message for every connection by itself, since each may have agreed on something else. Here all
agree on the same or on nothing: no context is kept from message to message and the window is 4 KiB, so one deflated
frame fits every socket. That is half the bytes on the line for a fifth of the processor time (bench ``fanout``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from websockets.exceptions import NegotiationError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.typing import ExtensionParameter

WINDOW_BITS: Final = 12
_SETTINGS: Final = {"level": 6, "memLevel": 5}
_DEFLATE: Final = PerMessageDeflate(
    remote_no_context_takeover=True,
    local_no_context_takeover=True,
    remote_max_window_bits=WINDOW_BITS,
    local_max_window_bits=WINDOW_BITS,
    compress_settings=_SETTINGS,
)
PLAIN, PACKED = 0, 1
"""How a socket wants its bytes: an index of :attr:`Made.bytes_for` and of the channel's joined pieces."""


def raw_text(text: str) -> bytes:
    """A text message of a server as it stands on the wire (RFC 6455: unmasked, one fragment)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


PING: Final = Frame(Opcode.PING, b"").serialize(mask=False)
"""Asks a socket whether it still lives; browsers answer by themselves."""


def packed_text(text: str) -> bytes:
    """The same, deflated (RFC 7692); plain where that is not shorter."""
    packed = Frame(Opcode.TEXT, text.encode()).serialize(mask=False, extensions=[_DEFLATE])
    return min(packed, raw_text(text), key=len)


class Made:
    """One frame in both forms; the deflated one is made when the first reader wants it."""

    __slots__ = ("_packed", "plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = raw_text(text)
        self._packed: bytes | None = None

    def bytes_for(self, coding: int) -> bytes:
        """The bytes for a socket of this coding."""
        if coding == PLAIN:
            return self.plain
        if self._packed is None:
            self._packed = packed_text(self.text)
        return self._packed


class SharedDeflate(ServerPerMessageDeflateFactory):
    """Agrees to deflate only on terms that are the same for every socket."""

    def __init__(self) -> None:
        super().__init__(
            server_no_context_takeover=True,
            client_no_context_takeover=True,
            server_max_window_bits=WINDOW_BITS,
            client_max_window_bits=WINDOW_BITS,
            compress_settings=_SETTINGS,
        )

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """As the library's; a client that wants a smaller window is served plain."""
        answer, agreed = super().process_request_params(params, accepted_extensions)
        if agreed.local_max_window_bits < WINDOW_BITS:
            raise NegotiationError("the frames of a room are deflated once, with a window of 4 KiB")
        return answer, agreed


def coding_of(extensions: Sequence[Any]) -> int:
    """What was agreed in a handshake."""
    return PACKED if any(isinstance(one, PerMessageDeflate) for one in extensions) else PLAIN
