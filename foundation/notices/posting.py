"""Messages by HTTP: to an SMS gateway and to an organisation's own address (webhook), signed.

The header ``X-Centre-Signature: t=<seconds>,v1=<hex>`` is HMAC-SHA256 with the shared key over ``<seconds>.<body>``. A
receiver compares it, refuses instants older than five minutes, and drops an ``X-Centre-Message`` it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import httpx

from foundation import canonical
from foundation.clock import machine_now
from foundation.notices.message import NotSent, Outgoing, Reason
from foundation.notices.targets import resolve

SIGNATURE_HEADER: Final = "X-Centre-Signature"
MESSAGE_HEADER: Final = "X-Centre-Message"
TIMEOUT_SECONDS: Final = 10.0
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_NOT_IN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def signature_of(key: bytes, seconds: int, body: bytes) -> str:
    """The value of the signature header."""
    mac = hmac.new(key, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={mac}"


@dataclass(frozen=True, slots=True)
class WebhookProvider:
    """Posts to the address of each message with the key of each message. Redirections are not followed."""

    context: ssl.SSLContext
    private_ok: bool = False

    def open(self) -> WebhookProvider:
        return self

    def send(self, message: Outgoing) -> None:
        """``message.text`` is the JSON to post, as it stands."""
        _post(self.context, message.to, message.text.encode(), message, private_ok=self.private_ok)

    def check(self) -> None:
        """Each address is an organisation's own; there is no one way to check."""

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class SmsGateway:
    """Posts ``{"id", "to", "text"}`` to the operator's gateway, which the operator chose and which may be inside."""

    context: ssl.SSLContext
    url: str
    key: bytes

    def __repr__(self) -> str:
        return "SmsGateway()"

    def open(self) -> SmsGateway:
        return self

    def send(self, message: Outgoing) -> None:
        body = canonical.dumps({"id": message.message_id, "to": message.to, "text": message.text}).encode()
        try:
            _post(self.context, self.url, body, message, private_ok=True, key=self.key)
        except NotSent as failed:
            if failed.reason in {Reason.REFUSED, Reason.BUSY}:
                raise
            # The gateway itself is away or does not know us: that concerns every message.
            raise NotSent(failed.reason, is_channel=True) from None

    def check(self) -> None:
        """Connect to the gateway, and say nothing."""
        target = resolve(self.url, private_ok=True)
        try:
            with socket.create_connection((target.ip, target.port), TIMEOUT_SECONDS) as plain:
                if target.scheme == "https":
                    self.context.wrap_socket(plain, server_hostname=target.host).close()
        except ssl.SSLError:
            raise NotSent(Reason.TLS_FAILED, is_channel=True) from None
        except TimeoutError:
            raise NotSent(Reason.TIMED_OUT, is_channel=True) from None
        except OSError:
            raise NotSent(Reason.UNREACHABLE, is_channel=True) from None

    def close(self) -> None:
        """Nothing is kept open."""


def _post(
    context: ssl.SSLContext, url: str, body: bytes, message: Outgoing, *, private_ok: bool, key: bytes = b""
) -> None:
    target = resolve(url, private_ok=private_ok)
    headers = {
        "Host": target.host_header,
        "Content-Type": "application/json",
        MESSAGE_HEADER: message.message_id,
        SIGNATURE_HEADER: signature_of(key or message.key, int(machine_now().timestamp()), body),
    }
    extensions = {"sni_hostname": target.host} if target.scheme == "https" else {}
    try:
        with (
            httpx.Client(verify=context, trust_env=False, timeout=TIMEOUT_SECONDS) as client,
            client.stream("POST", target.url, content=body, headers=headers, extensions=extensions) as answer,
        ):
            status = answer.status_code  # the body is left unread: nothing of it is wanted, however long it is
    except httpx.TimeoutException:
        raise NotSent(Reason.TIMED_OUT) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotSent(Reason.TLS_FAILED if _is_tls(error) else Reason.UNREACHABLE) from None
    _check(status)


def _is_tls(error: BaseException | None) -> bool:
    """Whether a failed handshake stands at the beginning of the chain."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _check(status: int) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise NotSent(Reason.REDIRECTED, is_final=True)
    if status in _NOT_IN:
        raise NotSent(Reason.NOT_LET_IN)
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NotSent(Reason.BUSY)
    raise NotSent(Reason.REFUSED, is_final=True)
