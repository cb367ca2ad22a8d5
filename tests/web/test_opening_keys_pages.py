"""The page of a bidder's devices: registering public parts, the form without a script, and who sees nothing of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from flask import Flask

from foundation.sealing import S2, generate_key, public_hex
from tests.integration.support_claims import issue, make_authority, revocation_list
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, client_of, make_app, make_bidder


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def app(world: TenderWorld) -> Flask:
    return make_app(world)


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world, "常州澄岳建设工程有限公司")


def test_a_device_is_registered_listed_in_the_lot_file_and_left_out(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    client, key = client_of(app, world, bidder.actor), public_hex(generate_key())
    answer = client.post(f"/lots/{lot.id}/bid/keys", json={"sealing": key, "label": "投标室笔记本"})
    assert answer.status_code == 201
    assert [one["public_key"] for one in answer.get_json()["opening_keys"]] == [key]
    (told,) = client.get(f"/lots/{lot.id}/lot.json").get_json()["opening_keys"]
    assert (told["public_key"], told["label"]) == (key, "投标室笔记本")
    (shown,) = client.get(f"/lots/{lot.id}/bid/keys").get_json()["keys"]
    assert client.post(f"/lots/{lot.id}/bid/keys/retire", json={"key_id": shown["id"]}).status_code == 200
    assert client.get(f"/lots/{lot.id}/lot.json").get_json()["opening_keys"] == []
    again = client.post(f"/lots/{lot.id}/bid/keys", json={"sealing": key})
    assert (again.status_code, again.get_json()["code"]) == (409, "accounts.key_taken")


def test_nobody_else_learns_of_a_device(app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    key = public_hex(generate_key())
    own = client_of(app, world, bidder.actor)
    assert own.post(f"/lots/{lot.id}/bid/keys", json={"sealing": key, "label": "x"}).status_code == 201
    rival = client_of(app, world, make_bidder(world, "乙公司").actor)
    for address in (f"/lots/{lot.id}/lot.json", f"/lots/{lot.id}/bid/keys", "/bids", f"/lots/{lot.id}/bid"):
        answer = rival.get(address)
        assert answer.status_code == 200
        assert key not in answer.get_data(as_text=True)
    (shown,) = own.get(f"/lots/{lot.id}/bid/keys").get_json()["keys"]
    assert rival.post(f"/lots/{lot.id}/bid/keys/retire", json={"key_id": shown["id"]}).status_code == 200
    assert len(own.get(f"/lots/{lot.id}/bid/keys").get_json()["keys"]) == 1  # nothing happened to it
    for role in ("tenderee", "agency", "centre_staff", "supervisor", "gate_holder", "administrator", "expert"):
        reader = client_of(app, world, world.organisation(f"{role}单位", role))
        assert reader.get(f"/lots/{lot.id}/bid/keys").status_code == 403, role
        assert reader.post(f"/lots/{lot.id}/bid/keys", json={"sealing": key}).status_code == 403, role


def test_a_key_of_another_suite_is_refused_before_it_is_too_late(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    client = client_of(app, world, bidder.actor)
    answer = client.post(f"/lots/{lot.id}/bid/keys", json={"sealing": public_hex(generate_key(S2))})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "tendering.opening_key_unfit")
    sm2 = world.open_lot(suite=S2)
    assert client.post(f"/lots/{sm2.id}/bid/keys", json={"sealing": public_hex(generate_key(S2))}).status_code == 201
    assert client.post(f"/lots/{sm2.id}/bid/keys", json={"sealing": "04zz"}).status_code == 422


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_the_page_works_without_a_script_and_speaks_both_languages(
    app: Flask, world: TenderWorld, lot: OpenLot, bidder: Bidder, language: str
) -> None:
    client, key = client_of(app, world, bidder.actor, accept="text/html"), public_hex(generate_key())
    asked = {"Accept-Language": language}
    url = f"/lots/{lot.id}/bid/keys"
    word = {"zh-Hans": ("还没有登记设备", "停用"), "en": ("No device yet", "Leave out")}[language]
    assert word[0] in client.get(url, headers=asked).get_data(as_text=True)
    wrong = client.post(url, data={"public_key": "05", "label": "会议室电脑"}, headers=asked)
    text = wrong.get_data(as_text=True)
    assert (wrong.status_code, text.count("会议室电脑"), 'href="#f-public_key"' in text) == (
        422,
        1,
        True,
    )  # what was typed is not lost
    assert client.post(url, data={"public_key": key, "label": "会议室电脑"}, headers=asked).status_code == 303
    shown = client.get(url, headers=asked).get_data(as_text=True)
    assert word[1] in shown
    assert "keys-page.js" in shown
    world.clock.set(DEADLINE)
    late = client.get(url, headers=asked).get_data(as_text=True)
    assert "keys-page.js" not in late
    assert "会议室电脑" in late


def test_a_signing_key_is_registered_by_its_certificate_on_the_page_of_the_firm(
    app: Flask, world: TenderWorld, bidder: Bidder
) -> None:
    authority = make_authority()
    holder = issue(authority, name="常州澄岳建设工程有限公司", uscc=bidder.uscc)
    client, form = client_of(app, world, bidder.actor), {"purpose": "signing", "label": "U盾"}
    sent = form | {"certificate": holder.pem.decode()}
    untrusted = client.post("/account/keys", json=sent)
    assert (untrusted.status_code, untrusted.get_json()["code"]) == (409, "accounts.no_ca_roots")
    roots = world.runtime.settings.ca_roots_dir
    roots.mkdir(parents=True)
    (roots / "root.pem").write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
    wrong = client.post("/account/keys", json=sent | {"purpose": "sealing"})
    assert wrong.status_code == 422
    assert [one["code"] for one in wrong.get_json()["objections"]] == ["accounts.certificate_for_signing_only"]
    assert client.post("/account/keys", json=sent).status_code == 201
    page = client_of(app, world, bidder.actor, accept="text/html").get("/account").get_data(as_text=True)
    assert "CA 证书，有效至" in page
    (roots / "ca.crl").write_bytes(
        revocation_list(authority, holder.certificate).public_bytes(serialization.Encoding.PEM)
    )
    revoked = client.post("/account/keys", json=sent | {"label": "又来"})
    assert (revoked.status_code, revoked.get_json()["code"]) == (422, "accounts.certificate_not_trusted")
