"""A published lot as everybody sees it: never a count or a name of anybody who is interested in it (R1.05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from accounts import facade as accounts
from foundation.draws import beacon_round, beacon_time
from foundation.money import Money
from foundation.store.unit import Unit
from foundation.web.lot_life import Stage
from tendering import access
from tendering.methods import METHODS, ParameterRow, ParametersRefused, parameter_rows, validate_parameters
from tendering.models import Clarification, Document, Lot, PastDeal, Question, Subscription
from tendering.services.clarifications import questions_until
from tendering.services.keysets import KeysetFacts, keyset_facts
from tendering.states import LotState


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """``url`` is where anybody downloads it."""

    kind: str
    version: int
    title: str
    sha256: str
    size_bytes: int
    issued_at: datetime
    url: str


@dataclass(frozen=True, slots=True)
class AnsweredQuestion:
    """Without who asked and when: both could name the asker."""

    text: str
    answer: str


@dataclass(frozen=True, slots=True)
class ClarificationRow:
    number: int
    changes: str
    affects_bids: bool
    issued_at: datetime
    deadline_before: datetime
    deadline_after: datetime
    answers: tuple[AnsweredQuestion, ...]
    url: str


@dataclass(frozen=True, slots=True)
class Deal:
    """How an imported lot ended."""

    awardee_name: str
    amount: Money
    saved: Money
    deal_on: str


@dataclass(frozen=True, slots=True)
class LotPage:
    lot_id: str
    name: str
    project_name: str
    trade_kind: str
    state: LotState
    project_code: str
    tender_code: str
    lot_code: str
    unified_deal_code: str
    tenderee_name: str
    agency_name: str
    location: str
    fund_source: str
    scope: str
    qualification: str
    quality: str
    ceiling: Money | None
    deposit: Money | None
    estimate: Money | None
    duration_days: int | None
    validity_days: int
    method_id: str
    parameters: tuple[ParameterRow, ...]
    decrypt_minutes: int
    query_minutes: int
    confirm_minutes: int
    min_decrypted: int
    escrow_rule: str
    freeze_grace_seconds: int
    beacon: str
    beacon_round: int | None
    beacon_at: datetime | None
    rulebook_id: str
    published_at: datetime | None
    deadline_at: datetime | None
    checkin_opens_at: datetime | None
    questions_until: datetime | None
    is_imported: bool
    stages: tuple[Stage, ...]
    documents: tuple[DocumentRow, ...]
    clarifications: tuple[ClarificationRow, ...]
    keyset: KeysetFacts | None
    deal: Deal | None
    room_url: str


@dataclass(frozen=True, slots=True)
class OwnView:
    """What only the asker may see of itself at this lot."""

    is_bidder: bool
    is_host: bool
    is_subscribed: bool


def lot_page(unit: Unit, lot_id: str, stages: tuple[Stage, ...] = ()) -> LotPage:
    """``stages``: its life as all packages know it (``lot_life``). Raises NotFound for a lot that is not published."""
    lot, project = access.public_lot(unit, lot_id)
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    deadline = lot.deadline_at
    lead = timedelta(minutes=lot.checkin_lead_minutes)
    return LotPage(
        lot_id=lot.id,
        name=lot.name,
        project_name=project.name,
        trade_kind=project.trade_kind,
        state=lot.state,
        project_code=project.project_code,
        tender_code=project.tender_code,
        lot_code=lot.lot_code,
        unified_deal_code=lot.unified_deal_code,
        tenderee_name=accounts.organisation(unit, project.tenderee_org_id).name,
        agency_name=agency,
        location=project.location,
        fund_source=project.fund_source,
        scope=lot.scope,
        qualification=lot.qualification,
        quality=lot.quality,
        ceiling=lot.ceiling,
        deposit=lot.deposit,
        estimate=lot.estimate,
        duration_days=lot.duration_days,
        validity_days=lot.validity_days,
        method_id=lot.method_id or "",
        parameters=_parameters(lot),
        decrypt_minutes=lot.decrypt_minutes,
        query_minutes=lot.query_minutes,
        confirm_minutes=lot.confirm_minutes,
        min_decrypted=lot.min_decrypted,
        escrow_rule=lot.escrow_rule,
        freeze_grace_seconds=lot.freeze_grace_seconds,
        beacon=lot.beacon,
        beacon_round=beacon_round(deadline) if lot.beacon and deadline else None,
        beacon_at=beacon_time(beacon_round(deadline)) if lot.beacon and deadline else None,
        rulebook_id=lot.rulebook_id or "",
        published_at=lot.published_at,
        deadline_at=deadline,
        checkin_opens_at=deadline - lead if deadline and not lot.is_imported else None,
        questions_until=None if lot.is_imported else questions_until(lot),
        is_imported=lot.is_imported,
        stages=stages,
        documents=documents_of(unit, lot.id),
        clarifications=clarifications_of(unit, lot.id),
        keyset=None if lot.is_imported else keyset_facts(unit, lot.id),
        deal=_deal(unit, lot.id),
        room_url="" if lot.is_imported or lot.state is LotState.CANCELLED else f"/rooms/{lot.id}",
    )


def own_view(unit: Unit, lot_id: str) -> OwnView:
    """The asker's own relation to the lot; nothing of it is in :func:`lot_page`."""
    lot, project = access.public_lot(unit, lot_id)
    subscribed = unit.actor.user_id is not None and (
        unit.session.get(Subscription, (lot.id, str(unit.actor.user_id))) is not None
    )
    return OwnView(unit.actor.has_role("bidder"), access.is_host(project, unit.actor), subscribed)


