"""From draft to publication: keyset, rehearsal, submission, approval, the centre's format check, cancellation.

Steps before publication are told in the project's private stream; the lot's own stream holds public events only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accounts import facade as accounts
from foundation.clock import iso
from foundation.errors import NotFound, Objection
from foundation.events import tendering as e
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council
from keyholding import facade as keyholding
from tendering import access
from tendering.errors import KeysetIncomplete, NotCancellable, NotReady, PaperTooLate, SamePerson
from tendering.models import Document, Lot, PaperOrder, Project
from tendering.rules import common_failure_percent, publication_objections, rulebook_of
from tendering.services.lots import draft_of
from tendering.services.orders import PUBLICATION, order_papers, settle_issued
from tendering.states import LOT_MACHINE, LotState, LotTrigger, OrderState

CLOSE_TASK: Final = "tendering.close_bids"
FREEZE_GRACE_SECONDS: Final = 60


def _prepare(unit: Unit, lot: Lot, trigger: LotTrigger, reason: str = "") -> None:
    unit.transition(
        lot, trigger, f"project:{lot.project_id}", e.LotPrepared(lot=lot.id, step=trigger.value), reason=reason
    )


def request_keyset(unit: Unit, lot_id: str) -> None:
    """Ask the gate holders (and custodians, by the escrow rule) for this lot's keys."""
    lot, project = access.lot_to_draft(unit, lot_id)
    _prepare(unit, lot, LotTrigger.REQUEST_KEYSET)
    keyholding.create_keyset(
        unit,
        lot.id,
        project.tender_code,
        lot.lot_code,
        project.tenderee_org_id,
        project.agency_org_id,
        custodians=lot.escrow_rule != "none",
        suite=lot.suite,
    )


def start_rehearsal(unit: Unit, lot_id: str) -> None:
    """Seal and open a sample with the holders' real keys. Raises KeysetIncomplete."""
    lot, _ = access.lot_to_draft(unit, lot_id)
    LOT_MACHINE.advance(lot.state, LotTrigger.PASS_REHEARSAL)
    keyset = keyholding.keyset_of(unit, lot.id)
    if keyset is None or keyset.state == "collecting":
        raise KeysetIncomplete
    keyholding.start_rehearsal(unit, lot.id)


def pass_rehearsal(unit: Unit, lot_id: str) -> None:
    """The rehearsal of the lot's keyset has succeeded. Does nothing when that is known already."""
    lot = unit.session.get(Lot, lot_id)
    if lot is None:
        raise NotFound(what="lot")
    if lot.state is LotState.KEYSET:
        _prepare(unit, lot, LotTrigger.PASS_REHEARSAL)


def submit(unit: Unit, lot_id: str) -> None:
    """Send the lot to its tenderee for approval. Raises NotReady with everything that is missing or not allowed."""
    lot, project = access.lot_to_draft(unit, lot_id)
    LOT_MACHINE.advance(lot.state, LotTrigger.SUBMIT)
    _refuse_unready(unit, lot, project)
    lot.submitted_by = unit.actor.user_id
    lot.approved_by = None
    _prepare(unit, lot, LotTrigger.SUBMIT)


def approve(unit: Unit, lot_id: str) -> None:
    """The tenderee approves. Where there is no agency this must be somebody else than who submitted."""
    lot, project = access.lot_to_approve(unit, lot_id)
    LOT_MACHINE.advance(lot.state, LotTrigger.APPROVE)
    if unit.actor.user_id == lot.submitted_by:
        raise SamePerson
    _refuse_unready(unit, lot, project)
    lot.approved_by = unit.actor.user_id
    _prepare(unit, lot, LotTrigger.APPROVE)


def send_back(unit: Unit, lot_id: str, reason: str) -> None:
    """The tenderee, or the centre at its format check, sends the lot back with a reason for its clerk."""
    lot, project = access.lot_in_preparation(unit, lot_id)
    is_centre = unit.actor.has_role("centre_staff") and lot.state is LotState.APPROVED
    if not is_centre:
        lot, project = access.lot_to_approve(unit, lot_id)
    _prepare(unit, lot, LotTrigger.SEND_BACK, reason)
    accounts.add_to_inbox(
        unit,
        access.host_of(project),
        "inbox.lot_sent_back",
        {"lot": lot.name, "reason": reason[:300]},
        f"/lots/{lot.id}/preparation",
    )


