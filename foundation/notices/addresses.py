"""Whether an address in the settings can be one, told at the start and not at the first message."""

from __future__ import annotations

from urllib.parse import urlsplit

from foundation.notices.mail import LOOPBACK, MailServer

LOCAL = frozenset({"file:", "console:"})
"""A folder of this machine, or its console: for development and demonstrations."""


def check_mail_url(url: str) -> str:
    """The address as given. Raises ValueError where it cannot be one of a mail server."""
    if url and url not in LOCAL:
        MailServer.parse(url)
    return url


def check_sms_url(url: str) -> str:
    """The address as given. Raises ValueError unless it is ``https`` (or of this machine) without a secret in it."""
    if url and url not in LOCAL:
        parts = urlsplit(url)
        is_here = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not (parts.scheme == "https" or is_here) or not parts.hostname:
            raise ValueError("https:// with a host, please")
        if parts.username is not None or parts.password is not None or parts.query:
            raise ValueError("the key stands in the file secrets/sms.key, never in an address")
    return url
