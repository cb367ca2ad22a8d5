"""From draft to publication: each step, and each refusal beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from foundation.actor import system
from foundation.codes import check_lot_code, check_project_code, check_tender_project_code, check_unified_deal_code
from foundation.errors import NotFound, NotPermitted, Refusal
from foundation.events import tendering as e
from foundation.jobs.models import Job
from foundation.journal.read import read_stream
from foundation.machine import WrongState
from foundation.money import Money
from foundation.sealing import S2, Keyset
from keyholding import facade as keyholding
from tendering.errors import (
    KeysetIncomplete,
    LotLocked,
    LotRefused,
    NotCancellable,
    NotReady,
    PapersUnderWay,
    SamePerson,
    TendereeUnknown,
)
from tendering.models import Document, PastDeal, Project
from tendering.rulebook import RulebookKind
from tendering.services import imports, lots, orders, projects, publication
from tendering.states import LotState, OrderState
from tests.support.tender_office import CODES, DEADLINE, DRAFT, PROJECT, START, Office

MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.units.engine.dispose()


def codes_of(refusal: Refusal) -> list[str]:
    return [one.code for one in refusal.objections]


# --- projects and lots ---


def test_codes_are_official_and_in_order(office: Office) -> None:
    first, second = office.drafted(), office.drafted()
    with office.units.begin(office.agency) as unit:
        third = lots.add_lot(unit, office.lot(second).project_id, replace(DRAFT, name="二标段"), CODES)
    rows = [office.lot(one) for one in (first, second, third)]
    with office.units.read() as unit:
        parents = [unit.session.get_one(Project, row.project_id) for row in rows]
    for row, project in zip(rows, parents, strict=True):
        assert check_project_code(project.project_code) == row.lot_code[:17]
        assert check_tender_project_code(project.tender_code) == row.lot_code[:20]
        assert check_lot_code(row.lot_code) == row.lot_code
        assert check_unified_deal_code(row.unified_deal_code).created_on == date(2026, 11, 3)
    assert [row.lot_code[13:] for row in rows] == ["0001001001", "0002001001", "0002001002"]
    assert [check_unified_deal_code(row.unified_deal_code).serial for row in rows] == [1, 2, 3]


def test_an_agency_names_a_verified_tenderee(office: Office) -> None:
    stranger = office.world.organisation("未核实单位", "tenderee", verified=False)
    for uscc in ("", office._uscc(stranger), office._uscc(office.bidder)):
        with pytest.raises(TendereeUnknown) as refused, office.units.begin(office.agency) as unit:
            projects.create_project(unit, replace(PROJECT, tenderee_uscc=uscc), CODES)
        assert refused.value.objections[0].field == "tenderee_uscc"
    with pytest.raises(NotPermitted), office.units.begin(office.bidder) as unit:
        projects.create_project(unit, PROJECT, CODES)


def test_a_project_is_hidden_from_others_and_its_tenderee_does_not_draft(office: Office) -> None:
    project_id = office.project()
    other = office.world.organisation("另一家代理", "agency")
    with pytest.raises(NotFound), office.units.begin(other) as unit:
        lots.add_lot(unit, project_id, DRAFT, CODES)
    with pytest.raises(NotPermitted), office.units.begin(office.tenderee) as unit:
        lots.add_lot(unit, project_id, DRAFT, CODES)


def test_a_deadline_too_early_is_refused_with_the_nearest_allowed(office: Office) -> None:
    early = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
    with pytest.raises(LotRefused) as refused:
        office.drafted(replace(DRAFT, bid_deadline=early))
    (one,) = refused.value.objections
    assert (one.code, one.field, one.clause) == ("tendering.deadline_too_early_min_prep", "bid_deadline", "R1.31")
    nearest = one.params["nearest"]
    assert nearest == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert isinstance(nearest, datetime)
    assert office.drafted(replace(DRAFT, bid_deadline=nearest))
    with pytest.raises(LotRefused):
        office.drafted(replace(DRAFT, bid_deadline=nearest - 15 * MINUTE))


def test_terms_are_refused_with_clause_and_limit_all_at_once(office: Office) -> None:
    wrong = replace(
        DRAFT,
        bid_deposit=Money.yuan("260000.01"),
        decrypt_minutes=5,
        method_params={"K": "0.94", "nonsense": "1"},
        rulebook_kind=RulebookKind.WORKS_BELOW_THRESHOLD,
    )
    with pytest.raises(LotRefused) as refused:
        office.drafted(wrong)
    found = {one.code: one for one in refused.value.objections}
    assert found["tendering.deposit_above_cap"].params["nearest"] == Money.yuan("260000.00")
    assert found["tendering.term_out_of_bound"].params["nearest"] == 10
    assert found["tendering.parameter_out_of_bounds"].field == "params.K"
    assert found["tendering.parameter_unknown"].field == "params.nonsense"
    assert found["tendering.must_be_tendered"].clause == "R1.70"
    assert office.drafted(replace(DRAFT, bid_deposit=Money.yuan("260000.00"), decrypt_minutes=10))


def test_a_draft_may_be_incomplete_but_is_not_submitted_so(office: Office) -> None:
    lot_id = office.rehearsed(replace(DRAFT, duration_days=None, bid_deadline=None, ceiling_price=None))
    with pytest.raises(NotReady) as refused, office.units.begin(office.agency) as unit:
        publication.submit(unit, lot_id)
    assert codes_of(refused.value) == [
        "tendering.still_missing",
        "tendering.still_missing",
        "tendering.ceiling_missing",
    ]
    assert [one.field for one in refused.value.objections] == ["duration_days", "bid_deadline", "ceiling_price"]


def test_method_parameters_are_kept_in_canonical_form(office: Office) -> None:
    lot_id = office.drafted()
    with office.units.begin(office.agency) as unit:
        lots.set_method(unit, lot_id, "jiangsu-1", {"K": "98%, 95%"})
    assert (office.lot(lot_id).method_params or {})["K"] == ["0.950", "0.980"]
    with pytest.raises(LotRefused) as refused, office.units.begin(office.agency) as unit:
        lots.set_method(unit, lot_id, "jiangsu-9", {})
    assert codes_of(refused.value) == ["tendering.unknown_method"]


def test_custodians_cannot_change_once_the_keyset_is_requested(office: Office) -> None:
    lot_id = office.drafted()
    with office.units.begin(office.agency) as unit:
        publication.request_keyset(unit, lot_id)
        lots.edit_lot(unit, lot_id, replace(DRAFT, escrow_rule="on_request"))
    with pytest.raises(Refusal) as refused, office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, replace(DRAFT, escrow_rule="none"))
    assert codes_of(refused.value) == ["tendering.escrow_fixed"]


def test_the_suite_is_the_clerks_choice_until_the_keyset_is_requested(office: Office) -> None:
    lot_id = office.drafted()
    assert office.lot(lot_id).suite == "S1"
    with office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, replace(DRAFT, suite="S2"))
        publication.request_keyset(unit, lot_id)
        lots.edit_lot(unit, lot_id, replace(DRAFT, suite="S2", escrow_rule="on_request"))
    with pytest.raises(Refusal) as refused, office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, replace(DRAFT, suite="S1"))
    assert codes_of(refused.value) == ["tendering.suite_fixed"]
    with office.units.read() as unit:
        card = keyholding.keyset_of(unit, lot_id)
    assert card is not None
    assert card.suite == office.lot(lot_id).suite == "S2"


def test_a_lot_of_suite_s2_is_published_with_a_keyset_of_sm2_keys(office: Office) -> None:
    lot_id = office.published(replace(DRAFT, suite="S2"))
    assert office.lot(lot_id).state is LotState.OPEN
    with office.units.read() as unit:
        card = keyholding.keyset_of(unit, lot_id)
    assert card is not None
    assert Keyset.parse(card.json_text.encode()).suite is S2


# --- the steps ---


def test_the_whole_way_to_publication(office: Office) -> None:
    lot_id = office.published()
    lot = office.lot(lot_id)
    assert (lot.state, lot.published_at, lot.rulebook_id) == (LotState.OPEN, START, "works-mandatory-2022")
    with office.units.read() as unit:
        events = [entry.event for entry in read_stream(unit.session, f"lot:{lot_id}")]
        documents = unit.session.scalars(select(Document).where(Document.lot_id == lot_id)).all()
        close = unit.session.scalars(select(Job).where(Job.task == publication.CLOSE_TASK)).one()
        prepared = read_stream(unit.session, f"project:{lot.project_id}")
    (published,) = events
    assert isinstance(published, e.LotPublished)
    assert sorted(published.documents) == sorted(one.sha256 for one in documents)
    assert {one.kind for one in documents} == {"notice", "document"}
    for one in documents:
        assert office.runtime.objects.get(one.object_name).startswith(b"%PDF")
    assert (close.due_at, close.payload["lot"]) == (DEADLINE, lot_id)
    steps = [one.event.step for one in prepared if isinstance(one.event, e.LotPrepared)]
    assert steps == ["request_keyset", "pass_rehearsal", "submit", "approve"]
    published_by = next(one for one in prepared if isinstance(one.event, e.PapersOrdered))
    assert published_by.actor_user_id == office.centre.user_id


def test_no_step_is_skipped(office: Office) -> None:
    lot_id = office.drafted()
    with pytest.raises(WrongState), office.units.begin(office.agency) as unit:
        publication.submit(unit, lot_id)
    with office.units.begin(office.agency) as unit:
        publication.request_keyset(unit, lot_id)
    office.make_keys(lot_id, leave_out=1)
    with pytest.raises(KeysetIncomplete), office.units.begin(office.agency) as unit:
        publication.start_rehearsal(unit, lot_id)
    with pytest.raises(WrongState), office.units.begin(office.agency) as unit:
        publication.submit(unit, lot_id)
    assert office.lot(lot_id).state is LotState.KEYSET


def test_nothing_is_published_without_a_rehearsed_keyset(office: Office) -> None:
    """Even where the state were ahead of the keyset, the check of publication itself refuses."""
    lot_id = office.drafted()
    with office.units.begin(system("test")) as unit:
        lot = office.lot(lot_id)
        lot = unit.session.merge(lot)
        lot.state = LotState.APPROVED
    with pytest.raises(NotReady) as refused, office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    assert codes_of(refused.value) == ["tendering.keyset_not_rehearsed"]


def test_who_may_approve_and_publish(office: Office) -> None:
    lot_id = office.rehearsed()
    with pytest.raises(NotFound), office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)  # the centre sees it only once it is submitted
    with office.units.begin(office.agency) as unit:
        publication.submit(unit, lot_id)
    other = office.world.organisation("另一招标人", "tenderee")
    with pytest.raises(NotFound), office.units.begin(other) as unit:
        publication.approve(unit, lot_id)
    for actor in (office.agency, office.centre):
        with pytest.raises(NotPermitted), office.units.begin(actor) as unit:
            publication.approve(unit, lot_id)
    with pytest.raises(NotFound), office.units.begin(office.supervisor) as unit:
        publication.approve(unit, lot_id)
    with office.units.begin(office.tenderee) as unit:
        publication.approve(unit, lot_id)
    for actor in (office.agency, office.tenderee):
        with pytest.raises(NotPermitted), office.units.begin(actor) as unit:
            publication.order_publication(unit, lot_id)


def test_without_an_agency_two_persons_of_the_tenderee_are_needed(office: Office) -> None:
    lot_id = office.rehearsed(with_agency=False)
    with office.units.begin(office.tenderee) as unit:
        publication.submit(unit, lot_id)
    with pytest.raises(SamePerson), office.units.begin(office.tenderee) as unit:
        publication.approve(unit, lot_id)
    colleague = office.world.person(str(office.tenderee.org_id), "教育局", ["tenderee"], login="colleague")
    with office.units.begin(colleague) as unit:
        publication.approve(unit, lot_id)
    assert office.lot(lot_id).approved_by == colleague.user_id


def test_a_submitted_lot_is_locked_until_it_is_sent_back(office: Office) -> None:
    lot_id = office.rehearsed()
    with office.units.begin(office.agency) as unit:
        publication.submit(unit, lot_id)
    with pytest.raises(LotLocked), office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, DRAFT)
    with office.units.begin(office.tenderee) as unit:
        publication.send_back(unit, lot_id, "工期写短了")
    with office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, replace(DRAFT, duration_days=200))
    assert (office.lot(lot_id).state, office.lot(lot_id).duration_days) == (LotState.REHEARSED, 200)


def test_time_passing_before_publication_moves_the_floor(office: Office) -> None:
    lot_id = office.approved(replace(DRAFT, bid_deadline=datetime(2026, 11, 23, 0, 30, tzinfo=UTC)))
    office.step(days=1)
    with pytest.raises(NotReady) as refused, office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    assert codes_of(refused.value) == ["tendering.deadline_too_early_min_prep"]
    with office.units.begin(office.centre) as unit:
        publication.send_back(unit, lot_id, "截止时间已不足二十日")
    assert office.lot(lot_id).state is LotState.REHEARSED


def test_a_missing_glyph_is_told_and_the_order_can_be_repeated(office: Office) -> None:
    lot_id = office.approved(replace(DRAFT, name="嘉泽镇𠮷祥路改造工程"))
    with office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    with pytest.raises(PapersUnderWay), office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    assert office.work() == [orders.TASK]
    (order,) = office.orders(lot_id)
    assert order.state is OrderState.FAILED
    assert order.fault is not None
    assert order.fault["code"] == "documents.missing_glyphs"
    assert office.lot(lot_id).state is LotState.APPROVED
    with office.units.begin(office.centre) as unit:
        publication.send_back(unit, lot_id, "名称用字")
    with office.units.begin(office.agency) as unit:
        lots.edit_lot(unit, lot_id, replace(DRAFT, name="嘉泽镇吉祥路改造工程"))
        publication.submit(unit, lot_id)
    with office.units.begin(office.tenderee) as unit:
        publication.approve(unit, lot_id)
    with office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    office.work()
    assert office.lot(lot_id).state is LotState.OPEN


def test_publication_runs_twice_and_happens_once(office: Office) -> None:
    lot_id = office.published()
    (order,) = office.orders(lot_id)
    from foundation.jobs.registry import JobContext, handler_of

    handler_of(orders.TASK)(JobContext(office.runtime, "again", order.id, {"order": order.id}, 2))
    with office.units.read() as unit:
        assert len(read_stream(unit.session, f"lot:{lot_id}")) == 1


def test_what_changes_while_papers_are_rendered_is_checked_again(office: Office) -> None:
    lot_id = office.approved()
    with office.units.begin(office.centre) as unit:
        publication.order_publication(unit, lot_id)
    with office.units.begin(office.agency) as unit:
        publication.cancel(unit, lot_id, "资金计划调整")
    office.work()
    (order,) = office.orders(lot_id)
    assert order.state is OrderState.FAILED
    assert order.fault is not None
    assert order.fault["code"] == "foundation.wrong_state"
    assert office.lot(lot_id).published_at is None


@pytest.mark.parametrize("method_id", ["jiangsu-2", "jiangsu-3", "jiangsu-4", "jiangsu-5"])
def test_every_method_can_be_printed(office: Office, method_id: str) -> None:
    lot_id = office.published(replace(DRAFT, method_id=method_id))
    assert office.lot(lot_id).state is LotState.OPEN


# --- cancelling ---


def test_a_published_lot_is_cancelled_in_public_and_a_draft_in_private(office: Office) -> None:
    draft, lot_id = office.drafted(), office.published()
    with office.units.begin(office.agency) as unit:
        publication.cancel(unit, draft, "重复建立")
        publication.cancel(unit, lot_id, "规划调整，取消建设")
    with office.units.read() as unit:
        assert read_stream(unit.session, f"lot:{draft}") == []
        last = read_stream(unit.session, f"lot:{lot_id}")[-1].event
    assert isinstance(last, e.LotCancelled)
    assert last.why == "规划调整，取消建设"


def test_after_the_deadline_nothing_is_cancelled(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE)
    with pytest.raises(NotCancellable), office.units.begin(office.agency) as unit:
        publication.cancel(unit, lot_id, "想重来")
    with pytest.raises(NotPermitted), office.units.begin(office.tenderee) as unit:
        publication.cancel(unit, lot_id, "不是我编制的")


# --- imported lots ---


def test_imported_lots_are_public_and_untouchable(office: Office) -> None:
    past = imports.PastLot(
        name="湖塘实验小学食堂改造工程",
        location="湖塘镇",
        fund_source="财政资金",
        trade_kind="works",
        tenderee_org_id=str(office.tenderee.org_id),
        base=Money.yuan("8650000.00"),
        amount=Money.yuan("8300000.00"),
        awardee_name="常州某建设公司",
        deal_on=date(2026, 9, 8),
    )
    with pytest.raises(NotPermitted), office.units.begin(office.centre) as unit:
        imports.import_lot(unit, past, CODES)
    with office.units.begin(system("import")) as unit:
        lot_id = imports.import_lot(unit, past, CODES)
    lot = office.lot(lot_id)
    assert check_lot_code(lot.lot_code)
    assert check_unified_deal_code(lot.unified_deal_code).created_on == date(2026, 7, 25)
    with office.units.read() as unit:
        assert unit.session.get_one(PastDeal, lot_id).saved == Money.yuan("350000.00")
        assert read_stream(unit.session, f"lot:{lot_id}") == []
    for actor in (office.tenderee, office.agency, office.centre):
        with pytest.raises(NotFound), office.units.begin(actor) as unit:
            publication.cancel(unit, lot_id, "x")
