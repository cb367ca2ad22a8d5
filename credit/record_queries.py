"""Read models of records: lines for everybody, for the organisation and for the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts.facade import person
from credit import access
from credit.acts import ACTS, is_adverse
from credit.models import CreditObjection, CreditRecord, CreditRuling
from credit.remedies import term_of
from credit.rules import repairable_from
from credit.states import COUNTING, RecordState
from foundation.store.unit import Unit

OPEN_MAX = 200


@dataclass(frozen=True, slots=True)
class RecordLine:
    """``phase``: the record's state, or upcoming, counting or over while it is one that counts.

    It counts in [``from_at``, ``until_at``); ``is_adverse`` is False for a commitment kept.
    """

    id: str
    uscc: str
    name: str
    act: str
    weight: str
    is_adverse: bool
    authority: str
    decision_no: str
    clause: str
    facts: str
    lot_id: str
    lot_code: str
    lot_name: str
    effective_at: datetime
    from_at: datetime | None
    until_at: datetime
    document_reference: str
    source: str
    entry_id: str
    is_objected: bool
    phase: str


@dataclass(frozen=True, slots=True)
class ObjectionLine:
    """``answer`` "" and ``answered_at`` None while the answer is awaited."""

    text: str
    filed_at: datetime
    answer_until: datetime
    answer: str
    answered_at: datetime | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class RulingLine:
    kind: str
    authority: str
    decision_no: str
    ground: str
    document_reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordPage:
    """A record with all that followed. ``may_object`` until ``object_until``; repair from ``repairable_from``."""

    line: RecordLine
    months: int
    published_at: datetime | None
    object_until: datetime | None
    may_object: bool
    repairable_from: datetime | None
    objection: ObjectionLine | None
    rulings: tuple[RulingLine, ...]


@dataclass(frozen=True, slots=True)
class DeskRecord:
    """The page for the desk: who entered and who published. ``state`` says which acts are open."""

    page: RecordPage
    state: str
    entered_by: str
    entered_at: datetime
    decided_by: str
    is_own_entry: bool


@dataclass(frozen=True, slots=True)
class OpenObjection:
    record: RecordLine
    objection: ObjectionLine


@dataclass(frozen=True, slots=True)
class Desk:
    """What waits for somebody: entries to compare and publish, oldest first; objections by the day of their answer."""

    entries: tuple[RecordLine, ...]
    objections: tuple[OpenObjection, ...]


def line_of(row: CreditRecord, at: datetime) -> RecordLine:
    term = term_of(row)
    phase = str(row.state)
    if row.state in COUNTING:
        phase = "upcoming" if at < term.from_at else "counting" if term.holds_at(at) else "over"
    return RecordLine(
        id=row.id,
        uscc=row.uscc,
        name=row.name,
        act=row.act,
        weight=ACTS[row.act].weight,
        is_adverse=is_adverse(row.act),
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        facts=row.facts,
        lot_id=row.lot_id or "",
        lot_code=row.lot_code,
        lot_name=row.lot_name,
        effective_at=row.effective_at,
        from_at=term.from_at if row.decided_at is not None else None,
        until_at=term.until_at,
        document_reference=row.document_reference,
        source=row.source,
        entry_id=row.entry_id or "",
        is_objected=row.state is RecordState.OBJECTED,
        phase=phase,
    )


def public_records(unit: Unit, *, before: tuple[str, ...] | None = None, limit: int = 100) -> list[RecordLine]:
    """Every record that is still published, newest entry first."""
    query = select(CreditRecord).where(CreditRecord.state.in_(COUNTING), CreditRecord.ends_at > unit.at)
    if before:
        query = query.where(CreditRecord.id < before[0])
    return [line_of(row, unit.at) for row in unit.session.scalars(query.order_by(CreditRecord.id.desc()).limit(limit))]


def public_records_of(unit: Unit, uscc: str, at: datetime) -> tuple[RecordLine, ...]:
    """The organisation's records that everybody could read at the instant, newest first."""
    return tuple(line_of(row, at) for row in rows_of(unit, uscc) if _was_shown(row, at))


def _was_shown(row: CreditRecord, at: datetime) -> bool:
    return row.decided_at is not None and row.decided_at <= at < term_of(row).until_at


def rows_of(unit: Unit, uscc: str) -> list[CreditRecord]:
    """Every record that was ever published for the code, newest first."""
    return list(
        unit.session.scalars(
            select(CreditRecord)
            .where(CreditRecord.uscc == uscc, CreditRecord.decided_at.is_not(None))
            .order_by(CreditRecord.id.desc())
        )
    )


def own_page(unit: Unit, record_id: str) -> RecordPage:
    """Raises NotFound for a record of somebody else and for one that is not published."""
    return page_of(unit, access.own_record(unit, record_id))


def page_of(unit: Unit, row: CreditRecord) -> RecordPage:
    term = term_of(row)
    objection = access.objection_to(unit, row.id)
    rulings = unit.session.scalars(
        select(CreditRuling).where(CreditRuling.record_id == row.id).order_by(CreditRuling.id)
    )
    return RecordPage(
        line=line_of(row, unit.at),
        months=row.months,
        published_at=row.decided_at,
        object_until=row.object_until,
        may_object=row.state is RecordState.PUBLISHED
        and is_adverse(row.act)
        and row.object_until is not None
        and unit.at < row.object_until,
        repairable_from=repairable_from(act=row.act, from_at=term.from_at) if row.decided_at is not None else None,
        objection=_objection_line(objection, unit.at) if objection is not None else None,
        rulings=tuple(
            RulingLine(one.kind, one.authority, one.decision_no, one.ground, one.document_reference, one.at)
            for one in rulings
        ),
    )


def _objection_line(row: CreditObjection, at: datetime) -> ObjectionLine:
    is_overdue = row.answered_at is None and at >= row.answer_until
    return ObjectionLine(row.text, row.filed_at, row.answer_until, row.answer, row.answered_at, is_overdue)


def desk(unit: Unit) -> Desk:
    entries = unit.session.scalars(
        select(CreditRecord).where(CreditRecord.state == RecordState.ENTERED).order_by(CreditRecord.id).limit(OPEN_MAX)
    )
    objected = unit.session.execute(
        select(CreditRecord, CreditObjection)
        .join(CreditObjection, CreditObjection.record_id == CreditRecord.id)
        .where(CreditRecord.state == RecordState.OBJECTED)
        .order_by(CreditObjection.answer_until, CreditObjection.id)
        .limit(OPEN_MAX)
    )
    return Desk(
        entries=tuple(line_of(row, unit.at) for row in entries),
        objections=tuple(
            OpenObjection(line_of(row, unit.at), _objection_line(objection, unit.at)) for row, objection in objected
        ),
    )


def desk_list(unit: Unit, *, before: tuple[str, ...] | None = None, limit: int = 100) -> list[RecordLine]:
    """Every record there is, also those that count no more, newest entry first."""
    query = select(CreditRecord)
    if before:
        query = query.where(CreditRecord.id < before[0])
    return [line_of(row, unit.at) for row in unit.session.scalars(query.order_by(CreditRecord.id.desc()).limit(limit))]


def desk_record(unit: Unit, record_id: str) -> DeskRecord:
    """Raises NotPermitted, NotFound."""
    row = access.desk_record(unit, record_id)
    return DeskRecord(
        page=page_of(unit, row),
        state=row.state,
        entered_by=person(unit, row.entered_by).name if row.entered_by else "",
        entered_at=row.entered_at,
        decided_by=person(unit, row.decided_by).name if row.decided_by else "",
        is_own_entry=row.entered_by == unit.actor.user_id,
    )
