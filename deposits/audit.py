"""Does the ledger prove itself? A list of checks, each of which returns what it found instead of raising.

The tables are summed again, every transfer is compared with what the journal told when it was made, the book is
compared with arrivals and refunds, and (``reconcile``) with the bank's own statement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, or_, select

from deposits import ledger
from deposits.gateway import StatementLine
from deposits.models import DepositArrival, LedgerAccount, LedgerEntry, LedgerTransfer, Refund
from deposits.services.refunds import order_key
from deposits.states import SIDES, AccountKind, Outcome, RefundState, Side, TransferKind
from foundation.errors import Tampering
from foundation.events.deposits import TransferRecorded
from foundation.journal import read_stream, verify_stream
from foundation.money import Money
from foundation.store.unit import Unit

PAGE: Final = 1000
GRACE: Final = timedelta(minutes=5)
"""How long a notice may be on its way before it is missed."""


@dataclass(frozen=True, slots=True)
class LedgerFault:
    """``check``: which of the checks; ``where``: the transfer, account, arrival or refund."""

    check: str
    where: str


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """``transfers``: how many were recomputed; ``checks``: by name."""

    transfers: int
    checks: tuple[str, ...]
    faults: tuple[LedgerFault, ...]

    @property
    def is_sound(self) -> bool:
        return not self.faults


def check_ledger(unit: Unit) -> LedgerReport:
    """Run every check over the whole ledger, in one snapshot."""
    faults = [LedgerFault(name, where) for name, check in CHECKS.items() for where in check(unit)]
    count = unit.session.scalar(select(func.count()).select_from(LedgerTransfer)) or 0
    return LedgerReport(count, tuple(CHECKS), tuple(faults))


def transfers_sum_to_zero(unit: Unit) -> Iterator[str]:
    totals = unit.session.execute(
        select(LedgerTransfer.id)
        .outerjoin(LedgerEntry, LedgerEntry.transfer_id == LedgerTransfer.id)
        .group_by(LedgerTransfer.id)
        .having(or_(func.count(LedgerEntry.line) < 2, func.sum(LedgerEntry.fen) != 0))  # noqa: PLR2004 - double entry
    )
    yield from (transfer_id for (transfer_id,) in totals)
    orphans = select(LedgerEntry.transfer_id).where(
        LedgerEntry.transfer_id.not_in(select(LedgerTransfer.id).scalar_subquery())
    )
    yield from unit.session.scalars(orphans)


def accounts_lie_on_their_side(unit: Unit) -> Iterator[str]:
    rows = unit.session.execute(
        select(LedgerAccount.code, LedgerAccount.kind, LedgerAccount.side, func.sum(LedgerEntry.fen))
        .join(LedgerEntry, LedgerEntry.account == LedgerAccount.code)
        .group_by(LedgerAccount.code, LedgerAccount.kind, LedgerAccount.side)
    )
    for code, kind, side, total in rows:
        if SIDES[kind] is not side or (total and (total < 0) is (side is Side.DEBIT)):
            yield code


def resolutions_match(unit: Unit) -> Iterator[str]:
    """Each post or void takes back what one pending transfer put in flight, once."""
    rows = unit.session.scalars(select(LedgerTransfer).where(LedgerTransfer.resolves_id.is_not(None))).all()
    for twice, count in Counter(row.resolves_id for row in rows).items():
        if count > 1:
            yield str(twice)
    for row in rows:
        pending = unit.session.get(LedgerTransfer, row.resolves_id)
        if (
            pending is None
            or pending.kind is not TransferKind.PENDING
            or pending.seq >= row.seq
            or _in_flight(unit, pending.id) + _in_flight(unit, row.id) != Money(0)
        ):
            yield row.id


def journal_tells_the_same(unit: Unit) -> Iterator[str]:
    """The chain of the stream is whole, and every transfer is in the tables as it was told."""
    try:
        length = verify_stream(unit.session, ledger.STREAM)
    except Tampering as broken:
        yield str(broken)
        return
    count = unit.session.scalar(select(func.count()).select_from(LedgerTransfer)) or 0
    if count != length:
        yield f"{length} told, {count} kept"
    after = 0
    while page := read_stream(unit.session, ledger.STREAM, after=after, limit=PAGE):
        kept = _kept(unit, [entry.seq for entry in page])
        for entry in page:
            event = entry.event
            if not isinstance(event, TransferRecorded):
                yield f"#{entry.seq}"
                continue
            lines = tuple((line.account, line.fen) for line in event.lines)
            told = (event.transfer, event.key, event.kind, event.purpose, event.resolves, lines)
            if kept.get(entry.seq) != told:
                yield event.transfer
        after = page[-1].seq


def arrivals_are_booked(unit: Unit) -> Iterator[str]:
    for row in unit.session.scalars(select(DepositArrival)):
        kind = AccountKind.HELD if row.outcome is Outcome.MATCHED else AccountKind.SUSPENSE
        wanted = [
            (f"{AccountKind.BANK_CLEARING}:{row.lot_id}:{row.org_id}", row.amount.fen),
            (f"{kind}:{row.lot_id}:{row.org_id}", -row.amount.fen),
        ]
        transfer = unit.session.get(LedgerTransfer, row.transfer_id)
        lines = [(line.account.code, line.amount.fen) for line in ledger.lines_of(unit, row.transfer_id)]
        if transfer is None or transfer.key != f"arrival:{row.serial}" or lines != wanted:
            yield row.serial
    booked = select(LedgerTransfer.id).where(LedgerTransfer.kind == TransferKind.SINGLE)
    known = select(DepositArrival.transfer_id).scalar_subquery()
    yield from unit.session.scalars(booked.where(LedgerTransfer.id.not_in(known)))


def refunds_are_booked(unit: Unit) -> Iterator[str]:
    """A refund's state is what the ledger says: in flight, posted with principal and interest, or voided."""
    for refund in unit.session.scalars(select(Refund)):
        kinds = _resolutions(unit, refund)
        wanted = {
            RefundState.DUE: [],
            RefundState.ORDERED: [None],
            RefundState.PAID: [TransferKind.POST],
            RefundState.REJECTED: [TransferKind.VOID],
        }[refund.state]
        if kinds[:-1] != [TransferKind.VOID] * len(kinds[:-1]) or kinds[-1:] != wanted or len(kinds) != refund.attempt:
            yield refund.id
        elif refund.state is RefundState.PAID:
            arrival = unit.session.get_one(DepositArrival, refund.serial)
            if _in_flight(unit, refund.pending_id or "") != -(arrival.amount + refund.interest):
                yield refund.id


