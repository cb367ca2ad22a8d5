"""What the papers of an opening say: of deposits, of those who attended, and of an opening that failed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bid_opening.services import acts, record, rooms
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.events import bid_opening as e
from foundation.journal import read_stream
from foundation.money import Money
from tendering import facade as tendering
from tendering.models import Lot
from tendering.states import LotState
from tests.integration.test_opening_story import column_of, text_of
from tests.support.tender_world import TESTS
from tests.support_opening import NAMES, Opening, make_opening


def paper(opening: Opening) -> bytes:
    content = record.read_record(opening.world.runtime, opening.lot.id)
    assert content is not None
    return content


def tenderee_of(opening: Opening) -> Actor:
    """Somebody of the lot's tenderee."""
    with opening.world.units.read() as unit:
        card = tendering.lot_card(unit, opening.lot.id)
    return opening.world.person(card.tenderee_org_id, card.tenderee_name, ["tenderee"], login="own-tenderee")


def joined(opening: Opening) -> list[Any]:
    with opening.world.units.read() as unit:
        entries = read_stream(unit.session, rooms.stream_of(opening.lot.id))
    return [entry.event for entry in entries if isinstance(entry.event, e.StaffJoined)]


# Who attends ------------------------------------------------------------------------------------------------------


def test_supervisors_witnesses_and_the_tenderee_are_printed_once_and_nobody_else(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    witness = opening.world.organisation("武进区公证处", "witness")
    tenderee, stranger = tenderee_of(opening), opening.world.organisation("别的招标人", "tenderee")
    opening.to_window()
    everybody = (opening.supervisor, witness, tenderee, stranger, opening.host, opening.staff, opening.bidders[0].actor)
    for actor in (*everybody, *everybody):
        opening.act(actor, acts.join)
    assert [(one.role, one.by) for one in joined(opening)] == [
        ("supervisor", opening.supervisor.user_id),
        ("witness", witness.user_id),
        ("tenderee", tenderee.user_id),
    ]
    assert opening.world.lot_state(opening.lot) is LotState.FROZEN
    for index in range(3):
        opening.release(index)
    finish(opening)
    text = text_of(paper(opening))
    for actor in (opening.supervisor, witness, tenderee):
        assert f"{actor.org_name}{actor.display_name}" in text
    assert f"{witness.display_name}（见证人）" in text
    assert stranger.org_name not in text
    opening.assert_story_holds()


def finish(opening: Opening) -> None:
    """From the last released key to the record."""
    opening.look()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for minutes in (11, 22):
        opening.at(opening.world.clock.now() + timedelta(minutes=minutes))
        opening.look()
    assert opening.state.phase is Phase.CLOSED
    assert opening.run_jobs() == []


def test_who_comes_before_the_deadline_or_after_the_end_is_not_written_down(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    opening.to_check_in()
    opening.act(opening.supervisor, acts.join)
    opening.to_closed()
    opening.run_jobs()
    opening.act(opening.supervisor, acts.join)
    assert joined(opening) == []
    with opening.world.units.begin(opening.supervisor) as unit, pytest.raises(NotFound):
        acts.join(unit, "00000000-0000-7000-8000-000000000000")


# Deposits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deposit", "says", "never"), [("250000.00", "未经本平台收取", "不收取"), ("0.00", "不收取", "未经本平台收取")]
)
def test_the_record_claims_nothing_about_deposits_it_never_saw(
    tmp_path: Path, deposit: str, says: str, never: str
) -> None:
    opening = make_opening(tmp_path)
    with opening.world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == opening.lot.id).values(deposit=Money.yuan(deposit)))
    opening.to_closed()
    assert opening.run_jobs() == []
    column = column_of(paper(opening), "投标保证金")
    assert column.count(says) == 3
    assert never not in column
    assert "核验" not in column


def test_a_request_for_custodians_is_remarked_without_its_reason(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4, escrow_rule="on_request")
    opening.to_window()
    for index in range(3):
        opening.release(index)
    opening.act(opening.bidders[3].actor, acts.request_escrow, "电脑进水")
    opening.act(opening.staff, acts.confirm_escrow, opening.seat(3).number)
    opening.pass_window()
    opening.give_escrow_shares(0, 1)
    finish(opening)
    text = text_of(paper(opening))
    assert f"{opening.seat(3).number:02d}号：投标人在解密时限内请求备份启封，经中心值守人员确认" in text
    assert "电脑进水" not in text


# Failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bids", [0, 2])
def test_below_the_legal_minimum_the_record_tells_how_many_and_never_who(tmp_path: Path, bids: int) -> None:
    opening = make_opening(tmp_path, bids=bids)
    opening.to_check_in()
    opening.close_bids()
    opening.act(opening.supervisor, acts.join)
    opening.publish()
    opening.look()
    assert opening.run_jobs() == []
    assert (opening.state.phase, opening.world.lot_state(opening.lot)) == (Phase.FAILED, LotState.FAILED)
    text = text_of(paper(opening))
    assert "流标记录" in text
    assert "投标人少于法定数" in text
    assert f"{bids}家，至少需要3家" in text
    assert "第四十四条" in text
    assert f"{opening.supervisor.org_name}{opening.supervisor.display_name}" in text
    for index, made in enumerate(opening.sealed):
        assert NAMES[index] not in text
        assert made.bid not in text
    assert opening.frames("public")[-1]["type"] == "record_issued"
    opening.assert_story_holds()


def test_a_failure_after_the_published_list_names_who_was_on_it_and_no_price(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, escrow_rule="none")
    opening.to_window()
    opening.release(0)
    opening.pass_window()
    assert opening.run_jobs() == []
    assert opening.state.failure == "too_few_released"
    text = text_of(paper(opening))
    assert "1家，至少需要3家" in text
    assert all(name in text for name in NAMES[:3])
    assert "11,402,318" not in text
    with opening.world.units.read() as unit:
        again = record.gather_failure(unit, opening.state, opening.world.runtime.settings)
    assert paper(opening).startswith(again.render())  # the signature is added behind it


def test_an_aborted_opening_has_no_record(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    opening.to_window()
    opening.act(opening.host, acts.propose_halt, "abort", "发现重大错误")
    opening.act(opening.staff, acts.confirm_halt)
    assert opening.run_jobs() == []
    assert record.read_record(opening.world.runtime, opening.lot.id) is None
    with opening.world.units.read() as unit:
        assert unit.session.scalar(select(Lot.state).where(Lot.id == opening.lot.id)) is LotState.FAILED
