"""Which provider carries which channel here, by the settings, and where its secrets lie: in files, never in addresses.

``secrets/smtp-password`` and ``secrets/sms.key`` are the operator's; ``secrets/webhooks.key`` is made once. A file that
others may read counts as missing. No webhook's key is stored: each follows from that one secret, the hook's id and the
number of its key.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import stat
from pathlib import Path
from typing import Final

from foundation.entropy import Entropy, url_token
from foundation.notices.addresses import LOCAL
from foundation.notices.local import ConsoleProvider, FileProvider
from foundation.notices.mail import MailServer, SmtpProvider
from foundation.notices.message import Channel, NotSent, Provider, Reason
from foundation.notices.posting import SmsGateway, WebhookProvider
from foundation.settings import Settings
from foundation.transparency.storage import create_file

SMTP_PASSWORD_FILE: Final = "smtp-password"  # noqa: S105 - the name of a file
SMS_KEY_FILE: Final = "sms.key"
WEBHOOKS_KEY_FILE: Final = "webhooks.key"
OUTBOX: Final = "outbox"


def is_configured(settings: Settings, channel: Channel) -> bool:
    """Whether messages can go this way at all."""
    return channel is Channel.WEBHOOK or bool(_address(settings, channel))


def is_local(settings: Settings, channel: Channel) -> bool:
    """Whether messages of this channel stay on this machine: a demonstration or a developer's centre."""
    return _address(settings, channel) in LOCAL


def provider_of(settings: Settings, channel: Channel) -> Provider:
    """Raises NotSent with NOT_CONFIGURED where the channel is off or its secret is missing."""
    url = _address(settings, channel)
    if channel is Channel.WEBHOOK:
        return WebhookProvider(_trust(settings), private_ok=settings.notice_private_targets)
    if url == "file:":
        return FileProvider(settings.data_dir / OUTBOX)
    if url == "console:":
        return ConsoleProvider()
    if not url:
        raise NotSent(Reason.NOT_CONFIGURED, is_channel=True)
    if channel is Channel.SMS:
        key = _secret(settings.secrets_dir / SMS_KEY_FILE)
        return SmsGateway(_trust(settings), url, key)
    server = MailServer.parse(url)
    password = _secret(settings.secrets_dir / SMTP_PASSWORD_FILE).decode() if server.user else ""
    return SmtpProvider(server, settings.mail_from, _trust(settings), password)


def webhook_key(settings: Settings, entropy: Entropy, hook_id: str, version: int) -> str:
    """The key a webhook is signed with, as its organisation was shown it once."""
    path = settings.secrets_dir / WEBHOOKS_KEY_FILE
    create_file(path, url_token(entropy).encode(), mode=0o600)
    root = _secret(path)
    return hmac.new(root, f"webhook/{hook_id}/{version}".encode(), hashlib.sha256).hexdigest()


def _address(settings: Settings, channel: Channel) -> str:
    if channel is Channel.WEBHOOK:
        return ""
    given = settings.smtp_url if channel is Channel.EMAIL else settings.sms_url
    return given or ("file:" if settings.demo else "")


def _secret(path: Path) -> bytes:
    try:
        mode, text = path.stat().st_mode, path.read_bytes().strip()
    except OSError:
        raise NotSent(Reason.NOT_CONFIGURED, is_channel=True) from None
    if not text or mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotSent(Reason.NOT_CONFIGURED, is_channel=True)
    return text


def _trust(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.notice_roots is not None:
        context.load_verify_locations(cafile=str(settings.notice_roots))
    return context
