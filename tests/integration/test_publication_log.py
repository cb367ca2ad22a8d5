"""Journal entries become leaves exactly once, in order, hidden where they must be, and provable."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, update

from foundation.events import Audience
from foundation.events.tendering import DocumentDownloaded, LotCancelled
from foundation.journal.models import JournalEntry
from foundation.publication import batch, proofs, ticks
from foundation.publication.entries import blinded_hash
from foundation.publication.errors import LogDiffers, NoCheckpoint
from foundation.publication.models import LogLeaf, LogPlacement
from foundation.store.base import Base
from foundation.store.unit import Unit
from foundation.transparency.blinding import BLINDED_PREFIX, PUBLIC_PREFIX
from foundation.transparency.proof import TlogProof
from tests.integration.publication_centre import SYSTEM, Centre, MachineClock, make_runtime


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""


@pytest.fixture
def machine() -> MachineClock:
    return MachineClock()


@pytest.fixture
def centre(tmp_path: Path, database_url: str, machine: MachineClock) -> Iterator[Centre]:
    made = Centre(make_runtime(tmp_path, database_url), machine)
    yield made
    made.publisher.close()
    made.runtime.units.engine.dispose()


@pytest.fixture
def open_lot() -> Iterator[None]:
    def a_lot_is_open(unit: Unit) -> bool:
        return True

    ticks.register_reason(a_lot_is_open)
    yield
    ticks.forget_reason(a_lot_is_open)


def leaves(centre: Centre) -> list[LogLeaf]:
    with centre.runtime.units.read() as unit:
        return list(unit.session.scalars(select(LogLeaf).order_by(LogLeaf.leaf_index)))


def check(centre: Centre) -> int:
    with centre.runtime.units.read() as unit:
        return proofs.verify_log(unit, centre.runtime.objects)


def test_a_public_entry_is_a_readable_leaf_with_a_proof(centre: Centre) -> None:
    entry_id = centre.public(why="招标人原因")
    with centre.runtime.units.read() as unit:
        assert proofs.proof_of_entry(unit, entry_id) is None
        assert not proofs.is_cosigned(unit, entry_id)
        with pytest.raises(NoCheckpoint):
            proofs.latest_checkpoint(unit)
    assert centre.publisher.round()
    with centre.runtime.units.read() as unit:
        proof = proofs.proof_of_entry(unit, entry_id)
        row = unit.session.get_one(JournalEntry, entry_id)
        assert proofs.leaf_index_of(unit, entry_id) == 0
        assert proofs.is_cosigned(unit, entry_id)
        assert TlogProof.parse(proof.tlog_proof).checkpoint == proofs.latest_checkpoint(unit)
    assert not proof.is_cosigned
    assert centre.verify(proof).index == 0
    told = json.loads(proof.entry_text.removeprefix(PUBLIC_PREFIX.decode()))
    assert told == {
        "type": "tendering.lot_cancelled",
        "stream": "lot:1",
        "seq": 1,
        "at": "2026-11-25T04:00:00.000000Z",
        "data": {"lot": "1", "why": "招标人原因"},
        "entry": blinded_hash(row),
    }
    assert not centre.publisher.round()


def test_a_private_entry_is_proved_by_its_owner_alone(centre: Centre) -> None:
    entry_id = centre.private(document="秘密")
    centre.publisher.round()
    (leaf,) = leaves(centre)
    assert leaf.entry.startswith(BLINDED_PREFIX)
    assert leaf.journal_entry_id is None
    with centre.runtime.units.read() as unit:
        proof = proofs.proof_of_entry(unit, entry_id)
    assert json.loads(proof.entry_text)["data"] == {"document": "秘密", "lot": "1", "org_id": "1"}
    assert centre.verify(proof).index == 0
    assert check(centre) == 1


def test_entries_appended_together_are_each_published_once_in_the_order_of_their_stream(centre: Centre) -> None:
    streams, each = 6, 12
    writers = [
        threading.Thread(
            target=lambda name=number: [
                (centre.public if n % 3 else centre.private)(f"lot:{name}", str(n)) for n in range(each)
            ]
        )
        for number in range(streams)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        centre.publisher.round()
    for _ in range(2):
        centre.publisher._machine.step(10)
        centre.publisher.round()
    with centre.runtime.units.read() as unit:
        rows = unit.session.scalars(select(JournalEntry).order_by(JournalEntry.stream, JournalEntry.seq)).all()
        told = Counter(unit.session.scalars(select(LogLeaf.journal_entry_id)))
        placed = Counter(unit.session.scalars(select(LogPlacement.journal_entry_id)))
    del told[None]
    assert len(rows) == streams * each
    assert told == Counter(row.id for row in rows if row.audience is Audience.PUBLIC)
    assert placed == Counter(row.id for row in rows if row.audience is Audience.PRIVATE)
    for name in range(streams):
        for audience in Audience:
            order = [row.leaf_index for row in rows if (row.stream, row.audience) == (f"lot:{name}", audience)]
            assert order == sorted(order)
    check(centre)


def test_two_publishers_at_once_make_one_log(centre: Centre, tmp_path: Path, database_url: str) -> None:
    other = Centre(make_runtime(tmp_path, database_url), centre.publisher._machine)
    ids = [centre.public(f"lot:{n % 5}", str(n)) for n in range(40)]
    # The lease is passed over on purpose: it only saves work, and must not be what keeps the log right.
    threads = [threading.Thread(target=one.publisher._take_all) for one in (centre, other)]
    centre.publisher._hold_lease()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in (centre, other):
        one.publisher._publish()
    assert [leaf.leaf_index for leaf in leaves(centre)] == list(range(40))
    assert {leaf.journal_entry_id for leaf in leaves(centre)} == set(ids)
    assert check(centre) == 40
    other.runtime.units.engine.dispose()


def test_only_the_holder_of_the_lease_publishes_and_a_dead_holder_is_replaced(
    centre: Centre, tmp_path: Path, database_url: str, machine: MachineClock
) -> None:
    other = Centre(make_runtime(tmp_path, database_url), machine)
    centre.public()
    assert centre.publisher.round()
    centre.public()
    assert not other.publisher.round()
    machine.step(10)
    assert other.publisher.round()
    centre.public()
    assert not centre.publisher.round()
    other.runtime.units.engine.dispose()


@pytest.mark.usefixtures("open_lot")
@pytest.mark.parametrize("bids", [0, 1, 500])
def test_while_a_lot_is_open_leaves_do_not_tell_how_many_bids_there_are(
    centre: Centre, machine: MachineClock, bids: int
) -> None:
    with centre.runtime.units.begin(SYSTEM) as unit:
        for n in range(bids):
            unit.append(f"bid:1:{n}", DocumentDownloaded(lot="1", org_id=str(n), document="d"))
    for _ in range(5):
        for _ in range(4):
            centre.publisher.round()
            machine.step(2.5)
    found = leaves(centre)
    assert [leaf.journal_entry_id for leaf in found] == [None] * 5
    assert {len(leaf.entry) for leaf in found} == {len(BLINDED_PREFIX) + 64}
    with centre.runtime.units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(LogPlacement)) == bids
    assert check(centre) == 5


def test_without_an_open_lot_there_are_no_empty_ticks(centre: Centre, machine: MachineClock) -> None:
    for _ in range(5):
        assert not centre.publisher.round()
        machine.step(10)
    centre.private()
    centre.publisher.round()
    centre.private()
    centre.publisher.round()
    assert len(leaves(centre)) == 1
    machine.step(10)
    centre.publisher.round()
    assert len(leaves(centre)) == 2


def test_what_overflows_a_tick_waits_for_the_next(
    centre: Centre, machine: MachineClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "ENTRIES_MAX", 3)
    ids = [centre.private(document=str(n)) for n in range(5)]
    centre.publisher.round()
    machine.step(10)
    centre.publisher.round()
    with centre.runtime.units.read() as unit:
        assert [proofs.leaf_index_of(unit, entry_id) for entry_id in ids] == [0, 0, 0, 1, 1]


def test_a_public_entry_does_not_wait_for_the_tick(centre: Centre, machine: MachineClock) -> None:
    centre.private()
    centre.publisher.round()
    machine.step(1)
    hidden, shown = centre.private("lot:1"), centre.public("lot:1")
    centre.publisher.round()
    with centre.runtime.units.read() as unit:
        assert proofs.is_cosigned(unit, shown)
        assert proofs.leaf_index_of(unit, hidden) is None


def test_an_entry_too_large_for_a_leaf_is_logged_by_its_digest(centre: Centre) -> None:
    entry_id = centre.public(why="长" * 40_000)
    centre.publisher.round()
    with centre.runtime.units.read() as unit:
        proof = proofs.proof_of_entry(unit, entry_id)
    told = json.loads(proof.entry_text.removeprefix(PUBLIC_PREFIX.decode()))
    assert "data" not in told
    assert len(told["data_sha256"]) == 64
    centre.verify(proof)
    assert check(centre) == 1


def test_every_entry_of_a_log_of_several_tiles_is_proved(centre: Centre, machine: MachineClock) -> None:
    with centre.runtime.units.begin(SYSTEM) as unit:
        for n in range(700):
            unit.append(f"lot:{n % 7}", LotCancelled(lot="1", why=str(n)))
    centre.publisher.round()
    late = centre.public(why="last")
    centre.publisher.round()
    with centre.runtime.units.read() as unit:
        for entry_id in [*unit.session.scalars(select(JournalEntry.id)).all()[::97], late]:
            centre.verify(proofs.proof_of_entry(unit, entry_id))
    assert check(centre) == 701
    # Partial files go once the full one is there.
    assert not list(centre.runtime.objects.list("log/tile/0/000.p"))
    restarted = Centre(centre.runtime, machine)
    machine.step(20)
    restarted.public()
    assert restarted.publisher.round()
    assert check(centre) == 702


def test_lost_tiles_are_made_again_from_the_leaves(centre: Centre, machine: MachineClock) -> None:
    for n in range(5):
        centre.public(why=str(n))
    centre.publisher.round()
    centre.runtime.objects.delete_prefix("log")
    machine.step(20)
    restarted = Centre(centre.runtime, machine)
    restarted.public()
    restarted.publisher.round()
    assert check(restarted) == 6


@pytest.mark.parametrize(
    ("table", "values", "first_bad"),
    [
        ("log_leaves", {"entry": b"etender/v1 p {}"}, 1),
        ("log_leaves", {"leaf_hash": b"\0" * 32}, 1),
        ("journal_entries", {"data": '{"lot":"2","why":"1"}'}, 1),
        ("journal_entries", {"leaf_index": None}, 1),
        ("log_state", {"frontier": "[]"}, 4),
        ("log_checkpoints", {"root": b"\0" * 32}, 4),
    ],
)
def test_the_check_names_the_first_leaf_that_was_tampered_with(
    centre: Centre, table: str, values: dict[str, object], first_bad: int
) -> None:
    for n in range(3):
        centre.public(why=str(n))
    centre.private()
    centre.publisher.round()
    assert check(centre) == 4
    rows = Base.metadata.tables[table]
    place = rows.c.leaf_index == 1 if "leaf_index" in rows.c else rows.c[next(iter(rows.primary_key)).name].is_not(None)
    if table == "log_state":
        values = {"frontier": []}
    with centre.runtime.units.begin(SYSTEM) as unit:
        unit.session.execute(update(rows).where(place).values(values))
    with pytest.raises(LogDiffers) as problem:
        check(centre)
    assert problem.value.fields["index"] == first_bad


def test_a_changed_private_entry_is_found(centre: Centre) -> None:
    entry_id = centre.private()
    centre.publisher.round()
    with centre.runtime.units.begin(SYSTEM) as unit:
        row = unit.session.get_one(JournalEntry, entry_id)
        row.nonce = b"\0" * 32
    with pytest.raises(LogDiffers):
        check(centre)
    with centre.runtime.units.read() as unit, pytest.raises(LogDiffers):
        proofs.proof_of_entry(unit, entry_id)


def test_the_work_list_comes_from_the_index_of_unpublished_entries(centre: Centre, database_url: str) -> None:
    with centre.runtime.units.read() as unit:
        asked: list[tuple[str, object]] = []
        engine = unit.session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        batch.unpublished(unit.session, Audience.PUBLIC, 500)
        statement, parameters = asked[-1]
        connection = unit.session.connection()
        if database_url:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a table this small would be read whole
        explain = "EXPLAIN" if database_url else "EXPLAIN QUERY PLAN"
        plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    assert "ix_journal_entries_unpublished" in str(plan)


def test_a_round_does_not_cost_more_with_more_history(centre: Centre) -> None:
    statements: list[str] = []
    event.listen(centre.runtime.units.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))

    def cost() -> tuple[int, int]:
        centre.public()
        statements.clear()
        read = _count_reads(centre)
        centre.publisher.round()
        return len(statements), read()

    centre.publisher.round()
    first = [cost() for _ in range(3)][-1]
    with centre.runtime.units.begin(SYSTEM) as unit:
        for n in range(batch.PUBLIC_MAX * 2):
            unit.append("lot:2", LotCancelled(lot="1", why=str(n)))
    centre.publisher.round()
    assert [cost() for _ in range(3)][-1] == first


def _count_reads(centre: Centre):
    """Objects read by a round of a publisher that is warm: none."""
    objects, count = centre.runtime.objects, Counter()
    original = objects.get

    def get(name: str) -> bytes:
        count["get"] += 1
        return original(name)

    objects.get = get

    def done() -> int:
        objects.get = original
        return count["get"]

    return done
