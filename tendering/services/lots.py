"""Entering and changing a lot before it is submitted for approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from foundation.errors import InvalidInput, Objection
from foundation.events import tendering as e
from foundation.ids import LotId
from foundation.store.unit import Unit
from foundation.working_days import from_state_council
from tendering import access
from tendering.errors import LotLocked, LotRefused
from tendering.methods import validate_parameters
from tendering.models import Lot, Project
from tendering.rulebook import LotSubject
from tendering.rules import LotDraft, draft_objections, method_objections
from tendering.services.codes import CodeSource, next_deal_code, next_lot_code
from tendering.states import LotState

EDITABLE: Final = frozenset({LotState.DRAFT, LotState.KEYSET, LotState.REHEARSED})

_COLUMNS: Final = (
    ("name", "name"),
    ("scope", "scope"),
    ("qualification", "qualification"),
    ("quality", "quality"),
    ("subject", "subject"),
    ("rulebook_kind", "rulebook_kind"),
    ("contract_estimate", "estimate"),
    ("ceiling_price", "ceiling"),
    ("bid_deposit", "deposit"),
    ("duration_days", "duration_days"),
    ("bid_validity_days", "validity_days"),
    ("method_id", "method_id"),
    ("method_params", "method_params"),
    ("decrypt_minutes", "decrypt_minutes"),
    ("query_minutes", "query_minutes"),
    ("confirm_minutes", "confirm_minutes"),
    ("min_decrypted_to_continue", "min_decrypted"),
    ("escrow_rule", "escrow_rule"),
    ("suite", "suite"),
    ("beacon", "beacon"),
    ("publish_at", "publish_at"),
    ("bid_deadline", "deadline_at"),
)
"""Field of the draft → column of the lot."""


def draft_of(lot: Lot) -> LotDraft:
    """The lot as its clerk entered it."""
    values: dict[str, Any] = {name: getattr(lot, column) for name, column in _COLUMNS}
    values["subject"] = LotSubject(lot.subject)
    values["method_id"] = lot.method_id or ""
    values["method_params"] = lot.method_params or {}
    return LotDraft(**values)


def add_lot(unit: Unit, project_id: str, draft: LotDraft, source: CodeSource) -> LotId:
    """A new lot of a project the asker hosts, with its 23-digit code and unified deal code. Raises LotRefused."""
    project = access.project_to_draft(unit, project_id)
    draft = _checked(unit, project, draft)
    number, code = next_lot_code(unit, project.tender_code)
    lot = Lot(
        id=unit.new_id(),
        project_id=project.id,
        number=number,
        lot_code=code,
        unified_deal_code=next_deal_code(unit, source, project.trade_kind),
        state=LotState.DRAFT,
        created_at=unit.at,
        is_imported=False,
        is_guided=False,
        rulebook_id=None,
        published_at=None,
        submitted_by=None,
        approved_by=None,
    )
    _write(lot, draft)
    unit.session.add(lot)
    unit.session.flush()
    unit.append(f"project:{project.id}", e.LotDrafted(lot.id, code, draft.name))
    return LotId(lot.id)


def edit_lot(unit: Unit, lot_id: str, draft: LotDraft) -> None:
    """Replace what was entered. Raises LotLocked once submitted, LotRefused."""
    lot, project = access.lot_to_draft(unit, lot_id)
    if lot.state not in EDITABLE:
        raise LotLocked(state=lot.state)
    _refuse_new_custodians(lot, draft)
    _refuse_other_suite(lot, draft)
    changed = _write(lot, _checked(unit, project, draft))
    if changed:
        unit.session.flush()
        unit.append(f"project:{project.id}", e.LotChanged(lot.id, changed))


def set_method(unit: Unit, lot_id: str, method_id: str, params: dict[str, Any]) -> None:
    """Choose the scoring method and its parameter sets; what is left out takes its default."""
    faults = method_objections(method_id, params)
    if faults:
        raise LotRefused(objections=faults)
    lot, _ = access.lot_to_draft(unit, lot_id)
    edit_lot(unit, lot_id, replace(draft_of(lot), method_id=method_id, method_params=params))


def set_dates(unit: Unit, lot_id: str, publish_at: datetime | None, bid_deadline: datetime | None) -> None:
    """Take over the dates of the simulated timetable."""
    lot, _ = access.lot_to_draft(unit, lot_id)
    edit_lot(unit, lot_id, replace(draft_of(lot), publish_at=publish_at, bid_deadline=bid_deadline))


def _checked(unit: Unit, project: Project, draft: LotDraft) -> LotDraft:
    """The draft with canonical parameters, or LotRefused with everything that is wrong with it."""
    faults = draft_objections(draft, unit.at, from_state_council(), is_state_funded=project.is_state_funded)
    if faults:
        raise LotRefused(objections=faults)
    return replace(draft, method_params=validate_parameters(draft.method_id, draft.method_params).as_document())


def _refuse_new_custodians(lot: Lot, draft: LotDraft) -> None:
    """The keyset was asked for with or without custodians; that cannot change under it."""
    if lot.state is LotState.DRAFT or (lot.escrow_rule == "none") is (draft.escrow_rule == "none"):
        return
    raise InvalidInput(objections=[Objection("tendering.escrow_fixed", "escrow_rule", {}, "EB20 31")])


def _refuse_other_suite(lot: Lot, draft: LotDraft) -> None:
    """The holders have made keys of one suite; another one would need new ones."""
    if lot.state is not LotState.DRAFT and lot.suite != draft.suite:
        raise InvalidInput(objections=[Objection("tendering.suite_fixed", "suite")])


def _write(lot: Lot, draft: LotDraft) -> tuple[str, ...]:
    """Copy the draft into the row; the names of the fields that changed."""
    changed = []
    for name, column in _COLUMNS:
        value = getattr(draft, name)
        if isinstance(value, LotSubject):
            value = value.value
        if getattr(lot, column, None) != value:
            setattr(lot, column, value)
            changed.append(name)
    return tuple(changed)
