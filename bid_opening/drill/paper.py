"""The record of a drill: the form of a real one, marked 演练 wherever a name stands."""

from __future__ import annotations

import hashlib
from typing import Final

from bid_opening.ceremony import Drawn, Seat
from bid_opening.drill.cast import Terms
from bid_opening.drill.play import Outcome
from bid_opening.states import Phase
from foundation.documents.forms import DrawnCoefficient, OpeningRecordBid, OpeningRecordData
from foundation.draws import FrozenBid, freeze_text
from foundation.i18n import ZH, grouped, instant, term
from foundation.money import Money

MARK: Final = "演练"
NO_EFFECT: Final = "【演练】不产生法律效力；投标人、报价和密钥均为演练时生成，演练后销毁。"


def record_of(outcome: Outcome, terms: Terms, *, centre: str) -> OpeningRecordData:
    """What the record says, from the folded state alone."""
    state = outcome.state
    frozen = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in state.frozen]
    opened_at, closed_at = state.entered_at(Phase.DECRYPTING), state.entered_at(Phase.CLOSED)
    return OpeningRecordData(
        document_number=f"{MARK}-{terms.lot_code}",
        centre=f"{centre}（{MARK}）",
        project_name=f"【{MARK}】{terms.project_name}",
        lot_name=f"【{MARK}】{terms.lot_name}",
        lot_code=terms.lot_code,
        tenderee=terms.tenderee,
        tender_agency=terms.agency,
        ceiling_price=terms.ceiling.grouped() if terms.ceiling.fen else "",
        bid_deadline=instant(terms.opens_at, "full", ZH),
        opened_at=instant(opened_at, "full", ZH) if opened_at else "",
        closed_at=instant(closed_at, "full", ZH) if closed_at else "",
        place=f"{MARK}（虚拟时间）",
        bids_received=str(len(state.seats)),
        bids_opened=str(sum(seat.total is not None for seat in state.seats)),
        freeze_root_sha256=freeze_text(frozen),
        coefficients=tuple(_coefficient(drawn) for drawn in state.draws),
        bids=tuple(_line(outcome, seat) for seat in state.seats),
        remarks=(NO_EFFECT,),
        host=f"{MARK}主持",
        tenderee_representative="",
        supervisor="",
    )


def _coefficient(drawn: Drawn) -> DrawnCoefficient:
    return DrawnCoefficient(
        name=drawn.name,
        value=drawn.value,
        value_set="、".join(drawn.pool),
        drawn_at=instant(drawn.drawn_at, "full", ZH),
        transcript_sha256=hashlib.sha256(drawn.transcript.encode()).hexdigest(),
    )


def _line(outcome: Outcome, seat: Seat) -> OpeningRecordBid:
    how = "released" if seat.released_at else "escrowed" if seat.escrowed_at else "missing"
    when = seat.released_at or seat.escrowed_at
    own = [one for one in outcome.state.objections if one.seat == seat.number]
    return OpeningRecordBid(
        number=f"{seat.number:02d}",
        name=seat.name,
        total_price=Money.yuan(seat.total).grouped() if seat.total is not None else "",
        duration_days=grouped(seat.duration_days) if seat.duration_days is not None else "",
        quality=seat.quality,
        project_manager=seat.project_manager,
        deposit_form=MARK,
        deposit_status="",
        decrypt_result=term(f"decrypt_result.{how}", ZH),
        decrypted_at=instant(when, "full", ZH) if when else "",
        representative="",
        confirm_result=term(f"confirm_result.{'confirmed' if seat.confirmed_at else 'silent'}", ZH),
        objections="\n".join(f"异议：{one.text}　答复：{one.answer}" for one in own),
    )
