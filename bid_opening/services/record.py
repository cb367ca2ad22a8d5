"""开标记录: the opening record as PDF, drawn up from the journal alone once the ceremony is closed (R3.15, Art 32)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from bid_opening.ceremony import Drawn, RoomState, Seat
from bid_opening.models import CheckIn, OpeningRoom
from bid_opening.services import rooms
from bid_opening.services.clock import PLATFORM
from bid_opening.states import Phase
from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms import DrawnCoefficient, OpeningRecordBid, OpeningRecordData, render_opening_record
from foundation.draws import FrozenBid, freeze_text
from foundation.events import bid_opening as e
from foundation.i18n import ZH, grouped, instant, sentence, term
from foundation.journal import JournalEntry
from foundation.money import Money
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Unit
from tendering import facade as tendering

CENTRE: Final = "武进区公共资源交易中心"
DEPOSIT_OUTSIDE: Final = "线下核验"
NO_DEPOSIT: Final = "不收取"
"""Deposits are not on the platform yet: the record says that they are checked outside it, not that there are none."""


@dataclass(frozen=True, slots=True)
class Paper:
    """The record's data and the instant it is made for: the same both give the same bytes."""

    data: OpeningRecordData
    at: datetime


def object_name(lot_id: str) -> str:
    """Where the PDF is kept."""
    return f"openings/{lot_id}/record.pdf"


def issue_record(runtime: Runtime, lot_id: str) -> None:
    """Render the record outside any Unit, store it, then tell. Idempotent: the same journal gives the same bytes."""
    with runtime.units.read(PLATFORM) as unit:
        state = rooms.state_of(unit, lot_id)
        if state.phase is not Phase.CLOSED or state.record_sha256:
            return
        paper = gather(unit, state, runtime.settings)
    extra = (runtime.settings.rare_fonts_dir,) if runtime.settings.rare_fonts_dir else ()
    content = render_opening_record(paper.data, at=paper.at, font_dirs=(FONT_DIR, *extra))
    runtime.objects.put_once(object_name(lot_id), content)
    with runtime.units.begin(PLATFORM) as unit:
        if not rooms.locked(unit, lot_id).record_sha256:
            issued = e.RecordIssued(lot_id, hashlib.sha256(content).hexdigest(), len(content))
            rooms.apply(unit, lot_id, (issued,))


def gather(unit: Unit, state: RoomState, settings: Settings) -> Paper:
    """Everything the record says, as plain Chinese text."""
    card = tendering.lot_card(unit, state.lot)
    closed_at = state.entered_at(Phase.CLOSED)
    if closed_at is None or state.opens_at is None:
        raise AssertionError("a closed opening has its instants")
    frozen = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in state.frozen]
    data = OpeningRecordData(
        document_number=f"{card.lot_code}-KB",
        centre=CENTRE,
        demo=settings.demo,
        project_name=card.project_name,
        lot_name=card.name,
        lot_code=card.lot_code,
        tenderee=card.tenderee_name,
        tender_agency=card.agency_name,
        ceiling_price=card.ceiling.grouped() if card.ceiling.fen else "",
        bid_deadline=_full(state.opens_at),
        opened_at=_full(state.entered_at(Phase.DECRYPTING)),
        closed_at=_full(closed_at),
        bids_received=str(len(state.seats)),
        bids_opened=str(sum(seat.total is not None for seat in state.seats)),
        freeze_root_sha256=freeze_text(frozen),
        coefficients=tuple(_coefficient(drawn) for drawn in state.draws),
        bids=tuple(_line(unit, state, seat, has_deposit=card.deposit.fen > 0) for seat in state.seats),
        remarks=tuple(_remarks(state)),
        host=_host(unit, state, card),
        tenderee_representative="",
        supervisor="",
        attendance=tuple(
            f"{seat.number:02d} {term('opening.checked_in' if seat.is_checked_in else 'opening.not_checked_in', ZH)}"
            for seat in state.seats
        ),
    )
    return Paper(data, closed_at)


def _full(at: datetime | None) -> str:
    return instant(at, "full", ZH) if at is not None else ""


