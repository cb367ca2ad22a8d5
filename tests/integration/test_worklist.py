"""The work list of each role along the life of one lot, asked of the providers of every package together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, update

import accounts.worklist
import bid_opening.worklist
import deposits.consumers
import deposits.lot_life
import deposits.worklist
import evaluation.lot_life
import evaluation.tasks
import evaluation.worklist
import keyholding.worklist
import tendering.lot_life
import tendering.worklist
from evaluation.services import award, committee, report, review, sheets
from evaluation.states import SeatState
from foundation.actor import PUBLIC, Actor
from foundation.web.lot_life import LotLife
from foundation.web.worklist import ShownItem, Urgency, WorkList
from tendering.facade import lots_of_side
from tendering.models import Lot
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, TESTS
from tests.support_evaluation import Evaluation, make_evaluation

INBOX = "Read new messages"
MORE = 20
QUERIES_MAX = 40
"""Of one work list of a person with one lot or with many."""


def registries() -> tuple[WorkList, LotLife]:
    """As the packages register in ``centre.web``."""
    worklist, life = WorkList(), LotLife()
    for module in (accounts, keyholding, deposits, tendering, bid_opening, evaluation):
        worklist.add(module.worklist.work)
    for module in (tendering, evaluation):
        worklist.add_lots(module.worklist.lots)
        life.add_links(module.lot_life.links)
    life.add_links(deposits.lot_life.links)
    life.add_stages(deposits.lot_life.stages, order=90)
    life.add_stages(evaluation.lot_life.stages, order=50)
    life.add_stages(tendering.lot_life.stages, order=0)
    return worklist, life


def items(told: Evaluation, actor: Actor) -> list[ShownItem]:
    with told.world.units.read(actor) as unit:
        return [one for one in registries()[0].items(unit) if not one.item.title_en.startswith(INBOX)]


def titles(told: Evaluation, actor: Actor) -> list[str]:
    return [one.item.title_en for one in items(told, actor)]


def stage(told: Evaluation) -> tuple[str, str]:
    """The last stage of the lot's life that has begun."""
    with told.world.units.read(PUBLIC) as unit:
        stages = registries()[1].stages(unit, [told.lot_id])[told.lot_id]
    begun = [(one.key, one.state) for one in stages if one.state]
    return begun[-1]


def links(told: Evaluation, actor: Actor) -> set[str]:
    with told.world.units.read(actor) as unit:
        return {one.url.removeprefix(f"/lots/{told.lot_id}") for one in registries()[1].links(unit, actor, told.lot_id)}


