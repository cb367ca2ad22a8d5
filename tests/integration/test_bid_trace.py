"""The trace of a bid: every step with its evidence, to whom it belongs, and to nobody else before the list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bid_opening.services import acts
from foundation.actor import Actor
from foundation.errors import NotFound, NotPermitted
from foundation.publication.policy import receipt_vkey
from foundation.sealing import Header, parse_receipt
from foundation.transparency.keys import VerifierKey
from foundation.transparency.notes import Note, verified
from tendering.queries import trace as queries
from tendering.queries.trace import BidTrace
from tendering.services import seals
from tests.support_opening import NAMES, Opening, make_opening


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    made = make_opening(tmp_path, escrow_rule="on_request", bids=4)
    yield made
    made.publisher.close()
    made.world.engine.dispose()


def own(opening: Opening, index: int) -> BidTrace:
    with opening.world.units.read(opening.bidders[index].actor) as unit:
        return queries.own_trace(unit, opening.lot.id)


def examined(opening: Opening, actor: Actor, bid: str) -> BidTrace:
    with opening.world.units.read(actor) as unit:
        return queries.examined_trace(unit, opening.lot.id, bid)


def kinds(trace: BidTrace) -> list[str]:
    return [step.kind for step in trace.steps]


def step_of(trace: BidTrace, kind: str) -> Any:
    return next(step for step in trace.steps if step.kind == kind)


def test_before_the_opening_only_the_bidder_itself_sees_its_steps(opening: Opening) -> None:
    mine, other = own(opening, 0), own(opening, 1)
    assert kinds(mine)[:4] == ["upload_started", "segments", "sealed", "acknowledged"]
    assert kinds(mine)[4:] == ["log_awaited"]
    assert (mine.bid, mine.bidder_name) == (opening.sealed[0].bid, NAMES[0])
    assert opening.sealed[1].bid not in queries.as_json(mine)
    assert NAMES[1] not in queries.as_json(mine)
    assert other.bid == opening.sealed[1].bid
    for actor in (opening.supervisor, opening.staff):
        with opening.world.units.read(actor) as unit:
            with pytest.raises(NotFound):
                queries.listed_bids(unit, opening.lot.id)
            # A bid that exists and one that does not are refused alike.
            for bid in (opening.sealed[0].bid, "0" * 32):
                with pytest.raises(NotFound):
                    queries.examined_trace(unit, opening.lot.id, bid)
    for actor in (opening.host, opening.bidders[1].actor):
        with opening.world.units.read(actor) as unit, pytest.raises(NotPermitted):
            queries.examined_trace(unit, opening.lot.id, opening.sealed[0].bid)
    with opening.world.units.read(opening.host) as unit, pytest.raises(NotPermitted):
        queries.own_trace(unit, opening.lot.id)


def test_the_evidence_is_what_anybody_can_check_again(opening: Opening) -> None:
    opening.to_list()
    trace = own(opening, 0)
    note = Note.parse(trace.text("receipt-1.note"))
    assert verified(note, [VerifierKey.parse(receipt_vkey(opening.world.runtime))])
    told = parse_receipt(note.text)
    assert (told.bid, told.envelope_hash) == (trace.bid, opening.sealed[0].envelope_hash)
    sealed = step_of(trace, "sealed")
    assert sealed.at == told.received_at
    assert sealed.evidence[0].value == opening.sealed[0].envelope_hash
    manifest = trace.text("manifest-1.txt")
    assert hashlib.sha256(manifest.encode()).hexdigest() == opening.sealed[0].envelope_hash
    assert trace.text("proof-1.tlog-proof").startswith("c2sp.org/tlog-proof@v1\n")
    (segments,) = step_of(trace, "segments").evidence
    assert hashlib.sha256(segments.text.encode()).hexdigest() == segments.value
    assert step_of(trace, "segments").params["count"] == len(segments.text.splitlines())
    line = step_of(trace, "frozen").evidence[0].value
    assert line.split(" ")[0::3] == [trace.bid, opening.sealed[0].envelope_hash]
    assert 1 <= step_of(trace, "frozen").params["number"] <= step_of(trace, "frozen").params["count"] == 4
    with pytest.raises(NotFound):
        trace.text("receipt-2.note")


def test_the_whole_way_of_a_released_an_escrowed_and_a_missing_bid(opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.bidders[0].actor, acts.check_seal, is_equal=True)
    assert not opening.release(0, bytes(32)).is_accepted
    assert opening.release(0).is_accepted
    assert opening.release(1).is_accepted
    opening.act(opening.bidders[2].actor, acts.request_escrow, "设备损坏")
    opening.act(opening.staff, acts.confirm_escrow, opening.seat(2).number)
    opening.pass_window()
    opening.give_escrow_shares(0, 1)
    opening.look()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    before = own(opening, 0)
    assert "decrypted" in kinds(before)
    assert "11402318" not in queries.as_json(before)
    opening.act(opening.host, acts.start_reading)
    released, escrowed, missing = own(opening, 0), own(opening, 2), own(opening, 3)
    room = ["frozen", "window_opened", "seal_equal", "rejected", "released", "window_closed", "gate_released"]
    assert kinds(released)[-9:] == [*room, "decrypted", "read_out"]
    assert step_of(released, "read_out").params["total"] == "11402318.00"
    commitment = Header.parse(opening.sealed[0].sealed.header.raw).commit.bidder
    assert step_of(released, "released").evidence[0].value == commitment
    wanted = ["escrow_requested", "escrow_confirmed", "escrow_opened", "window_closed"]
    assert [kind for kind in kinds(escrowed) if kind in wanted] == wanted
    assert step_of(missing, "window_closed").tone == "bad"
    assert step_of(missing, "window_closed").params["outcome"] == "missing"
    assert "decrypted" not in kinds(missing)
    for actor in (opening.supervisor, opening.staff):
        seen = examined(opening, actor, missing.bid)
        assert kinds(seen) == kinds(missing)
        assert not seen.is_own
    for actor in (opening.host, opening.bidders[0].actor):
        with pytest.raises(NotPermitted):
            examined(opening, actor, missing.bid)
    told = json.loads(queries.as_json(released))
    assert told["format"] == "etender-bid-trace/v1"
    assert [step["kind"] for step in told["steps"]] == kinds(released)


def test_a_replaced_and_a_withdrawn_bid_tell_their_chain(opening: Opening) -> None:
    bidder = opening.bidders[0]
    opening.world.clock.step(timedelta(minutes=1))
    again = bidder.seal(opening.lot, after=opening.sealed[0])
    bidder.hand_in(opening.lot, again)
    trace = own(opening, 0)
    assert [step.params["rev"] for step in trace.steps if step.kind in {"sealed", "replaced"}] == [1, 2]
    with opening.world.units.begin(bidder.actor) as unit:
        seals.withdraw_bid(unit, opening.lot.id, unit.at)
    opening.to_list()
    withdrawn = own(opening, 0)
    assert kinds(withdrawn)[-1] == "not_listed"
    assert "withdrawn" in kinds(withdrawn)
    assert "left_out" not in kinds(withdrawn)
    with pytest.raises(NotFound):
        examined(opening, opening.supervisor, withdrawn.bid)


def test_a_bid_that_the_frozen_list_leaves_out_is_called_left_out(opening: Opening) -> None:
    """What the trace says where the platform itself dropped a bid: the receipt is the evidence."""
    from bid_opening.services import clock

    real = clock.tendering.live_bids
    dropped = opening.sealed[0].bid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            clock.tendering, "live_bids", lambda unit, lot: [one for one in real(unit, lot) if one.bid != dropped]
        )
        opening.to_list()
    trace = own(opening, 0)
    assert (step_of(trace, "left_out").tone, step_of(trace, "left_out").params["count"]) == ("bad", 3)
    assert trace.text("receipt-1.note")


def test_a_failed_opening_shows_nobodys_trace_to_examiners(tmp_path: Path) -> None:
    made = make_opening(tmp_path, bids=2)
    made.to_list()
    assert kinds(own(made, 0))[-2:] == ["frozen", "failed"]
    with made.world.units.read(made.supervisor) as unit, pytest.raises(NotFound):
        queries.examined_trace(unit, made.lot.id, made.sealed[0].bid)
    made.publisher.close()
    made.world.engine.dispose()
