"""Asking a relay of the public beacon over HTTP: one round, one small answer. It is checked, never believed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx

from foundation.clock import monotonic
from foundation.draws.beacon import ANSWER_MAX_BYTES, QUICKNET_KEY, check_beacon, read_round
from foundation.draws.errors import BeaconAway
from foundation.draws.transcript import QUICKNET_CHAIN, Beacon

TIMEOUT_SECONDS: Final = 5.0
"""For the whole of one relay's answer: one that sends a byte a second does not keep the others waiting."""
_NOT_YET: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.TOO_EARLY})


def fetch_round(
    base_url: str,
    number: int,
    *,
    key: str = QUICKNET_KEY,
    chain: str = QUICKNET_CHAIN,
    timeout: float = TIMEOUT_SECONDS,
) -> Beacon:
    """The value of one round from ``<base_url>/<chain>/public/<round>``, verified under the pinned key.

    Takes up to ``timeout`` seconds and half a second more. Raises BeaconAway, BeaconMalformed, BeaconFalse,
    BeaconUnchecked.
    """
    answer = _get(f"{base_url.rstrip('/')}/{chain}/public/{number}", timeout)
    beacon = read_round(answer, number, chain)
    check_beacon(beacon, key, chain)
    return beacon


def _get(url: str, timeout: float) -> bytes:
    ends, received = monotonic() + timeout, b""
    try:
        with httpx.stream("GET", url, timeout=timeout, headers={"Accept": "application/json"}) as answer:
            if answer.status_code in _NOT_YET:
                raise BeaconAway(reason="not_yet")
            if answer.status_code != HTTPStatus.OK:
                raise BeaconAway(reason="http")
            for block in answer.iter_raw():
                received += block
                if len(received) > ANSWER_MAX_BYTES:
                    raise BeaconAway(reason="form")
                if monotonic() > ends:
                    raise BeaconAway(reason="network")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BeaconAway(reason="network") from error
    return received
