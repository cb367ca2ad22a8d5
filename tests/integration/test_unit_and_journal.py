"""The Unit and the journal, on SQLite and on PostgreSQL."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update

from foundation.actor import Actor, system
from foundation.clock import SteppingClock
from foundation.errors import Tampering
from foundation.events import public_projection
from foundation.jobs.models import Job, JobState, JobTrigger
from foundation.journal import JournalEntry, read_stream, verify_stream
from foundation.journal.consumers import consumer
from foundation.machine import LostRace, WrongState
from tests.support.spine import START, Counter, Noted, make_engine, make_units, sqlite_url

ME = Actor(user_id="u1", org_id="o1", role="agency", roles=frozenset({"agency"}), source="10.0.0.9")  # type: ignore[arg-type]
HEARD: list[str] = []


@consumer("tests.listener", on=Noted)
def listen(context):
    HEARD.append(context.payload["entry"])


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request, tmp_path) -> Engine:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = make_engine(url)
    yield made
    made.dispose()


def test_a_stream_is_dense_and_chained_and_knows_who_acted(engine):
    units = make_units(engine)
    for number in range(3):
        with units.begin(ME) as unit:
            unit.append("lot:1", Noted(number, unit.at), reason="because")
    with units.read() as unit:
        entries = read_stream(unit.session, "lot:1")
        assert [entry.seq for entry in entries] == [1, 2, 3]
        assert [entry.event.number for entry in entries] == [0, 1, 2]
        assert {(e.actor_user_id, e.actor_org_id, e.actor_role, e.reason) for e in entries} == {
            ("u1", "o1", "agency", "because")
        }
        assert verify_stream(unit.session, "lot:1") == 3


def test_a_refused_unit_leaves_nothing(engine):
    units = make_units(engine)

    def refused():
        with units.begin(ME) as unit:
            unit.append("lot:1", Noted(1, unit.at))
            unit.enqueue("tests.work", "k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refused()
    with units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(JournalEntry)) == 0
        assert unit.session.scalar(select(func.count()).select_from(Job)) == 0


def test_forty_writers_of_one_stream_lose_and_skip_nothing(engine):
    units = make_units(engine)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            for step in range(5):
                with units.begin(ME) as unit:
                    unit.append("lot:busy", Noted(number * 5 + step, unit.at))
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with units.read() as unit:
        assert verify_stream(unit.session, "lot:busy") == 40
        assert {entry.event.number for entry in read_stream(unit.session, "lot:busy")} == set(range(40))


def test_read_then_write_by_many_threads_loses_no_update(tmp_path):
    engine = make_engine(sqlite_url(tmp_path))
    units = make_units(engine)
    with units.begin(ME) as unit:
        unit.session.add(Counter(name="c", value=0))

    def add() -> None:
        for _ in range(20):
            with units.begin(ME) as unit:
                row = unit.session.get(Counter, "c")
                unit.session.execute(update(Counter).values(value=row.value + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with units.read() as unit:
        assert unit.session.get(Counter, "c").value == 120


def test_recorded_at_never_goes_back_within_a_stream(engine):
    clock = SteppingClock(START)
    units = make_units(engine, clock)
    with units.begin(ME) as unit:
        unit.append("s", Noted(1, unit.at))
    clock.step(timedelta(hours=-1))
    with units.begin(ME) as unit:
        unit.append("s", Noted(2, unit.at))
    with units.read() as unit:
        first, second = read_stream(unit.session, "s")
        assert second.at == first.at == START


@pytest.mark.parametrize("attack", ["data", "drop", "reorder", "head"])
def test_a_journal_changed_behind_our_back_is_found(engine, attack):
    units = make_units(engine)
    for number in range(4):
        with units.begin(ME) as unit:
            unit.append("s", Noted(number, unit.at))
    with units.read() as unit:
        assert verify_stream(unit.session, "s") == 4
    statement = {
        "data": "UPDATE journal_entries SET data = replace(data, '2', '7') WHERE seq = 3",
        "drop": "DELETE FROM journal_entries WHERE seq = 2",
        "reorder": "UPDATE journal_entries SET seq = CASE seq WHEN 2 THEN 13 ELSE 12 END WHERE seq IN (2, 3)",
        "head": "DELETE FROM journal_entries WHERE seq = 4",
    }[attack]
    with engine.begin() as connection:
        connection.execute(text(statement))
    with units.read() as unit, pytest.raises(Tampering):
        verify_stream(unit.session, "s")


def test_only_whitelisted_fields_become_public():
    assert public_projection(Noted(7, START, secret="98000000")) == {"number": 7}


def test_a_listener_gets_its_job_in_the_same_transaction(engine):
    units = make_units(engine)
    with units.begin(ME) as unit:
        entry = unit.append("s", Noted(1, unit.at))
    with units.read() as unit:
        job = unit.session.scalars(select(Job).where(Job.task == "tests.listener")).one()
        assert job.key == entry.id
        assert job.payload == {"entry": entry.id}, "a stream's name says who acted"


def test_a_job_is_asked_for_once_per_key(engine):
    units = make_units(engine)
    for _ in range(3):
        with units.begin(ME) as unit:
            unit.enqueue("tests.work", "lot-1")
    with units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(Job)) == 1


def test_a_transition_moves_by_the_table_and_by_compare_and_swap(engine):
    units = make_units(engine)
    with units.begin(ME) as unit:
        unit.enqueue("tests.work", "k")
    with units.begin(ME) as unit:
        job = unit.session.scalars(select(Job).where(Job.task == "tests.work")).one()
        unit.transition(job, JobTrigger.CLAIM, "s", Noted(1, unit.at))
        assert job.state is JobState.RUNNING
    with units.begin(ME) as unit:
        job = unit.session.scalars(select(Job).where(Job.task == "tests.work")).one()
        with pytest.raises(WrongState):
            unit.transition(job, JobTrigger.RETRY, "s", Noted(2, unit.at))
    with units.begin(ME) as unit:
        job = unit.session.scalars(select(Job).where(Job.task == "tests.work")).one()
        unit.session.execute(text("UPDATE jobs SET state = 'done'"))  # another writer was first
        with pytest.raises(LostRace):
            unit.transition(job, JobTrigger.FINISH, "s", Noted(3, unit.at))


def test_hints_go_out_after_the_commit_only(tmp_path):
    engine = make_engine(sqlite_url(tmp_path))
    units = make_units(engine)
    seen: list[tuple[frozenset[str], int]] = []

    class Watching:
        def poke(self, topics):
            with units.read() as unit:
                seen.append((topics, unit.session.scalar(select(func.count()).select_from(JournalEntry))))

    units.hints = Watching()
    with units.begin(system("test")) as unit:
        unit.append("s", Noted(1, unit.at))
        assert seen == []
    # The listener's job makes the second topic.
    assert seen == [(frozenset({"journal", "jobs"}), 1)]