def _parameters(lot: Lot) -> tuple[ParameterRow, ...]:
    if lot.method_id is None or lot.method_id not in METHODS:
        return ()
    try:
        return parameter_rows(validate_parameters(lot.method_id, lot.method_params or {}))
    except ParametersRefused:
        return ()  # an imported lot may carry what an older catalogue allowed


def documents_of(unit: Unit, lot_id: str) -> tuple[DocumentRow, ...]:
    rows = unit.session.scalars(
        select(Document).where(Document.lot_id == lot_id).order_by(Document.issued_at, Document.kind.desc())
    )
    return tuple(
        DocumentRow(
            row.kind, row.version, row.title, row.sha256, row.size_bytes, row.issued_at, document_url(lot_id, row)
        )
        for row in rows
    )


def document_url(lot_id: str, row: Document) -> str:
    if row.kind == "clarification":
        return f"/lots/{lot_id}/clarifications/{row.version}.pdf"
    return f"/lots/{lot_id}/{row.kind}.pdf"


def clarifications_of(unit: Unit, lot_id: str) -> tuple[ClarificationRow, ...]:
    """Newest first; two queries whatever their number."""
    answers: dict[str, list[AnsweredQuestion]] = {}
    questions = unit.session.scalars(
        select(Question)
        .where(Question.lot_id == lot_id, Question.clarification_id.is_not(None))
        .order_by(Question.asked_at, Question.id)
    )
    for one in questions:
        answers.setdefault(one.clarification_id or "", []).append(AnsweredQuestion(one.text, one.answer))
    rows = unit.session.scalars(
        select(Clarification).where(Clarification.lot_id == lot_id).order_by(Clarification.number.desc())
    )
    return tuple(
        ClarificationRow(
            number=row.number,
            changes=row.text,
            affects_bids=row.affects_bids,
            issued_at=row.issued_at,
            deadline_before=row.deadline_before,
            deadline_after=row.deadline_after,
            answers=tuple(answers.get(row.id, ())),
            url=f"/lots/{lot_id}/clarifications/{row.number}.pdf",
        )
        for row in rows
    )


def _deal(unit: Unit, lot_id: str) -> Deal | None:
    row = unit.session.get(PastDeal, lot_id)
    return None if row is None else Deal(row.awardee_name, row.amount, row.saved, row.deal_on.isoformat())
