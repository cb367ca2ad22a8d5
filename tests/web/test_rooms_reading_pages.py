"""Reading, objections, draws and the replay over HTTP: what each reader gets, and what stays with its own desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bid_opening.services import acts, record
from foundation.documents.signing import check_pdf
from foundation.hints import UnixHints
from foundation.sealing.confirmation import confirmation_note, shown_in
from foundation.sealing.suite import sign
from tests.integration.test_opening_records import tenderee_of
from tests.rooms.room_world import RoomWorld, make_room_world
from tests.support_bids import FILES
from tests.support_opening import Opening, make_opening, price_schedule
from tests.web.test_rooms_pages import HTML, JSON, Web, web_of


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    yield from web_of(make_room_world(tmp_path))


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    odd = json.loads(price_schedule("11402318.00").decode()) | {"total_words": "壹元整", "duration_days": 9999}
    files = {0: {**FILES, "price_schedule": json.dumps(odd, ensure_ascii=False).encode()}}
    return make_opening(tmp_path, files=files)


@pytest.fixture
def real(opening: Opening) -> Iterator[Web]:
    """The web over an opening with real seals."""
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


def story(web: Web, who: Any = None, query: str = "") -> Any:
    return web.get(web.room(f"/replay.json{query}"), who, **JSON).get_json()


# --- the replay -------------------------------------------------------------------------------------------------------


def test_the_public_replays_what_the_public_was_told_and_nothing_else(real: Web, opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.bidders[0].actor, acts.check_seal, is_equal=True)
    for query in ("", "?view=own"):
        told = story(real, None, query)
        assert set(told["heads"]) == {frame["audience"] for frame in told["frames"]} == {"public"}
        assert [frame["seq"] for frame in told["frames"]] == list(range(1, told["heads"]["public"] + 1))
    staff = story(real, opening.supervisor, "?view=own")
    assert {frame["audience"] for frame in staff["frames"]} == {"public", "staff"}
    assert {frame["audience"] for frame in story(real, opening.supervisor)["frames"]} == {"public"}
    mine, theirs = (story(real, bidder.actor, "?view=own")["frames"] for bidder in opening.bidders[:2])
    assert [frame["type"] for frame in mine if frame["audience"] != "public"] == ["seal_checked"]
    assert {frame["audience"] for frame in theirs} == {"public"}


@pytest.mark.parametrize(("lang", "words"), [("zh", "开标回放"), ("en", "Replay of the opening")])
def test_the_player_page_is_there_in_both_languages(web: Web, lang: str, words: str) -> None:
    found = web.found
    page = web.get(web.room("/replay"), **HTML, **{"Accept-Language": lang})
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert words in text
    assert "view=own" not in text  # the public has one story only
    own = web.get(web.room("/replay?view=own"), found.supervisor, **HTML, **{"Accept-Language": lang})
    assert "view=own&amp;save=1" in own.get_data(as_text=True) or "save=1&amp;view=own" in own.get_data(as_text=True)


def test_the_frames_are_given_as_a_file_that_names_its_lot(web: Web) -> None:
    web.found.publish_list()
    answer = web.get(web.room("/replay.json?save=1"))
    told = answer.get_json()
    assert web.found.lot.lot_code in answer.headers["Content-Disposition"]
    assert (told["format"], told["lot_code"]) == ("etender-room-frames/v1", web.found.lot.lot_code)
    polled = web.get(web.room("/events"), **JSON).get_json()["frames"]
    assert told["frames"] == polled


def test_where_there_is_no_room_there_is_no_replay(web: Web) -> None:
    for part in ("replay", "replay.json"):
        path = f"/rooms/00000000-0000-7000-8000-000000000000/{part}"
        assert web.get(path, **HTML).status_code == 404


def test_the_room_leads_to_its_replay_once_there_is_something_to_see(web: Web) -> None:
    link = web.room("/replay")
    assert link not in web.get(web.room(), **HTML).get_data(as_text=True)
    web.found.publish_list()
    assert link in web.get(web.room(), **HTML).get_data(as_text=True)


def test_the_record_is_signed_under_the_certificate_anybody_can_fetch(real: Web, opening: Opening) -> None:
    opening.to_closed()
    assert opening.run_jobs() == []
    content = real.get(real.room("/record.pdf")).data
    own = real.get("/rooms/certificate.pem")
    path = opening.world.folder / "fetched.pem"
    path.write_bytes(own.data)
    assert record.CENTRE in check_pdf(content, path).subject


# --- reading ----------------------------------------------------------------------------------------------------------


def test_what_stands_out_is_marked_and_explained_at_every_desk(real: Web, opening: Opening) -> None:
    opening.to_reading()
    desks = {"": None, "/host": opening.host, "/supervise": opening.supervisor, "/seat": opening.bidders[0].actor}
    for part, who in desks.items():
        text = real.get(real.room(part), who, **HTML).get_data(as_text=True)
        for words in ("大写与小写不一致", "工期长于招标文件要求", "以大写金额为准", "壹元整"):
            assert words in text, (part, words)


def test_the_inputs_of_a_draw_are_all_there_to_redo_it(real: Web, opening: Opening) -> None:
    opening.to_reading()
    told = real.get(real.room("/draws"), **JSON).get_json()
    (draw,) = told["draws"]
    assert told["draw_ids"] == {draw["name"]: f"{opening.lot.tender_code}/{opening.lot.lot_code}/{draw['name']}"}
    assert set(told["contributions"]) == {one["bid"] for one in told["frozen"]}
    for bid, value in told["contributions"].items():
        assert f"contribution {bid} {value}\n" in draw["transcript"]
    assert (told["is_beacon_announced"], told["beacon"]) == (False, None)


# --- objections -------------------------------------------------------------------------------------------------------


def test_who_objected_takes_it_back_and_nobody_else(real: Web, opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    first, second = (bidder.actor for bidder in opening.bidders[:2])
    assert real.post(real.room("/object"), first, text="请核对工期").status_code == 200
    objection = opening.state.objections[0].id
    assert "撤回这条异议" in real.get(real.room("/seat"), first, **HTML).get_data(as_text=True)
    assert "撤回这条异议" not in real.get(real.room("/seat"), second, **HTML).get_data(as_text=True)
    assert real.post(real.room("/withdraw-objection"), second, objection_id=objection).status_code == 404
    assert real.post(real.room("/withdraw-objection"), first, objection_id=objection).status_code == 200
    assert real.post(real.room("/answer"), opening.host, objection_id=objection, text="晚了").status_code == 409
    page = real.get(real.room(), **HTML).get_data(as_text=True)
    assert "请核对工期" in page
    assert "已撤回" in page


def test_the_tenderee_may_answer_for_itself_and_the_page_says_who_did(real: Web, opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    first = opening.bidders[0].actor
    opening.act(first, acts.raise_objection, "请核对工期")
    opening.act(first, acts.raise_objection, "请核对质量")
    one, two = opening.state.objections
    own, other = tenderee_of(opening), opening.world.organisation("另一家招标人", "tenderee")
    assert "f-answer-" in real.get(real.room("/host"), own, **HTML).get_data(as_text=True)
    assert real.post(real.room("/answer"), other, objection_id=one.id, text="无误").status_code == 403
    assert real.post(real.room("/answer"), own, objection_id=one.id, text="无误").status_code == 200
    assert real.post(real.room("/answer"), opening.host, objection_id=two.id, text="无误").status_code == 200
    page = real.get(real.room(), **HTML).get_data(as_text=True)
    assert "招标人答复" in page
    assert "招标代理代招标人答复" in page


# --- confirmation -----------------------------------------------------------------------------------------------------


def test_a_confirmation_signs_all_that_was_shown_and_nothing_less(real: Web, opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    actor, seat = opening.bidders[0].actor, opening.seat(0)
    shown = shown_in(opening.lot.lot_code, story(real)["frames"])
    note = confirmation_note(shown, seat.bid)
    page = real.get(real.room("/seat"), actor, **JSON).get_json()
    assert page["own"]["confirm_note"] == note.decode()
    without = confirmation_note(shown_in(opening.lot.lot_code, story(real)["frames"][:-2]), seat.bid)
    fewer = [frame for frame in story(real)["frames"] if frame["type"] != "coefficient_drawn"]
    for message in (b"etender-confirm/v1\n", confirmation_note(shown_in(opening.lot.lot_code, fewer), seat.bid)):
        signature = sign(opening.bidders[0].signing, message).hex()
        assert real.post(real.room("/confirm"), actor, signature=signature).status_code == 422
    assert without == note  # what came after the result is not part of it
    stranger = sign(opening.bidders[1].signing, note).hex()
    assert real.post(real.room("/confirm"), actor, signature=stranger).status_code == 422
    own = sign(opening.bidders[0].signing, note).hex()
    assert real.post(real.room("/confirm"), actor, signature=own).status_code == 200
    assert opening.seat(0).confirmation == own
