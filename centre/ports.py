"""Two free ports beside each other, one for pages and one for rooms, and the addresses they make."""

from __future__ import annotations

import errno
import resource
import socket
from dataclasses import dataclass
from typing import Final

from foundation.errors import Unavailable

FIRST_PORT = 8000
PAIRS_TRIED = 100
LOOPBACK = "127.0.0.1"
FILES_WANTED: Final = 32_000
"""Sockets and files of one process; the usual 1,024 would be used up by a thousand slow clients."""


class NoFreePorts(Unavailable):
    """Every pair that was tried is taken. Fields: ``first``, ``last``."""

    code = "centre.no_free_ports"


class PortTaken(Unavailable):
    """Somebody else listens there. Fields: ``port``."""

    code = "centre.port_taken"


@dataclass(frozen=True, slots=True)
class PortPair:
    web: int
    room: int


def pick_ports(*, host: str = LOOPBACK, first: int = FIRST_PORT, pairs: int = PAIRS_TRIED) -> PortPair:
    """The first pair (8000/8001, 8002/8003 …) of which both are free on this host. Raises NoFreePorts.

    A port can be taken between the asking and the binding; the child that finds it so stops with a plain message.
    """
    for web in range(first, first + 2 * pairs, 2):
        if _is_free(host, web) and _is_free(host, web + 1):
            return PortPair(web, web + 1)
    raise NoFreePorts(first=first, last=first + 2 * pairs - 1)


def page_address(ports: PortPair, *, name: str = "localhost", tls: bool = False) -> str:
    """What a person opens. ``localhost`` and never 127.0.0.1: passkeys and cookies belong to a name."""
    return f"{'https' if tls else 'http'}://{name}:{ports.web}"


def tunnel_command(ports: PortPair, *, machine: str) -> str:
    """The command that brings both ports to the reader's own machine, where localhost is a secure context."""
    return f"ssh -L {ports.web}:localhost:{ports.web} -L {ports.room}:localhost:{ports.room} {machine}"


def is_secure_context(name: str, *, tls: bool) -> bool:
    """Whether a browser lets pages of this host name encrypt and store keys: https, or the machine itself."""
    return tls or name in {"localhost", LOOPBACK, "[::1]"} or name.endswith(".localhost")


def describe(ports: PortPair, *, machine: str = "", name: str = "localhost", tls: bool = False) -> list[str]:
    """The lines that a start prints: the address, the tunnel, and a warning when browsers could not seal bids there."""
    lines = [page_address(ports, name=name, tls=tls)]
    if machine and name == "localhost":
        lines.append(f"从另一台电脑打开 / from another computer: {tunnel_command(ports, machine=machine)}")
    if not is_secure_context(name, tls=tls):
        lines.append(
            f"注意：浏览器不允许在 http://{name} 上加密，请用 --tls 或 ssh -L / "
            f"Browsers refuse to encrypt on http://{name}: use --tls or ssh -L"
        )
    return lines


def _is_free(host: str, port: int) -> bool:
    """Free means: nothing answers, and it can be bound (on every family that "localhost" may mean)."""
    for family, address in ((socket.AF_INET, host), (socket.AF_INET6, "::1")):
        if family == socket.AF_INET6 and host != LOOPBACK:
            continue
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET6 and error.errno != errno.EADDRINUSE:  # no IPv6 here
                continue
            return False
    return True


def allow_many_connections() -> int:
    """Let this process hold as many sockets as the machine permits; returns how many files it may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
