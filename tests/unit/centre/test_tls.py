from __future__ import annotations

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from centre.tls import ensure_certificate
from foundation.clock import machine_now

NAMES = ["localhost", "bidder.localhost", "127.0.0.1"]
AT = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_client_that_trusts_the_certificate_connects_by_each_name(tmp_path: Path) -> None:
    made = ensure_certificate(tmp_path, NAMES, at=machine_now())
    trusting = ssl.create_default_context(cafile=str(made.certificate))
    for name in ("localhost", "bidder.localhost", "127.0.0.1"):
        here, there = socket.socketpair()
        with here, there:
            serving = threading.Thread(
                target=lambda there=there: made.context().wrap_socket(there, server_side=True).close()
            )
            serving.start()
            with trusting.wrap_socket(here, server_hostname=name) as secure:
                assert secure.version() == "TLSv1.3"
            serving.join(10)


def test_it_lives_397_days_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = ensure_certificate(tmp_path / "tls", NAMES, at=AT)
    certificate = load(made.certificate)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=397)
    for path in (made.certificate, made.key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_a_good_one_is_kept_and_one_that_ends_within_a_month_is_replaced(tmp_path: Path) -> None:
    serial = load(ensure_certificate(tmp_path, NAMES, at=AT).certificate).serial_number
    later, too_late = AT + timedelta(days=300), AT + timedelta(days=368)
    assert load(ensure_certificate(tmp_path, NAMES, at=later).certificate).serial_number == serial
    assert load(ensure_certificate(tmp_path, NAMES, at=too_late).certificate).serial_number != serial


def test_another_name_or_a_damaged_file_means_a_new_one(tmp_path: Path) -> None:
    first = load(ensure_certificate(tmp_path, NAMES, at=AT).certificate).serial_number
    second = load(ensure_certificate(tmp_path, [*NAMES, "centre.example"], at=AT).certificate).serial_number
    assert second != first
    (tmp_path / "key.pem").write_text("damaged")
    third = ensure_certificate(tmp_path, NAMES, at=AT)
    assert load(third.certificate).serial_number != second
    assert third.context() is not None
