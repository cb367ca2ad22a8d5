"""Where a webhook may point: nobody makes this machine speak to its own network.

A webhook's address is chosen by an organisation. It must be ``https``, and every address its name stands for must be a
public one. The connection is made to the very address that was checked, so a name that changes its mind between check
and use gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from foundation.notices.message import NotSent, Reason

URL_MAX: Final = 300
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_TEREDO_AND_6TO4: Final = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
_PORTS: Final = {"http": 80, "https": 443}
_PRINTABLE: Final = range(0x21, 0x7F)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: connect to ``ip`` and ``port``, speak to ``host``."""

    scheme: str
    host: str
    ip: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address with the checked number in place of the name."""
        shown = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{self.scheme}://{shown}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == _PORTS[self.scheme] else f"{shown}:{self.port}"


def is_public(address: Address) -> bool:
    """Whether the number belongs to the open Internet, seen through every wrapping of IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if any(address in net for net in _TEREDO_AND_6TO4):
            return False
    return address.is_global and not address.is_multicast


def is_fit(url: str, *, private_ok: bool = False) -> bool:
    """Whether an address may be entered at all; names are looked up only when something is sent."""
    parts = _split(url)
    if parts is None or parts.scheme not in (("http", "https") if private_ok else ("https",)):
        return False
    literal = _literal(parts.hostname or "")
    return private_ok or literal is None or is_public(literal)


def resolve(url: str, *, private_ok: bool = False) -> Target:
    """The address to connect to. Raises NotSent: TARGET_FORBIDDEN for good, UNREACHABLE where the name is unknown."""
    parts = _split(url)
    if parts is None or not is_fit(url, private_ok=private_ok):
        raise NotSent(Reason.TARGET_FORBIDDEN, is_final=True)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotSent(Reason.UNREACHABLE) from None
    numbers = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    # One private number among public ones is enough: the answer of such a name is not to be trusted.
    if not numbers or not (private_ok or all(is_public(number) for number in numbers)):
        raise NotSent(Reason.TARGET_FORBIDDEN, is_final=True)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, str(numbers[0]), port, path)


def host_of(url: str) -> str:
    """The host alone, for lists: the rest of a webhook's address may be a secret."""
    parts = _split(url)
    return (parts.hostname or "") if parts else ""


def _split(url: str) -> SplitResult | None:
    if not 0 < len(url) <= URL_MAX or not all(ord(letter) in _PRINTABLE for letter in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or port == 0 or parts.username is not None or parts.password is not None or parts.fragment:
        return None
    return parts


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
