"""Where messages may go, how addresses in the settings are read, how a webhook is signed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from foundation.entropy import SeededEntropy
from foundation.notices import configured, targets
from foundation.notices.local import ConsoleProvider, FileProvider
from foundation.notices.mail import MailServer, Security, is_mail_address, written
from foundation.notices.message import Channel, NotSent, Outgoing, Reason
from foundation.notices.posting import signature_of
from foundation.settings import Settings

AT = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)
PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
)


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_of_some_network_of_ones_own_is_not_public(text: str) -> None:
    assert not targets.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_open_internet_is(text: str) -> None:
    assert targets.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://firm.example/hook",
        "ftp://firm.example/hook",
        "https://user@firm.example/",
        "https://user:word@firm.example/",
        "https://firm.example/#part",
        "https:///nothing",
        "https://firm.example:0/",
        "https://firm.example:99999/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://firm.example/a b",
        "https://firm.example/\r\nX: y",
        "https://公司.example/",
        "https://firm.example/" + "x" * targets.URL_MAX,
    ],
)
def test_a_webhook_that_is_not_plain_https_is_refused_when_it_is_entered(url: str) -> None:
    assert not targets.is_fit(url)


def test_a_name_that_stands_for_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = {"mixed.example": ["8.8.8.8", "10.0.0.7"], "good.example": ["8.8.8.8"], "decimal.example": ["127.0.0.1"]}

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in answers[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for host in ("mixed.example", "decimal.example"):
        with pytest.raises(NotSent) as refused:
            targets.resolve(f"https://{host}/hook")
        assert (refused.value.reason, refused.value.is_final) == (Reason.TARGET_FORBIDDEN, True)
    found = targets.resolve("https://good.example:8443/hook?for=us")
    assert (found.url, found.host_header) == ("https://8.8.8.8:8443/hook?for=us", "good.example:8443")


def test_a_name_nobody_knows_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(NotSent) as failed:
        targets.resolve("https://nowhere.example/")
    assert (failed.value.reason, failed.value.is_final) == (Reason.UNREACHABLE, False)


def test_a_signature_is_over_instant_and_body() -> None:
    expected = hmac.new(b"key", b'1764000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature_of(b"key", 1_764_000_000, b'{"a":1}') == f"t=1764000000,v1={expected}"


# --- mail servers in the settings --------------------------------------------


def test_a_mail_server_is_read_from_its_address() -> None:
    assert MailServer.parse("smtps://centre%40wujin@mail.example") == MailServer(
        Security.TLS, "mail.example", 465, "centre@wujin"
    )
    assert MailServer.parse("smtp+starttls://mail.example:2525").port == 2525
    assert MailServer.parse("smtp://localhost").security is Security.NONE


@pytest.mark.parametrize(
    "url",
    ["smtp://mail.example", "smtps://u:geheim@mail.example", "mail.example", "https://mail.example", "smtps://h/x"],
)
def test_an_open_line_to_elsewhere_or_a_password_in_the_address_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(smtp_url=url, _env_file=None)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("url", ["http://sms.example/", "https://sms.example/?key=s3cr3t", "https://u:p@sms.example/"])
def test_an_sms_gateway_is_https_without_a_secret_in_it(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(sms_url=url, _env_file=None)
    assert "s3cr3t" not in str(refused.value)


def test_a_channel_is_off_in_a_real_centre_until_it_is_set_up(tmp_path: Path) -> None:
    plain, demo = Settings(data_dir=tmp_path, _env_file=None), Settings(data_dir=tmp_path, demo=True, _env_file=None)
    for channel in (Channel.EMAIL, Channel.SMS):
        assert not configured.is_configured(plain, channel)
        with pytest.raises(NotSent):
            configured.provider_of(plain, channel)
        assert isinstance(configured.provider_of(demo, channel), FileProvider)
        assert configured.is_local(demo, channel)
    assert configured.is_configured(plain, Channel.WEBHOOK)


def test_a_secret_that_others_may_read_counts_as_missing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, smtp_url="smtps://u@mail.example", _env_file=None)
    settings.secrets_dir.mkdir()
    path = settings.secrets_dir / configured.SMTP_PASSWORD_FILE
    path.write_text("a password")
    path.chmod(0o644)
    with pytest.raises(NotSent) as missing:
        configured.provider_of(settings, Channel.EMAIL)
    assert missing.value.reason is Reason.NOT_CONFIGURED
    path.chmod(0o600)
    assert "a password" not in repr(configured.provider_of(settings, Channel.EMAIL))


def test_a_webhooks_key_follows_from_the_centres_secret_and_changes_with_its_number(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    settings.secrets_dir.mkdir()
    entropy = SeededEntropy("keys")
    first = configured.webhook_key(settings, entropy, "hook", 1)
    assert configured.webhook_key(settings, entropy, "hook", 1) == first
    assert len({first, *(configured.webhook_key(settings, entropy, *one) for one in (("hook", 2), ("other", 1)))}) == 3
    assert (settings.secrets_dir / configured.WEBHOOKS_KEY_FILE).stat().st_mode & 0o077 == 0


# --- mails -------------------------------------------------------------------


def outgoing(**changed: object) -> Outgoing:
    return Outgoing(
        **{"message_id": "m1@centre", "to": "a@b.example", "subject": "主题", "text": "正文\n", "at": AT} | changed
    )  # type: ignore[arg-type]


def test_the_same_message_is_the_same_mail_every_time() -> None:
    assert written(outgoing(), "c@d.example").as_bytes() == written(outgoing(), "c@d.example").as_bytes()


def test_nothing_in_a_subject_becomes_a_header_of_its_own() -> None:
    mail = written(outgoing(subject="甲\r\nBcc: x@y.example"), "c@d.example")
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == "<m1@centre>"


@pytest.mark.parametrize("text", ["a@b.example", "first.last+tag@mail.firm.example"])
def test_plain_addresses_are_taken(text: str) -> None:
    assert is_mail_address(text)


def test_the_file_provider_keeps_one_file_a_message(tmp_path: Path) -> None:
    line = FileProvider(tmp_path / "outbox").open()
    line.send(outgoing())
    line.send(outgoing(text="正文\n"))
    line.send(outgoing(message_id="../m2@centre"))
    found = sorted(path.name for path in (tmp_path / "outbox").iterdir())
    assert found == [".._m2@centre.eml", "m1@centre.eml"]
    assert (tmp_path / "outbox" / "m1@centre.eml").stat().st_mode & 0o077 == 0


def test_the_console_keeps_a_code_to_itself(capsys: pytest.CaptureFixture[str]) -> None:
    line = ConsoleProvider().open()
    line.send(outgoing(text="验证码 123456", is_secret=True))
    line.send(outgoing(text="平常的话"))
    shown = capsys.readouterr().err
    assert "123456" not in shown
    assert "平常的话" in shown