def _coefficient(drawn: Drawn) -> DrawnCoefficient:
    return DrawnCoefficient(
        name=drawn.name,
        value=drawn.value,
        value_set="、".join(drawn.pool),
        drawn_at=_full(drawn.drawn_at),
        transcript_sha256=hashlib.sha256(drawn.transcript.encode()).hexdigest(),
    )


def _line(unit: Unit, state: RoomState, seat: Seat, *, has_deposit: bool) -> OpeningRecordBid:
    is_read = seat.total is not None
    present = unit.session.get(CheckIn, (state.lot, seat.org_id))
    return OpeningRecordBid(
        number=f"{seat.number:02d}",
        name=seat.name,
        total_price=Money.yuan(seat.total).grouped() if seat.total is not None else "",
        duration_days=grouped(seat.duration_days) if seat.duration_days is not None else "",
        quality=seat.quality if is_read else "",
        project_manager=seat.project_manager if is_read else "",
        deposit_form=DEPOSIT_OUTSIDE if has_deposit else NO_DEPOSIT,
        deposit_status="",
        decrypt_result=_decrypt_result(seat),
        decrypted_at=_full(seat.released_at or seat.escrowed_at),
        representative=present.person if present is not None else "",
        confirm_result=_confirm_result(seat),
        objections=_objections(state, seat),
    )


def _decrypt_result(seat: Seat) -> str:
    if not seat.is_recoverable:
        return term("decrypt_result.missing", ZH)
    if seat.fault:
        return term("decrypt_result.unreadable", ZH)
    return term("decrypt_result.released" if seat.released_at else "decrypt_result.escrowed", ZH)


def _confirm_result(seat: Seat) -> str:
    if seat.confirmed_at is None:
        return term("confirm_result.silent", ZH)
    return f"{term('confirm_result.confirmed', ZH)} {instant(seat.confirmed_at, 'time', ZH)}"


def _objections(state: RoomState, seat: Seat) -> str:
    own = [one for one in state.objections if one.seat == seat.number]
    return "\n".join(f"异议：{one.text}　答复：{one.answer}" for one in own)


def _remarks(state: RoomState) -> list[str]:
    """What stands out, by seat, then what happened to the room as a whole."""
    found: list[str] = []
    for seat in state.seats:
        told: list[tuple[str, dict[str, object]]] = [(remark, {}) for remark in seat.remarks]
        if seat.seal_is_equal is False:
            told.append(("seal_differs", {}))
        if seat.fault:
            told.append(("unreadable", {"fault": seat.fault}))
        if not seat.is_recoverable:
            told.append(("not_released", {}))
        if not seat.is_checked_in:
            told.append(("not_checked_in", {}))
        found += [
            sentence("terms", f"record_remark.{code}", {"seat": f"{seat.number:02d}", **p}, ZH) for code, p in told
        ]
    found += [
        sentence(
            "terms",
            "record_remark.gate_fault",
            {"seat": f"{one.seat:02d}", "role": one.role, "culprit": one.culprit, "reason": one.reason},
            ZH,
        )
        for one in state.gate_faults
    ]
    if state.extensions:
        found.append(term("record_remark.extended", ZH, times=state.extensions))
    if halts := state.times_in(Phase.SUSPENDED):
        found.append(term("record_remark.suspended", ZH, times=halts))
    return found


def _host(unit: Unit, state: RoomState, card: tendering.LotCard) -> str:
    """The organisation that ran the opening, and the person who started it."""
    organisation = card.agency_name or card.tenderee_name
    entry_id = rooms.entry_id_of(unit, state.lot, e.WindowOpened)
    user_id = unit.session.scalar(select(JournalEntry.actor_user_id).where(JournalEntry.id == entry_id))
    return f"{organisation} {accounts.person(unit, user_id).name}" if user_id else organisation


def read_record(runtime: Runtime, lot_id: str) -> bytes | None:
    """The issued PDF, or None while there is none. It is public (Art 32). Raises ObjectMissing when it was lost."""
    with runtime.units.read() as unit:
        row = unit.session.get(OpeningRoom, lot_id)
        if row is None or not rooms.state_of(unit, lot_id).record_sha256:
            return None
    return runtime.objects.get(object_name(lot_id))
