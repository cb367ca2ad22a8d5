"""The ledger's law, in code and in SQL, on SQLite and PostgreSQL: each refusal beside what is admitted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from deposits import audit, ledger
from deposits.errors import LedgerUnsound
from deposits.ledger import Account, Line, Transfer
from deposits.models import LedgerEntry, LedgerTransfer
from deposits.states import AccountKind, Purpose, TransferKind
from foundation.money import Money
from foundation.store.unit import Unit, Units
from tests.support.tender_world import TESTS
from tests.unit.deposits.world import DepositWorld, make_deposits

K = AccountKind


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DepositWorld]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = make_deposits(tmp_path, url=url)
    yield made
    made.town.engine.dispose()


@pytest.fixture
def units(world: DepositWorld) -> Units:
    return world.units


def line(kind: AccountKind, fen: int, who: str = "a") -> Line:
    return Line(Account(kind, "lot", who), Money(fen))


def transfer(key: str, *lines: Line, kind: TransferKind = TransferKind.SINGLE, resolves: str | None = None) -> Transfer:
    purpose = Purpose.ARRIVAL if kind is TransferKind.SINGLE else Purpose.REFUND
    return Transfer(key, kind, purpose, lines, resolves)


def arrive(unit: Unit, key: str = "in", fen: int = 100, who: str = "a") -> str:
    return ledger.record(unit, transfer(key, line(K.BANK_CLEARING, fen, who), line(K.HELD, -fen, who)))


def hold(unit: Unit, key: str = "out", fen: int = 100) -> str:
    lines = (line(K.HELD, fen), line(K.REFUNDS_IN_FLIGHT, -fen))
    return ledger.record(unit, transfer(key, *lines, kind=TransferKind.PENDING))


def post(unit: Unit, pending: str, key: str = "post", fen: int = 100, kind: TransferKind = TransferKind.POST) -> str:
    lines = (line(K.REFUNDS_IN_FLIGHT, fen), line(K.BANK_CLEARING, -fen))
    return ledger.record(unit, transfer(key, *lines, kind=kind, resolves=pending))


def test_money_comes_in_is_held_goes_out_and_the_trial_balance_says_so_at_every_position(units: Units) -> None:
    with units.begin(TESTS) as unit:
        arrive(unit)
        pending = hold(unit)
    with units.begin(TESTS) as unit:
        post(unit, pending)
    with units.read() as unit:
        at = [ledger.trial_balance(unit, position=position) for position in range(4)]
        assert ledger.trial_balance(unit) == at[3]
        assert audit.journal_tells_the_same(unit) is not None
        assert list(audit.journal_tells_the_same(unit)) == []
    shown = [(one[K.BANK_CLEARING].fen, one[K.HELD].fen, one[K.REFUNDS_IN_FLIGHT].fen) for one in at]
    assert shown == [(0, 0, 0), (100, -100, 0), (100, 0, -100), (0, 0, 0)]
    assert all(Money.sum(one.values()) == Money(0) for one in at)


def test_a_known_key_records_nothing_more_and_may_not_say_something_else(units: Units) -> None:
    with units.begin(TESTS) as unit:
        assert arrive(unit) == arrive(unit)
        with pytest.raises(LedgerUnsound):
            arrive(unit, fen=101)
    with units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(LedgerTransfer)) == 1


@pytest.mark.parametrize(
    "lines",
    [
        (line(K.BANK_CLEARING, 100),),
        (line(K.BANK_CLEARING, 100), line(K.HELD, -99)),
        (line(K.BANK_CLEARING, 100), line(K.HELD, -100), line(K.SUSPENSE, 0)),
        (line(K.BANK_CLEARING, 100), line(K.HELD, -100, "b")),
        (line(K.BANK_CLEARING, -100), line(K.HELD, 100)),
    ],
    ids=["one entry", "no sum", "an empty entry", "two bidders", "overdrawn"],
)
def test_an_unsound_transfer_is_refused_and_leaves_nothing(units: Units, lines: tuple[Line, ...]) -> None:
    with pytest.raises(LedgerUnsound), units.begin(TESTS) as unit:
        ledger.record(unit, transfer("bad", *lines))
    with units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(LedgerEntry)) == 0


def test_what_is_pending_is_resolved_once_and_exactly(units: Units) -> None:
    with units.begin(TESTS) as unit:
        arrive(unit, fen=300)
        first, second = hold(unit, "out1"), hold(unit, "out2")
        with pytest.raises(LedgerUnsound):
            post(unit, first, fen=99)
        with pytest.raises(LedgerUnsound):
            post(unit, arrive(unit, "in2"), "post of no pending")
        post(unit, first, "post1")
        with pytest.raises(LedgerUnsound):
            post(unit, first, "post1 again")
        with pytest.raises(LedgerUnsound):
            post(unit, first, "void of posted", kind=TransferKind.VOID)
        post(unit, second, "post2")


@dataclass(frozen=True)
class Raw:
    """A transfer as somebody writes it who does not ask the code."""

    entries: tuple[tuple[str, int], ...]
    kind: str = "single"
    resolves: str | None = None


def write_raw(unit: Unit, raw: Raw, number: int = 1000) -> None:
    made = f"raw-{number}"
    if raw.entries:
        unit.session.execute(
            insert(LedgerEntry),
            [
                {"transfer_id": made, "line": place, "account": account, "fen": fen}
                for place, (account, fen) in enumerate(raw.entries, start=1)
            ],
        )
    values = {"id": made, "seq": number, "kind": raw.kind, "resolves": raw.resolves}
    unit.session.execute(
        text(
            "INSERT INTO ledger_transfers (id, seq, key, kind, purpose, resolves_id, lot_id, org_id, at) "
            "VALUES (:id, :seq, :id, :kind, 'refund', :resolves, 'lot', 'a', 0)"
        ),
        values,
    )


BANK, HELD, FLIGHT = (f"{kind}:lot:a" for kind in (K.BANK_CLEARING, K.HELD, K.REFUNDS_IN_FLIGHT))


@pytest.fixture
def started(units: Units) -> tuple[Units, str, str]:
    """300 came in; one pending refund of 100 was posted, one of 100 is in flight."""
    with units.begin(TESTS) as unit:
        arrive(unit, fen=300)
        posted = hold(unit, "out1")
        post(unit, posted)
        return units, posted, hold(unit, "out2")


def test_sound_rows_written_past_the_code_are_admitted(started: tuple[Units, str, str]) -> None:
    units, _, pending = started
    with units.begin(TESTS) as unit:
        write_raw(unit, Raw(((BANK, 7), (HELD, -7))))
        write_raw(unit, Raw(((FLIGHT, 100), (HELD, -100)), "void", pending), 1001)
    with units.read() as unit:
        held = unit.session.scalar(select(func.sum(LedgerEntry.fen)).where(LedgerEntry.account == HELD))
    # 300 in, 100 refunded, 100 in flight and taken back, 7 written raw.
    assert held == -207


@pytest.mark.parametrize(
    ("entries", "kind", "which"),
    [
        (((BANK, 7), (HELD, -8)), "single", ""),
        (((BANK, 7),), "single", ""),
        ((), "single", ""),
        (((BANK, 0), (HELD, 0)), "single", ""),
        (((BANK, -201), (HELD, 201)), "single", ""),
        (((FLIGHT, 100), (BANK, -100)), "post", "posted"),
        (((FLIGHT, 99), (BANK, -99)), "post", "pending"),
        (((BANK, 7), (HELD, -7)), "post", ""),
        (((BANK, 7), (HELD, -7)), "single", "pending"),
        (((BANK, 7), (HELD, -7)), "gift", ""),
        (((BANK, 7), ("held:lot:nobody", -7)), "single", ""),
    ],
)
def test_the_database_itself_refuses_unsound_rows(
    started: tuple[Units, str, str], entries: tuple[tuple[str, int], ...], kind: str, which: str
) -> None:
    units, posted, pending = started
    resolves = {"posted": posted, "pending": pending, "": None}[which]
    with pytest.raises(DBAPIError), units.begin(TESTS) as unit:
        write_raw(unit, Raw(entries, kind, resolves))
    with units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(LedgerTransfer)) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET fen = fen * 2",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transfers SET key = 'x' WHERE key = 'in'",
        "DELETE FROM ledger_transfers",
        "UPDATE ledger_accounts SET side = 'credit'",
        "DELETE FROM ledger_accounts",
        "INSERT INTO ledger_entries SELECT transfer_id, 9, account, 5 FROM ledger_entries",
    ],
)
def test_a_row_of_the_ledger_is_never_changed(started: tuple[Units, str, str], statement: str) -> None:
    units, _, _ = started
    with pytest.raises(DBAPIError), units.begin(TESTS) as unit:
        unit.session.execute(text(statement))
    with units.read() as unit:
        assert list(audit.journal_tells_the_same(unit)) == []


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_transfers", "ledger_accounts", "deposit_arrivals"])
def test_replacing_and_truncating_are_no_way_around_it(
    world: DepositWorld, started: tuple[Units, str, str], table: str
) -> None:
    units, _, _ = started
    if units.engine.dialect.name == "postgresql":
        statement = f"TRUNCATE {table} CASCADE"
    elif table == "deposit_arrivals":
        actor, lot = world.bidder("常州澄岳建设工程有限公司"), world.lot()
        world.open(lot, actor)
        world.pay(lot, actor)
        statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608 - a list of our own
    else:
        statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608 - the same
    with pytest.raises(DBAPIError), units.begin(TESTS) as unit:
        unit.session.execute(text(statement))


def test_a_transfer_changed_behind_the_triggers_is_found(started: tuple[Units, str, str]) -> None:
    units, _, _ = started
    with units.begin(TESTS) as unit:
        if units.engine.dialect.name == "postgresql":
            unit.session.execute(text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        else:
            unit.session.execute(text("DROP TRIGGER ledger_entries_no_update"))
        unit.session.execute(text("UPDATE ledger_entries SET fen = fen + 1 WHERE line = 1 AND fen = 300"))
    with units.read() as unit:
        found = {fault.check for fault in audit.check_ledger(unit).faults}
    assert {"transfers_sum_to_zero", "journal_tells_the_same"} <= found


def test_two_who_spend_the_same_money_at_once_spend_it_once(units: Units) -> None:
    with units.begin(TESTS) as unit:
        arrive(unit)
    gate, results = threading.Barrier(4), []

    def spend(number: int) -> None:
        gate.wait()
        try:
            with units.begin(TESTS) as unit:
                ledger.lock(unit)
                hold(unit, f"out{number}")
                results.append("spent")
        except LedgerUnsound as refused:
            results.append(str(refused.fields["what"]))

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["overdrawn"] * 3 + ["spent"]


def test_the_whole_way_of_a_deposit_holds_on_this_database(world: DepositWorld) -> None:
    from datetime import timedelta

    from foundation.events import evaluation as v

    lot, actor = world.lot(), world.bidder("常州澄岳建设工程有限公司")
    world.open(lot, actor)
    world.pay(lot, actor)
    world.freeze(lot)
    world.bank.faults.lose_answers = 1
    world.town.clock.step(timedelta(days=50))
    signed = v.ContractSigned(lot.id, str(actor.org_id), world.town.clock.now(), "1.00", is_late=False)
    world.tell(lot, signed)
    world.send_all()
    world.assert_book_holds(is_quiet=False)
    world.send_all()
    world.deliver()
    world.assert_book_holds()
