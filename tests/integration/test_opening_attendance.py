"""Sign-in by papers, presence, identity, refusal: through the use cases, with who may see what and when."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bid_opening import access, facade, queries, worklist
from bid_opening.errors import BidIsRefused, EmergencyNotYet, PaperRefused, SecondPersonNeeded
from bid_opening.models import CheckIn
from bid_opening.presence import DEAD_SECONDS, Edge, PresenceSpan, RoomLife, beat, bury, write_edges
from bid_opening.queries.attendance import AttendancePage, attendance_page
from bid_opening.queries.own_attendance import own_attendance
from bid_opening.services import acts, identity, record, rooms
from bid_opening.states import Phase
from foundation.actor import PUBLIC, Actor
from foundation.clock import machine_now
from foundation.documents.forms import OpeningRecordData
from foundation.errors import NotFound, NotPermitted
from foundation.journal import JournalEntry
from foundation.web.jsonable import jsonable
from foundation.web.worklist import WorkItem
from tests.integration.support_claims import NOW as CA_NOW
from tests.integration.support_claims import issue, make_authority
from tests.support.tender_world import TESTS
from tests.support_opening import NAMES, Opening, make_opening

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PDF = b"%PDF-1.7 " + bytes(20)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path, bids=4)


def sign_in_by_papers(opening: Opening, index: int) -> None:
    """As the view does it: asked, read, stored, then written."""
    actor, runtime = opening.bidders[index].actor, opening.world.runtime
    with opening.world.units.read(actor) as unit:
        if not identity.is_wanted(unit, opening.lot.id):
            return
    papers = (identity.read_paper("photo", PNG), identity.read_paper("letter", PDF))
    kept = identity.keep_papers(runtime, opening.lot.id, papers)
    opening.act(actor, identity.sign_in_by_papers, kept)


def attendance(opening: Opening, actor: Actor) -> AttendancePage:
    with opening.world.units.read(actor) as unit:
        return attendance_page(unit, opening.lot.id)


def presence(opening: Opening, index: int, *, life: str = "room-1", came: bool = True) -> None:
    with opening.world.units.begin(TESTS) as unit:
        org_id = str(opening.bidders[index].actor.org_id)
        write_edges(unit, [Edge(opening.lot.id, org_id, came=came)], life)
        beat(unit, life)


# Papers ---------------------------------------------------------------------------------------------------------------


def test_papers_are_taken_in_the_last_minutes_and_read_by_few_after_the_list(opening: Opening) -> None:
    opening.to_check_in()  # an hour before
    with pytest.raises(EmergencyNotYet):
        sign_in_by_papers(opening, 0)
    opening.at(opening.lot.deadline_at - 30 * MINUTE)
    sign_in_by_papers(opening, 0)
    sign_in_by_papers(opening, 0)  # twice is once
    own = opening.bidders[0].actor
    readers = (opening.host, opening.supervisor, own)
    for actor in (*readers, opening.staff, opening.bidders[1].actor, PUBLIC):
        assert not may_read(opening, actor, 1), "before the list nobody reads a paper"
    opening.close_bids()
    opening.publish()
    opening.look()
    number = opening.seat(0).number
    assert opening.seat(0).is_checked_in
    for actor in readers:
        assert may_read(opening, actor, number)
    witness = opening.world.organisation("武进区公证处", "witness")
    stranger = opening.world.organisation("别处招标代理有限公司", "agency")
    for actor in (opening.staff, witness, stranger, opening.bidders[1].actor, PUBLIC):
        assert not may_read(opening, actor, number)
    row = next(one for one in attendance(opening, opening.host).rows if one.seat == number)
    assert (row.is_emergency, [paper.kind for paper in row.papers], row.absence) == (True, ["photo", "letter"], "")
    with opening.world.units.read() as unit:
        entry = unit.session.scalars(
            select(JournalEntry).where(JournalEntry.type == "bid_opening.emergency_signed_in")
        ).one()
    assert entry.stream == f"bid:{opening.lot.id}:{own.org_id}"
    assert [frame["type"] for frame in opening.frames(f"bidder:{own.org_id}")] == ["emergency_signed_in"]


def may_read(opening: Opening, actor: Actor, number: int) -> bool:
    """Whether the actor gets both papers of a seat, as they were sent."""
    try:
        with opening.world.units.read(actor) as unit:
            names = [identity.paper_for(unit, opening.lot.id, number, kind).object_name for kind in identity.KINDS]
    except NotFound:
        return False
    return [opening.world.runtime.objects.get(name) for name in names] == [PNG, PDF]


@pytest.mark.parametrize(
    ("kind", "content"),
    [("photo", PDF), ("photo", b""), ("letter", b"MZ" + bytes(40)), ("letter", PDF + bytes(identity.PAPER_MAX_BYTES))],
)
def test_a_paper_is_what_its_bytes_say_and_within_the_limit(kind: str, content: bytes) -> None:
    with pytest.raises(PaperRefused) as refused:
        identity.read_paper(kind, content)
    assert refused.value.fields["limit"] == identity.PAPER_MAX_BYTES


# Nobody learns anything before the list -------------------------------------------------------------------------------


def everything_shown(opening: Opening, actor: Actor) -> list[Any]:
    """All that an actor can be told: page, hall, attendance, work list, frames of every audience it may have."""
    lot_id = opening.lot.id
    with opening.world.units.read(actor) as unit:
        shown: list[Any] = [jsonable(queries.room_page(unit, lot_id)), jsonable(queries.hall(unit))]
        shown.append([str(item) for item in worklist.work(unit, actor)])
        shown += [rooms.frames_after(unit, lot_id, audience, 0) for audience in access.audiences_of(unit, lot_id)]
        try:
            shown.append(jsonable(attendance_page(unit, lot_id)))
        except NotFound:
            shown.append("hidden")
    plain: list[Any] = json.loads(json.dumps(shown, ensure_ascii=False))
    for one in plain:
        if isinstance(one, dict):
            one.pop("server_now", None)
    return plain


def watchers(opening: Opening) -> Iterable[Actor]:
    witness = opening.world.organisation("武进区公证处", "witness")
    return (PUBLIC, opening.host, opening.supervisor, opening.staff, witness, opening.bidders[1].actor)


def test_before_the_freeze_sign_ins_papers_and_presence_change_nothing_that_others_see(opening: Opening) -> None:
    opening.to_check_in()
    opening.at(opening.lot.deadline_at - 10 * MINUTE)
    people = tuple(watchers(opening))
    before = [everything_shown(opening, actor) for actor in people]
    opening.act(opening.bidders[0].actor, acts.check_in)
    sign_in_by_papers(opening, 2)
    presence(opening, 0)
    presence(opening, 2)
    presence(opening, 2, came=False)
    opening.at(opening.lot.deadline_at - 10 * MINUTE)
    assert [everything_shown(opening, actor) for actor in people] == before
    for actor in people:
        text = json.dumps(everything_shown(opening, actor), ensure_ascii=False)
        assert not any(name in text for name in NAMES if name != actor.org_name)
    with opening.world.units.read(opening.bidders[0].actor) as unit:
        own = own_attendance(unit, rooms.state_of(unit, opening.lot.id), str(opening.bidders[0].actor.org_id))
    assert len(own.spans) == 1
    opening.close_bids()  # the deadline alone tells nobody either
    for actor in (opening.host, opening.supervisor, opening.staff):
        assert attendance(opening, actor).rows == ()


def test_a_failed_opening_never_tells_who_was_there(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=2)
    opening.to_check_in()
    opening.act(opening.bidders[0].actor, acts.check_in)
    presence(opening, 0)
    opening.close_bids()
    opening.publish()
    opening.look()
    assert opening.state.phase is Phase.FAILED
    for actor in (opening.host, opening.supervisor, opening.staff):
        assert attendance(opening, actor).rows == ()
        text = json.dumps(everything_shown(opening, actor), ensure_ascii=False)
        assert not any(name in text for name in NAMES)


# Presence -------------------------------------------------------------------------------------------------------------


def test_staff_see_spans_and_a_dead_process_ends_its_own_at_its_last_sign_of_life(opening: Opening) -> None:
    opening.to_check_in()
    presence(opening, 0)
    presence(opening, 0, life="room-2")
    opening.close_bids()
    opening.publish()
    opening.look()
    last_sign = opening.world.clock.now()
    presence(opening, 1, life="room-2")
    opening.at(last_sign + 10 * MINUTE)
    number = opening.seat(0).number
    row = next(one for one in attendance(opening, opening.supervisor).rows if one.seat == number)
    assert (row.is_online, len(row.spans)) == (True, 1)  # two processes at once are one time
    kill(opening, "room-1")
    kill(opening, "room-2")
    row = next(one for one in attendance(opening, opening.supervisor).rows if one.seat == number)
    assert not row.is_online  # shown at once, before anybody wrote it down
    assert row.spans[-1].left_at == last_sign
    with opening.world.units.begin(TESTS) as unit:
        assert bury(unit) == 3
        assert bury(unit) == 0
    with opening.world.units.read() as unit:
        spans = unit.session.scalars(select(PresenceSpan)).all()
        assert all(span.left_at is not None and span.left_at >= span.came_at for span in spans)
    assert next(one for one in attendance(opening, opening.host).rows if one.seat == number).spans == row.spans


def kill(opening: Opening, life: str) -> None:
    with opening.world.units.begin(TESTS) as unit:
        unit.session.get_one(RoomLife, life).beat_at = machine_now() - timedelta(seconds=DEAD_SECONDS + 1)


# Identity, absence, refusal, and the record ---------------------------------------------------------------------------


def test_checks_absence_and_a_refusal_by_two_people_stand_in_the_record(opening: Opening) -> None:
    opening.to_check_in()
    opening.act(opening.bidders[0].actor, acts.check_in)
    opening.at(opening.lot.deadline_at - 5 * MINUTE)
    sign_in_by_papers(opening, 1)
    opening.close_bids()
    opening.publish()
    opening.look()
    numbers = [opening.seat(index).number for index in range(4)]
    opening.act(opening.host, identity.check_identity, numbers[0], "person", "", is_passed=True)
    opening.act(opening.host, identity.check_identity, numbers[1], "letter", "委托书没有签章", is_passed=False)
    opening.act(opening.host, identity.explain_absence, numbers[2], "late", "")
    with pytest.raises(NotPermitted):
        opening.act(opening.supervisor, identity.check_identity, numbers[0], "letter", "", is_passed=True)
    opening.act(opening.host, identity.propose_refusal, numbers[3], "not_sealed", "密文与封存清单不一致")
    with pytest.raises(NotPermitted):
        opening.act(opening.host, identity.decide_refusal, numbers[3], agrees=True)
    opening.act(opening.supervisor, identity.decide_refusal, numbers[3], agrees=True)
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    with pytest.raises(BidIsRefused):
        opening.release(3)
    assert opening.seat(3).released_at is None
    for index in range(3):
        opening.release(index)
    opening.look()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders[:3]:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    for index in range(3):
        opening.confirm(index)
    opening.look()
    assert opening.state.phase is Phase.CLOSED
    opening.assert_story_holds()
    with opening.world.units.read(TESTS) as unit:
        paper = record.gather(unit, rooms.state_of(unit, opening.lot.id), opening.world.runtime.settings)
        bids = {one.seat: one for one in facade.result_of(unit, opening.lot.id).bids}
    assert isinstance(paper.data, OpeningRecordData)
    remarks = "\n".join(paper.data.remarks)
    for index, told in enumerate(
        ("身份核验通过（授权代表）", "授权委托书核验不符：委托书没有签章", "未签到原因：迟到")
    ):
        assert f"{numbers[index]:02d} 号：{told}" in remarks
    assert f"{numbers[1]:02d} 号：凭照片和授权委托书应急签到" in remarks
    assert f"{numbers[2]:02d} 号：未在线签到，视为认可开标结果" in remarks
    assert (
        f"{numbers[3]:02d} 号：投标文件被拒收，依据：未按招标文件要求密封（加密）；理由：密文与封存清单不一致"
        in remarks
    )
    assert "未在规定时间内解密" not in remarks
    assert (bids[numbers[3]].total, bids[numbers[3]].fault) == (None, "law.not_sealed")


def test_a_refusal_is_seen_by_staff_and_that_bidder_until_it_is_decided(opening: Opening) -> None:
    opening.to_list()
    number = opening.seat(0).number
    opening.act(opening.host, identity.propose_refusal, number, "late", "逾期送达")
    own = f"bidder:{opening.bidders[0].actor.org_id}"
    for audience, sees in (("staff", True), (own, True), ("public", False)):
        assert ("refusal_proposed" in {frame["type"] for frame in opening.frames(audience)}) is sees
    rival = json.dumps(everything_shown(opening, opening.bidders[1].actor), ensure_ascii=False)
    assert "逾期送达" not in rival
    with pytest.raises(SecondPersonNeeded):
        opening.act(opening.staff, lambda unit, lot_id: withdraw_as_other(unit, lot_id, number))
    waiting = [item for actor in (opening.supervisor, opening.staff, opening.host) for item in work_of(opening, actor)]
    assert [item.url for item in waiting] == [f"/rooms/{opening.lot.id}/attendance?seat={number}"] * 2
    opening.act(opening.staff, identity.decide_refusal, number, agrees=False)
    assert work_of(opening, opening.supervisor) == []
    assert opening.seat(0).refusal_asked is None
    assert opening.seat(0).refusal is None


def work_of(opening: Opening, actor: Actor) -> list[WorkItem]:
    """What a person has to do about refusals."""
    with opening.world.units.read(actor) as unit:
        return [item for item in worklist.work(unit, actor) if "attendance" in item.url]


def withdraw_as_other(unit: Any, lot_id: str, number: int) -> None:
    from bid_opening import identity_rules

    identity_rules.withdraw_refusal(rooms.locked(unit, lot_id), number, "somebody-else")


def test_a_pause_and_an_extension_stand_in_the_record_with_their_seconds(opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.host, acts.extend)
    opening.act(opening.host, acts.propose_halt, "suspend", "网络故障")
    opening.act(opening.supervisor, acts.confirm_halt)
    paused_at = opening.world.clock.now()
    opening.at(paused_at + 90 * timedelta(seconds=1))
    opening.act(opening.host, acts.reconvene, "恢复")
    opening.act(opening.supervisor, acts.reconvene, "恢复")
    page = attendance(opening, opening.host)
    assert [one.kind for one in page.intervals] == ["extension", "pause"]
    assert (page.extended_seconds, page.paused_seconds) == (600, 90)
    with opening.world.units.read() as unit:
        from bid_opening.services.record_notes import notes_of_clock

        notes = notes_of_clock(rooms.state_of(unit, opening.lot.id))
    assert notes[-1] == "暂停合计 90 秒，延长合计 600 秒。"


# What runs out takes no right away ------------------------------------------------------------------------------------


def test_a_certificate_that_runs_out_between_sealing_and_opening_still_opens(tmp_path: Path) -> None:
    from accounts.services.keys import register_certified_key

    now = CA_NOW + timedelta(hours=1)
    opening = make_opening(tmp_path, now=now, deadline_at=now + timedelta(days=2))
    first, authority = opening.bidders[0], make_authority()
    holder = issue(authority, name=first.actor.org_name, uscc=first.uscc, valid_for=timedelta(hours=6))
    with opening.world.units.begin(first.actor) as unit:
        register_certified_key(unit, authority.roots, certificate=holder.pem, label="CA")
    first.signing = holder.key
    opening.sealed[0] = again = first.seal(opening.lot, after=opening.sealed[0], signing=holder.key)
    first.hand_in(opening.lot, again)
    opening.to_reading()
    assert holder.certificate.not_valid_after_utc < opening.world.clock.now()
    assert opening.seat(0).total is not None
    rows = {row.seat: row for row in attendance(opening, opening.host).rows}
    ended = [key.not_after for key in rows[opening.seat(0).number].keys if key.not_after]
    assert ended
    assert ended[0] < opening.world.clock.now()
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    opening.confirm(0)  # signed with the key whose certificate ran out
    assert opening.seat(0).confirmed_at is not None
    with opening.world.units.read() as unit:
        assert unit.session.get(CheckIn, (opening.lot.id, str(first.actor.org_id))) is None
