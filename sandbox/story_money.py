"""The story's money: deposits paid in before the deadline, and every one of them back where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from foundation.clock import parse_iso
from foundation.working_days import civil_date
from sandbox import cast
from sandbox.clients.bank import BankClient
from sandbox.clients.deposits import DepositActs
from sandbox.story import Bidder, Story, each

PART: Final = "100000.00"
"""What one bidder pays first, by mistake; the rest follows."""
BORROWER, LENDER = 6, 3
"""Among enough bidders the seventh lets the fourth pay its deposit: the same two whose texts are alike."""
RATE_BASIS: Final = 3_600_000
"""0.35 % a year over 360 days is 35 / 3,600,000 a day (R2.18)."""
RATE: Final = 35
WITHOUT_INTEREST: Final = frozenset({"withdrawn", "returned"})


def borrower_of(story: Story) -> Bidder:
    """Whose deposit is paid from another bidder's account."""
    return story.bidders[BORROWER if len(story.bidders) > BORROWER else -1]


def lender_of(story: Story) -> Bidder:
    """From whose account."""
    return story.bidders[LENDER if len(story.bidders) > BORROWER else 0]


def deposit(story: Story) -> None:
    """Every bidder opens its sub-account and pays; one too little at first, one from another bidder's account."""
    note_balances(story)
    short, borrower = story.bidders[0], borrower_of(story)

    def pay(bidder: Bidder) -> None:
        acts = _acts(story, bidder)
        acts.open()
        if bidder is short:
            _pay_in_parts(story, acts, bidder)
        elif bidder is borrower:
            _pay_from_another(story, acts, lender_of(story))
        acts.pay()
        acts.wait_until("arrived")

    each(story.bidders, pay)
    story.must_refuse(
        "a deposit that has arrived is paid again",
        lambda: short.client.post(f"/lots/{story.lot_id}/deposit/pay"),
        "deposits.deposit_paid",
    )
    story.must_refuse(
        "the centre looks at who has paid before the list is fixed",
        lambda: story.officer.get(f"/finance/deposits/{story.lot_id}"),
        "foundation.not_found",
    )


def _acts(story: Story, bidder: Bidder) -> DepositActs:
    return DepositActs(bidder.client, story.lot_id)


def _pay_in_parts(story: Story, acts: DepositActs, bidder: Bidder) -> None:
    """Too little is a mismatch (R2.06); with the rest it is a deposit."""
    bank, name = _bank(story), bidder.part.company.zh
    first = acts.pay_at_bank(bank, name, PART, f"part-{story.lot_id}-{bidder.part.login}")
    acts.wait_for_arrival(first)
    if len(acts.state()["arrivals"]) == 1:
        story.expect("deposit", "too little is a mismatch", acts.status() == "mismatched")
    rest = cast.DEPOSIT - Decimal(PART)
    acts.wait_for_arrival(acts.pay_at_bank(bank, name, f"{rest:.2f}", f"rest-{story.lot_id}-{bidder.part.login}"))


def _pay_from_another(story: Story, acts: DepositActs, lender: Bidder) -> None:
    """Money in another name does not match (R2.05); it goes back to whoever paid it, and the bidder pays itself."""
    name = lender.part.company.zh
    serial = acts.pay_at_bank(_bank(story), name, f"{cast.DEPOSIT:.2f}", f"lent-{story.lot_id}")
    line = acts.wait_for_arrival(serial)
    story.expect("deposit", "money in another name does not match", line["outcome"] == "name_differs")
    acts.send_back(serial)
    acts.client.wait_for("the money sent back", lambda: _is_paid_back(acts, serial), seconds=60)


def _is_paid_back(acts: DepositActs, *serials: str) -> bool:
    back = {line["serial"] for line in acts.refunds() if line["refund"]["state"] == "paid"}
    return back >= set(serials)


def held_of(story: Story, bidder: Bidder) -> tuple[str, ...]:
    """The serial numbers of what secures the bidder's bid now."""
    return tuple(line["serial"] for line in _acts(story, bidder).state()["arrivals"] if line["refund"] is None)


def pay_again(story: Story, bidder: Bidder, held: tuple[str, ...]) -> None:
    """Who withdrew its bid has its deposit back (R2.10), and pays anew with the bid it seals again."""
    acts = _acts(story, bidder)
    bidder.client.wait_for("the withdrawn bid's deposit", lambda: _is_paid_back(acts, *held), seconds=60)
    acts.pay()
    acts.wait_until("arrived")


# --- the way back -----------------------------------------------------------------------


