"""Records of decided acts: one person enters, a supervisor who is another publishes; the organisation may object.

No use case here penalises anybody: what is recorded was decided elsewhere, by a document or by a public fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts.facade import Part, add_to_inbox, organisation_by_uscc
from credit import access, lots, rules
from credit.acts import ACTS, Act, is_adverse
from credit.errors import RecordKnown, RecordOver, RecordRefused, SecondPersonNeeded
from credit.models import CreditRecord
from credit.services import code_as_decided, stream_of
from credit.states import RecordSource, RecordState, RecordTrigger
from foundation.errors import NotPermitted, Objection
from foundation.events import credit as e
from foundation.store.unit import Unit
from foundation.working_days import from_state_council


@dataclass(frozen=True, slots=True)
class NewRecord:
    """What the decision says. ``clause`` "" stands for the catalogue's; ``lot_code`` "" for no lot."""

    uscc: str
    name: str
    act: Act
    authority: str
    decision_no: str
    clause: str
    facts: str
    lot_code: str
    effective_at: datetime
    months: int
    document_reference: str


def enter_record(unit: Unit, new: NewRecord) -> str:
    """Write a decision down; nobody but the desk sees it yet. Returns the record's id.

    Raises RecordRefused with every objection, RecordKnown, UsccMalformed, NotPermitted.
    """
    access.require_part(unit, Part.DO, Part.CONFIRM)
    lot = lots.lot_of_code(unit, new.lot_code) if new.lot_code else None
    objections = list(
        rules.objections_to_entry(act=new.act, months=new.months, effective_at=new.effective_at, at=unit.at)
    )
    if new.lot_code and lot is None:
        objections.append(Objection("credit.lot_unknown", "lot_code"))
    if objections:
        raise RecordRefused(objections=objections)
    row = _row(unit, new, lot)
    if _known(unit, row) is not None:
        raise RecordKnown(decision_no=row.decision_no)
    unit.session.add(row)
    unit.session.flush()
    event = e.RecordEntered(
        record=row.id,
        uscc=row.uscc,
        name=row.name,
        act=row.act,
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        facts=row.facts,
        lot=row.lot_id or "",
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        document_reference=row.document_reference,
    )
    unit.append(stream_of(row.uscc), event)
    return row.id


def publish_record(unit: Unit, record_id: str) -> None:
    """A supervisor who did not enter it compared it with the decision: it counts and is public from now on.

    The organisation is told at once, with the last day to object. Raises SecondPersonNeeded, RecordOver, WrongState.
    """
    access.require_part(unit, Part.CONFIRM)
    row = access.desk_record(unit, record_id)
    if row.entered_by == unit.actor.user_id:
        raise SecondPersonNeeded
    if row.ends_at <= unit.at:
        raise RecordOver
    row.decided_by, row.decided_at = unit.actor.user_id, unit.at
    row.object_until = rules.object_until(from_state_council(), unit.at)
    unit.transition(row, RecordTrigger.PUBLISH, stream_of(row.uscc), published(row))
    _tell(unit, row)


def drop_record(unit: Unit, record_id: str, reason: str) -> None:
    """It was entered wrongly: it is never published, and the decision can be entered again. Raises WrongState."""
    access.require_part(unit, Part.CONFIRM)
    row = access.desk_record(unit, record_id)
    event = e.RecordDropped(record=row.id, reason=reason)
    unit.transition(row, RecordTrigger.DROP, stream_of(row.uscc), event, reason=reason)


@dataclass(frozen=True, slots=True)
class KeptContract:
    """A contract signed in time. ``entry_id``: the journal entry that says so."""

    uscc: str
    name: str
    lot_id: str
    signed_at: datetime
    entry_id: str


