"""Time stamps on checkpoints: fetched once, checked before they are kept, waited for by nobody."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from sqlalchemy import func, select

from foundation.errors import NotFound
from foundation.events.publication import CheckpointStamped
from foundation.journal import read_stream
from foundation.publication import stamping
from foundation.publication.models import LogStamp
from foundation.timestamping import StampFalse, StampingAway, authority_of, read_roots, read_stamp
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.notes import Note
from tests.integration.publication_centre import SYSTEM, Centre, MachineClock, make_runtime
from tests.support.tsa import AuthorityServer, TestAuthority


@pytest.fixture
def server() -> Iterator[AuthorityServer]:
    with AuthorityServer(TestAuthority()) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def centre(request: pytest.FixtureRequest, tmp_path: Path, server: AuthorityServer) -> Iterator[Centre]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    runtime = make_runtime(tmp_path, url)
    runtime.settings.tsa_url = server.url
    runtime.settings.tsa_roots = server.authority.roots_file(tmp_path)
    made = Centre(runtime, MachineClock())
    yield made
    made.publisher.close()
    runtime.units.engine.dispose()


def wanted(centre: Centre) -> str:
    """A public entry whose checkpoint is to be stamped."""
    entry_id = centre.public()
    with centre.runtime.units.begin(SYSTEM) as unit:
        stamping.want_stamp(unit, entry_id)
        stamping.want_stamp(unit, entry_id)
    return entry_id


def kept(centre: Centre, entry_id: str) -> stamping.Stamped | None:
    with centre.runtime.units.read() as unit:
        return stamping.stamp_of(unit, entry_id)


def test_a_published_entry_gets_its_checkpoint_stamped_once(centre: Centre, server: AuthorityServer) -> None:
    entry_id = wanted(centre)
    assert stamping.stamp_if_configured(centre.runtime) == 0, "no checkpoint covers it yet"
    assert server.authority.answered == 0
    centre.publisher.round()
    assert stamping.stamp_if_configured(centre.runtime) == 1
    assert stamping.stamp_if_configured(centre.runtime) == 0
    assert server.authority.answered == 1
    stamp = kept(centre, entry_id)
    assert stamp is not None
    roots = read_roots(centre.runtime.settings.tsa_roots)  # type: ignore[arg-type]
    read = read_stamp(stamp.response, stamp.checkpoint.encode(), roots)
    assert (read.at, read.serial, read.authority) == (stamp.stamped_at, stamp.serial, stamp.authority)
    assert read.authority == "CN=Test time stamping unit"
    assert Checkpoint.parse(Note.parse(stamp.checkpoint).text).size == 1
    with centre.runtime.units.read() as unit:
        told = [one.event for one in read_stream(unit.session, "log")]
    assert [(one.entry, one.log_size, one.checkpoint) for one in told if isinstance(one, CheckpointStamped)] == [
        (entry_id, 1, hashlib.sha256(stamp.checkpoint.encode()).hexdigest())
    ]


def test_openssl_reads_the_stamp(centre: Centre, tmp_path: Path) -> None:
    """A second reader, where the machine has one."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine")
    entry_id = wanted(centre)
    centre.publisher.round()
    stamping.stamp_if_configured(centre.runtime)
    stamp = kept(centre, entry_id)
    assert stamp is not None
    (tmp_path / "a.tsr").write_bytes(stamp.response)
    (tmp_path / "a.txt").write_text(stamp.checkpoint, encoding="utf-8")
    roots = str(centre.runtime.settings.tsa_roots)
    asked = [openssl, "ts", "-verify", "-in", "a.tsr", "-data", "a.txt", "-CAfile", roots]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "Verification: OK" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("other_message", "message"), ("other_nonce", "nonce"), ("bad_signature", "signature"), ("garbage", "form")],
)
def test_a_stamp_that_does_not_hold_is_not_kept(
    centre: Centre, server: AuthorityServer, fault: str, reason: str
) -> None:
    entry_id = wanted(centre)
    centre.publisher.round()
    setattr(server.authority.faults, fault, True)
    authority = authority_of(centre.runtime.settings)
    assert authority is not None
    with pytest.raises(StampFalse) as false:
        authority.stamp(b"a checkpoint", stamping.machine_now())
    assert false.value.fields == {"reason": reason}
    assert stamping.stamp_if_configured(centre.runtime) == 0
    assert kept(centre, entry_id) is None
    setattr(server.authority.faults, fault, False)
    assert stamping.stamp_if_configured(centre.runtime) == 1, "it is asked for again"


@pytest.mark.parametrize(("fault", "value"), [("http_status", 503), ("rejects", True), ("late", timedelta(hours=1))])
def test_an_authority_that_is_away_or_late_is_asked_again(
    centre: Centre, server: AuthorityServer, fault: str, value: object
) -> None:
    entry_id = wanted(centre)
    centre.publisher.round()
    was = getattr(server.authority.faults, fault)
    setattr(server.authority.faults, fault, value)
    assert stamping.stamp_if_configured(centre.runtime) == 0
    assert kept(centre, entry_id) is None
    setattr(server.authority.faults, fault, was)
    assert stamping.stamp_if_configured(centre.runtime) == 1


def test_a_certificate_for_another_purpose_stamps_nothing(tmp_path: Path) -> None:
    with AuthorityServer(TestAuthority(purpose=ExtendedKeyUsageOID.SERVER_AUTH)) as server:
        runtime = make_runtime(tmp_path)
        runtime.settings.tsa_url = server.url
        runtime.settings.tsa_roots = server.authority.roots_file(tmp_path)
        authority = authority_of(runtime.settings)
        assert authority is not None
        with pytest.raises(StampFalse) as false:
            authority.stamp(b"a checkpoint", stamping.machine_now())
        assert false.value.fields == {"reason": "signature"}
        runtime.units.engine.dispose()


def test_roots_that_nobody_chose_are_not_believed(server: AuthorityServer, tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path)
    runtime.settings.tsa_url = server.url
    runtime.settings.tsa_roots = TestAuthority().roots_file(tmp_path)
    authority = authority_of(runtime.settings)
    assert authority is not None
    with pytest.raises(StampFalse):
        authority.stamp(b"a checkpoint", stamping.machine_now())
    runtime.units.engine.dispose()


def test_nothing_is_asked_without_an_authority_and_nobody_is_told_of_private_entries(tmp_path: Path) -> None:
    centre = Centre(make_runtime(tmp_path), MachineClock())
    assert stamping.stamp_if_configured(centre.runtime) == 0
    private = centre.private()
    with pytest.raises(NotFound):
        kept(centre, private)
    assert kept(centre, centre.public()) is None
    with centre.runtime.units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(LogStamp)) == 0
    centre.publisher.close()
    centre.runtime.units.engine.dispose()


def test_an_authority_nobody_answers_at_is_away(tmp_path: Path, server: AuthorityServer) -> None:
    runtime = make_runtime(tmp_path)
    runtime.settings.tsa_url = "http://127.0.0.1:9/tsa"
    runtime.settings.tsa_roots = server.authority.roots_file(tmp_path)
    authority = authority_of(runtime.settings)
    assert authority is not None
    with pytest.raises(StampingAway) as away:
        authority.stamp(b"a checkpoint", stamping.machine_now())
    assert away.value.fields == {"reason": "network"}
    runtime.units.engine.dispose()
