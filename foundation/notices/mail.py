"""E-mail by SMTP. One connection carries several messages; without TLS nothing leaves the machine."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from typing import Final
from urllib.parse import unquote, urlsplit

from foundation.notices.message import NotSent, Outgoing, Reason

TIMEOUT_SECONDS: Final = 10.0
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_PERMANENT: Final = 500
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
_ADDRESS_MAX: Final = 254


class Security(StrEnum):
    TLS = "smtps"
    STARTTLS = "smtp+starttls"
    NONE = "smtp"
    """To this machine only."""


_PORTS: Final = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """``smtps://user@host:465`` or ``smtp+starttls://user@host:587``; ``smtp://localhost:25`` to this machine only."""

    security: Security
    host: str
    port: int
    user: str

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """Raises ValueError for another form, a password in the address, or an open line to another machine."""
        parts = urlsplit(url)
        if parts.scheme not in set(Security) or not parts.hostname or parts.path not in {"", "/"} or parts.query:
            raise ValueError("smtps://, smtp+starttls:// or smtp:// with a host, please")
        if parts.password is not None:
            raise ValueError("the password stands in the file secrets/smtp-password, never in an address")
        security = Security(parts.scheme)
        if security is Security.NONE and parts.hostname not in LOOPBACK:
            raise ValueError("smtp:// without TLS is for this machine only")
        return cls(security, parts.hostname, parts.port or _PORTS[security], unquote(parts.username or ""))


def is_mail_address(text: str) -> bool:
    """Whether it can be written to without a doubt: plain ASCII, one ``@``, nothing a header could break at."""
    return len(text) <= _ADDRESS_MAX and ".." not in text and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SmtpProvider:
    server: MailServer
    sender: str
    context: ssl.SSLContext
    password: str = field(default="", repr=False)

    def open(self) -> SmtpLine:
        return SmtpLine(self)

    def check(self) -> None:
        """Connect, sign in and leave."""
        line = SmtpLine(self)
        line.connect()
        line.close()


class SmtpLine:
    """Connects with the first message; a broken connection is made anew with the next."""

    def __init__(self, provider: SmtpProvider) -> None:
        self._provider = provider
        self._client: smtplib.SMTP | None = None

    def connect(self) -> smtplib.SMTP:
        """The connection, made where there is none. Raises NotSent."""
        if self._client is None:
            self._client = _connected(self._provider)
        return self._client

    def send(self, message: Outgoing) -> None:
        client = self.connect()
        try:
            client.send_message(written(message, self._provider.sender), self._provider.sender, [message.to])
        except smtplib.SMTPException as error:
            failed = _failure(error)
        except TimeoutError:
            failed = NotSent(Reason.TIMED_OUT, is_channel=True)
        except OSError:
            failed = NotSent(Reason.UNREACHABLE, is_channel=True)
        else:
            return
        self._drop()
        raise failed

    def close(self) -> None:
        if self._client is None:
            return
        try:
            self._client.quit()
        except (smtplib.SMTPException, OSError):
            self._drop()
        self._client = None

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def written(message: Outgoing, sender: str) -> EmailMessage:
    """The mail: plain text, its Message-ID and Date the same however often it is tried."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.message_id}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def _connected(provider: SmtpProvider) -> smtplib.SMTP:
    server, name = provider.server, provider.sender.rpartition("@")[2]
    client: smtplib.SMTP | None = None
    try:
        if server.security is Security.TLS:
            client = smtplib.SMTP_SSL(server.host, server.port, name, timeout=TIMEOUT_SECONDS, context=provider.context)
        else:
            client = smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT_SECONDS)
        if server.security is Security.STARTTLS:
            client.starttls(context=provider.context)
        if server.user:
            client.login(server.user, provider.password)
    except (smtplib.SMTPException, OSError) as error:
        if client is not None:
            client.close()
        raise _no_connection(error) from None
    return client


def _no_connection(error: Exception) -> NotSent:
    """Whatever goes wrong before the first message concerns every message, and is worth another try."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        reason = Reason.NOT_LET_IN
    elif isinstance(error, (ssl.SSLError, smtplib.SMTPNotSupportedError)):
        reason = Reason.TLS_FAILED
    elif isinstance(error, TimeoutError):
        reason = Reason.TIMED_OUT
    elif isinstance(error, smtplib.SMTPResponseException):
        reason = Reason.BUSY
    else:
        reason = Reason.UNREACHABLE
    return NotSent(reason, is_channel=True)


def _failure(error: smtplib.SMTPException) -> NotSent:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _refused(max(codes, default=_PERMANENT))
    if isinstance(error, smtplib.SMTPSenderRefused):
        return NotSent(Reason.NOT_LET_IN, is_channel=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refused(error.smtp_code)
    return NotSent(Reason.UNREACHABLE, is_channel=True)


def _refused(code: int) -> NotSent:
    if code >= _PERMANENT:
        return NotSent(Reason.REFUSED, is_final=True)
    return NotSent(Reason.BUSY)
