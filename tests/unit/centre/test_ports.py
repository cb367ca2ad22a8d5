from __future__ import annotations

import socket

import pytest

from centre.ports import NoFreePorts, PortPair, describe, is_secure_context, page_address, pick_ports, tunnel_command


@pytest.fixture
def base() -> int:
    """The first of eight ports in a row that are free."""
    for first in range(20_000, 60_000, 8):
        try:
            sockets = [_listen(first + n) for n in range(8)]
        except OSError:
            continue
        for taken in sockets:
            taken.close()
        return first
    pytest.fail("no eight free ports in a row")


def _listen(port: int) -> socket.socket:
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", port))
    except OSError:
        taken.close()
        raise
    taken.listen()
    return taken


def test_the_first_pair_is_taken_when_both_are_free(base: int) -> None:
    assert pick_ports(first=base, pairs=1) == PortPair(base, base + 1)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_pair_of_which_one_is_busy_is_passed_over(base: int, taken: int) -> None:
    with _listen(base + taken):
        assert pick_ports(first=base, pairs=2) == PortPair(base + 2, base + 3)


def test_when_all_are_busy_the_refusal_says_which_were_tried(base: int) -> None:
    with _listen(base), _listen(base + 3), pytest.raises(NoFreePorts) as refused:
        pick_ports(first=base, pairs=2)
    assert refused.value.fields == {"first": base, "last": base + 3}


def test_a_person_is_given_localhost_and_a_tunnel_for_both_ports() -> None:
    ports = PortPair(8002, 8003)
    assert page_address(ports) == "http://localhost:8002"
    assert page_address(ports, name="bidder.localhost", tls=True) == "https://bidder.localhost:8002"
    assert tunnel_command(ports, machine="ops@centre") == "ssh -L 8002:localhost:8002 -L 8003:localhost:8003 ops@centre"
    assert len(describe(ports, machine="ops@centre")) == 2


@pytest.mark.parametrize(
    ("name", "tls", "is_secure"),
    [
        ("localhost", False, True),
        ("bidder.localhost", False, True),
        ("127.0.0.1", False, True),
        ("centre.example", False, False),
        ("centre.example", True, True),
        ("notlocalhost", False, False),
    ],
)
def test_an_origin_where_browsers_refuse_to_encrypt_is_called_so(name: str, *, tls: bool, is_secure: bool) -> None:
    assert is_secure_context(name, tls=tls) is is_secure
    warned = any("--tls" in line for line in describe(PortPair(8000, 8001), name=name, tls=tls))
    assert warned is not is_secure
