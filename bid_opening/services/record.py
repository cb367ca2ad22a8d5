"""开标记录: the opening record as PDF, drawn up from the journal alone once the ceremony is over (R3.15, Art 32).

An opening that failed has a record too (流标记录): cause and count, and no name that was not public before (R3.19).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from bid_opening import confirming
from bid_opening.ceremony import Drawn, RoomState, Seat
from bid_opening.models import CheckIn, OpeningRoom
from bid_opening.services import record_cells, record_faults, record_notes, rooms
from bid_opening.services.clock import PLATFORM
from bid_opening.states import Phase
from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms import (
    DrawnCoefficient,
    FailedOpeningData,
    FailedOpeningSeat,
    OpeningRecordBid,
    OpeningRecordData,
    render_failed_opening,
    render_opening_record,
)
from foundation.documents.signing import DocumentSigner, ensure_signer, sign_pdf
from foundation.draws import FrozenBid, freeze_text
from foundation.events import bid_opening as e
from foundation.i18n import ZH, grouped, instant, sentence, term
from foundation.journal import JournalEntry
from foundation.money import Money
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage.errors import ObjectDiffers
from foundation.store.unit import Unit
from tendering import facade as tendering

CENTRE: Final = "武进区公共资源交易中心"


@dataclass(frozen=True, slots=True)
class Paper:
    """The record's data and the instant it is made for: the same both give the same bytes."""

    data: OpeningRecordData | FailedOpeningData
    at: datetime

    def render(self, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
        """The PDF. Raises MissingGlyphs, FontsMissing."""
        if isinstance(self.data, FailedOpeningData):
            return render_failed_opening(self.data, at=self.at, font_dirs=font_dirs)
        return render_opening_record(self.data, at=self.at, font_dirs=font_dirs)


def object_name(lot_id: str) -> str:
    """Where the PDF is kept."""
    return f"openings/{lot_id}/record.pdf"


def issue_record(runtime: Runtime, lot_id: str) -> None:
    """Render and sign the record outside any Unit, store it, then tell. Idempotent: what was stored first is told."""
    with runtime.units.read(PLATFORM) as unit:
        state = rooms.state_of(unit, lot_id)
        if state.phase not in {Phase.CLOSED, Phase.FAILED} or state.record_sha256:
            return
        gathered = gather_failure if state.phase is Phase.FAILED else gather
        paper = gathered(unit, state, runtime.settings)
    extra = (runtime.settings.rare_fonts_dir,) if runtime.settings.rare_fonts_dir else ()
    content = _stored(runtime, lot_id, lambda: _signed(runtime, paper.render((FONT_DIR, *extra))))
    with runtime.units.begin(PLATFORM) as unit:
        if not rooms.locked(unit, lot_id).record_sha256:
            issued = e.RecordIssued(lot_id, hashlib.sha256(content).hexdigest(), len(content))
            rooms.apply(unit, lot_id, (issued,))


def _signed(runtime: Runtime, content: bytes) -> bytes:
    return sign_pdf(content, signer_of(runtime), reason=term("record_signature.reason", ZH), place=CENTRE)


def signer_of(runtime: Runtime) -> DocumentSigner:
    """Whose certificate records are signed under; made where there is none yet."""
    runtime.settings.secrets_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ensure_signer(runtime.settings.secrets_dir, CENTRE)


def _stored(runtime: Runtime, lot_id: str, make: Callable[[], bytes]) -> bytes:
    """The stored record, made where there is none. Two signings differ: whoever comes second takes the first one's."""
    name = object_name(lot_id)
    if not runtime.objects.exists(name):
        with contextlib.suppress(ObjectDiffers):  # a second worker was quicker
            runtime.objects.put_once(name, make())
    return runtime.objects.get(name)


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
        shown_sha256=confirming.shown_sha256(card.lot_code, state),
        coefficients=tuple(_coefficient(drawn) for drawn in state.draws),
        bids=tuple(_line(unit, state, seat, card.deposit) for seat in state.seats),
        remarks=tuple(_remarks(unit, state)),
        host=_host(unit, state, card),
        tenderee_representative=_attended(state, "tenderee"),
        supervisor=_attended(state, "supervisor", "witness"),
        attendance=tuple(
            f"{seat.number:02d} {term('opening.checked_in' if seat.is_checked_in else 'opening.not_checked_in', ZH)}"
            for seat in state.seats
        ),
    )
    return Paper(data, closed_at)


