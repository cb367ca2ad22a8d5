"""Entering a project: who tenders, by whose decision, with which money."""

from __future__ import annotations

from dataclasses import dataclass

from accounts import facade as accounts
from foundation.errors import NotPermitted, Objection
from foundation.events import tendering as e
from foundation.ids import ProjectId
from foundation.store.unit import Unit
from tendering.errors import TendereeUnknown
from tendering.models import Project
from tendering.services.codes import CodeSource, next_project_codes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProject:
    """``tenderee_uscc``: for an agency, whom it acts for. ``agency_uscc``: for a tenderee, who acts for it, or ""."""

    name: str
    location: str
    fund_source: str
    approval: str
    is_state_funded: bool
    trade_kind: str = "works"
    tenderee_uscc: str = ""
    agency_uscc: str = ""


def create_project(unit: Unit, new: NewProject, source: CodeSource) -> ProjectId:
    """A project of the asker's organisation. Raises TendereeUnknown, NotPermitted."""
    own = accounts.require_organisation(unit.actor)
    agency: str | None
    if unit.actor.role == "agency" or (unit.actor.has_role("agency") and new.tenderee_uscc):
        tenderee, agency = _named(unit, "tenderee_uscc", new.tenderee_uscc, "tenderee"), str(own)
    elif unit.actor.has_role("tenderee"):
        tenderee = str(own)
        agency = _named(unit, "agency_uscc", new.agency_uscc, "agency") if new.agency_uscc else None
    else:
        raise NotPermitted(what="create project")
    project_code, tender_code = next_project_codes(unit, source)
    project = Project(
        id=unit.new_id(),
        project_code=project_code,
        tender_code=tender_code,
        name=new.name,
        location=new.location,
        fund_source=new.fund_source,
        approval=new.approval,
        trade_kind=new.trade_kind,
        is_state_funded=new.is_state_funded,
        tenderee_org_id=tenderee,
        agency_org_id=agency,
        created_at=unit.at,
        is_imported=False,
    )
    unit.session.add(project)
    unit.session.flush()
    unit.append(f"project:{project.id}", e.ProjectCreated(project.id, project_code, new.name))
    return ProjectId(project.id)


def _named(unit: Unit, field: str, uscc: str, role: str) -> str:
    """The organisation with this code, in this role; its claim to the code has to be proved."""
    card = accounts.organisation_by_uscc(unit, uscc.strip().upper()) if uscc.strip() else None
    if card is None or role not in card.roles:
        reason = Objection(f"tendering.{role}_unknown", field, {"uscc": uscc[:40]})
        raise TendereeUnknown(objections=[reason], uscc=uscc[:40])
    return str(card.id)