def received_equals_gone_and_kept(unit: Unit) -> Iterator[str]:
    """Received + interest = paid out + in flight + held + suspended."""
    stand = equation(unit)
    if stand.received + stand.interest != stand.paid_out + stand.in_flight + stand.held + stand.suspended:
        yield "equation"
    trial = ledger.trial_balance(unit)
    if Money.sum(trial.values()) != Money(0):
        yield "trial balance"
    # The bank still has exactly the principal that is held, suspended or on its way.
    interest_in_flight = trial[AccountKind.INTEREST_EXPENSE] + trial[AccountKind.INTEREST_EARNED]
    if trial[AccountKind.BANK_CLEARING] != stand.held + stand.suspended + stand.in_flight - interest_in_flight:
        yield "bank"


Check = Callable[[Unit], Iterable[str]]
CHECKS: Final[dict[str, Check]] = {
    "transfers_sum_to_zero": transfers_sum_to_zero,
    "accounts_lie_on_their_side": accounts_lie_on_their_side,
    "resolutions_match": resolutions_match,
    "journal_tells_the_same": journal_tells_the_same,
    "arrivals_are_booked": arrivals_are_booked,
    "refunds_are_booked": refunds_are_booked,
    "received_equals_gone_and_kept": received_equals_gone_and_kept,
}


@dataclass(frozen=True, slots=True)
class Equation:
    """``received`` + ``interest`` = ``paid_out`` + ``in_flight`` + ``held`` + ``suspended``."""

    received: Money
    interest: Money
    paid_out: Money
    in_flight: Money
    held: Money
    suspended: Money


