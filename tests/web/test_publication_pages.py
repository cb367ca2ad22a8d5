"""The public addresses of the log: files for programs, a page for people, and nothing private."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from foundation.clock import machine_now
from foundation.errors import Tampering
from foundation.ids import new_id
from foundation.publication import publisher, web
from foundation.publication.policy import log_policy, receipt_vkey
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.notes import Note
from foundation.transparency.policy import Policy
from foundation.transparency.tiles import TileReader
from foundation.transparency.verify import verify_entry
from foundation.web.kit import WebSettings, complete, create_web
from tests.integration.publication_centre import ENTROPY, NOON, Centre, cosigner, make_runtime
from tests.support.services import free_port

JSON = {"Accept": "application/json"}


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    port = free_port()
    made = Centre(make_runtime(tmp_path, "", f"http://127.0.0.1:{port}"), machine_now)
    with cosigner(tmp_path, made.runtime.log_key, port):
        yield made
        made.publisher.close()
    made.runtime.units.engine.dispose()


@pytest.fixture
def client(centre: Centre) -> FlaskClient:
    app = create_web("log", WebSettings(secret_key="k" * 32, rates_on=False))
    app.extensions["runtime"] = centre.runtime
    app.extensions["civil_now"] = centre.runtime.clock.now
    web.register(app)
    app.add_url_rule("/", "home", web.show_log)
    return complete(app).test_client()


def test_a_stranger_verifies_a_public_entry_with_what_the_site_gives(centre: Centre, client: FlaskClient) -> None:
    entry_id = centre.public(why="招标人原因")
    centre.publisher.round()
    policy = Policy.parse(client.get("/log/policy").text)
    answer = client.get(f"/log/entries/{entry_id}", headers=JSON).get_json()
    assert answer["is_cosigned"] is True
    assert verify_entry(answer["tlog_proof"], answer["entry_text"].encode(), policy, now=None).index == 0
    assert client.get(f"/log/entries/{entry_id}/proof").text == answer["tlog_proof"]
    assert client.get(f"/log/entries/{entry_id}/entry").text == answer["entry_text"]
    assert str(policy) == log_policy(centre.runtime)


def test_a_monitor_reads_the_whole_log_from_its_tiles(centre: Centre, client: FlaskClient) -> None:
    for n in range(300):
        centre.public(why=str(n))
    centre.publisher.round()
    note = client.get("/log/checkpoint").text
    checkpoint = Policy.parse(client.get("/log/policy").text).verify(note, now=None).checkpoint

    def get(path: str) -> bytes | None:
        answer = client.get(f"/log/{path}")
        return answer.data if answer.status_code == 200 else None

    reader = TileReader(get, checkpoint.size)
    assert reader.root() == checkpoint.root
    assert b'"why":"299"' in reader.entry(299)
    assert client.get("/log/tile/0/000").headers["Cache-Control"].endswith("immutable")


def test_a_private_entry_is_not_found_exactly_like_an_unknown_one(centre: Centre, client: FlaskClient) -> None:
    private, unknown = centre.private(), new_id(NOON, ENTROPY)
    centre.publisher.round()
    for end in ("", "/proof", "/entry"):
        answers = [client.get(f"/log/entries/{entry_id}{end}", headers=JSON) for entry_id in (private, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        shown = [
            {**answer.get_json(), "fields": None, "request_id": None} | {"length": len(answer.data)}
            for answer in answers
        ]
        assert shown[0] == shown[1]
    assert client.get("/log/entries/nonsense").status_code == 404


def test_a_public_entry_that_waits_says_so(centre: Centre, client: FlaskClient) -> None:
    entry_id = centre.public()
    answer = client.get(f"/log/entries/{entry_id}", headers=JSON)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "publication.not_yet_proved")
    assert answer.headers["Retry-After"] == "2"
    assert client.get("/log/checkpoint").status_code == 404
    centre.publisher.round()
    assert client.get(f"/log/entries/{entry_id}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["0/000", "entries/000.p/256", "entries/0", "../checkpoint", "0/x000/000.p/0", "64/000", "entries/000/", "0/00a"],
)
def test_what_is_no_tile_is_not_found(centre: Centre, client: FlaskClient, path: str) -> None:
    centre.public()
    centre.publisher.round()
    assert client.get(f"/log/tile/{path}").status_code == 404
    assert client.get("/log/tile/0/000.p/1").status_code == 200


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_the_page_tells_what_the_log_is_and_where_it_stands(centre: Centre, client: FlaskClient, lang: str) -> None:
    words = {"zh-Hans": ("公众查验", "还没有检查点"), "en": ("Verify", "There is no checkpoint yet")}[lang]
    client.set_cookie("lang", lang)
    empty = client.get("/log", headers={"Accept-Language": lang}).text
    assert all(word in empty for word in words)
    centre.public()
    centre.publisher.round()
    text = client.get("/log", headers={"Accept-Language": lang}).text
    assert words[1] not in text
    assert receipt_vkey(centre.runtime).replace("+", "&#43;") in text or receipt_vkey(centre.runtime) in text
    assert 'href="/log"' in text
    assert Checkpoint.parse(Note.parse(client.get("/log/checkpoint").text).text).size == 1


def test_the_entry_page_shows_entry_and_proof(centre: Centre, client: FlaskClient) -> None:
    entry_id = centre.public(why="招标人原因")
    centre.publisher.round()
    text = client.get(f"/log/entries/{entry_id}").text
    assert "招标人原因" in text
    assert "c2sp.org/tlog-proof@v1" in text
    assert f"/log/entries/{entry_id}/proof" in text


def test_tampering_makes_the_centre_not_ready(centre: Centre, client: FlaskClient) -> None:
    centre.public()
    centre.publisher.round()
    assert client.get("/readyz").get_json()["checks"]["publication"] == "ok"
    publisher.stop(centre.runtime, Tampering(leaf=0), machine_now())
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["publication"]) == (503, "publication.stopped")
    assert "foundation.tampering" in client.get("/log").text
