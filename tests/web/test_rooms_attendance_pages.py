"""Attendance over HTTP: sign-in by papers, the staff's page, checks, refusal; a login that ran out in between."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from accounts.models import UserSession
from accounts.sessions import open_session
from bid_opening.presence import Edge, beat, write_edges
from bid_opening.services import acts, identity
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.hints import UnixHints
from tendering import facade as tendering
from tests.rooms.room_world import RoomWorld
from tests.support.tender_world import TESTS
from tests.support_opening import Opening, make_opening
from tests.web.test_rooms_pages import HTML, JSON, Web, web_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PDF = b"%PDF-1.7 " + bytes(20)
MADE_ANEW = re.compile(r"\b[0-9a-f]{4}(?: ?[0-9a-f]{4}){2}\b|csrf[-_a-z]*[^>]{0,200}")
"""What differs from one answer to the next whatever happens: tokens, and names of requests."""
LANGUAGES = {"zh": "zh-CN", "en": "en"}


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path, bids=4)


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


def text_of(web: Web, part: str, who: Actor | None, lang: str = "zh") -> str:
    answer = web.get(web.room(part), who, **HTML, **{"Accept-Language": LANGUAGES[lang]})
    assert answer.status_code == 200, part
    text: str = answer.get_data(as_text=True)
    return text


def hand_in(web: Web, who: Actor, **papers: bytes) -> Any:
    files = {kind: (io.BytesIO(content), f"{kind}.bin") for kind, content in papers.items()}
    bearer = {"Authorization": f"Bearer {web.found.token(who)}"}
    return web.client.post(web.room("/emergency-sign-in"), headers={**bearer, **JSON}, data=files)


def to_last_minutes(opening: Opening) -> None:
    opening.to_check_in()
    opening.at(opening.lot.deadline_at - timedelta(minutes=10))


# Sign-in by papers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_seat_says_from_when_papers_are_taken_and_offers_them_then(web: Web, opening: Opening, lang: str) -> None:
    bidder = opening.bidders[0].actor
    opening.to_check_in()
    says = {"zh": "起可凭照片和授权书应急签到", "en": "may use a photo and a proxy letter from"}[lang]
    button = {"zh": "现场照片", "en": "Photo of the authorised person"}[lang]
    assert says in text_of(web, "/seat", bidder, lang)
    early = hand_in(web, bidder, photo=PNG, letter=PDF)
    assert (early.status_code, early.get_json()["code"]) == (409, "bid_opening.emergency_not_yet")
    to_last_minutes(opening)
    assert button in text_of(web, "/seat", bidder, lang)
    assert hand_in(web, bidder, photo=PNG, letter=PDF).status_code == 201
    assert button not in text_of(web, "/seat", bidder, lang)
    assert {"zh": "已签到", "en": "You are signed in"}[lang] in text_of(web, "/seat", bidder, lang)


def test_a_paper_that_is_missing_or_none_is_named_and_nothing_is_recorded(web: Web, opening: Opening) -> None:
    to_last_minutes(opening)
    bidder = opening.bidders[0].actor
    for papers, field in [({"photo": PNG}, "letter"), ({"photo": PDF, "letter": PDF}, "photo")]:
        answer = hand_in(web, bidder, **papers)
        assert answer.status_code == 422
        assert [one["field"] for one in answer.get_json()["objections"]] == [field]
    assert "请签到" in text_of(web, "/seat", bidder)


def test_papers_are_downloaded_never_shown_and_by_few(web: Web, opening: Opening) -> None:
    to_last_minutes(opening)
    bidder = opening.bidders[0].actor
    assert hand_in(web, bidder, photo=PNG, letter=PDF).status_code == 201
    assert web.get(web.room("/papers/1/photo"), opening.host).status_code == 404
    opening.close_bids()
    opening.publish()
    opening.look()
    number = opening.seat(0).number
    for who in (opening.host, opening.supervisor, bidder):
        answer = web.get(web.room(f"/papers/{number}/letter"), who)
        assert (answer.status_code, answer.get_data(), answer.mimetype) == (200, PDF, "application/pdf")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="letter-{number:02d}.pdf"'
    assert web.get(web.room(f"/papers/{number}/letter"), opening.bidders[1].actor).status_code == 404
    assert web.get(web.room(f"/papers/{number}/letter"), opening.staff).status_code == 403
    assert web.get(web.room(f"/papers/{number}/letter"), **JSON).status_code == 401
    assert web.get(web.room(f"/papers/{number}/passport"), opening.host).status_code == 404


# The staff's page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_before_the_list_the_page_is_empty_for_everybody_and_says_why(web: Web, opening: Opening, lang: str) -> None:
    to_last_minutes(opening)
    opening.act(opening.bidders[0].actor, acts.check_in)
    for who in (opening.host, opening.supervisor, opening.staff):
        text = text_of(web, "/attendance", who, lang)
        assert {"zh": "名单尚未公布", "en": "The list is not published yet"}[lang] in text
        assert not any(bidder.actor.org_name in text for bidder in opening.bidders)
        assert web.get(web.room("/attendance"), who, **JSON).get_json()["rows"] == []
    assert web.get(web.room("/attendance"), opening.bidders[0].actor).status_code == 403


def test_the_host_checks_explains_and_proposes_and_a_second_person_decides(web: Web, opening: Opening) -> None:
    opening.to_list()
    numbers = [opening.seat(index).number for index in range(4)]
    host, base = opening.host, web.room("/attendance")
    done = web.post(f"{base}/check", host, seat=numbers[0], what="person", result="passed")
    assert done.status_code == 200
    bare = web.post(f"{base}/check", host, seat=numbers[0], what="letter", result="failed")
    assert bare.status_code == 422
    assert (
        web.post(f"{base}/check", host, seat=numbers[0], what="letter", result="failed", reason="没有盖章").status_code
        == 200
    )
    assert web.post(f"{base}/absence", host, seat=numbers[1], cause="other", text="航班取消").status_code == 200
    assert web.post(f"{base}/propose-refusal", host, seat=numbers[2], ground="late", why="逾期送达").status_code == 200
    waits = web.post(web.room("/start-decryption"), host)
    assert (waits.status_code, waits.get_json()["code"]) == (409, "bid_opening.still_waiting")
    assert "拒收投标文件的提议由第二人决定" in waits.get_data(as_text=True)
    seen = text_of(web, "/seat", opening.bidders[2].actor)
    assert "主持人提议拒收贵单位的投标文件" in seen
    assert "逾期送达" not in text_of(web, "/seat", opening.bidders[3].actor)
    assert web.post(f"{base}/decide-refusal", host, seat=numbers[2], decision="refuse").status_code == 403
    assert web.post(f"{base}/decide-refusal", opening.supervisor, seat=numbers[2], decision="refuse").status_code == 200
    page = text_of(web, f"/attendance?seat={numbers[0]}", host)
    for told in ("没有盖章", "航班取消", "已拒收", "登记的签名密钥"):
        assert told in page or told in text_of(web, f"/attendance?seat={numbers[1]}", host)
    for who, part in [
        (opening.bidders[3].actor, "/seat"),
        (None, ""),
        (host, "/host"),
        (opening.supervisor, "/supervise"),
    ]:
        assert "拒收" in text_of(web, part, who)
    assert "Your bid was refused" in text_of(web, "/seat", opening.bidders[2].actor, "en")
    row = web.get(base, opening.supervisor, **JSON).get_json()["rows"][numbers[0] - 1]
    assert [(one["what"], one["is_passed"]) for one in row["checks"]] == [
        ("person", True),
        ("letter", False),
        ("certificate", None),
    ]


def test_a_refused_form_keeps_what_was_entered_beside_its_bidder(web: Web, opening: Opening) -> None:
    opening.to_list()
    bearer = {"Authorization": f"Bearer {web.found.token(opening.host)}"}
    form = {"seat": "2", "ground": "late", "why": " "}
    answer = web.client.post(web.room("/attendance/propose-refusal"), headers={**bearer, **HTML}, data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "02 号" in text
    assert '<option value="late" selected>' in text


# Nobody learns who is there -------------------------------------------------------------------------------------------

PAGES = ("", "/host", "/represent", "/seat", "/supervise", "/attendance", "/events", "/talk", "/draws", "/replay.json")
DESKS = {
    "agency": ("/host", "/attendance"),
    "supervisor": ("/supervise", "/attendance"),
    "centre_staff": ("/supervise", "/attendance"),
    "witness": ("/supervise", "/attendance"),
    "bidder": ("/seat",),
    "": ("", "/events"),
}
ELSEWHERE = ("/rooms", "/rooms?screen=1", "/rooms/duty", "/sessions", "/log", "/api/log/entries", "/desk", "/inbox")


def seen(web: Web, opening: Opening, who: Actor | None) -> dict[tuple[str, str], tuple[int, str]]:
    """Every address of the room and around it, as page and as JSON, at one and the same instant."""
    opening.at(opening.lot.deadline_at - timedelta(minutes=10))
    paths = [*(web.room(part) for part in PAGES), *ELSEWHERE]
    found = {}
    for path in paths:
        for name, headers in (("html", HTML), ("json", JSON)):
            answer = web.get(path, who, **headers)
            text = answer.get_data(as_text=True)
            found[path, name] = (answer.status_code, MADE_ANEW.sub("…", text))
    return found


def test_before_the_list_no_role_sees_any_difference_when_somebody_signs_in_or_comes(
    web: Web, opening: Opening
) -> None:
    to_last_minutes(opening)
    witness = opening.world.organisation("武进区公证处", "witness")
    tenderee = next(iter_tenderees(opening))
    people = [None, opening.host, tenderee, opening.supervisor, opening.staff, witness, opening.bidders[3].actor]
    before = [seen(web, opening, who) for who in people]
    opening.act(opening.bidders[0].actor, acts.check_in)
    assert hand_in(web, opening.bidders[1].actor, photo=PNG, letter=PDF).status_code == 201
    with opening.world.units.begin(TESTS) as unit:
        org_id = str(opening.bidders[2].actor.org_id)
        write_edges(unit, [Edge(opening.lot.id, org_id, came=True)], "room-1")
        beat(unit, "room-1")
    for who, was in zip(people, before, strict=True):
        now = seen(web, opening, who)
        different = [key for key in was if was[key] != now[key]]
        assert different == [], f"{who.role if who else 'public'} sees a difference"
        assert [part for part in DESKS.get(who.role if who else "", ()) if now[web.room(part), "html"][0] != 200] == []


def iter_tenderees(opening: Opening) -> Iterator[Actor]:
    """Somebody of the lot's tenderee."""
    with opening.world.units.read() as unit:
        org_id = tendering.lot_card(unit, opening.lot.id).tenderee_org_id
    yield opening.world.person(org_id, "招标人", ("tenderee",), login="tenderee-9")


