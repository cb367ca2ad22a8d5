"""A bidder's pages and addresses, and what everybody else learns from them: nothing."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from foundation.actor import system
from foundation.jobs.models import Job
from foundation.sealing import parse_receipt
from foundation.store.unit import Unit
from foundation.transparency.notes import Note
from foundation.web.access import rule_of
from tendering import facade
from tendering.models import Lot, SealedBid
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, client_of, make_app, make_bidder, seal_body

ROUTES = {
    "bids.my_bids",
    "bids.workbench",
    "bids.seal_page",
    "bids.receipt",
    "bids.lot_json",
    "bids.start_upload",
    "bids.show_upload",
    "bids.put_segment",
    "bids.submit_seal",
    "bids.withdraw",
    "bids.receipt_note",
    "bids.receipt_proof",
    "bids.receipt_pdf",
    "bids.own_header",
    "bids.sample_files",
}


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


@pytest.fixture
def app(world: TenderWorld) -> Flask:
    return make_app(world, room_port=8001)


@pytest.fixture
def client(app: Flask, world: TenderWorld, bidder: Bidder) -> FlaskClient:
    return client_of(app, world, bidder.actor)


def upload(client: FlaskClient, lot: OpenLot, made: SealedFiles) -> str:
    parts = [{"id": one.id, "size": one.size_bytes, "segments": one.segments} for one in made.announced()]
    answer = client.post(f"/lots/{lot.id}/uploads", json={"parts": parts})
    assert answer.status_code == 201, answer.get_json()
    upload_id = answer.get_json()["upload_id"]
    for part, segment, block in made.segments():
        stored = put(client, upload_id, part, segment.number, block)
        assert stored.status_code == 201, stored.get_json()
    return str(upload_id)


def put(client: FlaskClient, upload_id: str, part: str, number: int, block: bytes, sha256: str = "") -> object:
    digest = sha256 or hashlib.sha256(block).hexdigest()
    url = f"/uploads/{upload_id}/parts/{part}/segments/{number}"
    return client.put(url, data=block, headers={"X-Content-SHA256": digest})


def hand_in(client: FlaskClient, lot: OpenLot, made: SealedFiles) -> dict[str, object]:
    answer = client.post(f"/lots/{lot.id}/seals", json=seal_body(made, upload(client, lot, made)))
    assert answer.status_code == 201, answer.get_json()
    return dict(answer.get_json())


def test_every_route_is_for_bidders_only(app: Flask) -> None:
    assert {name for name in app.view_functions if name.startswith("bids.")} == ROUTES
    for name in ROUTES:
        rule = rule_of(app, name)
        assert rule is not None
        assert not rule.everybody
        assert rule.roles == {"bidder"}


def test_a_client_gets_everything_it_needs_in_one_answer(client: FlaskClient, lot: OpenLot, bidder: Bidder) -> None:
    told = client.get(f"/lots/{lot.id}/lot.json").get_json()
    assert told["keyset"].encode() == lot.keyset.to_bytes()
    assert (told["lot"], told["tender"], told["bidder"], told["stage"]) == (
        lot.lot_code,
        lot.tender_code,
        bidder.uscc,
        "1",
    )
    assert told["deadline_at"] == "2026-11-24T01:30:00.000Z"
    assert told["server_time"] == "2026-11-23T07:02:47.318Z"
    assert told["room_origin"] == "ws://localhost:8001"
    assert told["last"] is None
    assert {part["id"]: part["required"] for part in told["parts"]} == {
        "price_schedule": True,
        "technical": True,
        "commercial": True,
        "boq": False,
    }
    assert told["log_policy"].startswith("log centre.localhost/log+")


def test_sealing_over_plain_http_from_upload_to_receipt(
    client: FlaskClient, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    answer = hand_in(client, lot, made)
    receipt = parse_receipt(Note.parse(str(answer["receipt"])).text)
    assert (answer["bid_id"], answer["rev"], answer["received_at"]) == (made.bid, 1, "2026-11-23T07:02:47.318Z")
    assert receipt.envelope_hash == made.envelope_hash
    assert client.get(f"/lots/{lot.id}/bid/receipt.note").get_data(as_text=True) == answer["receipt"]
    last = client.get(f"/lots/{lot.id}/lot.json").get_json()["last"]
    assert last == {"bid": made.bid, "rev": 1, "envelope_hash": made.envelope_hash}
    own = client.get(f"/lots/{lot.id}/bid/header").get_json()
    assert own["header_hash"] == hashlib.sha256(made.sealed.header.raw).hexdigest()
    assert [bid["lot_id"] for bid in client.get("/bids").get_json()["bids"]] == [lot.id]
    proof = client.get(f"/lots/{lot.id}/bid/receipt.tlog-proof")
    assert (proof.status_code, proof.get_json()["state"]) == (202, "waiting")


def test_the_receipt_is_a_paper_too(client: FlaskClient, lot: OpenLot, bidder: Bidder) -> None:
    answer = hand_in(client, lot, bidder.seal(lot))
    pdf = client.get(f"/lots/{lot.id}/bid/receipt.pdf")
    assert pdf.status_code == 200
    assert pdf.data.startswith(b"%PDF-")
    assert str(answer["receipt_number"]) in pdf.headers["Content-Disposition"]


def test_the_same_seal_again_is_answered_with_the_same_receipt(
    client: FlaskClient, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    body = seal_body(made, upload(client, lot, made))
    first, again = (client.post(f"/lots/{lot.id}/seals", json=body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json()["receipt"] == again.get_json()["receipt"]


def test_a_late_bid_is_refused_with_both_instants_to_the_millisecond(
    client: FlaskClient, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    body = seal_body(made, upload(client, lot, made))
    world.clock.set(DEADLINE + timedelta(milliseconds=412))
    answer = client.post(f"/lots/{lot.id}/seals", json=body)
    assert answer.status_code == 422
    told = answer.get_json()
    assert told["code"] == "tendering.seal_refused"
    assert [one["code"] for one in told["objections"]] == ["tendering.seal_late"]
    assert told["objections"][0]["detail"] == (
        "未收：09:30:00 已截止。到达时间 09:30:00.412，不再接收；文件没有保存在平台。"
    )
    english = client.post(f"/lots/{lot.id}/seals", json=body, headers={"Accept-Language": "en"}).get_json()
    assert "Yours came at 09:30:00.412" in english["objections"][0]["detail"]


def test_what_is_not_base64_is_refused_like_any_other_envelope(
    client: FlaskClient, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    body = {**seal_body(made, upload(client, lot, made)), "header": "not base64", "signature": "*"}
    codes = {one["code"] for one in client.post(f"/lots/{lot.id}/seals", json=body).get_json()["objections"]}
    assert "sealing.header_malformed" in codes


def test_a_damaged_segment_is_not_kept_and_the_right_one_is_taken_afterwards(
    client: FlaskClient, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    parts = [{"id": one.id, "size": one.size_bytes, "segments": one.segments} for one in made.announced()]
    upload_id = client.post(f"/lots/{lot.id}/uploads", json={"parts": parts}).get_json()["upload_id"]
    part, segment, block = next(made.segments())
    flipped = bytes([block[0] ^ 1]) + block[1:]
    refused = put(client, upload_id, part, segment.number, flipped, segment.sha256)
    assert refused.get_json()["code"] == "tendering.digest_mismatch"
    assert client.get(f"/uploads/{upload_id}").get_json() == {"held": {}}
    for _ in range(2):  # twice is the same as once
        assert put(client, upload_id, part, segment.number, block).status_code == 201
    other = put(client, upload_id, part, segment.number, flipped)
    assert (other.status_code, other.get_json()["code"]) == (409, "tendering.segment_differs")
    short = put(client, upload_id, part, segment.number, block[:-1])
    assert short.get_json()["code"] == "tendering.segment_refused"
    assert put(client, upload_id, "boq", 0, block).get_json()["code"] == "tendering.segment_refused"
    assert client.get(f"/uploads/{upload_id}").get_json() == {"held": {part: [[0, 0]]}}


def test_keys_are_registered_for_the_own_organisation(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    from foundation.sealing import generate_key, public_hex

    fresh = public_hex(generate_key())
    client = client_of(app, world, bidder.actor)
    answer = client.post(f"/lots/{lot.id}/bid/keys", json={"signing": fresh, "label": "x"})
    assert answer.status_code == 201
    assert fresh in answer.get_json()["signing_keys"]
    stranger = client_of(app, world, make_bidder(world, "乙公司").actor)
    assert stranger.post(f"/lots/{lot.id}/bid/keys", json={"signing": fresh}).status_code == 409


def test_withdrawing_and_replacing_through_the_pages(client: FlaskClient, lot: OpenLot, bidder: Bidder) -> None:
    first = bidder.seal(lot)
    hand_in(client, lot, first)
    assert client.post(f"/lots/{lot.id}/bid/withdraw").status_code == 200
    assert client.post(f"/lots/{lot.id}/bid/withdraw").status_code == 200
    hand_in(client, lot, bidder.seal(lot, after=first))
    bench = client.get(f"/lots/{lot.id}/bid").get_json()["bench"]
    assert [(one["rev"], one["state"]) for one in bench["revisions"]] == [(2, "sealed"), (1, "withdrawn")]


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_every_page_speaks_both_languages_in_each_state(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder, language: str
) -> None:
    unverified = make_bidder(world, "待核验公司", verified=False)
    pages = [client_of(app, world, one.actor, accept="text/html") for one in (bidder, unverified)]
    urls = ["/bids", f"/lots/{lot.id}/bid", f"/lots/{lot.id}/bid/seal"]
    sentence = {"zh-Hans": "投标要做的五件事", "en": "Five things to do"}[language]

    def see(client: FlaskClient, url: str) -> str:
        answer = client.get(url, headers={"Accept-Language": language})
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, text[:500]
        assert "lot_state." not in text.split("<main")[1].split("data-words")[0]
        return text

    for client in pages:
        assert sentence in see(client, urls[1])
        for url in urls:
            see(client, url)
    assert ("单位还没有核验" if language == "zh-Hans" else "not verified yet") in see(pages[1], urls[2])
    assert "seal-page.js" not in see(pages[1], urls[2])
    bidder.hand_in(lot, bidder.seal(lot))
    for url in (*urls, f"/lots/{lot.id}/bid/receipt"):
        see(pages[0], url)
    world.clock.set(DEADLINE)
    late = see(pages[0], urls[2])
    assert ("不再接收" if language == "zh-Hans" else "Not receiving") in late


# --- nobody else learns of it -----------------------------------------------------------------------------------------


def test_another_organisation_finds_none_of_it(app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    upload_id = bidder.upload(lot, made)
    bidder.submit(bidder.command(lot, made, upload_id))
    client = client_of(app, world, make_bidder(world, "乙公司").actor)
    urls = [f"/uploads/{upload_id}", f"/lots/{lot.id}/bid/receipt", f"/lots/{lot.id}/bid/header"]
    urls += [f"/lots/{lot.id}/bid/receipt.{kind}" for kind in ("note", "pdf", "tlog-proof")]
    for url in urls:
        assert client.get(url).status_code == 404, url
    part, segment, block = next(made.segments())
    assert put(client, upload_id, part, segment.number, block).status_code == 404
    assert client.get("/bids").get_json()["bids"] == []


def test_before_the_deadline_no_role_page_job_or_log_line_gives_a_bid_away(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = ["/notices", f"/lots/{lot.id}", f"/lots/{lot.id}/questions", "/projects", "/bids", f"/lots/{lot.id}/bid"]
    urls += [f"/lots/{lot.id}/lot.json", f"/lots/{lot.id}/timetable", f"/lots/{lot.id}/preparation"]
    roles = ["tenderee", "agency", "centre_staff", "supervisor", "gate_holder", "administrator", "observer", "expert"]
    readers = [None, *(world.organisation(f"{role}单位", role) for role in roles), make_bidder(world, "乙公司").actor]
    clients = [client_of(app, world, reader) for reader in readers]

    def seen() -> list[list[tuple[int, str]]]:
        answers = [[client.get(url) for url in urls] for client in clients]
        return [[(one.status_code, _stable(one.get_json(silent=True))) for one in line] for line in answers]

    before = seen()
    made = bidder.seal(lot)
    upload_id = bidder.upload(lot, made)
    bidder.submit(bidder.command(lot, made, upload_id))
    assert seen() == before
    secrets = (made.envelope_hash, made.bid, upload_id, bidder.uscc, str(bidder.actor.org_id))
    with world.units.read() as unit:
        jobs = [f"{job.key} {job.payload} {job.last_error}" for job in unit.session.scalars(select(Job))]
        assert unit.session.scalar(select(SealedBid.id)) is not None
    told = "\n".join([*jobs, caplog.text, json.dumps(before, default=str)])
    assert [secret for secret in secrets if secret in told] == []


def _stable(answer: object) -> str:
    """Without the number of the request, which differs each time."""
    if isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name != "request_id"}
    return json.dumps(answer, sort_keys=True)


@pytest.mark.parametrize(
    ("end", "said", "never"),
    [
        (facade.mark_opened, "开标室：报价与现场记录", "今后也不会开启"),
        (lambda unit, lot_id: facade.mark_failed(unit, lot_id, "too_few"), "今后也不会开启", "报价与现场记录"),
    ],
)
def test_after_the_opening_the_receipt_says_what_happened_instead_of_what_comes(
    client: FlaskClient,
    lot: OpenLot,
    world: TenderWorld,
    bidder: Bidder,
    end: Callable[[Unit, str], None],
    said: str,
    never: str,
) -> None:
    hand_in(client, lot, bidder.seal(lot))
    html = {"Accept": "text/html", "Accept-Language": "zh-CN"}
    before = client.get(f"/lots/{lot.id}/bid/receipt", headers=html).get_data(as_text=True)
    assert "演练解密" in before
    world.clock.set(DEADLINE)
    with world.units.begin(system("test")) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=LotState.FROZEN))
    running = client.get(f"/lots/{lot.id}/bid/receipt", headers=html).get_data(as_text=True)
    assert f"/rooms/{lot.id}/seat" in running
    assert "演练解密" not in running
    world.clock.step(timedelta(minutes=50))
    with world.units.begin(system("test")) as unit:
        end(unit, lot.id)
    after = client.get(f"/lots/{lot.id}/bid/receipt", headers=html).get_data(as_text=True)
    assert said in after
    assert never not in after
    assert "10:20:00" in after
    assert f"/rooms/{lot.id}/record.pdf" in after
    assert "演练解密" not in after


# --- demonstration ----------------------------------------------------------------------------------------------------


def test_sample_files_add_up_and_exist_in_a_demonstration_only(tmp_path: Path) -> None:
    world = make_world(tmp_path / "demo", demo=True)
    lot, bidder = world.open_lot(), make_bidder(world)
    client = client_of(make_app(world, demo=True), world, bidder.actor)
    answer = client.post(f"/lots/{lot.id}/bid/sample-files").get_json()
    assert {one["part"] for one in answer["files"]} == {"technical", "commercial"}
    assert float(answer["price"]["total"]) < 12_860_000
    assert client.post(f"/lots/{lot.id}/bid/sample-files").get_json()["price"] == answer["price"]
    hand_in(client, lot, bidder.seal(lot))
    assert client.get(f"/lots/{lot.id}/bid/receipt.note").get_data(as_text=True).count("clock demo\n") == 1


def test_there_are_no_sample_files_elsewhere(client: FlaskClient, lot: OpenLot) -> None:
    assert client.post(f"/lots/{lot.id}/bid/sample-files").status_code == 404