def equation(unit: Unit, lot_ids: Iterable[str] | None = None) -> Equation:
    """Where the money of these lots is (None: of all)."""
    scope = None if lot_ids is None else list(lot_ids)
    trial = ledger.trial_balance(unit) if scope is None else ledger.lot_balance(unit, scope)
    moved = select(func.sum(LedgerEntry.fen)).join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id)
    if scope is not None:
        moved = moved.where(LedgerTransfer.lot_id.in_(scope))
    at_bank = LedgerEntry.account.startswith(f"{AccountKind.BANK_CLEARING}:", autoescape=True)
    received = unit.session.scalar(moved.where(at_bank, LedgerTransfer.kind == TransferKind.SINGLE)) or 0
    out = unit.session.scalar(moved.where(at_bank, LedgerTransfer.kind == TransferKind.POST, LedgerEntry.fen < 0)) or 0
    return Equation(
        received=Money(int(received)),
        interest=trial[AccountKind.INTEREST_EXPENSE],
        paid_out=Money(-int(out)),
        in_flight=-trial[AccountKind.REFUNDS_IN_FLIGHT],
        held=-trial[AccountKind.HELD],
        suspended=-trial[AccountKind.SUSPENSE],
    )


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Book against bank. ``not_in_book``: serials the bank knows alone; ``not_at_bank``: ours alone; ``differing``.

    A payment whose answer is still awaited is in ``awaited``, not a difference.
    """

    not_in_book: tuple[str, ...]
    not_at_bank: tuple[str, ...]
    differing: tuple[str, ...]
    awaited: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        return not (self.not_in_book or self.not_at_bank or self.differing)


def reconcile(unit: Unit, statement: Iterable[StatementLine], *, grace: timedelta = timedelta(0)) -> Reconciliation:
    """Compare arrivals and refunds with the bank's statement, movement by movement, by the bank's serial numbers.

    What moved within ``grace`` may still be on its way between the two books and is no difference yet.
    """
    before = unit.at - grace
    arrivals = {row.serial: row for row in unit.session.scalars(select(DepositArrival))}
    refunds = {row.bank_serial: row for row in unit.session.scalars(select(Refund)) if row.bank_serial}
    ordered = {
        order_key(row): row for row in unit.session.scalars(select(Refund).where(Refund.state == RefundState.ORDERED))
    }
    seen: Counter[str] = Counter()
    unknown, differing, awaited = [], [], []
    for line in statement:
        seen[line.serial] += 1
        if line.kind == "arrival" and line.serial in arrivals:
            row = arrivals[line.serial]
            if (row.amount, row.payer_account) != (line.amount, line.account):
                differing.append(line.serial)
        elif line.kind == "refund" and line.serial in refunds:
            if not _is_paid_as_said(refunds[line.serial], arrivals, line):
                differing.append(line.serial)
        elif (line.kind == "refund" and line.order in ordered) or (
            line.kind == "arrival" and grace and line.at > before
        ):
            awaited.append(line.serial)
        else:
            unknown.append(line.serial)
    differing += [serial for serial, count in seen.items() if count > 1]
    booked = [(row.serial, row.received_at) for row in arrivals.values()]
    booked += [(row.bank_serial or "", row.settled_at or row.fell_due_at) for row in refunds.values()]
    alone = [serial for serial, at in booked if serial not in seen and not (grace and at > before)]
    return Reconciliation(tuple(unknown), tuple(map(str, alone)), tuple(differing), tuple(awaited))


def _is_paid_as_said(refund: Refund, arrivals: dict[str, DepositArrival], line: StatementLine) -> bool:
    arrival = arrivals[refund.serial]
    said = (line.order, line.amount, line.interest, line.account)
    return said == (order_key(refund), arrival.amount + refund.interest, refund.interest, arrival.payer_account)


def _resolutions(unit: Unit, refund: Refund) -> list[TransferKind | None]:
    """How each order of the refund ended, in turn; None for the one still in flight."""
    ended: list[TransferKind | None] = []
    for attempt in range(1, refund.attempt + 1):
        pending = select(LedgerTransfer.id).where(LedgerTransfer.key == f"refund:{refund.id}-{attempt}")
        ended.append(
            unit.session.scalar(
                select(LedgerTransfer.kind).where(LedgerTransfer.resolves_id == pending.scalar_subquery())
            )
        )
    return ended


def _in_flight(unit: Unit, transfer_id: str) -> Money:
    lines = ledger.lines_of(unit, transfer_id)
    return Money.sum(line.amount for line in lines if line.account.kind is AccountKind.REFUNDS_IN_FLIGHT)


def _kept(unit: Unit, seqs: list[int]) -> dict[int, tuple[object, ...]]:
    rows = unit.session.scalars(select(LedgerTransfer).where(LedgerTransfer.seq.in_(seqs))).all()
    entries: dict[str, list[tuple[str, int]]] = {}
    for entry in unit.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.transfer_id.in_([row.id for row in rows]))
        .order_by(LedgerEntry.transfer_id, LedgerEntry.line)
    ):
        entries.setdefault(entry.transfer_id, []).append((entry.account, entry.fen))
    return {
        row.seq: (row.id, row.key, row.kind, row.purpose, row.resolves_id or "", tuple(entries.get(row.id, ())))
        for row in rows
    }