@contextmanager
def counted(told: Evaluation) -> Iterator[list[str]]:
    """The statements asked meanwhile."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(told.world.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(told.world.engine, "before_cursor_execute", note)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Evaluation]:
    made = make_evaluation(tmp_path)
    yield made
    made.world.engine.dispose()


def test_the_evaluation_goes_from_one_list_to_the_next_until_the_contract(told: Evaluation) -> None:
    bidder, loser = told.opening.bidders[0].actor, told.opening.bidders[2].actor
    everybody = (told.host, told.tenderee, told.supervisor, bidder, loser)

    def only(*wanted: tuple[Actor, str]) -> None:
        due = {actor.user_id: title for actor, title in wanted}
        for actor in everybody:
            found = titles(told, actor)
            assert found == ([due[actor.user_id]] if actor.user_id in due else []), actor.display_name

    assert stage(told) == ("evaluation", "now")
    only((told.host, "Form the committee: ask for the draw of experts"))
    told.act(told.host, committee.request_committee, 5)
    part = "Contribute to the draw of experts"
    only((told.tenderee, part), (told.supervisor, part))
    told.act(told.tenderee, committee.contribute, "春江潮水连海平")
    only((told.supervisor, part))
    told.act(told.supervisor, committee.contribute, "海上明月共潮生")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    only()
    seats = told.seats(SeatState.INVITED)
    (asked,) = items(told, told.experts[seats[0].user_id])
    assert (asked.item.title_en, asked.item.due) == ("Answer the invitation", seats[0].answer_until)
    assert asked.item.url == f"/reviews/{told.lot_id}"
    told.accept_all()
    only((told.host, "Start the review"))
    told.act(told.host, review.start_review)
    only()
    members = told.members()
    assert titles(told, members[0]) == ["Fill in and hand in the score sheet"]
    told.act(members[0], sheets.submit, told.passes())
    assert titles(told, members[0]) == []
    for member in members[1:]:
        told.act(member, sheets.submit, told.passes())
    (sign,) = items(told, members[0])
    assert (sign.item.title_en, sign.item.due) == ("Sign the evaluation report", told.case().signing_until)
    for member in members:
        told.act(member, report.sign)
    assert told.run_jobs() == []
    assert titles(told, members[0]) == []
    only((told.host, "Publish the candidates"))
    assert items(told, told.host)[0].item.due == told.case().publish_by
    told.act(told.host, award.publish_candidates)
    assert told.run_jobs() == []
    assert stage(told) == ("publicity", "now")
    only()
    objection = told.act(loser, award.raise_objection, "第一名的项目经理有在建工程。")
    answer = "Answer the objection"
    only((told.host, answer), (told.tenderee, answer))
    told.pass_publicity()
    assert {one.urgency for one in items(told, told.host)} == {Urgency.OVERDUE}
    only((told.host, answer), (told.tenderee, answer))
    told.act(told.host, award.answer_objection, objection, "经核查，该项目已竣工备案。")
    assert told.run_jobs() == []
    only((told.tenderee, "Decide the award"))
    assert stage(told) == ("contract", "now")
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []
    winner = told.winner()
    only((told.tenderee, "Sign the contract"), (winner, "Sign the contract"))
    told.act(winner, award.sign_contract, told.contract_digest())
    only((told.tenderee, "Sign the contract"))
    told.act(told.tenderee, award.sign_contract, told.contract_digest())
    only()
    assert stage(told) == ("refund", "now")
    assert told.run_jobs() == []
    assert stage(told) == ("refund", "done")


def test_a_lot_whose_bids_were_all_rejected_waits_for_its_end(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path)
    told.to_review()
    codes = tuple(told.codes().values())
    for member in told.members():
        told.act(member, sheets.submit, told.passes(codes))
    for member in told.members():
        told.act(member, report.sign)
    assert told.run_jobs() == []
    assert titles(told, told.host) == ["Declare the evaluation failed"]
    told.act(told.host, award.declare_failed)
    assert titles(told, told.host) == []
    assert stage(told) == ("refund", "now")
    assert told.run_jobs() == []
    assert stage(told) == ("refund", "done")


def test_until_the_list_is_fixed_a_host_and_an_officer_see_the_same_with_and_without_bids(tmp_path: Path) -> None:
    """R1.05: neither items nor lots nor stages nor links tell that anybody bids."""

    def seen(told: Evaluation, actor: Actor) -> object:
        worklist, life = registries()
        with told.world.units.read(actor) as unit:
            found = [one.item for one in worklist.items(unit) if not one.item.title_en.startswith(INBOX)]
            lots = [lot.name for lot in worklist.lots(unit)]
            stages = life.stages(unit, [told.lot_id])[told.lot_id]
            ways = [link.zh for link in life.links(unit, actor, told.lot_id)]
        return [(one.title_zh, one.subject, one.due) for one in found], lots, stages, ways

    worlds = []
    for number, totals in enumerate(((), ("11402318.00", "11530077.50", "12001999.00"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        worlds.append(make_evaluation(folder, totals=totals, open_bids=False))
    without, with_bids = worlds
    for name in ("host", "tenderee", "supervisor"):
        assert seen(without, getattr(without, name)) == seen(with_bids, getattr(with_bids, name))
    assert seen(without, without.opening.staff) == seen(with_bids, with_bids.opening.staff)
    bidder = with_bids.opening.bidders[0].actor
    text = repr([seen(with_bids, actor) for actor in (with_bids.host, with_bids.tenderee, with_bids.supervisor)])
    assert not any(one.actor.org_name in text for one in with_bids.opening.bidders)
    assert "Seal the bid" not in titles(with_bids, bidder)


def test_a_bidder_is_led_through_the_opening(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path, open_bids=False)
    bidder, opening = told.opening.bidders[0].actor, told.opening
    opening.to_check_in()
    (sign_in,) = [one for one in items(told, bidder) if "opening" in one.item.title_en]
    assert (sign_in.item.due, sign_in.item.url) == (DEADLINE, f"/rooms/{told.lot_id}/seat")
    assert "Take the host's desk" in titles(told, told.host)
    opening.to_window()
    assert (titles(told, bidder), items(told, bidder)[0].urgency) == (["Decrypt the bid"], Urgency.NOW)
    assert titles(told, told.host) == ["Host the opening"]
    assert titles(told, told.supervisor) == ["Attend the opening"]
    opening.release(0)
    assert titles(told, bidder) == []


def test_links_lead_each_reader_to_what_it_may_open(told: Evaluation) -> None:
    winner, stranger = told.opening.bidders[0].actor, told.world.organisation("外地建设公司", "bidder")
    public = {"", f"/rooms/{told.lot_id}"}
    assert links(told, PUBLIC) == public
    assert links(told, told.host) == public | {"/preparation", "/questions", "/evaluation"}
    told.to_awarded()
    results = {"/candidates", "/award", "/committee/draw"}
    assert links(told, PUBLIC) == public | results
    assert links(told, stranger) == public | results | {"/bid"}
    assert links(told, winner) == public | results | {"/bid", "/my-result", "/contract"}
    assert links(told, told.tenderee) == public | results | {"/evaluation", "/contract"}
    member = told.members()[0]
    assert links(told, member) == public | results | {f"/reviews/{told.lot_id}"}


def test_a_list_takes_few_queries_however_many_lots_there_are(told: Evaluation) -> None:
    """A hundred lots of one tenderee cost what one costs; the lots' stages too."""

    def ask(actor: Actor) -> int:
        worklist, life = registries()
        with told.world.units.read(actor) as unit, counted(told) as asked:
            worklist.items(unit)
            life.stages(unit, [lot.lot_id for lot in worklist.lots(unit)])
        return len(asked)

    before = ask(told.host)
    for _ in range(MORE):
        told.world.open_lot(agency=told.host, tenderee=told.tenderee, deadline_at=DEADLINE)
    with told.world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).values(rulebook_id="works-mandatory-2022+0123abcd", scope="教学楼修缮"))
    with told.world.units.read(told.host) as unit:
        assert len(lots_of_side(unit, str(told.host.org_id), *LotState)) == 1 + MORE
    assert ask(told.host) == before <= QUERIES_MAX
