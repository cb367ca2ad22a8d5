"""What may follow a record: an objection and its answer, annulment, repair. Each closes it by a document of its own."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.facade import Part, add_to_inbox, organisation_by_uscc
from credit import access, rules
from credit.acts import is_adverse
from credit.errors import NoOpenObjection, NothingToObject, NothingToRepair, ObjectionLate, RepairByOther, RepairEarly
from credit.models import CreditObjection, CreditRecord, CreditRuling
from credit.record_services import own_page
from credit.services import stream_of
from credit.states import RecordState, RecordTrigger, RulingKind
from foundation.events import credit as e
from foundation.store.unit import Unit
from foundation.working_days import from_state_council


@dataclass(frozen=True, slots=True)
class NewRuling:
    """A decision that ends a record: by the authority, a review body or a court."""

    authority: str
    decision_no: str
    ground: str
    document_reference: str


def file_objection(unit: Unit, record_id: str, text: str) -> str:
    """The organisation says why the record is wrong (R7.16). It goes on counting until the answer. Returns an id.

    Raises NotFound for a record of somebody else, NothingToObject, ObjectionLate, WrongState.
    """
    access.require_part(unit, Part.RAISE)
    row = access.own_record(unit, record_id)
    if not is_adverse(row.act):
        raise NothingToObject
    if row.object_until is None or unit.at >= row.object_until:
        raise ObjectionLate(until=row.object_until)
    objection = CreditObjection(
        id=unit.new_id(),
        record_id=row.id,
        org_id=str(unit.actor.org_id),
        text=text,
        filed_by=str(unit.actor.user_id),
        filed_at=unit.at,
        answer_until=rules.answer_until(from_state_council(), unit.at),
        answered_by=None,
        answered_at=None,
    )
    event = e.RecordObjected(
        record=row.id, uscc=row.uscc, objection=objection.id, text=text, answer_until=objection.answer_until
    )
    unit.transition(row, RecordTrigger.OBJECT, stream_of(row.uscc), event)
    unit.session.add(objection)
    unit.session.flush()
    return objection.id


def answer_objection(unit: Unit, record_id: str, *, is_right: bool, answer: str) -> None:
    """A supervisor answers with the reason: ``is_right`` annuls the record, else it is upheld.

    Raises NoOpenObjection.
    """
    access.require_part(unit, Part.CONFIRM)
    row = access.desk_record(unit, record_id)
    objection = access.objection_to(unit, row.id)
    if objection is None or row.state is not RecordState.OBJECTED:
        raise NoOpenObjection
    event: e.RecordAnnulled | e.RecordUpheld = e.RecordUpheld(
        record=row.id, uscc=row.uscc, objection=objection.id, answer=answer
    )
    if is_right:
        row.closed_at = unit.at
        event = e.RecordAnnulled(record=row.id, uscc=row.uscc, authority="", decision_no="", ground=answer)
    trigger = RecordTrigger.ANNUL if is_right else RecordTrigger.UPHOLD
    unit.transition(row, trigger, stream_of(row.uscc), event, reason=answer)
    objection.answer, objection.answered_by, objection.answered_at = answer, unit.actor.user_id, unit.at
    unit.session.flush()
    _tell(unit, row, "inbox.record_annulled" if is_right else "inbox.record_upheld", {"ground": answer})


def annul_record(unit: Unit, record_id: str, ruling: NewRuling) -> None:
    """A review, a court or the authority itself set the decision aside, or the entry was wrong. Raises WrongState."""
    access.require_part(unit, Part.CONFIRM)
    row = access.desk_record(unit, record_id)
    event = e.RecordAnnulled(
        record=row.id,
        uscc=row.uscc,
        authority=ruling.authority,
        decision_no=ruling.decision_no,
        ground=ruling.ground,
    )
    _close(unit, row, RulingKind.ANNULMENT, ruling, event)
    _tell(unit, row, "inbox.record_annulled", {"ground": ruling.ground})


def repair_record(unit: Unit, record_id: str, ruling: NewRuling) -> None:
    """信用修复: the organisation has done what the decision asked, and promised; the record ends now (R7.13).

    Raises NothingToRepair, RepairEarly, RepairByOther, WrongState.
    """
    access.require_part(unit, Part.CONFIRM)
    row = access.desk_record(unit, record_id)
    earliest = rules.repairable_from(act=row.act, from_at=term_of(row).from_at)
    if earliest is None:
        raise NothingToRepair
    if unit.at < earliest:
        raise RepairEarly(from_at=earliest)
    if not rules.may_repair(row.act, recorded_by=row.authority, repaired_by=ruling.authority):
        raise RepairByOther(authority=row.authority)
    event = e.RecordRepaired(
        record=row.id,
        uscc=row.uscc,
        authority=ruling.authority,
        decision_no=ruling.decision_no,
        ground=ruling.ground,
    )
    _close(unit, row, RulingKind.REPAIR, ruling, event)
    _tell(unit, row, "inbox.record_repaired", {"ground": ruling.ground})


def term_of(row: CreditRecord) -> rules.Term:
    """When the record counts; empty before it is published."""
    return rules.term(
        effective_at=row.effective_at,
        decided_at=row.decided_at or row.ends_at,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
    )


def _close(
    unit: Unit, row: CreditRecord, kind: RulingKind, ruling: NewRuling, event: e.RecordAnnulled | e.RecordRepaired
) -> None:
    # An annulled repair has ended before; it stays ended at that instant.
    row.closed_at = row.closed_at or unit.at
    trigger = RecordTrigger.ANNUL if kind is RulingKind.ANNULMENT else RecordTrigger.REPAIR
    unit.transition(row, trigger, stream_of(row.uscc), event, reason=ruling.ground)
    unit.session.add(
        CreditRuling(
            id=unit.new_id(),
            record_id=row.id,
            kind=kind,
            authority=ruling.authority,
            decision_no=ruling.decision_no,
            ground=ruling.ground,
            document_reference=ruling.document_reference,
            entered_by=str(unit.actor.user_id),
            at=unit.at,
        )
    )
    objection = access.objection_to(unit, row.id)
    if objection is not None and objection.answered_at is None:
        # The ruling says more than an answer could.
        objection.answer, objection.answered_by, objection.answered_at = ruling.ground, unit.actor.user_id, unit.at
    unit.session.flush()


def _tell(unit: Unit, row: CreditRecord, code: str, params: dict[str, object]) -> None:
    holder = organisation_by_uscc(unit, row.uscc)
    if holder is not None:
        named = {"act": str(row.act), "decision_no": row.decision_no}
        add_to_inbox(unit, holder.id, code, named | params, own_page(row.id))
