"""Asking an authority over HTTP (RFC 3161 §3.4). One question, one answer, both small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import httpx
from cryptography import x509
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from foundation.settings import Settings
from foundation.timestamping.errors import StampFalse, StampingAway
from foundation.timestamping.token import TimeStamp, read_roots, read_stamp

TIMEOUT_SECONDS: Final = 10.0
ANSWER_MAX_BYTES: Final = 64 * 1024
DRIFT: Final = timedelta(minutes=10)
"""How far the authority's time may lie from the machine clock of whoever asked."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A time stamping authority at ``url``, believed on the ground of ``roots``."""

    url: str
    roots: Sequence[x509.Certificate]

    def stamp(self, message: bytes, machine: datetime) -> tuple[bytes, TimeStamp]:
        """The response as received, and what it states. Raises StampingAway, StampFalse."""
        builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA512)
        request = builder.cert_request(cert_request=True).build()
        response = self._post(request.as_bytes())
        stamp = read_stamp(response, message, self.roots, nonce=request.nonce)
        if abs(stamp.at - machine) > DRIFT:
            raise StampFalse(reason="time")
        return response, stamp

    def _post(self, request: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            answer = httpx.post(self.url, content=request, headers=headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            raise StampingAway(reason="network") from error
        if answer.status_code != HTTPStatus.OK:
            raise StampingAway(reason="http")
        if not 0 < len(answer.content) <= ANSWER_MAX_BYTES:
            raise StampingAway(reason="form")
        return answer.content


def authority_of(settings: Settings) -> Authority | None:
    """The authority of the settings; None where none is configured. Raises OSError, ValueError for bad roots."""
    if not settings.tsa_url or settings.tsa_roots is None:
        return None
    return Authority(settings.tsa_url, read_roots(settings.tsa_roots))
