"""Who may do what with records, and whose record it is. What is hidden is NotFound."""

from __future__ import annotations

from sqlalchemy import select

from accounts.facade import Action, OrganisationCard, Part, organisation, part_of, require_organisation
from credit.models import CreditObjection, CreditRecord
from credit.states import RecordState
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit


def require_part(unit: Unit, *parts: Part) -> None:
    """Raises NotPermitted unless a role of the actor has one of these parts in entering credit records."""
    held = {part_of(role, Action.ENTER_CREDIT) for role in unit.actor.roles - {"system"}}
    if not held & set(parts):
        raise NotPermitted


def desk_record(unit: Unit, record_id: str) -> CreditRecord:
    """Any record, for those who enter and publish. Raises NotPermitted, NotFound."""
    require_part(unit, Part.DO, Part.CONFIRM)
    row = unit.session.get(CreditRecord, record_id)
    if row is None:
        raise NotFound(what="credit_record")
    return row


def own_organisation(unit: Unit) -> OrganisationCard:
    """The actor's organisation. Raises NotPermitted."""
    return organisation(unit, require_organisation(unit.actor))


def own_record(unit: Unit, record_id: str) -> CreditRecord:
    """A published record of the actor's own, proved code. Raises NotFound."""
    own = own_organisation(unit)
    row = unit.session.get(CreditRecord, record_id)
    hidden = {RecordState.ENTERED, RecordState.DROPPED}
    if row is None or not own.is_verified or row.uscc != own.uscc or row.state in hidden:
        raise NotFound(what="credit_record")
    return row


def objection_to(unit: Unit, record_id: str) -> CreditObjection | None:
    return unit.session.scalar(select(CreditObjection).where(CreditObjection.record_id == record_id))
