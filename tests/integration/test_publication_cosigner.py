"""The cosigner: away, back, and as the witness of a log that was put back or rewritten."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from foundation.clock import machine_now
from foundation.events import Audience
from foundation.journal.models import JournalEntry
from foundation.publication import proofs, publisher
from foundation.publication.models import STATE_ROW, LogState
from foundation.publication.policy import log_policy
from foundation.transparency.cosigning import origin_hash
from foundation.transparency.errors import CosignerUnavailable
from foundation.transparency.policy import Policy
from tests.integration.publication_centre import SYSTEM, Centre, MachineClock, cosigner, make_runtime
from tests.support.services import free_port


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(params=["sqlite", "postgresql"])
def centre(request: pytest.FixtureRequest, tmp_path: Path, port: int) -> Iterator[Centre]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = Centre(make_runtime(tmp_path, url, f"http://127.0.0.1:{port}"), _machine())
    yield made
    made.publisher.close()
    made.runtime.units.engine.dispose()


@pytest.fixture
def sqlite_centre(tmp_path: Path, port: int) -> Iterator[Centre]:
    made = Centre(make_runtime(tmp_path, "", f"http://127.0.0.1:{port}"), _machine())
    yield made
    made.publisher.close()
    made.runtime.units.engine.dispose()


def _machine() -> MachineClock:
    # The cosigner states the real time, so ours must not be behind it.
    clock = MachineClock()
    clock.now = machine_now()
    return clock


def _alarm(centre: Centre) -> str | None:
    with centre.runtime.units.read() as unit:
        return unit.session.get_one(LogState, STATE_ROW).alarm


@pytest.fixture
def restarted() -> Iterator[Callable[[Centre], Centre]]:
    """The same centre with a new process: its memory is gone, the old lease has run out."""
    made: list[Centre] = []

    def restart(centre: Centre) -> Centre:
        centre.publisher._machine.step(20)
        made.append(Centre(centre.runtime, centre.publisher._machine))
        return made[-1]

    yield restart
    for one in made:
        one.publisher.close()


def test_a_proof_waits_for_the_cosigner_and_the_journal_does_not(centre: Centre, tmp_path: Path, port: int) -> None:
    with pytest.raises(CosignerUnavailable):
        log_policy(centre.runtime)
    before = centre.public()
    assert centre.publisher.round()
    with centre.runtime.units.read() as unit:
        assert proofs.leaf_index_of(unit, before) == 0
        assert proofs.proof_of_entry(unit, before) is None
        assert not proofs.is_cosigned(unit, before)
    assert not centre.publisher.round()  # it is left alone for a moment
    with cosigner(tmp_path, centre.runtime.log_key, port):
        centre.publisher._machine.step(1)
        assert centre.publisher.round()
        with centre.runtime.units.read() as unit:
            proof = proofs.proof_of_entry(unit, before)
        assert proof.is_cosigned
        assert centre.verify(proof).cosigners == ("cosigner",)
    centre.publisher._machine.step(1)
    during = [centre.public(why=str(n)) for n in range(3)]
    private = centre.private()
    centre.publisher._machine.step(10)
    assert centre.publisher.round()
    with centre.runtime.units.read() as unit:
        assert proofs.is_cosigned(unit, before)
        assert not any(proofs.is_cosigned(unit, entry_id) for entry_id in during)
    with cosigner(tmp_path, centre.runtime.log_key, port):
        centre.publisher._machine.step(5)
        centre.publisher.round()
        with centre.runtime.units.read() as unit:
            for entry_id in (before, *during, private):
                assert centre.verify(proofs.proof_of_entry(unit, entry_id)).time is not None
    assert _alarm(centre) is None


def test_the_policy_demands_the_cosigner(centre: Centre, tmp_path: Path, port: int) -> None:
    with cosigner(tmp_path, centre.runtime.log_key, port) as server:
        policy = Policy.parse(log_policy(centre.runtime))
        assert [one.key for one in policy.cosigners] == [server.cosigner.key.verifier]
        assert policy.quorum == "cosigner"


def test_a_cosigner_configured_later_is_needed_from_then_on(tmp_path: Path, port: int) -> None:
    alone = Centre(make_runtime(tmp_path), _machine())
    entry_id = alone.public()
    alone.publisher.round()
    with alone.runtime.units.read() as unit:
        assert proofs.is_cosigned(unit, entry_id)
    watched = Centre(make_runtime(tmp_path, "", f"http://127.0.0.1:{port}"), alone.publisher._machine)
    watched.publisher._machine.step(20)
    watched.publisher.round()
    with watched.runtime.units.read() as unit:
        assert not proofs.is_cosigned(unit, entry_id)
    with cosigner(tmp_path, watched.runtime.log_key, port):
        watched.publisher._machine.step(20)
        watched.publisher.round()
        with watched.runtime.units.read() as unit:
            assert watched.verify(proofs.proof_of_entry(unit, entry_id)).cosigners == ("cosigner",)
    watched.publisher.close()
    for one in (alone, watched):
        one.runtime.units.engine.dispose()


@pytest.mark.parametrize("parts", [("centre.db",), ("centre.db", "objects")], ids=["database", "database and store"])
@pytest.mark.parametrize("new_entries", [0, 1, 4, 9])
def test_a_log_that_was_put_back_is_noticed(
    sqlite_centre: Centre,
    tmp_path: Path,
    port: int,
    parts: tuple[str, ...],
    new_entries: int,
    restarted: Callable[[Centre], Centre],
) -> None:
    centre = sqlite_centre
    with cosigner(tmp_path, centre.runtime.log_key, port):
        centre.public(why="kept")
        centre.publisher.round()
        _copy(centre, tmp_path, tmp_path / "backup", parts)
        for n in range(4):
            centre.public(why=f"lost {n}")
        centre.publisher.round()
        _copy(centre, tmp_path / "backup", tmp_path, parts)
        back = restarted(centre)
        for n in range(new_entries):
            back.public(why=f"another {n}")
        assert not back.publisher.round()
        if new_entries < 4:
            expected = "transparency.log_rolled_back"
        elif new_entries == 4 and parts == ("centre.db",):
            expected = "publication.tiles_differ"
        else:
            expected = "transparency.cosigner_refused"
        assert _alarm(back) == expected
        assert not back.publisher.round()
        with back.runtime.units.read() as unit:
            newest = unit.session.scalars(
                select(JournalEntry).where(JournalEntry.stream == publisher.STREAM).order_by(JournalEntry.seq.desc())
            ).first()
        assert newest.type == "publication.stopped"
        assert newest.audience is Audience.PUBLIC
        assert json.loads(newest.data)["problem"] == _alarm(back)


def _copy(centre: Centre, source: Path, target: Path, parts: tuple[str, ...]) -> None:
    with centre.runtime.units.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    centre.runtime.units.engine.dispose()
    target.mkdir(exist_ok=True)
    for name in parts:
        if (source / name).is_dir():
            shutil.rmtree(target / name, ignore_errors=True)
            shutil.copytree(source / name, target / name)
        else:
            for leftover in ("-wal", "-shm"):
                (target / f"{name}{leftover}").unlink(missing_ok=True)
            shutil.copy(source / name, target / name)


def test_an_altered_state_stops_the_publisher_until_a_person_has_looked(
    centre: Centre, tmp_path: Path, port: int, restarted: Callable[[Centre], Centre]
) -> None:
    with cosigner(tmp_path, centre.runtime.log_key, port):
        centre.public(why="first")
        centre.publisher.round()
        with centre.runtime.units.begin(SYSTEM) as unit:
            unit.session.get_one(LogState, STATE_ROW).frontier = ["00" * 32]
        centre.public(why="second")
        assert not centre.publisher.round()
        assert _alarm(centre) == "publication.log_differs"
        assert not restarted(centre).publisher.round()
        with centre.runtime.units.begin(SYSTEM) as unit:
            assert publisher.resume(unit, "looked into")
        # Resuming hides nothing: the same evidence stops it again.
        centre.publisher._machine.step(20)
        assert not centre.publisher.round()
        assert _alarm(centre) == "publication.log_differs"


def test_the_lease_lost_during_a_round_raises_no_alarm(
    centre: Centre, tmp_path: Path, port: int, restarted: Callable[[Centre], Centre]
) -> None:
    with cosigner(tmp_path, centre.runtime.log_key, port):
        centre.public(why="first")
        slow = centre.publisher
        original = slow._cosignature

        def overtaken(signed: str, size: int) -> object:
            other = restarted(centre)
            other.public(why="second")
            assert other.publisher.round()
            return original(signed, size)

        slow._cosignature = overtaken
        assert slow.round()
        assert _alarm(centre) is None
        with centre.runtime.units.read() as unit:
            assert unit.session.get_one(LogState, STATE_ROW).published_size == 2
            assert proofs.verify_log(unit, centre.runtime.objects) == 2


def test_the_cosigner_holds_the_checkpoint_the_centre_shows(centre: Centre, tmp_path: Path, port: int) -> None:
    with cosigner(tmp_path, centre.runtime.log_key, port) as server:
        centre.public()
        centre.publisher.round()
        address = f"{server.url}/{origin_hash(centre.runtime.settings.log_origin)}/checkpoint"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=5) as answer, centre.runtime.units.read() as unit:
            assert answer.read().decode() == proofs.latest_checkpoint(unit)