def gather_failure(unit: Unit, state: RoomState, settings: Settings) -> Paper:
    """What the record of a failed opening says. Who bid stands in it only where the list was published before."""
    card = tendering.lot_card(unit, state.lot)
    failed_at = state.entered_at(Phase.FAILED)
    if failed_at is None:
        raise AssertionError("a failed opening has its instant")
    frozen = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in state.frozen]
    data = FailedOpeningData(
        document_number=f"{card.lot_code}-LB",
        centre=CENTRE,
        demo=settings.demo,
        project_name=card.project_name,
        lot_name=card.name,
        lot_code=card.lot_code,
        tenderee=card.tenderee_name,
        tender_agency=card.agency_name,
        bid_deadline=_full(state.opens_at),
        failed_at=_full(failed_at),
        cause=term(f"opening_failure.{state.failure}", ZH),
        ground=term(f"failed_record.{state.failure}", ZH),
        count=str(state.failure_count),
        minimum=str(state.failure_minimum),
        freeze_root_sha256=freeze_text(frozen),
        seats=tuple(
            FailedOpeningSeat(number=f"{seat.number:02d}", name=seat.name, decrypt_result=_decrypt_result(seat))
            for seat in state.seats
        ),
        host=_host(unit, state, card),
        tenderee_representative=_attended(state, "tenderee"),
        supervisor=_attended(state, "supervisor", "witness"),
    )
    return Paper(data, failed_at)


def _attended(state: RoomState, *roles: str) -> str:
    """Who came in these roles while the room was live, by the journal; a witness is called one."""
    present = [
        f"{one.organisation} {one.name}" + (f"（{term('attendant.witness', ZH)}）" if one.role == "witness" else "")
        for role in roles
        for one in state.attendants
        if one.role == role
    ]
    return "\n".join(present)


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


def _line(unit: Unit, state: RoomState, seat: Seat, deposit: Money) -> OpeningRecordBid:
    is_read = seat.total is not None
    present = unit.session.get(CheckIn, (state.lot, seat.org_id))
    form, status = record_cells.deposit_of(unit, state.lot, seat.org_id, deposit)
    return OpeningRecordBid(
        number=f"{seat.number:02d}",
        name=seat.name,
        total_price=record_cells.price_of(seat),
        duration_days=grouped(seat.duration_days) if seat.duration_days is not None else "",
        quality=seat.quality if is_read else "",
        project_manager=seat.project_manager if is_read else "",
        deposit_form=form,
        deposit_status=status,
        decrypt_result=_decrypt_result(seat),
        decrypted_at=_full(seat.released_at or seat.escrowed_at),
        representative=present.person if present is not None else "",
        confirm_result=record_cells.confirmation_of(seat),
        objections=record_cells.objections_of(state, seat),
    )


def _decrypt_result(seat: Seat) -> str:
    if seat.refusal is not None:
        return term("decrypt_result.refused", ZH)
    if not seat.is_recoverable:
        return term("decrypt_result.missing", ZH)
    if seat.fault:
        return term("decrypt_result.unreadable", ZH)
    return term("decrypt_result.released" if seat.released_at else "decrypt_result.escrowed", ZH)


def _remarks(unit: Unit, state: RoomState) -> list[str]:
    """What stands out, by seat, then what happened to the room as a whole."""
    found: list[str] = []
    for seat in state.seats:
        told: list[tuple[str, dict[str, object]]] = [(remark, {}) for remark in seat.remarks]
        if seat.seal_is_equal is False:
            told.append(("seal_differs", {}))
        if seat.fault:
            told.append(("unreadable", {"fault": seat.fault}))
        if seat.escrow_asked_at is not None:
            told.append(("escrow_confirmed" if seat.escrow_confirmed_at else "escrow_asked", {}))
        if not seat.is_recoverable and seat.refusal is None:
            told.append(("not_released", {}))
        if not seat.is_checked_in:
            told.append(("not_checked_in", {}))
        found += [
            sentence("terms", f"record_remark.{code}", {"seat": f"{seat.number:02d}", **p}, ZH) for code, p in told
        ]
        found += record_notes.notes_of_seat(unit, state, seat)
        found += record_faults.notes_of_seat(seat)
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
    return [*found, *record_notes.notes_of_clock(state), *record_faults.notes_of_health(state)]


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
