"""备份启封: who did not release is opened by custodians where the tender document says so, and by nobody elsewhere."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bid_opening.models import ReleasedShare
from bid_opening.services import acts
from bid_opening.states import Phase
from keyholding.models import EscrowRequest
from tendering.states import LotState
from tests.support_opening import Opening, make_opening


def is_asked(opening: Opening) -> bool:
    with opening.world.units.read() as unit:
        return unit.session.get(EscrowRequest, opening.lot.id) is not None


def test_compulsory_escrow_opens_a_missing_bid(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    opening.to_window()
    opening.release(0)
    opening.release(2)
    assert not is_asked(opening)  # nobody is asked while the bidders may still come
    opening.pass_window()
    assert is_asked(opening)
    opening.give_escrow_shares(1)
    opening.look()
    assert not opening.seat(1).is_recoverable  # one share of two
    opening.give_escrow_shares(2)
    opening.look()
    assert opening.seat(1).escrowed_at is not None
    assert opening.state.phase is Phase.WINDOW_CLOSED
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert opening.seat(1).total == "11530077.50"
    with opening.world.units.read() as unit:
        share = unit.session.get_one(ReleasedShare, (opening.lot.id, opening.sealed[1].bid))
    assert (share.source, share.r_bid) == ("escrow", opening.r_bid(1).hex())
    opening.assert_story_holds()


def test_a_lying_custodian_stops_nothing(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    opening.to_window()
    opening.release(0)
    opening.release(1)
    opening.pass_window()
    opening.give_escrow_shares(0, 1, spoil=[0])
    opening.look()
    assert not opening.seat(2).is_recoverable
    opening.give_escrow_shares(2)
    opening.look()
    (custodians,) = (
        frame["data"]["custodians"] for frame in opening.frames("public") if frame["type"] == "escrow_opened"
    )
    assert custodians == [1, 2]


def test_custodians_who_do_not_come_leave_the_bid_missing(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4)
    opening.to_window()
    for index in range(3):
        opening.release(index)
    opening.pass_window()
    until = opening.state.until
    assert until is not None
    opening.at(until - timedelta(milliseconds=1))
    opening.look()
    assert opening.state.phase is Phase.DECRYPTING
    opening.at(until)
    opening.look()
    (closed,) = (frame["data"] for frame in opening.frames("public") if frame["type"] == "window_closed")
    assert closed["missing"] == [opening.sealed[3].bid]
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    assert opening.seat(3).total is None
    opening.assert_story_holds()


@pytest.mark.parametrize("rule", ["on_request", "none"])  # on request: see test_opening_escrow_request.py
def test_without_compulsory_escrow_nobody_is_asked(tmp_path: Path, rule: str) -> None:
    opening = make_opening(tmp_path, bids=4, escrow_rule=rule)
    opening.to_window()
    for index in range(3):
        opening.release(index)
    opening.pass_window()
    assert not is_asked(opening)
    assert opening.state.phase is Phase.WINDOW_CLOSED
    assert not opening.seat(3).is_recoverable


def test_too_few_released_bids_fail_the_lot_and_destroy_what_was_released(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, escrow_rule="none")
    opening.to_window()
    opening.release(0)
    opening.release(1)
    opening.pass_window()
    assert (opening.state.phase, opening.state.failure) == (Phase.FAILED, "too_few_released")
    assert opening.world.lot_state(opening.lot) is LotState.FAILED
    opening.publish()
    opening.look()
    assert not opening.gate_is_asked()
    with opening.world.units.read() as unit:
        assert unit.session.scalars(select(ReleasedShare)).all() == []
    opening.assert_story_holds()
