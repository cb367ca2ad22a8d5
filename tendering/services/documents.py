"""What notice, tender document and clarification say: rows become the plain texts of the papers, then PDF bytes.

Gathering reads the database in one Unit; rendering happens afterwards, outside any Unit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unicodedata import normalize

from accounts import facade as accounts
from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms import (
    Answer,
    ClarificationData,
    KeysetSeat,
    MethodParameter,
    Party,
    TenderDocumentData,
    TenderNoticeData,
    render_clarification,
    render_tender_document,
    render_tender_notice,
)
from foundation.draws import beacon_round, beacon_time
from foundation.i18n import ZH, instant
from foundation.money import Money
from foundation.settings import Settings
from foundation.storage import ObjectStore
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council, in_beijing
from tendering.clients.releases import offline_sha256
from tendering.errors import NotReady
from tendering.methods import ParameterRow, draw_pools, method, parameter_rows, validate_parameters
from tendering.models import Lot, Project
from tendering.rules import DeadlineMove, common_failure_percent, rulebook_of, timetable_of
from tendering.services import wording
from tendering.services.clarifications import NewClarification, open_questions
from tendering.services.keysets import KeysetFacts, Seat, keyset_facts
from tendering.services.lots import draft_of
from tendering.services.publication import StoredPaper
from tendering.timetable import Timetable

NOTICE, TENDER_DOCUMENT, CLARIFICATION = "notice", "document", "clarification"


@dataclass(frozen=True, slots=True)
class PaperSource:
    """Where the centre stands: its address in papers, whether it is a demonstration, and where its fonts are."""

    site: str
    is_demo: bool
    font_dirs: tuple[Path, ...]


def paper_source(settings: Settings) -> PaperSource:
    extra = (settings.rare_fonts_dir,) if settings.rare_fonts_dir else ()
    return PaperSource(settings.web_origin, settings.demo, (FONT_DIR, *extra))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished paper that is nowhere stored yet."""

    kind: str
    title: str
    content: bytes


def _full(at: datetime) -> str:
    return instant(at, "full", ZH)


def _yuan(amount: Money | None, none: str = "") -> str:
    return f"{amount.grouped()} 元" if amount else none


def _day(at: datetime) -> str:
    local = in_beijing(at)
    return f"{local.year} 年 {local.month} 月 {local.day} 日"


def _common(unit: Unit, lot: Lot, project: Project, source: PaperSource, plan: Timetable) -> dict[str, object]:
    """What notice and document both state."""
    tenderee = accounts.organisation(unit, project.tenderee_org_id)
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    spec = method(lot.method_id or "")
    return {
        "centre": wording.CENTRE,
        "demo": source.is_demo,
        "project_name": project.name,
        "project_code": project.project_code,
        "deal_code": lot.unified_deal_code,
        "lot_name": lot.name,
        "lot_code": lot.lot_code,
        "tenderee": Party(name=tenderee.name),
        "tender_agency": Party(name=agency),
        "regulator": Party(name=_regulator(unit, lot.id)),
        "approval": project.approval or "有权机关",
        "funding": project.fund_source,
        "location": project.location,
        "scope": lot.scope,
        "contract_estimate": _yuan(lot.estimate),
        "ceiling_price": _yuan(lot.ceiling, "不设招标控制价"),
        "duration_days": f"{lot.duration_days} 日历天",
        "quality": lot.quality,
        "qualification": _lines(lot.qualification),
        "consortium": wording.CONSORTIUM,
        "bid_deposit": _yuan(lot.deposit, wording.NO_DEPOSIT),
        "deposit_forms": wording.DEPOSIT_FORMS,
        # The second of publication is only known when it happens, after this paper is finished.
        "documents_from": f"{civil_date(plan.facts.published_at).isoformat()} 公告发布时",
        "documents_until": _full(plan.bid_deadline),
        "bid_deadline": _full(plan.bid_deadline),
        "opening_place": wording.OPENING_PLACE,
        "decrypt_minutes": str(lot.decrypt_minutes),
        "method": f"综合评估法（评标基准价{spec.zh}）",
        "site": f"{source.site}/lots/{lot.id}",
        "published_on": _day(plan.facts.published_at),
    }


def _number(kind: str, lot: Lot) -> str:
    """Number of a paper: its kind and the digits of the lot code behind letter and region (the foot has one line)."""
    return f"{kind}-{lot.lot_code[7:]}"


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _regulator(unit: Unit, lot_id: str) -> str:
    """The authority whose seat is in the lot's keyset."""
    keyset = keyset_facts(unit, lot_id)
    seats = keyset.seats if keyset else ()
    return next((seat.holder for seat in seats if seat.side == "regulator"), wording.REGULATOR)


