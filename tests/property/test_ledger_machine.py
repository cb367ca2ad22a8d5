"""Random lives of deposits with a bank that loses, repeats, delays and rejects.

At every step the ledger proves itself; after the bank has gone quiet its book equals ours, every refund that fell due
is paid exactly once to the account the money came from, nothing is lost, and nobody has more than was paid in.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from deposits.audit import check_ledger
from deposits.errors import BankAway, NotRejected, NotReturnable
from deposits.models import DepositArrival, Refund
from deposits.services import refunds, sending
from deposits.states import Outcome, RefundGround, RefundState
from foundation.clock import pause
from foundation.events import tendering as e
from foundation.money import Money
from tests.conftest import SOAK
from tests.support.tender_world import TESTS
from tests.unit.deposits.world import DepositWorld, make_deposits

pytestmark = pytest.mark.slow
STEPS = 100
NAMES = ("常州澄岳建设工程有限公司", "常州恒远建筑安装有限公司", "常州天宁市政工程有限公司", "某个人")
MEMORY = Path("/dev/shm")


class Deposits(RuleBasedStateMachine):
    """Two lots, three bidders and a stranger."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.world: DepositWorld = make_deposits(self.folder, durable=False)
        self.steps = 0

    @initialize()
    def begin(self) -> None:
        world = self.world
        self.lots = [world.lot(), world.lot()]
        self.bidders = [world.bidder(name) for name in NAMES[:3]]
        for lot in self.lots:
            for one in self.bidders:
                world.open(lot, one)
        self.paid_in: Counter[str] = Counter()
        self.notices: list[str] = []
        self.stays = 0

    def _name(self, number: int) -> str:
        return NAMES[number]

    @rule(lot=st.integers(0, 1), bidder=st.integers(0, 2), payer=st.integers(0, 3), fen=st.integers(1, 30_000_000))
    def pay(self, lot: int, bidder: int, payer: int, fen: int) -> None:
        holder = NAMES[payer]
        self.world.bank.book.account_of(holder)
        if self.world.at_bank(holder) < fen:
            return
        self.world.pay(self.lots[lot], self.bidders[bidder], Money(fen), payer=holder, deliver=False)
        self.paid_in[holder] += fen

    @rule(repeat=st.integers(1, 3), limit=st.integers(1, 3))
    def notify(self, repeat: int, limit: int) -> None:
        for number, body, _ in self.world.bank.book.waiting()[:limit]:
            for _ in range(repeat):
                self.world.hand_in(body)
            self.notices.append(body)
            self.world.bank.book.delivered(number, "")

    @precondition(lambda self: self.notices)
    @rule(which=st.integers(0, 10_000))
    def repeat_an_old_notice(self, which: int) -> None:
        self.world.hand_in(self.notices[which % len(self.notices)])

    @rule(
        name=st.sampled_from(["lose_answers", "drop_orders", "reject_orders"]),
        count=st.integers(0, 3),
        delay=st.booleans(),
    )
    def spoil(self, name: str, count: int, *, delay: bool) -> None:
        self.world.bank.faults.set({name: count, "delay_orders_s": 0.005 if delay else 0.0})

    @rule(lot=st.integers(0, 1), ground=st.sampled_from(list(RefundGround)[:5]), bidder=st.integers(0, 3))
    def fall_due(self, lot: int, ground: RefundGround, bidder: int) -> None:
        world = self.world
        who = None if bidder == 3 else [str(self.bidders[bidder].org_id)]
        with world.units.begin(TESTS) as unit:
            refunds.refund_due(unit, self.lots[lot].id, who, ground, unit.at)

    @rule(which=st.integers(0, 10_000))
    def return_money(self, which: int) -> None:
        with self.world.units.begin(TESTS) as unit:
            serials = unit.session.scalars(select(DepositArrival.serial).order_by(DepositArrival.serial)).all()
            if serials:
                try:
                    refunds.return_arrival(unit, serials[which % len(serials)])
                except NotReturnable:
                    return

    @rule()
    def look_round(self) -> None:
        self.world.send_all()

    @rule(which=st.integers(0, 10_000))
    def send_one(self, which: int) -> None:
        with self.world.units.read() as unit:
            waiting = sending.waiting(unit)
        if waiting:
            try:
                sending.send(self.world.units, self.world.bank, waiting[which % len(waiting)])
            except BankAway:
                return

    @rule()
    def bank_works(self) -> None:
        pause(0.006)
        self.world.bank.book.carry_out_ready()

    @rule()
    def order_again(self) -> None:
        with self.world.units.begin(TESTS) as unit:
            declined = unit.session.scalars(
                select(Refund.id).where(Refund.state == RefundState.REJECTED).order_by(Refund.id)
            ).first()
            if declined is not None:
                try:
                    refunds.order_again(unit, declined)
                except NotRejected:
                    return

    @rule(lot=st.integers(0, 1))
    def stay(self, lot: int) -> None:
        self.stays += 1
        self.world.tell(self.lots[lot], e.StayPlaced(self.lots[lot].id, f"objection:{self.stays}"))

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.world.town.clock.step(timedelta(days=days))

    @invariant()
    def the_ledger_proves_itself(self) -> None:
        self.steps += 1
        if self.steps % 4 == 0:
            self.world.assert_book_holds(is_quiet=False)

    def teardown(self) -> None:
        try:
            if hasattr(self, "lots"):
                self._come_to_rest()
        finally:
            self.world.town.engine.dispose()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _come_to_rest(self) -> None:
        """The bank works again, stays end, everything falls due; what must come out does."""
        world = self.world
        world.bank.faults.set({"lose_answers": 0, "drop_orders": 0, "reject_orders": 0, "delay_orders_s": 0.0})
        for number in range(1, self.stays + 1):
            for lot in self.lots:
                world.tell(lot, e.StayLifted(lot.id, f"objection:{number}"))
        pause(0.006)
        world.bank.book.carry_out_ready()
        while world.deliver():
            pass
        for lot in self.lots:
            with world.units.begin(TESTS) as unit:
                refunds.refund_due(unit, lot.id, None, RefundGround.CONTRACT_SIGNED, unit.at)
        self._settle_all()
        world.assert_book_holds()
        self._check_ends()

    def _settle_all(self) -> None:
        world = self.world
        with world.units.begin(TESTS) as unit:
            stray = unit.session.scalars(
                select(DepositArrival.serial)
                .outerjoin(Refund, Refund.serial == DepositArrival.serial)
                .where(DepositArrival.outcome == Outcome.NAME_DIFFERS, Refund.id.is_(None))
            ).all()
            for serial in stray:
                refunds.return_arrival(unit, serial)
            for declined in unit.session.scalars(select(Refund.id).where(Refund.state == RefundState.REJECTED)).all():
                refunds.order_again(unit, declined)
        world.send_all()
        while world.deliver():
            pass

    def _check_ends(self) -> None:
        world = self.world
        with world.units.read() as unit:
            assert check_ledger(unit).is_sound
            arrivals = {row.serial: row for row in unit.session.scalars(select(DepositArrival))}
            made = list(unit.session.scalars(select(Refund)))
        assert {row.serial for row in made} == set(arrivals), "none lost"
        assert {row.state for row in made} <= {RefundState.PAID}
        lines = [line for line in world.bank.statement() if line.kind == "refund"]
        assert len(lines) == len(made), "exactly one payment a refund"
        interest: Counter[str] = Counter()
        for row in made:
            interest[arrivals[row.serial].payer_name] += row.interest.fen
        for holder, fen in self.paid_in.items():
            assert fen > 0
            assert world.at_bank(holder) == 1_000_000_00 + interest[holder]


# 20 lives of 100 steps each: 2,000 steps; ten times as many in a soak.
TestDeposits = Deposits.TestCase
TestDeposits.settings = settings(max_examples=200 if SOAK else 20, stateful_step_count=STEPS, deadline=None)
