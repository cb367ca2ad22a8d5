"""The only loaders that check who asks. What is hidden from the asker is not found."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import select

from foundation.actor import Actor
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from tendering.models import Document, Lot, Project
from tendering.states import LotState

WITH_CENTRE: Final = frozenset(LotState) - {LotState.DRAFT, LotState.KEYSET, LotState.REHEARSED}
"""States in which the centre's staff sees a lot: from the moment it is submitted."""


class LotAndProject(NamedTuple):
    lot: Lot
    project: Project


def host_of(project: Project) -> str:
    """The organisation that drafts and runs: the agency, or the tenderee where there is none."""
    return project.agency_org_id or project.tenderee_org_id


def is_host(project: Project, actor: Actor) -> bool:
    return actor.org_id == host_of(project) and actor.has_role("agency", "tenderee")


def is_on_host_side(project: Project, actor: Actor) -> bool:
    """Staff of the tenderee or of its agency."""
    sides = {project.tenderee_org_id, project.agency_org_id} - {None}
    return actor.org_id in sides and actor.has_role("agency", "tenderee")


def project_of_side(unit: Unit, project_id: str) -> Project:
    """A project of the asker's organisation (as tenderee or agency)."""
    project = unit.session.get(Project, project_id)
    if project is None or not is_on_host_side(project, unit.actor):
        raise NotFound(what="project")
    return project


def project_to_draft(unit: Unit, project_id: str) -> Project:
    """A project the asker may change: its host. The tenderee of an agency's project sees it and is refused."""
    project = project_of_side(unit, project_id)
    if project.is_imported or not is_host(project, unit.actor):
        raise NotPermitted(what="draft")
    return project


def _lot(unit: Unit, lot_id: str) -> LotAndProject:
    row = unit.session.execute(select(Lot, Project).join(Project, Project.id == Lot.project_id).where(Lot.id == lot_id))
    found = row.one_or_none()
    if found is None:
        raise NotFound(what="lot")
    return LotAndProject(*found)


def lot_in_preparation(unit: Unit, lot_id: str) -> LotAndProject:
    """A lot as the people who prepare it see it: the host side always, the centre's staff once it is submitted."""
    found = _lot(unit, lot_id)
    is_centre = unit.actor.has_role("centre_staff") and found.lot.state in WITH_CENTRE
    if found.lot.is_imported or not (is_centre or is_on_host_side(found.project, unit.actor)):
        raise NotFound(what="lot")
    return found


def lot_to_draft(unit: Unit, lot_id: str) -> LotAndProject:
    """A lot the asker hosts. Its tenderee or the centre, who see it, are refused; everybody else finds nothing."""
    found = lot_in_preparation(unit, lot_id)
    if not is_host(found.project, unit.actor):
        raise NotPermitted(what="draft")
    return found


def lot_to_approve(unit: Unit, lot_id: str) -> LotAndProject:
    """A lot of the asker's organisation as its tenderee."""
    found = lot_in_preparation(unit, lot_id)
    if unit.actor.org_id != found.project.tenderee_org_id or not unit.actor.has_role("tenderee"):
        raise NotPermitted(what="approve")
    return found


def lot_to_check(unit: Unit, lot_id: str) -> LotAndProject:
    """A submitted lot, for the centre's staff."""
    found = lot_in_preparation(unit, lot_id)
    if not unit.actor.has_role("centre_staff"):
        raise NotPermitted(what="publish")
    return found


def public_lot(unit: Unit, lot_id: str) -> LotAndProject:
    """A lot that was published (or imported), for everybody."""
    found = _lot(unit, lot_id)
    if found.lot.published_at is None:
        raise NotFound(what="lot")
    return found


def public_document(unit: Unit, lot_id: str, kind: str, version: int) -> Document:
    """An issued file of a published lot, for everybody (R1.03: no condition before a download)."""
    public_lot(unit, lot_id)
    document = unit.session.scalar(
        select(Document).where(Document.lot_id == lot_id, Document.kind == kind, Document.version == version)
    )
    if document is None:
        raise NotFound(what="document")
    return document
