"""A worker that refunds one lot's deposits and is killed (−9) at a stated moment.

``python deposits_child.py FOLDER LOT AT MOMENT``; the bank's address is in CENTRE_BANK_URL. Moments: ``ordering``
(refunds are written, not committed), ``ordered``, ``leaving`` (the order is noted as leaving, not committed),
``noted`` (committed, not sent), ``paid`` (the bank has answered, nothing is written), ``settling`` (posted, not
committed), ``settled``, ``""`` (lives).
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deposits.errors import BankAway  # noqa: E402
from deposits.gateway import BankGateway, PaymentOrder, gateway_of  # noqa: E402
from deposits.services import refunds, sending  # noqa: E402
from deposits.services.refunds import BankAnswer  # noqa: E402
from deposits.states import RefundGround  # noqa: E402
from foundation.clock import SteppingClock  # noqa: E402
from foundation.store.engine import open_engine  # noqa: E402
from tests.support.tender_world import TESTS, TenderWorld  # noqa: E402


def main(folder: str, lot_id: str, at: str, moment: str) -> None:
    def die_at(here: str) -> None:
        if here == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    clock = SteppingClock(datetime.fromisoformat(at))
    town = TenderWorld(open_engine(f"sqlite:///{Path(folder) / 'world.db'}"), Path(folder), clock)
    with town.units.begin(TESTS) as unit:
        refunds.refund_due(unit, lot_id, None, RefundGround.CONTRACT_SIGNED, unit.at)
        die_at("ordering")
    die_at("ordered")
    bank = Dying(gateway_of(town.runtime), die_at)
    note, settle = sending._leave, sending.settle

    def leaving(*given: object) -> object:
        made = note(*given)  # type: ignore[arg-type]
        die_at("leaving")
        return made

    def settling(*given: object) -> object:
        state = settle(*given)  # type: ignore[arg-type]
        die_at("settling")
        return state

    sending._leave, sending.settle = leaving, settling  # type: ignore[assignment]
    with town.units.read() as unit:
        waiting = sending.waiting(unit)
    for refund_id in waiting:
        try:
            sending.send(town.units, bank, refund_id)
        except BankAway:
            print("away")
    die_at("settled")


class Dying:
    """The real gateway, between whose lines the worker may die."""

    def __init__(self, bank: BankGateway, die_at: object) -> None:
        self._bank, self._die_at = bank, die_at

    def ask(self, order: str) -> BankAnswer | None:
        return self._bank.ask(order)

    def pay(self, order: PaymentOrder) -> BankAnswer:
        self._die_at("noted")  # type: ignore[operator]
        answer = self._bank.pay(order)
        self._die_at("paid")  # type: ignore[operator]
        return answer


if __name__ == "__main__":
    main(*sys.argv[1:])
