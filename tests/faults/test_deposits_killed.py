"""Whoever dies between any two steps of a refund, and whatever the bank does: exactly one payment in its book."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deposits.models import Refund
from deposits.services import refunds
from deposits.states import RefundState
from foundation.clock import monotonic, pause
from sandbox.bank import BankServer
from tests.support.tender_world import TESTS, OpenLot
from tests.unit.deposits.world import DepositWorld, make_deposits

CHILD = Path(__file__).with_name("deposits_child.py")
NAME = "常州澄岳建设工程有限公司"
SAMPLE, INTEREST = 1_000_000_00, 121_53
MOMENTS = ("ordering", "ordered", "leaving", "noted", "paid", "settling", "settled")
FAULTS = ({}, {"lose_answers": 1}, {"drop_orders": 1}, {"delay_orders_s": 0.3}, {"reject_orders": 1})


class Scene:
    """A paid deposit that falls due after fifty days, and the bank as a server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world: DepositWorld = make_deposits(folder)
        self.lot: OpenLot = self.world.lot()
        self.actor = self.world.bidder(NAME)
        self.world.open(self.lot, self.actor)
        self.serial = self.world.pay(self.lot, self.actor)
        self.world.town.clock.step(timedelta(days=50))
        # No centre listens: the bank's notices wait, and the test hands them in when it wants to.
        book, key = self.world.bank.book, folder / "secrets" / "bank-notices.key"
        self.server = BankServer("127.0.0.1", 0, book, "http://127.0.0.1:9", key)
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def close(self) -> None:
        self.server.stop()
        self.thread.join()

    def child(self, moment: str) -> subprocess.CompletedProcess[str]:
        at = self.world.town.clock.now().isoformat()
        command = [sys.executable, str(CHILD), str(self.folder), self.lot.id, at, moment]
        environment = {**os.environ, "CENTRE_BANK_URL": f"http://127.0.0.1:{self.server.port}"}
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)

    def refund(self) -> Refund:
        found = self.world.refund(self.serial)
        assert found is not None
        return found

    def finish(self) -> None:
        """Live workers look until the refund is paid; a declined one is ordered again, as a person would."""
        ends = monotonic() + 60
        while self.world.refund(self.serial) is None or self.refund().state is not RefundState.PAID:
            assert monotonic() < ends, "the refund did not come to its end"
            done = self.child("")
            assert done.returncode == 0, done.stderr
            if self.refund().state is RefundState.REJECTED:
                with self.world.units.begin(TESTS) as unit:
                    refunds.order_again(unit, self.refund().id)
            pause(0.1)

    def hand_in_notice(self) -> str:
        """What the bank says of the present order, as it would have told the centre by itself."""
        refund = self.refund()
        found = self.world.bank.book.notice(f"order-{refund.id}-{refund.attempt}")
        assert found is not None
        return self.world.hand_in(found["body"])

    def assert_paid_once(self) -> None:
        assert self.world.at_bank(NAME) == SAMPLE + INTEREST
        assert [line.kind for line in self.world.bank.statement()] == ["arrival", "refund"]
        for _ in range(2):
            assert self.hand_in_notice() is RefundState.PAID
        self.world.assert_book_holds()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("faults", FAULTS, ids=lambda one: next(iter(one), "sound"))
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_at_any_step_pays_exactly_once(scene: Scene, moment: str, faults: dict[str, float]) -> None:
    scene.server.faults.set(faults)
    killed = scene.child(moment)
    # With a bank that does not answer the later moments are never reached; then the worker simply ends.
    reaches = moment not in {"paid", "settling"} or not {"lose_answers", "drop_orders"} & set(faults)
    assert killed.returncode == (-signal.SIGKILL if reaches else 0), killed.stderr
    scene.world.assert_book_holds(is_quiet=False)
    scene.finish()
    scene.assert_paid_once()


@pytest.mark.parametrize("moment", ["paid", "settling"])
def test_the_notice_of_the_bank_settles_what_a_dead_worker_left(scene: Scene, moment: str) -> None:
    assert scene.child(moment).returncode == -signal.SIGKILL
    assert scene.refund().state is RefundState.ORDERED
    assert scene.hand_in_notice() is RefundState.PAID
    assert scene.child("").returncode == 0
    scene.assert_paid_once()


def test_two_workers_at_once_pay_once(scene: Scene) -> None:
    assert scene.child("ordered").returncode == -signal.SIGKILL
    results: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: results.append(scene.child(""))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.returncode for done in results] == [0, 0, 0], [done.stderr for done in results]
    scene.assert_paid_once()