def order_publication(unit: Unit, lot_id: str) -> str:
    """The centre's format check is passed: have notice and tender document rendered, then published.

    Gives the id of the order. Raises NotReady with every reason against publication at this instant.
    """
    lot, project = access.lot_to_check(unit, lot_id)
    LOT_MACHINE.advance(lot.state, LotTrigger.PUBLISH)
    _refuse_unready(unit, lot, project)
    return order_papers(unit, lot, PUBLICATION, {})


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A rendered paper in the object store, not published yet."""

    kind: str
    title: str
    object_name: str
    sha256: str
    size_bytes: int


def publish(
    unit: Unit,
    order: PaperOrder,
    papers: Sequence[StoredPaper],
    rendered_on: str,
    *,
    freeze_grace_seconds: int = FREEZE_GRACE_SECONDS,
) -> None:
    """Publish the lot with its rendered papers, by the officer who ordered them; every check is made again.

    ``rendered_on``: the civil date the papers carry. ``freeze_grace_seconds``: how long after the deadline the frozen
    list may be in the log without counting as the platform's delay. Raises PaperTooLate, NotReady, WrongState.
    """
    if order.state is not OrderState.ORDERED:
        return
    lot, project = access.lot_to_check(unit, order.lot_id)
    LOT_MACHINE.advance(lot.state, LotTrigger.PUBLISH)
    if civil_date(unit.at).isoformat() != rendered_on:
        raise PaperTooLate
    _refuse_unready(unit, lot, project)
    keyset = keyholding.keyset_of(unit, lot.id)
    if keyset is None or lot.deadline_at is None or lot.deposit is None:
        raise NotReady
    add_documents(unit, lot, papers, version=1)
    lot.published_at = unit.at
    book = rulebook_of(draft_of(lot), unit.at)
    lot.rulebook_id, lot.freeze_grace_seconds = book.id, freeze_grace_seconds
    lot.common_failure_percent = common_failure_percent(book)
    event = e.LotPublished(
        lot=lot.id,
        tender=project.tender_code,
        lot_code=lot.lot_code,
        unified_deal_code=lot.unified_deal_code,
        name=lot.name,
        deadline_at=lot.deadline_at,
        ceiling=lot.ceiling.text() if lot.ceiling else "",
        deposit=lot.deposit.text(),
        rulebook=lot.rulebook_id,
        method=lot.method_id or "",
        escrow_rule=lot.escrow_rule,
        keyset=keyset.hash,
        documents=tuple(paper.sha256 for paper in papers),
        min_bidders=book.number("opening.min_bidders"),
        min_decrypted=lot.min_decrypted,
        freeze_grace_seconds=lot.freeze_grace_seconds,
        common_failure_percent=lot.common_failure_percent,
        beacon=lot.beacon,
    )
    unit.transition(lot, LotTrigger.PUBLISH, f"lot:{lot.id}", event)
    enqueue_close(unit, lot)
    settle_issued(unit, order, project.id)


def add_documents(unit: Unit, lot: Lot, papers: Sequence[StoredPaper], version: int) -> None:
    """Make stored papers public documents of the lot."""
    unit.session.add_all(
        Document(
            id=unit.new_id(),
            lot_id=lot.id,
            kind=paper.kind,
            version=version,
            title=paper.title,
            object_name=paper.object_name,
            media_type="application/pdf",
            sha256=paper.sha256,
            size_bytes=paper.size_bytes,
            issued_at=unit.at,
        )
        for paper in papers
    )
    unit.session.flush()


def enqueue_close(unit: Unit, lot: Lot) -> None:
    """Close receiving at the deadline. The key holds the deadline, so that a moved one gets a job of its own."""
    if lot.deadline_at is None:
        raise NotReady
    deadline = iso(lot.deadline_at)
    unit.enqueue(CLOSE_TASK, f"{lot.id}:{deadline}", {"lot": lot.id, "deadline_at": deadline}, due=lot.deadline_at)


def cancel(unit: Unit, lot_id: str, reason: str) -> None:
    """End the lot before its deadline, with a reason that is published when the lot was."""
    lot, _ = access.lot_to_draft(unit, lot_id)
    if not LOT_MACHINE.allows(lot.state, LotTrigger.CANCEL):
        raise NotCancellable(state=lot.state)
    if lot.state is not LotState.OPEN:
        _prepare(unit, lot, LotTrigger.CANCEL, reason)
        return
    if lot.deadline_at is not None and unit.at >= lot.deadline_at:
        raise NotCancellable(state=LotState.CLOSED)
    unit.transition(lot, LotTrigger.CANCEL, f"lot:{lot.id}", e.LotCancelled(lot=lot.id, why=reason), reason=reason)


def _refuse_unready(unit: Unit, lot: Lot, project: Project) -> None:
    faults = readiness(unit, lot, project)
    if faults:
        raise NotReady(objections=faults)


def readiness(unit: Unit, lot: Lot, project: Project) -> list[Objection]:
    """Everything against publishing now: missing fields, terms, dates, keyset, unproved claims; all at once."""
    faults = publication_objections(
        draft_of(lot), unit.at, from_state_council(), is_state_funded=project.is_state_funded
    )
    if not keyholding.is_rehearsed(unit, lot.id):
        faults.append(Objection("tendering.keyset_not_rehearsed", "", {}, "EB20 26"))
    faults += keyholding.objections_to_publication(unit, lot.id)
    for org_id in (project.tenderee_org_id, project.agency_org_id):
        if org_id is not None and not accounts.claim_is_verified(unit, org_id):
            name = accounts.organisation(unit, org_id).name
            faults.append(Objection("tendering.organisation_not_verified", "", {"name": name}))
    return faults