# What the host reads out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everybody_sees_what_the_host_reads_out_with_its_source(web: Web, opening: Opening, lang: str) -> None:
    opening.to_window()
    said = {"zh": "视为撤销其投标文件", "en": "counts as revoked"}[lang]
    source = {"zh": "《电子招标投标办法》", "en": "Electronic Tendering Measures"}[lang]
    for part, who in [
        ("", None),
        ("/host", opening.host),
        ("/supervise", opening.supervisor),
        ("/seat", opening.bidders[0].actor),
    ]:
        text = text_of(web, part, who, lang)
        assert said in text
        assert source in text
    head = {"zh": "请宣读", "en": "Please read out"}[lang]
    assert head in text_of(web, "/host", opening.host, lang)


# A login that ran out -------------------------------------------------------------------------------------------------


def test_a_login_that_runs_out_between_sealing_and_opening_takes_nothing_away(web: Web, opening: Opening) -> None:
    bidder = opening.bidders[0].actor
    opening.to_window()
    secret = opening.r_bid(0).hex()
    web.found.token(bidder)  # signed in since the sealing …
    with opening.world.units.begin(TESTS) as unit:
        gone = machine_now() - timedelta(seconds=1)
        unit.session.execute(update(UserSession).where(UserSession.user_id == bidder.user_id).values(expires_at=gone))
    refused = web.post(web.room("/release"), bidder, r_bid=secret)
    assert refused.status_code == 401  # … and it ran out in the window: nothing is released, nothing is lost
    assert opening.seat(0).released_at is None
    assert opening.seat(0).tries == 0
    with opening.world.units.begin(TESTS) as unit:
        _, web.found.tokens[str(bidder.user_id)] = open_session(unit, str(bidder.user_id), source="t", user_agent="t")
    assert web.post(web.room("/release"), bidder, r_bid=secret).status_code == 200
    assert opening.seat(0).released_at is not None


def test_a_second_sign_in_by_papers_stores_nothing_more(web: Web, opening: Opening) -> None:
    to_last_minutes(opening)
    bidder = opening.bidders[0].actor
    assert hand_in(web, bidder, photo=PNG, letter=PDF).status_code == 201
    kept = len(list(opening.world.runtime.objects.list(f"openings/{opening.lot.id}/papers")))
    assert kept == len(identity.KINDS)
    assert hand_in(web, bidder, photo=PNG, letter=PDF).status_code in {200, 201}
    assert len(list(opening.world.runtime.objects.list(f"openings/{opening.lot.id}/papers"))) == kept