def refund(story: Story) -> None:
    """Every deposit is back with its payer: principal and interest to the fen, once, and the book is sound."""
    for bidder in story.bidders:
        acts = _acts(story, bidder)
        for line in acts.wait_for_refunds():
            _check_refund(story, bidder, line)
        story.expect("refund", "nothing is held any more", acts.status() == "refunded")
    serials = [one["serial"] for one in story.refunds]
    story.expect("refund", "each refund is a payment of its own", len(set(serials)) == len(serials))
    _check_balances(story)
    proof = story.officer.get("/finance/deposits/ledger")["proof"]
    story.expect("refund", "every check of the ledger holds", all(is_met for _, is_met in proof["checks"]))
    story.expect("refund", "book and bank agree", proof["is_equal"])
    own = story.officer.get(f"/finance/deposits/{story.lot_id}")["desk"]["lot"]
    story.expect("refund", "nothing of the lot is left to refund", own["due"] == 0)


def _check_refund(story: Story, bidder: Bidder, line: Mapping[str, Any]) -> None:
    back = line["refund"]
    principal, interest = fen(back["principal"]), fen(back["interest"])
    wanted = 0
    if back["ground"] not in WITHOUT_INTEREST:
        wanted = interest_fen(principal, parse_iso(line["value_at"]), parse_iso(back["settled_at"]))
    name = bidder.part.company.zh
    story.expect("refund", f"{name}: interest {interest} is {wanted} fen", interest == wanted)
    story.expect("refund", f"{name}: principal", principal == fen(line["amount"]))
    story.expect("refund", f"{name}: the sum", fen(back["total"]) == principal + interest)
    tail = _bank(story).account_of(str(line["payer_name"]))[-4:]
    story.expect("refund", f"{name}: back to the payer", line["account_tail"] == tail)
    told = {
        "name": name,
        "ground": back["ground"],
        "principal": yuan(principal),
        "interest": yuan(interest),
        "to_account_tail": tail,
        "serial": back["bank_serial"],
    }
    if told not in story.refunds:
        story.refunds.append(told)


def interest_fen(principal: int, arrived_at: datetime, refunded_at: datetime) -> int:
    """Principal × 0.35 % × days ÷ 360, half up; the day of arrival counts, the day of refund does not (R2.18)."""
    days = (civil_date(refunded_at) - civil_date(arrived_at)).days
    return (2 * principal * RATE * days + RATE_BASIS) // (2 * RATE_BASIS)


def note_balances(story: Story) -> None:
    """What lies in everybody's account before the first payment, beside what the centre has told them so far."""
    if not story.balances:
        story.balances = _balances(story)
        story.moved = _moved(story)


def _check_balances(story: Story) -> None:
    """The bank's balances moved by what the centre says, and in sum by the interest of this lot."""
    after, moved = _balances(story), _moved(story)
    for bidder in story.bidders:
        name = bidder.part.company.zh
        by_bank = after[name] - story.balances[name]
        told = moved.get(name, 0) - story.moved.get(name, 0)
        story.expect("refund", f"{name}: the bank moved {by_bank} fen, told were {told}", by_bank == told)
        own = sum((Decimal(one["interest"]) for one in story.refunds if one["name"] == name), Decimal(0))
        story.say(f"    退还 · refunded {name} +{own}")


def _balances(story: Story) -> dict[str, int]:
    bank = _bank(story)
    balances = bank.balances()
    names = [bidder.part.company.zh for bidder in story.bidders]
    return {name: int(Decimal(balances[bank.account_of(name)]) * 100) for name in names}


def _moved(story: Story) -> dict[str, int]:
    """By payer, what all deposits of these bidders have taken and given so far, whatever the lot."""
    found: dict[str, int] = {}
    for bidder in story.bidders:
        for page in bidder.client.get("/deposits")["deposits"]:
            for line in page["arrivals"]:
                back = line["refund"]
                is_back = back is not None and back["state"] == "paid"
                change = (fen(back["total"]) if is_back else 0) - fen(line["amount"])
                found[line["payer_name"]] = found.get(line["payer_name"], 0) + change
    return found


def _bank(story: Story) -> BankClient:
    """The bank where it is now: a centre that starts again starts it at another port."""

    def look() -> BankClient | None:
        found = BankClient(str(story.public.get("/demo")["bank"]))
        return found if found.is_there() else None

    bank: BankClient = story.public.wait_for("the bank", look, seconds=60)
    return bank


def yuan_of(told: Mapping[str, str]) -> Decimal:
    """An amount as the centre tells it."""
    return Decimal(told["amount"])


def fen(told: Mapping[str, str]) -> int:
    """The same in fen."""
    return int(yuan_of(told) * 100)


def yuan(amount: int) -> str:
    """25000000 fen as "250000.00"."""
    return f"{Decimal(amount) / 100:.2f}"
