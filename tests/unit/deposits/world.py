"""A town with lots that want deposits, and the demonstration's bank in the same process as the centre's gateway."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, event

import deposits.consumers
import deposits.models
import deposits.tasks  # noqa: F401 - registers its jobs
from accounts.services.bank import SHARED_KEY_FILE
from deposits import facade
from deposits.audit import check_ledger, reconcile
from deposits.errors import BankAway
from deposits.forms import ArrivalBody, OrderBody
from deposits.gateway import PaymentOrder, StatementLine, _line, read_answer
from deposits.models import DepositArrival, Refund
from deposits.services import arrivals, refunds, sending
from deposits.services.refunds import BankAnswer
from deposits.states import DepositStatus, Outcome
from foundation.actor import Actor
from foundation.events import tendering as e
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumers_of
from foundation.money import Money
from sandbox.bank_book import Transfer
from sandbox.bank_deposits import DepositBook, Faults, Order
from tests.support.tender_world import DEADLINE, DEPOSIT, NOW, TESTS, OpenLot, TenderWorld, make_world

SECRET = b"a bank's secret that is long enough for all"
TENDER_LOT_NAME = "武进高级中学新校区修缮工程（施工）"


@dataclass
class BookGateway:
    """The centre's side of a bank that is called directly; ``faults`` strike as they do over HTTP."""

    book: DepositBook
    faults: Faults = field(default_factory=Faults)
    sent: list[str] = field(default_factory=list)

    def open_sub_account(self, number: str) -> None:
        self.book.open_sub_account(number)

    def pay(self, order: PaymentOrder) -> BankAnswer:
        self.sent.append(order.order)
        if self.faults.take("drop_orders"):
            raise BankAway
        is_refused = self.book.order(order.order) is None and self.faults.take("reject_orders")
        wanted = Order(order.order, order.payee_name, order.payee_account, order.principal.fen, order.interest.fen)
        delay = timedelta(seconds=self.faults.delay_orders_s)
        said = self.book.place(wanted, delay=delay, is_refused=is_refused)
        if self.faults.take("lose_answers"):
            raise BankAway
        return read_answer(said)

    def ask(self, order: str) -> BankAnswer | None:
        said = self.book.order(order)
        return None if said is None else read_answer(said)

    def statement(self) -> tuple[StatementLine, ...]:
        lines: list[StatementLine] = []
        while page := self.book.statement(lines[-1].serial if lines else ""):
            lines += [_line(one) for one in page]
        return tuple(lines)