def record_kept_contract(unit: Unit, kept: KeptContract) -> None:
    """R1.44 was kept: a public fact, so a record without anybody's judgement. Doing it again changes nothing."""
    known = select(CreditRecord.id).where(CreditRecord.entry_id == kept.entry_id)
    if unit.session.scalar(known) is not None:
        return
    lot = lots.lot_of_id(unit, kept.lot_id)
    terms = ACTS[Act.CONTRACT_SIGNED_IN_TIME]
    new = NewRecord(
        uscc=kept.uscc,
        name=kept.name,
        act=Act.CONTRACT_SIGNED_IN_TIME,
        authority="",
        decision_no=kept.entry_id,
        clause=terms.law,
        facts="",
        lot_code="",
        effective_at=kept.signed_at,
        months=rules.MAX_MONTHS,
        document_reference=f"/log/entries/{kept.entry_id}",
    )
    row = _row(unit, new, lot)
    row.source, row.entry_id = RecordSource.EVENT, kept.entry_id
    _publish_as_made(unit, row, unit.at)
    _tell(unit, row)


def import_record(unit: Unit, new: NewRecord, decided_at: datetime) -> str:
    """Take over a record that another system published at ``decided_at``; its term may be over. Returns its id.

    Only a process of the centre may (role "system"); one already known stays as it is. Raises NotPermitted.
    """
    if "system" not in unit.actor.roles:
        raise NotPermitted
    row = _row(unit, new, None)
    known = _known(unit, row)
    if known is not None:
        return known
    _publish_as_made(unit, row, decided_at)
    return row.id


def _row(unit: Unit, new: NewRecord, lot: lots.LotName | None) -> CreditRecord:
    uscc = code_as_decided(new.uscc)
    holder = organisation_by_uscc(unit, uscc)
    return CreditRecord(
        id=unit.new_id(),
        uscc=uscc,
        name=holder.name if holder is not None else new.name,
        act=new.act,
        authority=new.authority,
        decision_no=new.decision_no,
        clause=new.clause or ACTS[new.act].law,
        facts=new.facts,
        lot_id=lot.id if lot is not None else None,
        lot_code=lot.lot_code if lot is not None else "",
        lot_name=lot.name if lot is not None else "",
        effective_at=new.effective_at,
        months=new.months,
        ends_at=rules.months_later(new.effective_at, new.months),
        document_reference=new.document_reference,
        source=RecordSource.DECISION,
        entry_id=None,
        entered_by=str(unit.actor.user_id or ""),
        entered_at=unit.at,
        decided_by=None,
        decided_at=None,
        object_until=None,
        closed_at=None,
        state=RecordState.ENTERED,
    )


def _publish_as_made(unit: Unit, row: CreditRecord, decided_at: datetime) -> None:
    row.decided_at, row.object_until = decided_at, rules.object_until(from_state_council(), decided_at)
    row.state = RecordState.PUBLISHED
    unit.session.add(row)
    unit.session.flush()
    unit.append(stream_of(row.uscc), published(row))


def published(row: CreditRecord) -> e.RecordPublished:
    """The event of a record that has just been published."""
    if row.object_until is None:
        raise AssertionError("a published record can be objected to until some instant")
    return e.RecordPublished(
        record=row.id,
        uscc=row.uscc,
        name=row.name,
        act=row.act,
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        facts=row.facts,
        lot=row.lot_id or "",
        effective_at=row.effective_at,
        ends_at=row.ends_at,
        document_reference=row.document_reference,
        source=row.source,
        entry=row.entry_id or "",
        object_until=row.object_until,
    )


def _known(unit: Unit, row: CreditRecord) -> str | None:
    """The record there is already of this act of this decision."""
    return unit.session.scalar(
        select(CreditRecord.id).where(
            CreditRecord.uscc == row.uscc,
            CreditRecord.authority == row.authority,
            CreditRecord.decision_no == row.decision_no,
            CreditRecord.act == row.act,
            CreditRecord.state != RecordState.DROPPED,
        )
    )


def _tell(unit: Unit, row: CreditRecord) -> None:
    holder = organisation_by_uscc(unit, row.uscc)
    if holder is None:
        return
    params: dict[str, object] = {"act": str(row.act), "ends_at": row.ends_at}
    if not is_adverse(row.act):
        add_to_inbox(unit, holder.id, "inbox.record_kept", params, own_page(row.id))
        return
    params |= {
        "authority": row.authority,
        "decision_no": row.decision_no,
        "clause": row.clause,
        "object_until": row.object_until,
    }
    add_to_inbox(unit, holder.id, "inbox.record_published", params, own_page(row.id))


def own_page(record_id: str) -> str:
    """Where the organisation reads its record and objects."""
    return f"/credit/mine/{record_id}"
