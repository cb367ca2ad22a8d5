"""What is hidden stays hidden: before the freeze who and how many, before the reading prices, always the secrets."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select, text

from bid_opening import access, queries
from bid_opening.models import OpeningRoom
from bid_opening.services import acts, rooms
from bid_opening.states import Phase
from foundation.actor import PUBLIC, Actor
from foundation.errors import NotFound
from foundation.events import Audience
from foundation.jobs.models import Job
from foundation.journal import JournalEntry
from foundation.store.unit import Unit
from foundation.web.jsonable import jsonable
from tests.support_opening import NAMES, TOTALS, Opening, make_opening


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


def page(opening: Opening, actor: Actor) -> queries.RoomPage:
    with opening.world.units.read(actor) as unit:
        return queries.room_page(unit, opening.lot.id)


def everything_shown(opening: Opening, actor: Actor) -> str:
    """All that an actor can be told of a room: page, frames of its audiences, hall."""
    with opening.world.units.read(actor) as unit:
        shown: list[Any] = [
            jsonable(queries.room_page(unit, opening.lot.id)),
            jsonable(queries.hall(unit)),
            *(
                rooms.frames_after(unit, opening.lot.id, audience, 0)
                for audience in access.audiences_of(unit, opening.lot.id)
            ),
        ]
    return json.dumps(shown, ensure_ascii=False)


def test_before_the_freeze_nobody_learns_who_or_how_many(opening: Opening) -> None:
    opening.to_check_in()
    before = {actor.org_id: everything_shown(opening, actor) for actor in watchers(opening)}
    opening.act(opening.bidders[0].actor, acts.check_in)
    opening.act(opening.bidders[0].actor, acts.check_in)  # twice is once
    for actor in watchers(opening):
        shown = everything_shown(opening, actor)
        assert not any(name in shown for name in NAMES)
        assert not any(made.bid in shown for made in opening.sealed)
        assert strip_clock(shown) == strip_clock(before[actor.org_id])
    own = page(opening, opening.bidders[0].actor)
    assert own.own is not None
    assert (own.own.is_checked_in, own.own.has_bid) == (True, True)
    opening.close_bids()
    for actor in watchers(opening):
        shown = everything_shown(opening, actor)
        assert not any(name in shown for name in NAMES)
        assert not any(made.bid in shown for made in opening.sealed)


def watchers(opening: Opening) -> list[Actor]:
    """Everybody but the bidder who signs in; a competitor is among them."""
    return [PUBLIC, opening.host, opening.supervisor, opening.staff, opening.bidders[1].actor]


def strip_clock(shown: str) -> list[Any]:
    value: list[Any] = json.loads(shown)
    for one in value[:2]:
        one.pop("server_now")
    return value


def test_sign_in_is_a_private_event_of_the_bidders_own_stream(opening: Opening) -> None:
    opening.to_check_in()
    opening.act(opening.bidders[0].actor, acts.check_in)
    with opening.world.units.read() as unit:
        entry = unit.session.scalars(
            select(JournalEntry).where(JournalEntry.type == "bid_opening.bidder_checked_in")
        ).one()
        keys = [f"{job.key} {job.payload}" for job in unit.session.scalars(select(Job))]
    org_id = str(opening.bidders[0].actor.org_id)
    assert (entry.stream, entry.audience) == (f"bid:{opening.lot.id}:{org_id}", Audience.PRIVATE)
    assert not any(org_id in key for key in keys)
    assert [frame["type"] for frame in opening.frames(f"bidder:{org_id}")] == ["checked_in"]


def test_nobody_reads_another_bidders_frames(opening: Opening) -> None:
    opening.to_list()
    for actor, wanted in [
        (PUBLIC, ("public",)),
        (opening.host, ("public", "staff")),
        (opening.supervisor, ("public", "staff")),
        (opening.bidders[0].actor, ("public", f"bidder:{opening.bidders[0].actor.org_id}")),
    ]:
        with opening.world.units.read(actor) as unit:
            assert access.audiences_of(unit, opening.lot.id) == wanted
    with opening.world.units.read() as unit, pytest.raises(NotFound):
        access.audiences_of(unit, "no-such-lot")
    with opening.world.units.read(opening.bidders[0].actor) as unit, pytest.raises(NotFound):
        access.require_staff(unit, opening.lot.id)


def test_prices_are_shown_to_nobody_before_their_line_is_read(opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    for actor in [PUBLIC, opening.host, opening.supervisor, *(one.actor for one in opening.bidders)]:
        shown = everything_shown(opening, actor)
        assert not any(total in shown for total in TOTALS)
        assert "经理0" not in shown
    opening.act(opening.host, acts.start_reading)
    assert all(total in everything_shown(opening, PUBLIC) for total in TOTALS[:3])


def test_a_rejected_share_and_a_seal_check_are_seen_by_staff_and_own_bidder_only(opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.bidders[0].actor, acts.check_seal, is_equal=False)
    opening.act(opening.bidders[0].actor, acts.check_seal, is_equal=False)
    opening.release(0, bytes(32))
    number = opening.seat(0).number
    own = f"bidder:{opening.bidders[0].actor.org_id}"
    for audience in ("staff", own):
        assert [frame["type"] for frame in opening.frames(audience)] == ["seal_checked", "share_rejected"]
    assert not {"seal_checked", "share_rejected"} & {frame["type"] for frame in opening.frames("public")}
    seen = {
        name: page(opening, actor).seats[number - 1]
        for name, actor in [("public", PUBLIC), ("own", opening.bidders[0].actor), ("staff", opening.staff)]
    }
    other = page(opening, opening.bidders[1].actor).seats[number - 1]
    assert (seen["public"].tries, seen["public"].seal_is_equal) == (None, None)
    assert (other.tries, other.seal_is_equal) == (None, None)
    assert (seen["own"].tries, seen["own"].seal_is_equal) == (1, False)
    assert (seen["staff"].tries, seen["staff"].seal_is_equal) == (1, False)


def test_a_proposal_is_seen_by_staff_only(opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.host, acts.propose_halt, "suspend", "网络故障")
    assert page(opening, PUBLIC).halt is None
    assert page(opening, opening.bidders[0].actor).halt is None
    seen = page(opening, opening.supervisor).halt
    assert seen is not None
    assert (seen.what, seen.is_own, seen.by) == ("suspend", False, opening.host.display_name)
    assert "confirm-halt" in {offer.act for offer in page(opening, opening.supervisor).offers}


def test_the_secrets_are_in_no_text_the_centre_makes(opening: Opening, capfd: pytest.CaptureFixture[str]) -> None:
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )
    try:
        opening.to_window()
        opening.release(0, bytes(31) + b"\1")
        for index in (0, 1):
            opening.release(index)
        opening.pass_window()
        opening.give_escrow_shares(0, 1)
        opening.look()
        opening.to_gate()
        opening.act(opening.host, acts.draw)
        opening.run_jobs()
    finally:
        structlog.reset_defaults()
    secrets = [opening.r_bid(index).hex() for index in range(3)]
    with opening.world.engine.connect() as connection:
        tables = [row[0] for row in connection.execute(text("select name from sqlite_master where type = 'table'"))]
        for table in tables:
            if table == "released_shares":
                continue
            rows = connection.execute(text(f"select * from {table}")).fetchall()  # noqa: S608 - names from the schema
            shown = "\n".join(str([cell.hex() if isinstance(cell, bytes) else cell for cell in row]) for row in rows)
            assert not any(secret in shown for secret in secrets), table
    out, err = capfd.readouterr()
    assert not any(secret in out + err for secret in secrets)


# Pages ------------------------------------------------------------------------------------------------------------


def test_the_page_says_what_may_be_done_and_why_not_yet(opening: Opening) -> None:
    opening.to_list()
    (start, *_) = page(opening, opening.host).offers
    assert (start.act, start.is_allowed, start.code) == ("start-decryption", False, "bid_opening.still_waiting")
    assert page(opening, opening.host).next_step == "log"
    opening.publish()
    assert page(opening, opening.host).offers[0].is_allowed
    assert page(opening, opening.host).next_step == "host_starts"
    assert page(opening, PUBLIC).offers == ()
    opening.act(opening.host, acts.start_decryption)
    offers = {offer.act: offer for offer in page(opening, opening.bidders[0].actor).offers}
    assert offers["release"].is_allowed
    until = opening.state.until
    assert until is not None
    opening.at(until)
    late = {offer.act: offer for offer in page(opening, opening.bidders[0].actor).offers}["release"]
    assert (late.is_allowed, late.code) == (False, "bid_opening.too_late")


def test_the_page_holds_the_heads_of_its_audiences_and_the_seats_own_note(opening: Opening) -> None:
    opening.to_reading()
    seen = page(opening, opening.bidders[0].actor)
    assert seen.heads["public"] == len(opening.frames("public"))
    assert seen.own is not None
    assert seen.own.confirm_note.startswith("etender-confirm/v2\n")
    assert sum(seat.is_own for seat in seen.seats) == 1
    assert seen.state == "READING"
    assert [one.type for one in seen.announcements][-1] == "bid_opening.line_read"
    assert jsonable(seen)


def test_the_hall_counts_nobody_before_the_list(opening: Opening) -> None:
    opening.to_check_in()
    with opening.world.units.read() as unit:
        hall = queries.hall(unit)
    (row,) = hall.today + hall.coming
    assert row.bidders is None
    opening.close_bids()
    opening.publish()
    opening.look()
    with opening.world.units.read() as unit:
        (row,) = queries.hall(unit).live
    assert (row.bidders, row.phase) == (3, Phase.LIST_PUBLISHED)
    opening.at(opening.lot.deadline_at + timedelta(days=8))
    with opening.world.units.read() as unit:
        assert queries.hall(unit).live == ()


def test_the_replay_holds_everything_to_draw_again(opening: Opening) -> None:
    opening.to_window_closed()
    with opening.world.units.read() as unit, pytest.raises(NotFound):
        queries.replay(unit, opening.lot.id)
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    with opening.world.units.read() as unit:
        found = queries.replay(unit, opening.lot.id)
    assert f"freeze {found.freeze_hash}\n" in found.draws[0].transcript
    assert found.gate_holders == (0, 2)


def test_a_row_and_its_frames_are_written_in_the_unit_of_the_event(opening: Opening) -> None:
    opening.to_window()
    before = len(opening.frames())

    def release_and_die(unit: Unit, lot_id: str) -> None:
        acts.release(unit, lot_id, opening.r_bid(0).hex())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        opening.act(opening.bidders[0].actor, release_and_die)
    assert len(opening.frames()) == before
    assert opening.seat(0).released_at is None
    with opening.world.units.read() as unit:
        assert unit.session.get_one(OpeningRoom, opening.lot.id).state is Phase.DECRYPTING