class DepositWorld:
    """A tender town with a deposit bank."""

    def __init__(self, town: TenderWorld) -> None:
        self.town = town
        self.units = town.units
        self.bank = BookGateway(DepositBook(town.folder / "bank.db", clock=town.clock.now))
        self.accounts: dict[str, str] = {}
        self._payments = 0
        secrets = town.folder / "secrets"
        secrets.mkdir(exist_ok=True, mode=0o700)
        path = secrets / SHARED_KEY_FILE
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(SECRET)

    def lot(self, *, deposit: Money = DEPOSIT, deadline_at: datetime = DEADLINE, **sides: Actor) -> OpenLot:
        """A published lot, told in its stream as publication tells it."""
        lot = self.town.open_lot(deadline_at=deadline_at, deposit=deposit, escrow=False, **sides)
        told = e.LotPublished(
            lot=lot.id,
            tender=lot.tender_code,
            lot_code=lot.lot_code,
            unified_deal_code="A01",
            name=TENDER_LOT_NAME,
            deadline_at=deadline_at,
            ceiling="12860000.00",
            deposit=deposit.text(),
            rulebook="works-2026",
            method="jiangsu-1",
            escrow_rule="none",
            keyset="0" * 64,
            documents=(),
        )
        self.tell(lot, told)
        return lot

    def tell(self, lot: OpenLot, *events: object, stream: str = "") -> None:
        """Append events of the lot and run what listens to them."""
        entries = []
        with self.units.begin(TESTS) as unit:
            for one in events:
                entry = unit.append(stream or f"lot:{lot.id}", one)  # type: ignore[arg-type]
                entries.append((one.TYPE, entry.id))  # type: ignore[attr-defined]
        for kind, entry_id in entries:
            for name in consumers_of(kind):
                if name.startswith("deposits."):
                    self.listen(name, entry_id)

    def listen(self, name: str, entry_id: str) -> None:
        from foundation.jobs.registry import handler_of

        handler_of(name)(JobContext(self.town.runtime, "job", entry_id, {"entry": entry_id}, 1))

    def freeze(self, lot: OpenLot) -> None:
        self.tell(lot, e.BidsClosed(lot.id, lot.deadline_at), e.LotFrozen(lot.id))

    def bidder(self, name: str) -> Actor:
        return self.town.organisation(name, "bidder")

    def open(self, lot: OpenLot, actor: Actor) -> str:
        """The bidder's sub-account, at the bank and in the book."""
        number = arrivals.sub_account_number(SECRET, lot.id, str(actor.org_id))
        self.bank.open_sub_account(number)
        with self.units.begin(actor) as unit:
            return arrivals.note_account(unit, lot.id, str(actor.org_id), number)

    def pay(self, lot: OpenLot, actor: Actor, amount: Money = DEPOSIT, *, payer: str = "", deliver: bool = True) -> str:
        """Pay into the bidder's sub-account; returns the bank's serial."""
        number = arrivals.sub_account_number(SECRET, lot.id, str(actor.org_id))
        return self.pay_into(number, payer or actor.org_name, amount, deliver=deliver)

    def pay_into(self, number: str, payer: str, amount: Money, *, deliver: bool = True) -> str:
        self._payments += 1
        account = self.bank.book.account_of(payer)
        serial = self.bank.book.transfer(Transfer(f"p{self._payments}", account, number, amount.fen, "deposit"))
        if deliver:
            self.deliver()
        return serial

    def deliver(self) -> int:
        """Hand the bank's waiting notices in, once each, in the bank's order; returns how many."""
        waiting = self.bank.book.waiting()
        for number, body, _ in waiting:
            self.hand_in(body)
            self.bank.book.delivered(number, "")
        return len(waiting)

    def hand_in(self, body: str) -> str:
        said = json.loads(body)
        with self.units.begin(TESTS) as unit:
            if said["kind"] == "arrival":
                notice = ArrivalBody.model_validate(said).notice()
                return arrivals.receive_arrival(unit, notice, body.encode())
            return refunds.settle(unit, OrderBody.model_validate(said).answer())

    def send_all(self) -> None:
        """One look-round: every ordered refund is sent, or asked about."""
        with self.units.read() as unit:
            waiting = sending.waiting(unit)
        for refund_id in waiting:
            try:
                sending.send(self.units, self.bank, refund_id)
            except BankAway:
                continue

    def status(self, lot: OpenLot, actor: Actor) -> DepositStatus:
        with self.units.read() as unit:
            return facade.deposit_status(unit, lot.id, str(actor.org_id))

    def outcome(self, serial: str) -> Outcome:
        with self.units.read() as unit:
            return unit.session.get_one(DepositArrival, serial).outcome

    def refund(self, serial: str) -> Refund | None:
        from sqlalchemy import select

        with self.units.read() as unit:
            return unit.session.scalar(select(Refund).where(Refund.serial == serial))

    def at_bank(self, holder: str) -> int:
        """The balance of a company at the bank, in fen."""
        return next(int(row["balance"]) for row in self.bank.book.accounts() if row["holder"] == holder)

    def assert_book_holds(self, *, is_quiet: bool = True) -> None:
        """The ledger proves itself, and equals the bank's own book."""
        statement = self.bank.statement()
        with self.units.read() as unit:
            report = check_ledger(unit)
            found = reconcile(unit, statement)
        assert report.faults == ()
        if is_quiet:
            assert found.is_equal, found
            assert found.awaited == ()


def make_deposits(folder: Path, *, url: str = "", at: datetime = NOW, durable: bool = True) -> DepositWorld:
    town = make_world(folder, url=url, at=at)
    if not durable:
        forget_durability(town.engine)
    return DepositWorld(town)


def forget_durability(engine: Engine) -> None:
    """Thousands of small transactions, none of which has to outlive the test."""

    @event.listens_for(engine, "connect")
    def _quick(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA synchronous=OFF")
        cursor.close()

    engine.dispose()


__all__ = ["NOW", "BookGateway", "DepositWorld", "make_deposits"]
