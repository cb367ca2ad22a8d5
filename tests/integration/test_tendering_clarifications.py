"""Questions, clarifications, the deadline they move, and who learns of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.models import InboxItem
from foundation.clock import iso
from foundation.errors import NotFound, NotPermitted, Refusal
from foundation.events import tendering as e
from foundation.jobs.models import Job, JobState
from foundation.journal.models import JournalEntry
from foundation.journal.read import read_stream
from keyholding import facade as keyholding
from tendering.errors import BidsClosedAlready, ClarificationRefused, QuestionRefused, QuestionsClosed
from tendering.models import Clarification, Question, Subscription
from tendering.services import clarifications, publication
from tendering.services.clarifications import NewClarification
from tendering.states import LotState, OrderState
from tests.support.tender_office import DEADLINE, Office

TEXT = "工程量清单第 38 项与图纸 JZ-12 不一致，以哪个为准？"
CHANGE = NewClarification({}, "第 38 项改为真石漆。", affects_bids=True, new_deadline=None)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.units.engine.dispose()


def close_jobs(office: Office) -> list[tuple[str, datetime]]:
    with office.units.read() as unit:
        rows = unit.session.scalars(select(Job).where(Job.task == publication.CLOSE_TASK).order_by(Job.due_at))
        return [(row.key, row.due_at) for row in rows]


# --- asking ---


def test_a_question_lives_in_the_stream_of_bidder_and_lot_only(office: Office) -> None:
    lot_id = office.published()
    question_id = office.ask(lot_id, TEXT)
    with office.units.read() as unit:
        own = read_stream(unit.session, f"bid:{lot_id}:{office.bidder.org_id}")
        public = read_stream(unit.session, f"lot:{lot_id}")
        jobs = unit.session.scalars(select(Job)).all()
    assert [one.event for one in own] == [e.QuestionAsked(lot_id, str(office.bidder.org_id), question_id)]
    assert [type(one.event) for one in public] == [e.LotPublished]
    assert not any(str(office.bidder.org_id) in f"{job.key}{job.payload}" for job in jobs)


def test_a_question_that_names_its_asker_is_refused(office: Office) -> None:
    lot_id = office.published()
    with pytest.raises(QuestionRefused) as refused:
        office.ask(lot_id, "我们常州澄岳建设工程有限公司能否参加？")
    assert [one.code for one in refused.value.objections] == ["tendering.question_names_asker"]
    assert office.ask(lot_id, "外省企业能否参加？")


def test_questions_close_when_the_document_says(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE - timedelta(days=10, microseconds=1))
    assert office.ask(lot_id, TEXT)
    office.clock.set(DEADLINE - timedelta(days=10))
    with pytest.raises(QuestionsClosed):
        office.ask(lot_id, TEXT)


def test_an_unpublished_lot_takes_no_question(office: Office) -> None:
    lot_id = office.approved()
    with pytest.raises(NotFound):
        office.ask(lot_id, TEXT)


# --- answering ---


def test_an_answer_goes_to_everybody_with_a_paper(office: Office) -> None:
    lot_id = office.published()
    first, second = office.ask(lot_id, TEXT), office.ask(lot_id, "可以远程答辩吗？", by=office.rival)
    office.clarify(lot_id, NewClarification({second: "可以。"}, "", affects_bids=False, new_deadline=None))
    with office.units.read() as unit:
        last = read_stream(unit.session, f"lot:{lot_id}")[-1].event
        answered = unit.session.get_one(Question, second)
        assert unit.session.get_one(Question, first).clarification_id is None
        clarification = unit.session.get_one(Clarification, answered.clarification_id)
    assert isinstance(last, e.DocumentClarified)
    assert (last.number, last.affects_bids) == (1, False)
    assert (clarification.deadline_before, clarification.deadline_after) == (DEADLINE, DEADLINE)
    assert answered.answer == "可以。"
    with pytest.raises(ClarificationRefused) as refused:
        office.clarify(lot_id, NewClarification({second: "不可以。"}, "", affects_bids=False, new_deadline=None))
    assert [one.code for one in refused.value.objections] == ["tendering.question_unknown"]


def test_only_the_host_answers(office: Office) -> None:
    lot_id = office.published()
    for actor, error in (
        (office.tenderee, NotPermitted),
        (office.centre, NotPermitted),
        (office.bidder, NotFound),
        (office.supervisor, NotFound),
    ):
        with pytest.raises(error), office.units.begin(actor) as unit:
            clarifications.order_clarification(unit, lot_id, CHANGE)


def test_nothing_said_is_refused(office: Office) -> None:
    lot_id = office.published()
    with pytest.raises(ClarificationRefused) as refused:
        office.clarify(lot_id, replace(CHANGE, changes=""))
    assert [one.code for one in refused.value.objections] == ["tendering.clarification_empty"]


# --- the deadline ---


def test_fifteen_days_before_the_deadline_nothing_moves(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE - timedelta(days=15))
    office.clarify(lot_id, CHANGE)
    assert office.lot(lot_id).deadline_at == DEADLINE
    assert len(close_jobs(office)) == 1


def test_a_moment_later_the_deadline_has_to_move(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE - timedelta(days=15) + timedelta(seconds=1))
    with pytest.raises(ClarificationRefused) as refused:
        office.clarify(lot_id, CHANGE)
    (one,) = refused.value.objections
    nearest = one.params["nearest"]
    assert (one.code, one.field, one.clause) == ("tendering.deadline_too_early_change", "new_deadline", "R1.33")
    assert nearest == datetime(2026, 11, 24, 1, 45, tzinfo=UTC)
    assert isinstance(nearest, datetime)
    office.clarify(lot_id, replace(CHANGE, new_deadline=nearest))
    assert office.lot(lot_id).deadline_at == nearest
    with office.units.read() as unit:
        moved = read_stream(unit.session, f"lot:{lot_id}")[-1].event
        card = keyholding.keyset_of(unit, lot_id)
    assert moved == e.DeadlineMoved(lot_id, DEADLINE, nearest, "R1.33")
    assert card is not None
    assert (card.version, card.state) == (1, "rehearsed")
    assert close_jobs(office) == [(f"{lot_id}:{iso(DEADLINE)}", DEADLINE), (f"{lot_id}:{iso(nearest)}", nearest)]


def test_the_first_closing_job_does_nothing_after_a_move(office: Office) -> None:
    lot_id = office.published()
    office.step(days=8)
    later = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)
    office.clarify(lot_id, replace(CHANGE, new_deadline=later))
    office.clock.set(DEADLINE)
    assert publication.CLOSE_TASK in office.work()
    assert office.lot(lot_id).state is LotState.OPEN


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (replace(CHANGE, new_deadline=DEADLINE - timedelta(days=1)), "tendering.deadline_brought_forward"),
        (
            replace(CHANGE, affects_bids=False, new_deadline=DEADLINE + timedelta(days=1)),
            "tendering.deadline_move_without_cause",
        ),
        (replace(CHANGE, new_deadline=datetime(2026, 11, 28, 1, 30, tzinfo=UTC)), "tendering.deadline_on_rest_day"),
    ],
)
def test_a_deadline_moves_only_later_with_a_cause_to_a_working_day(
    office: Office, new: NewClarification, code: str
) -> None:
    lot_id = office.published()
    with pytest.raises(ClarificationRefused) as refused:
        office.clarify(lot_id, new)
    assert [one.code for one in refused.value.objections] == [code]
    assert office.lot(lot_id).deadline_at == DEADLINE


def test_after_the_deadline_nothing_is_clarified(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE)
    with pytest.raises(BidsClosedAlready):
        office.clarify(lot_id, CHANGE)


def test_a_deadline_that_became_too_early_while_rendering_is_not_published(office: Office) -> None:
    lot_id = office.published()
    office.clock.set(DEADLINE - timedelta(days=15))
    with office.units.begin(office.agency) as unit:
        clarifications.order_clarification(unit, lot_id, CHANGE)
    office.step(seconds=1)
    office.work()
    (failed,) = [one for one in office.orders(lot_id) if one.kind == "clarification"]
    assert failed.state is OrderState.FAILED
    assert failed.fault is not None
    assert failed.fault["objections"][0]["code"] == "tendering.deadline_too_early_change"
    with office.units.read() as unit:
        assert unit.session.scalars(select(Clarification)).all() == []


# --- subscriptions and downloads ---


def subscribe(office: Office, lot_id: str, *, is_on: bool = True) -> None:
    with office.units.begin(office.bidder) as unit:
        clarifications.set_subscription(unit, lot_id, is_on=is_on)


def inbox(office: Office) -> list[str]:
    with office.units.read() as unit:
        rows = unit.session.scalars(select(InboxItem).where(InboxItem.user_id == office.bidder.user_id))
        return [row.code for row in rows]


def test_subscribers_are_told_once(office: Office) -> None:
    lot_id = office.published()
    subscribe(office, lot_id)
    subscribe(office, lot_id)
    office.clarify(lot_id, CHANGE)
    assert inbox(office) == ["inbox.document_clarified"]
    with office.units.begin(office.agency) as unit:
        clarifications.tell_subscribers(unit, lot_id, 1, "inbox.document_clarified")
    assert inbox(office) == ["inbox.document_clarified"]
    office.clarify(lot_id, replace(CHANGE, changes="第 39 项同。"))
    subscribe(office, lot_id, is_on=False)
    office.clarify(lot_id, replace(CHANGE, changes="第 40 项同。"))
    assert len(inbox(office)) == 2
    with office.units.read() as unit:
        own = read_stream(unit.session, f"bid:{lot_id}:{office.bidder.org_id}")
        assert unit.session.scalars(select(Subscription)).all() == []
        # Where other packages are loaded their listeners have jobs here too, some due at the opening.
        jobs = [job for job in unit.session.scalars(select(Job)) if job.task.startswith("tendering.")]
        assert all(job.state is JobState.DONE for job in jobs if "close" not in job.task)
    assert [one.event.is_on for one in own if isinstance(one.event, e.LotSubscribed)] == [True, False]


def test_subscribers_learn_of_a_cancelled_lot(office: Office) -> None:
    lot_id = office.published()
    subscribe(office, lot_id)
    with office.units.begin(office.agency) as unit:
        publication.cancel(unit, lot_id, "规划调整")
    office.work()
    assert inbox(office) == ["inbox.lot_cancelled"]


def test_a_download_is_noted_for_a_bidder_only_and_privately(office: Office) -> None:
    lot_id = office.published()
    for actor in office.everybody().values():
        with office.units.begin(actor) as unit:
            assert clarifications.note_download(unit, lot_id, "document", 1).kind == "document"
    with office.units.read() as unit:
        noted = unit.session.scalars(
            select(JournalEntry).where(JournalEntry.type == e.DocumentDownloaded.TYPE).order_by(JournalEntry.stream)
        ).all()
    expected = sorted(f"bid:{lot_id}:{actor.org_id}" for actor in (office.bidder, office.rival))
    assert [row.stream for row in noted] == expected
    assert {str(row.audience) for row in noted} == {"private"}
    with pytest.raises(Refusal), office.units.begin(office.bidder) as unit:
        clarifications.note_download(unit, lot_id, "clarification", 1)
