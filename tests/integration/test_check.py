"""``centre check`` and the deposit ledger: what was changed behind the triggers is found, and the exit says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from centre.check import check_everything
from deposits.services import refunds
from foundation.publication.publisher import Publisher
from tests.integration.test_demo_commands import centre
from tests.support.tender_world import TESTS
from tests.unit.deposits.world import DepositWorld, make_deposits

GOOD, TAMPERED = 0, 4


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DepositWorld:
    """Two deposits, and money of another name that went back: five transfers, all of them in the log."""
    made = make_deposits(tmp_path)
    lot = made.lot()
    for name in ("常州澄岳建设工程有限公司", "常州恒远建筑安装有限公司"):
        actor = made.bidder(name)
        made.open(lot, actor)
        made.pay(lot, actor)
    stray = made.pay(lot, actor, payer="某个人")
    with made.units.begin(TESTS) as unit:
        refunds.return_arrival(unit, stray)
    made.send_all()
    publisher = Publisher(made.town.runtime)
    while publisher.round():
        pass
    made.town.engine.dispose()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'world.db'}")
    return made


def checked(world: DepositWorld) -> tuple[int, dict[str, object]]:
    done = centre("check", "--json", folder=world.town.folder, demo=False)
    return done.returncode, json.loads(done.stdout.splitlines()[0])


def change(world: DepositWorld, *statements: str) -> None:
    """What somebody with the database file in hand can do."""
    with sqlite3.connect(world.town.folder / "world.db") as database:
        for statement in statements:
            assert database.execute(statement).rowcount != 0, statement
    database.close()


def test_a_whole_ledger_is_recomputed_and_said_to_be_whole(world: DepositWorld) -> None:
    status, told = checked(world)
    assert status == GOOD
    assert (told["transfers"], told["ledger_ok"], told["faults"]) == (5, True, [])


def test_without_the_trigger_a_changed_amount_is_found_and_the_check_fails(world: DepositWorld) -> None:
    change(
        world,
        "DROP TRIGGER ledger_entries_no_update",
        "UPDATE ledger_entries SET fen = fen - 100 WHERE fen = (SELECT max(fen) FROM ledger_entries)",
    )
    status, told = checked(world)
    assert status == TAMPERED
    assert (told["ledger_ok"], told["journal_ok"], told["log_ok"]) == (False, True, True)
    found = {str(fault["where"]).split()[0] for fault in told["faults"]}  # type: ignore[attr-defined]
    assert {fault["code"] for fault in told["faults"]} == {"centre.ledger_unsound"}  # type: ignore[attr-defined]
    assert {"transfers_sum_to_zero", "journal_tells_the_same", "arrivals_are_booked"} <= found


def test_with_the_trigger_the_same_change_is_refused(world: DepositWorld) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
        change(world, "UPDATE ledger_entries SET fen = fen - 100")
    assert checked(world)[0] == GOOD


MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    "both sides of a transfer alike": (
        (
            "DROP TRIGGER ledger_entries_no_update",
            "UPDATE ledger_entries SET fen = fen * 2",
        ),
        "journal_tells_the_same",
    ),
    "the amount of an arrival": (
        (
            "DROP TRIGGER deposit_arrivals_no_update",
            "UPDATE deposit_arrivals SET amount = amount + 1",
        ),
        "arrivals_are_booked",
    ),
    "a refund said to be paid": (
        ("UPDATE refunds SET state = 'ordered' WHERE state = 'paid'",),
        "refunds_are_booked",
    ),
    "a transfer taken out": (
        (
            "DROP TRIGGER ledger_transfers_no_delete",
            "DROP TRIGGER ledger_entries_no_delete",
            "DELETE FROM ledger_transfers WHERE seq = 5",
            "DELETE FROM ledger_entries WHERE transfer_id NOT IN (SELECT id FROM ledger_transfers)",
        ),
        "journal_tells_the_same",
    ),
}


@pytest.mark.parametrize("move", MOVES)
def test_books_that_still_balance_are_found_against_journal_arrivals_and_refunds(
    world: DepositWorld, move: str
) -> None:
    statements, finder = MOVES[move]
    change(world, *statements)
    result = check_everything(world.town.runtime)
    assert not result.ledger_ok
    assert not result.is_whole
    assert finder in {fault.where.split()[0] for fault in result.faults}
