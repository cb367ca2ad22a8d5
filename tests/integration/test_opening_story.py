"""An opening from publication to its record, with real seals, real holders' keys, a real log and real jobs."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pdfplumber
import pytest
from sqlalchemy import select

from bid_opening import facade
from bid_opening.errors import (
    AlreadyDone,
    NoSeat,
    NotNow,
    ShareDoesNotMatch,
    SignatureDoesNotVerify,
    StillWaiting,
    TooLate,
)
from bid_opening.models import OpeningRoom, ReleasedShare
from bid_opening.services import acts, record, rooms, schedule
from bid_opening.states import Phase
from foundation.documents.signing import check_pdf
from foundation.draws import replay
from foundation.errors import InvalidInput, NotPermitted
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.events.tendering import DeadlineMoved, LotCancelled, LotPublished
from foundation.jobs.models import Job
from foundation.journal import JournalEntry, read_stream
from foundation.machine import WrongState
from foundation.money import Money
from tendering.methods import draw_pools
from tendering.models import Lot, SealedBid
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, TESTS
from tests.support_bids import FILES
from tests.support_opening import NAMES, TOTALS, Opening, make_opening


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


def events_of(opening: Opening) -> list[Any]:
    with opening.world.units.read() as unit:
        return [entry.event for entry in read_stream(unit.session, rooms.stream_of(opening.lot.id))]


def journal_text(opening: Opening) -> str:
    with opening.world.units.read() as unit:
        return "\n".join(unit.session.scalars(select(JournalEntry.data)))


def test_the_whole_opening_from_publication_to_record(opening: Opening) -> None:
    opening.to_closed()
    assert opening.run_jobs() == []
    opening.assert_story_holds()
    assert opening.world.lot_state(opening.lot) is LotState.OPENED
    with opening.world.units.read() as unit:
        result = facade.result_of(unit, opening.lot.id)
    assert {bid.name: bid.total for bid in result.bids} == {
        name: Money.yuan(total) for name, total in zip(NAMES[:3], TOTALS, strict=False)
    }
    assert [bid.bid for bid in result.bids] == sorted(bid.bid for bid in result.bids)
    assert result.record_sha256
    order = [event.TYPE.partition(".")[2] for event in events_of(opening)]
    wanted = ["bids_frozen", "list_published", "window_opened", "window_closed", "gate_released", "coefficient_drawn"]
    assert [order.index(name) for name in wanted] == sorted(order.index(name) for name in wanted)
    assert order.index("coefficient_drawn") < order.index("price_decrypted") < order.index("line_read")


def test_check_in_opens_at_the_lead_time_and_follows_a_moved_deadline(opening: Opening) -> None:
    lot_id, later = opening.lot.id, DEADLINE + timedelta(days=3)
    with opening.world.units.begin(TESTS) as unit:
        schedule.schedule_room(unit, lot_id)
        schedule.schedule_room(unit, lot_id)  # twice is once
        unit.session.get_one(Lot, lot_id).deadline_at = later
        unit.session.flush()
        schedule.schedule_room(unit, lot_id)
    opening.at(DEADLINE - timedelta(hours=1))  # the older job comes at its time and does nothing
    opening.run_jobs()
    assert opening.state.phase is Phase.SCHEDULED
    opening.at(later - timedelta(hours=24))
    opening.run_jobs()
    assert (opening.state.phase, opening.state.opens_at) == (Phase.CHECK_IN, later)
    assert [type(event) for event in events_of(opening)] == [e.RoomScheduled, e.RoomScheduled, e.CheckInOpened]


@pytest.mark.parametrize("bids", [0, 2])
def test_too_few_bids_fail_and_no_key_is_ever_asked_for(tmp_path: Path, bids: int) -> None:
    opening = make_opening(tmp_path, bids=bids)
    opening.to_list()
    assert (opening.state.phase, opening.state.failure) == (Phase.FAILED, "too_few_bids")
    assert opening.world.lot_state(opening.lot) is LotState.FAILED
    opening.at(DEADLINE + timedelta(days=1))
    opening.publish()
    opening.look()
    assert opening.run_jobs() == []
    assert not opening.gate_is_asked()
    assert not any(job.task == "bid_opening.unseal" for job in jobs(opening))
    with pytest.raises(NotNow):
        opening.act(opening.host, acts.start_decryption)
    if bids:
        with pytest.raises(NotNow):
            opening.release(0)
    opening.assert_story_holds()


def jobs(opening: Opening) -> list[Job]:
    with opening.world.units.read() as unit:
        return list(unit.session.scalars(select(Job)))


def test_the_freeze_waits_until_every_bid_is_in_the_log(opening: Opening) -> None:
    opening.to_check_in()
    opening.close_bids()
    opening.look()
    assert opening.state.phase is Phase.INTAKE_CLOSED
    opening.publish()
    opening.look()
    assert opening.state.phase is Phase.LIST_PUBLISHED
    frozen = next(event for event in events_of(opening) if isinstance(event, e.BidsFrozen))
    assert {line.envelope_hash for line in frozen.bids} == {made.envelope_hash for made in opening.sealed}
    assert max(line.leaf_index for line in frozen.bids) < frozen.tree_size
    # The list itself must stand in the log before any key moves.
    with pytest.raises(StillWaiting):
        opening.act(opening.host, acts.start_decryption)
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    assert opening.state.phase is Phase.DECRYPTING


def test_a_wrong_share_is_on_record_by_name_and_the_right_one_is_still_taken(opening: Opening) -> None:
    opening.to_window()
    outcome = opening.release(0, bytes(32))
    assert (outcome.is_accepted, outcome.tries) == (False, 1)
    with pytest.raises(ShareDoesNotMatch):
        outcome.raise_refusal()
    rejected = next(event for event in events_of(opening) if isinstance(event, e.ShareRejected))
    assert (rejected.org_id, rejected.seat) == (opening.bidders[0].actor.org_id, opening.seat(0).number)
    other = opening.release(1, opening.r_bid(0))  # somebody else's secret is not one's own
    assert not other.is_accepted
    assert opening.release(0).is_accepted
    assert opening.release(0).is_accepted  # repeated: nothing changes
    assert not opening.release(0, bytes(32)).is_accepted  # nor does a wrong one afterwards
    assert [type(event) for event in events_of(opening)].count(e.ShareReleased) == 1
    assert [type(event) for event in events_of(opening)].count(e.ShareRejected) == 2
    with pytest.raises(InvalidInput):
        opening.act(opening.bidders[0].actor, acts.release, "not hex")
    opening.assert_story_holds()


def test_a_late_share_is_refused_and_not_kept(opening: Opening) -> None:
    opening.to_window()
    until = opening.state.until
    assert until is not None
    opening.at(until - timedelta(milliseconds=11))
    assert opening.release(0).is_accepted
    opening.at(until)
    with pytest.raises(TooLate):
        opening.release(1)
    opening.look(times=1)
    with pytest.raises(TooLate):
        opening.release(1)
    with opening.world.units.read() as unit:
        assert list(unit.session.scalars(select(ReleasedShare.bid))) == [opening.sealed[0].bid]


def test_only_those_who_may_act_in_a_room(opening: Opening) -> None:
    opening.to_list()
    opening.publish()
    outsider = opening.world.organisation("路人建设有限公司", "bidder")
    for actor in (opening.supervisor, opening.staff, opening.bidders[0].actor):
        with pytest.raises(NotPermitted):
            opening.act(actor, acts.start_decryption)
    opening.act(opening.host, acts.start_decryption)
    opening.act(opening.host, acts.start_decryption)  # a repeated click changes nothing
    with pytest.raises(NoSeat):
        opening.act(outsider, acts.release, "00" * 32)
    with pytest.raises(NotPermitted):
        opening.act(opening.host, acts.release, "00" * 32)
    with pytest.raises(NotPermitted):
        opening.act(opening.host, acts.confirm_halt)
    assert [type(event) for event in events_of(opening)].count(e.WindowOpened) == 1


def test_the_draw_can_be_replayed_by_anyone_and_not_repeated_by_the_host(opening: Opening) -> None:
    opening.to_window_closed()
    with pytest.raises(NotNow):
        opening.act(opening.host, acts.draw)
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    (drawn,) = opening.state.draws
    assert drawn.pool == draw_pools("jiangsu-1", {})["K"]
    ranking = replay(drawn.transcript, drawn.pool)
    assert ranking.drawn == (drawn.value,)
    assert ranking.transcript.seed == drawn.seed
    assert ranking.transcript.draw_id == f"{opening.lot.tender_code}/{opening.lot.lot_code}/K"
    assert {c.id for c in ranking.transcript.contributions} == {made.bid for made in opening.sealed}
    with pytest.raises(AlreadyDone):
        opening.act(opening.host, acts.draw)
    assert opening.state.draws == (drawn,)


@pytest.mark.parametrize(("method", "names"), [("jiangsu-2", ["K1", "Q1"]), ("jiangsu-3", [])])
def test_every_coefficient_of_the_method_is_drawn_and_none_where_there_is_none(
    tmp_path: Path, method: str, names: list[str]
) -> None:
    opening = make_opening(tmp_path, method=method)
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert [one.name for one in opening.state.draws] == names
    assert all(replay(one.transcript, one.pool).drawn == (one.value,) for one in opening.state.draws)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    assert opening.state.phase is Phase.READING
    opening.assert_story_holds()


def test_the_gate_is_asked_for_only_with_the_closed_window_in_the_log(opening: Opening) -> None:
    opening.to_window_closed()
    assert opening.state.phase is Phase.WINDOW_CLOSED
    assert not opening.gate_is_asked()
    opening.publish()
    opening.look()
    assert opening.gate_is_asked()
    opening.give_gate_keys(1)
    opening.look()
    assert opening.state.phase is Phase.WINDOW_CLOSED  # one key of two
    opening.give_gate_keys(0)
    opening.look()
    assert (opening.state.phase, opening.state.gate_holders) == (Phase.GATE_RELEASED, (0, 1))


def test_a_closed_window_without_cosignature_suspends_and_goes_on_by_itself(opening: Opening) -> None:
    opening.to_window_closed()
    opening.at(opening.world.clock.now() + timedelta(seconds=61))
    opening.look()
    assert opening.state.phase is Phase.SUSPENDED
    assert opening.state.suspension is not None
    assert opening.state.suspension.cause == "platform"
    assert not opening.gate_is_asked()
    opening.publish()
    opening.look()
    assert opening.state.phase is Phase.WINDOW_CLOSED
    assert opening.gate_is_asked()
    opening.assert_story_holds()


def test_a_suspension_while_prices_are_decrypted_loses_none(opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    opening.act(opening.host, acts.propose_halt, "suspend", "机房停电")
    opening.act(opening.supervisor, acts.confirm_halt)
    assert opening.run_jobs() == []
    assert all(seat.total is None for seat in opening.state.seats)
    opening.act(opening.staff, acts.reconvene, "已恢复")
    opening.act(opening.supervisor, acts.reconvene, "已恢复")
    assert opening.state.phase is Phase.PARAM_DRAWN
    assert opening.run_jobs() == []
    assert all(seat.total is not None for seat in opening.state.seats)
    opening.act(opening.host, acts.start_reading)
    opening.assert_story_holds()


def test_an_abort_by_two_people_ends_the_lot_and_destroys_the_shares(opening: Opening) -> None:
    opening.to_window()
    opening.release(0)
    opening.act(opening.host, acts.propose_halt, "abort", "发现重大错误")
    opening.act(opening.staff, acts.confirm_halt)
    assert opening.state.phase is Phase.ABORTED
    assert opening.world.lot_state(opening.lot) is LotState.FAILED
    with opening.world.units.read() as unit:
        assert unit.session.scalars(select(ReleasedShare)).all() == []


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_an_abort_before_the_freeze_ends_the_lot_too(opening: Opening, is_confirmed: bool) -> None:
    opening.to_check_in()
    opening.close_bids()
    opening.act(opening.host, acts.propose_halt, "abort", "招标文件有重大错误")
    assert opening.world.lot_state(opening.lot) is LotState.CLOSED
    if is_confirmed:
        opening.act(opening.staff, acts.confirm_halt)
    opening.publish()
    opening.look()
    assert (opening.state.phase, opening.world.lot_state(opening.lot)) == (
        (Phase.ABORTED, LotState.FAILED) if is_confirmed else (Phase.LIST_PUBLISHED, LotState.FROZEN)
    )
    assert (opening.state.seats == ()) is is_confirmed  # nobody learns who bid in an opening that never froze
    opening.assert_story_holds()


def test_a_confirmation_is_verified_and_an_unsigned_one_says_so(opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    with pytest.raises(SignatureDoesNotVerify):
        opening.act(opening.bidders[0].actor, acts.confirm, "ab" * 64)
    with pytest.raises(SignatureDoesNotVerify):
        opening.act(opening.bidders[0].actor, acts.confirm, "short")
    assert opening.seat(0).confirmed_at is None
    opening.confirm(0)
    opening.confirm(1, signed=False)
    with opening.world.units.read() as unit:
        entries = read_stream(unit.session, rooms.stream_of(opening.lot.id))
    confirmed = [entry for entry in entries if isinstance(entry.event, e.ResultConfirmed)]
    assert [entry.reason for entry in confirmed] == ["", acts.NO_DEVICE]
    assert [bool(entry.event.signature) for entry in confirmed] == [True, False]


def test_objections_go_on_record_with_their_answers(opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    opening.act(opening.bidders[0].actor, acts.raise_objection, "对工期有异议")
    opening.act(opening.bidders[0].actor, acts.raise_objection, "对工期有异议")  # sent twice
    (remark,) = opening.state.objections
    opening.act(opening.host, acts.answer, remark.id, "以招标文件为准")
    assert opening.state.objections[0].answer == "以招标文件为准"


# The record -------------------------------------------------------------------------------------------------------


def text_of(content: bytes) -> str:
    """The text of a PDF without any white space."""
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        return "".join("".join((page.extract_text() or "").split()) for page in pdf.pages)


def column_of(content: bytes, head: str) -> str:
    """What stands under a head of the table of bids: text in a narrow column is broken over lines."""
    with pdfplumber.open(io.BytesIO(content)) as pdf:
        page = pdf.pages[0]
        row = page.extract_words()
        number = next(word for word in row if word["text"] == "序号")
        heads = sorted((w for w in row if abs(w["top"] - number["top"]) < 8), key=lambda word: word["x0"])
        place = next(i for i, word in enumerate(heads) if word["text"] == head)
        right = heads[place + 1]["x0"] - 22 if place + 1 < len(heads) else page.width
        column = page.crop((heads[place]["x0"] - 22, number["bottom"], right, page.height))  # heads are centred
        return "".join((column.extract_text() or "").split())


def test_the_record_says_what_the_journal_says(opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    opening.act(opening.bidders[0].actor, acts.raise_objection, "对工期有异议")
    opening.act(opening.host, acts.answer, opening.state.objections[0].id, "以招标文件为准")
    for bidder in opening.bidders[1:]:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    opening.confirm(1)
    opening.at(opening.world.clock.now() + timedelta(minutes=11))
    opening.look()
    assert opening.run_jobs() == []
    content = record.read_record(opening.world.runtime, opening.lot.id)
    assert content is not None
    text, objections = text_of(content), column_of(content, "异议")
    (drawn,) = opening.state.draws
    for seat in opening.state.seats:
        assert seat.total is not None
        assert Money.yuan(seat.total).grouped() in text
        assert seat.project_manager in text
    assert opening.lot.lot_code in text
    assert drawn.value in text
    assert "对工期有异议" in objections
    assert "以招标文件为准" in objections
    assert column_of(content, "确认情况").count("视为无异议") == 2  # two bidders were silent
    with opening.world.units.read() as unit:
        again = record.gather(unit, opening.state, opening.world.runtime.settings)
    issued = next(event for event in events_of(opening) if isinstance(event, e.RecordIssued))
    assert content.startswith(record.render_opening_record(again.data, at=again.at))  # the signature is added behind it
    certificate = record.signer_of(opening.world.runtime).certificate
    assert record.CENTRE in check_pdf(content, certificate).subject
    assert (issued.size_bytes, issued.sha256) == (len(content), opening.state.record_sha256)


def test_there_is_no_record_and_no_result_before_the_end(opening: Opening) -> None:
    opening.to_reading()
    record.issue_record(opening.world.runtime, opening.lot.id)
    assert record.read_record(opening.world.runtime, opening.lot.id) is None
    with opening.world.units.read() as unit, pytest.raises(NotPermitted):
        facade.result_of(unit, opening.lot.id)


# One way in -------------------------------------------------------------------------------------------------------


def test_an_event_that_can_not_happen_changes_nothing(opening: Opening) -> None:
    opening.to_window()
    before = (opening.state, len(events_of(opening)), len(opening.frames()))
    with pytest.raises(WrongState), opening.world.units.begin(TESTS) as unit:
        rooms.apply(unit, opening.lot.id, (e.GateReleased(opening.lot.id, (0, 1)),))
    assert (opening.state, len(events_of(opening)), len(opening.frames())) == before


def test_a_snapshot_of_another_history_is_not_believed(opening: Opening) -> None:
    opening.to_window()
    opening.release(0)
    wanted = opening.state
    with opening.world.units.begin(TESTS) as unit:
        row = unit.session.get_one(OpeningRoom, opening.lot.id)
        row.folded = {**(row.folded or {}), "min_decrypted": 1}
        row.folded_hash = "0" * 64
    assert opening.state == wanted
    opening.release(1)
    opening.assert_story_holds()


def test_a_snapshot_of_a_program_that_knew_other_fields_is_made_anew(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening.to_window()
    wanted = opening.state
    with opening.world.units.begin(TESTS) as unit:
        row = unit.session.get_one(OpeningRoom, opening.lot.id)
        row.folded = {**(row.folded or {}), "min_decrypted": 1}
    assert opening.state.min_decrypted == 1, "a snapshot of our own shape is believed"
    monkeypatch.setattr(rooms, "_shape", lambda: "another program's")
    assert opening.state == wanted


def test_a_bid_that_its_bidder_sealed_badly_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    broken = {**FILES, "price_schedule": b'{"v":1,"currency":"CNY","total":11.5}'}
    opening = make_opening(tmp_path, bids=4, files={1: broken})
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert opening.seat(1).fault == "bidder.schedule_malformed"
    opening.act(opening.host, acts.start_reading)
    assert [type(event) for event in events_of(opening)].count(e.LineRead) == 3


def test_a_bad_gate_wrap_is_its_bidders_fault_and_its_commitment_still_contributes(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4, bad_gate_wraps={1: [0], 2: [1]})
    opening.to_window_closed()
    opening.to_gate()  # holders 0 and 2 come
    (fault,) = opening.state.gate_faults
    assert (fault.seat, fault.role, fault.culprit, fault.reason) == (opening.seat(1).number, "gate/0", "bidder", "wrap")
    opening.act(opening.host, acts.draw)
    (drawn,) = opening.state.draws
    given = {one.id: one.value for one in replay(drawn.transcript, drawn.pool).transcript.contributions}
    assert given[opening.sealed[1].bid] == opening.sealed[1].sealed.header.commit.gate
    assert given[opening.sealed[2].bid] != opening.sealed[2].sealed.header.commit.gate  # its bad wrap was not needed
    assert opening.run_jobs() == []
    assert opening.seat(1).fault == "bidder.gate_wrap"
    assert [opening.seat(index).total for index in (0, 3)] == [TOTALS[0], TOTALS[3]]
    opening.assert_story_holds()


def test_bytes_that_our_own_store_changed_are_named_as_ours(opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    folder = opening.world.folder / "objects" / "sealed"
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "price_schedule" in str(path))
    paths[0].chmod(0o600)
    content = bytearray(paths[0].read_bytes())
    content[-1] ^= 1
    paths[0].write_bytes(bytes(content))
    paths[1].unlink()
    assert opening.run_jobs() == []
    assert sorted(seat.fault for seat in opening.state.seats) == ["", "store.missing", "store.root"]


def test_a_manifest_changed_in_our_own_store_is_not_the_frozen_one(opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    with opening.world.units.begin(TESTS) as unit:
        row = unit.session.scalars(select(SealedBid).where(SealedBid.bid == opening.sealed[0].bid)).one()
        kept = [line for line in row.manifest.splitlines(keepends=True) if b"part commercial" not in line]
        row.manifest = b"".join(kept)
        assert row.manifest != opening.sealed[0].sealed.manifest.raw, "the test has cut nothing out"
    assert opening.run_jobs() == []
    assert opening.seat(0).fault == "store.manifest"
    assert [opening.seat(index).total for index in (1, 2)] == [TOTALS[1], TOTALS[2]]


# Listening --------------------------------------------------------------------------------------------------------


def published(opening: Opening) -> LotPublished:
    lot = opening.lot
    return LotPublished(
        lot=lot.id,
        tender=lot.tender_code,
        lot_code=lot.lot_code,
        unified_deal_code="x",
        name="x",
        deadline_at=lot.deadline_at,
        ceiling="1.00",
        deposit="0.00",
        rulebook="works-mandatory-2022",
        method="jiangsu-1",
        escrow_rule="compulsory",
        keyset=lot.keyset.hash,
        documents=(),
    )


def tell(opening: Opening, event: Event) -> None:
    with opening.world.units.begin(TESTS) as unit:
        unit.append(f"lot:{opening.lot.id}", event)
    assert opening.run_jobs() == []


def test_publication_makes_the_room_and_a_cancellation_ends_it(opening: Opening) -> None:
    with opening.world.units.read() as unit:
        assert not rooms.has_room(unit, opening.lot.id)
    tell(opening, published(opening))
    state = opening.state
    assert (state.phase, state.opens_at, state.min_bidders) == (Phase.CHECK_IN, DEADLINE, 3)  # within the lead time
    tell(opening, LotCancelled(lot=opening.lot.id, why="项目调整"))
    assert opening.state.phase is Phase.ABORTED
    assert opening.frames("public")[-1]["data"] == {"why": "项目调整"}


def test_a_moved_deadline_is_heard(opening: Opening) -> None:
    tell(opening, published(opening))
    later = DEADLINE + timedelta(days=2)
    with opening.world.units.begin(TESTS) as unit:
        unit.session.get_one(Lot, opening.lot.id).deadline_at = later
    tell(opening, DeadlineMoved(lot=opening.lot.id, before=DEADLINE, after=later, clause="R1.33"))
    assert opening.state.opens_at == later
