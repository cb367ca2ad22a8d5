"""``centre check``: is what this centre says of the past still what was written? Exit 4 when anything differs.

Every stream of the journal is chained again from its first entry, the whole log is recomputed from the journal and
compared with its tiles, every opening room is folded from its events and compared with its live state, and the deposit
ledger is summed again and compared with the journal, the arrivals and the refunds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

import click
from sqlalchemy import select

from bid_opening.models import OpeningRoom
from bid_opening.services import rooms
from deposits.facade import check_ledger
from foundation.actor import system
from foundation.errors import CentreError, Tampering
from foundation.journal import JournalStream, verify_stream
from foundation.publication.proofs import verify_log
from foundation.runtime import Runtime
from foundation.store.unit import Unit

CHECKER: Final = system("check")


class RoomDiffers(Tampering):
    """The live state of a room is not what its events give. Fields: ``lot``."""

    code = "centre.room_differs"


class LedgerUnsound(Tampering):
    """The deposit ledger contradicts itself, the journal, arrivals or refunds. Fields: ``check``, ``where``."""

    code = "centre.ledger_unsound"


class CheckFailed(Tampering):
    """Something does not verify. Fields: ``faults`` (codes with what they name)."""

    code = "centre.check_failed"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not verify: the code of the finding and where."""

    code: str
    where: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``streams``, ``entries``, ``leaves``, ``rooms``, ``transfers``: what was recomputed, faults apart."""

    streams: int
    entries: int
    leaves: int
    rooms: int
    transfers: int
    faults: tuple[Fault, ...]
    journal_ok: bool
    log_ok: bool
    rooms_ok: bool
    ledger_ok: bool

    @property
    def is_whole(self) -> bool:
        return self.journal_ok and self.log_ok and self.rooms_ok and self.ledger_ok


def check_everything(runtime: Runtime) -> CheckResult:
    """Recompute everything; faults are collected, so that one broken stream does not hide another."""
    faults: list[Fault] = []
    with runtime.units.read(CHECKER) as unit:
        streams, entries, journal_ok = _check_journal(unit, faults)
        leaves, log_ok = _check_log(unit, runtime, faults)
        checked, rooms_ok = _check_rooms(unit, faults)
        ledger = check_ledger(unit)
        faults += [Fault(LedgerUnsound.code, f"{fault.check} {fault.where}") for fault in ledger.faults]
    return CheckResult(
        streams,
        entries,
        leaves,
        checked,
        ledger.transfers,
        tuple(faults),
        journal_ok,
        log_ok,
        rooms_ok,
        ledger_ok=ledger.is_sound,
    )


def _check_journal(unit: Unit, faults: list[Fault]) -> tuple[int, int, bool]:
    before, entries = len(faults), 0
    streams = unit.session.scalars(select(JournalStream.stream).order_by(JournalStream.stream)).all()
    for stream in streams:
        try:
            entries += verify_stream(unit.session, stream)
        except Tampering as found:
            faults.append(Fault(found.code, f"{stream} {found.fields.get('seq', '')}".strip()))
        unit.session.expunge_all()
    return len(streams), entries, len(faults) == before


def _check_log(unit: Unit, runtime: Runtime, faults: list[Fault]) -> tuple[int, bool]:
    try:
        return verify_log(unit, runtime.objects), True
    except CentreError as found:
        if not isinstance(found, Tampering):
            raise
        where = " ".join(f"{name}={value}" for name, value in sorted(found.fields.items()))
        faults.append(Fault(found.code, where))
        return 0, False


def _check_rooms(unit: Unit, faults: list[Fault]) -> tuple[int, bool]:
    before = len(faults)
    lots = unit.session.scalars(select(OpeningRoom.id).order_by(OpeningRoom.id)).all()
    for lot_id in lots:
        live, rebuilt = rooms.state_of(unit, lot_id), rooms.rebuilt(unit, lot_id)
        row = unit.session.get_one(OpeningRoom, lot_id)
        if live != rebuilt or row.state is not rebuilt.phase or row.until != rebuilt.until:
            faults.append(Fault(RoomDiffers.code, lot_id))
    return len(lots), len(faults) == before


@click.command("check")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def check(as_json: bool) -> None:
    """Recompute journal, log, rooms and deposit ledger, and compare (exit 4 when anything was changed)."""
    from centre.bootstrap import make_runtime
    from centre.cli import read_settings

    result = check_everything(make_runtime(read_settings()))
    if as_json:
        click.echo(json.dumps(asdict(result), ensure_ascii=False))
    else:
        click.echo(f"流 streams {result.streams} · 记录 entries {result.entries} · 叶 leaves {result.leaves}")
        click.echo(f"开标室 rooms {result.rooms} · 保证金分录 transfers {result.transfers}")
        for fault in result.faults:
            click.echo(f"  ✗ {fault.code} {fault.where}")
    if not result.is_whole:
        raise CheckFailed(faults=[f"{fault.code} {fault.where}" for fault in result.faults])