def publication_papers(
    unit: Unit, lot: Lot, project: Project, source: PaperSource
) -> tuple[TenderNoticeData, TenderDocumentData]:
    """Notice and tender document of a lot that is about to be published on the day of this Unit."""
    draft = draft_of(lot)
    plan = timetable_of(draft, unit.at, from_state_council())
    keyset = keyset_facts(unit, lot.id)
    if keyset is None:
        raise NotReady
    common = _common(unit, lot, project, source, plan)
    notice = TenderNoticeData(**common, document_number=_number("GG", lot), media=wording.MEDIA)  # type: ignore[arg-type]
    spec = method(draft.method_id)
    round_ = beacon_round(plan.bid_deadline)
    is_with_beacon = bool(lot.beacon and draw_pools(draft.method_id, draft.method_params))
    document = TenderDocumentData(
        **common,  # type: ignore[arg-type]
        document_number=_number("ZB", lot),
        clarification_deadline=_full(plan.moment("objection_until").at),
        objection_deadline=_full(plan.moment("objection_until").at),
        bid_validity_days=f"{lot.validity_days} 日历天（自投标截止之日起）",
        check_in_from=_full(plan.bid_deadline - timedelta(minutes=lot.checkin_lead_minutes)),
        confirm_minutes=str(lot.confirm_minutes),
        min_decrypted=str(lot.min_decrypted),
        common_failure_percent=str(common_failure_percent(rulebook_of(draft, unit.at))),
        suite=wording.SUITES[lot.suite],
        keyset_fingerprint=keyset.hash,
        client_sha256=offline_sha256(),
        gate_threshold=f"{keyset.m} 席中任意 {keyset.t} 席",
        gate_holders=_seats(keyset, are_custodians=False),
        escrow_rule=lot.escrow_rule,  # type: ignore[arg-type]
        escrow_threshold=f"{keyset.n} 家中任意 {keyset.k} 家" if keyset.n else "",
        custodians=_seats(keyset, are_custodians=True),
        max_bid_size=wording.MAX_BID_SIZE,
        bid_parts=wording.BID_PARTS,
        method_summary=f"评标基准价＝{spec.formula}；报价得分按偏离基准价的百分比扣分，条款 {spec.clause}。",
        method_parameters=_parameters(draft.method_id, draft.method_params),
        beacon_round=str(round_) if is_with_beacon else "",
        beacon_at=_full(beacon_time(round_)) if is_with_beacon else "",
        rejection_grounds=wording.REJECTION_GROUNDS,
        contract_points=wording.CONTRACT_POINTS,
        rulebook=rulebook_of(draft, unit.at).id,
    )
    return notice, document


def _seats(keyset: KeysetFacts, *, are_custodians: bool) -> tuple[KeysetSeat, ...]:
    seats: list[Seat] = [seat for seat in keyset.seats if seat.is_custodian is are_custodians]
    return tuple(
        KeysetSeat(
            seat=f"保管人 {number}" if are_custodians else wording.SIDES.get(seat.side, seat.side),
            holder=seat.holder,
            fingerprint=seat.fingerprint,
        )
        for number, seat in enumerate(seats, 1)
    )


def _parameters(method_id: str, params: object) -> tuple[MethodParameter, ...]:
    checked = validate_parameters(method_id, params if isinstance(params, dict) else {})
    return tuple(
        MethodParameter(
            name=_parameter_name(row),
            value=row.text_zh,
            determined=wording.DRAWN if row.is_drawn else wording.FIXED,
        )
        for row in parameter_rows(checked)
    )


def _parameter_name(row: ParameterRow) -> str:
    """Symbol and label. Subscript digits have no glyph in the paper's font; e1 says the same as e with a small 1."""
    if not row.symbol or row.label_zh.startswith(row.symbol):
        return row.label_zh
    return f"{normalize('NFKC', row.symbol)} {row.label_zh}"


def clarification_paper(
    unit: Unit, lot: Lot, project: Project, new: NewClarification, move: DeadlineMove, number: int, source: PaperSource
) -> ClarificationData:
    """The clarification as everybody reads it: questions without their askers."""
    questions = {question.id: question for question in open_questions(unit, lot.id)}
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    return ClarificationData(
        document_number=f"{_number('CQ', lot)}-{number:02d}",
        centre=wording.CENTRE,
        demo=source.is_demo,
        project_name=project.name,
        lot_name=lot.name,
        lot_code=lot.lot_code,
        sequence=str(number),
        tenderee=accounts.organisation(unit, project.tenderee_org_id).name,
        tender_agency=agency,
        answers=tuple(
            Answer(question=questions[key].text, answer=answer)
            for key, answer in new.answers.items()
            if key in questions
        ),
        changes=_lines(new.changes),
        bid_deadline=_full(move.before),
        new_deadline=_full(move.after) if move.is_moved else "",
        # The day only: the second is known when it is published, after this paper is finished.
        published_at=civil_date(unit.at).isoformat(),
    )


def render_publication(
    notice: TenderNoticeData, document: TenderDocumentData, source: PaperSource, at: datetime
) -> list[Rendered]:
    """Both papers as PDF. Raises MissingGlyphs, FontsMissing."""
    return [
        Rendered(NOTICE, "招标公告", render_tender_notice(notice, at=at, font_dirs=source.font_dirs)),
        Rendered(TENDER_DOCUMENT, "招标文件", render_tender_document(document, at=at, font_dirs=source.font_dirs)),
    ]


def render_one_clarification(paper: ClarificationData, source: PaperSource, at: datetime) -> list[Rendered]:
    content = render_clarification(paper, at=at, font_dirs=source.font_dirs)
    return [Rendered(CLARIFICATION, f"第 {paper.sequence} 号澄清", content)]


def store(objects: ObjectStore, lot_id: str, papers: Sequence[Rendered]) -> list[StoredPaper]:
    """Put the papers where they stay. The name is the digest: a job that runs again stores nothing twice."""
    stored = []
    for paper in papers:
        digest = hashlib.sha256(paper.content).hexdigest()
        kept = objects.put_once(f"documents/{lot_id}/{digest}.pdf", paper.content)
        stored.append(StoredPaper(paper.kind, paper.title, kept.name, digest, kept.size_bytes))
    return stored
