"""The programs to seal with: what is served is what the public log says, byte by byte."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.actor import system
from foundation.events import Audience
from foundation.events.publication import ClientReleased
from foundation.journal.read import read_stream
from foundation.publication.proofs import public_proof
from foundation.publication.publisher import Publisher
from tendering.clients import offline_page, releases
from tendering.clients.modules import ModuleForm
from tendering.clients.release_tasks import release_clients
from tendering.models import Lot
from tendering.rulebook import RULEBOOKS
from tests.support.tender_world import TenderWorld, make_world
from tests.support_bids import make_app

ROOT = Path(__file__).resolve().parents[2]
ACTOR = system("publisher")


@pytest.fixture(scope="module", autouse=True)
def vendored() -> None:
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor.py")], check=True, capture_output=True)


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what the programs are made of, to be changed."""
    folder = tmp_path_factory.mktemp("tree")
    for name in ("static/js", "static/css", "static/vendor/js", "templates/client", "templates/_layout"):
        shutil.copytree(ROOT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


def shown_lot(world: TenderWorld) -> str:
    """An open lot under a rulebook there is, so that its page can be shown."""
    lot = world.open_lot()
    with world.units.begin(ACTOR) as unit:
        unit.session.get_one(Lot, lot.id).rulebook_id = next(iter(RULEBOOKS))
    return lot.id


def events(world: TenderWorld) -> list[ClientReleased]:
    with world.units.read(ACTOR) as unit:
        found = [entry.event for entry in read_stream(unit.session, releases.STREAM)]
    assert all(isinstance(one, ClientReleased) for one in found)
    return found  # type: ignore[return-value]


def test_what_is_served_hashes_to_what_the_public_log_says(world: TenderWorld) -> None:
    release_clients(world.runtime)
    release_clients(world.runtime)  # once a hash
    told = {one.name: one for one in events(world)}
    assert list(told) == [releases.OFFLINE, releases.ONLINE]
    client = make_app(world).test_client()
    for name, event in told.items():
        answer = client.get(f"/client/{name}")
        assert hashlib.sha256(answer.data).hexdigest() == event.sha256
        assert (len(answer.data), answer.headers["Content-Disposition"]) == (
            event.size_bytes,
            f"attachment; filename={name}",
        )
    page = client.get(f"/lots/{shown_lot(world)}").get_data(as_text=True)
    with world.units.read(ACTOR) as unit:
        entries = releases.logged(unit)
    assert all(f"/log/entries/{entry.id}" in page for entry in entries.values())
    assert told[releases.OFFLINE].sha256 in page.replace(" ", "").replace("\u2009", "")


def test_the_entry_is_public_and_can_be_proved(world: TenderWorld) -> None:
    release_clients(world.runtime)
    publisher = Publisher(world.runtime)
    publisher.round()
    publisher.close()
    assert ClientReleased.AUDIENCE is Audience.PUBLIC
    with world.units.read() as unit:
        entry = releases.logged(unit)[releases.OFFLINE]
        proof = public_proof(unit, entry.id)
    assert proof is not None
    assert releases.offline_sha256() in proof.entry_text


def test_built_again_elsewhere_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "client.html"
    command = [sys.executable, str(ROOT / "tools" / "offline_encryptor.py"), str(path)]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert path.read_bytes() == offline_page.offline_encryptor()
    assert said.startswith(releases.offline_sha256())


@pytest.mark.parametrize(
    "name",
    [
        "static/js/sealing/seal.js",
        "static/vendor/js/age.js",
        "static/css/parts.css",
        "templates/client/offline-encryptor.html",
    ],
)
def test_one_changed_byte_is_not_what_was_logged(world: TenderWorld, tree: Path, name: str) -> None:
    assert offline_page.offline_page(tree) == offline_page.offline_encryptor()
    release_clients(world.runtime)
    path = tree / name
    before = path.read_bytes()
    path.write_bytes(before.replace(b"0", b"1", 1))
    try:
        changed = offline_page.offline_page(tree)
    finally:
        path.write_bytes(before)
    assert hashlib.sha256(changed).hexdigest() not in {one.sha256 for one in events(world)}


def test_a_changed_program_gets_an_entry_of_its_own_and_so_does_the_old_one_when_it_comes_back(
    world: TenderWorld,
) -> None:
    first = releases.Served(releases.OFFLINE, b"first")
    second = releases.Served(releases.OFFLINE, b"second")
    for program in (first, second, second, first):
        with world.units.begin(ACTOR) as unit:
            releases.release(unit, {program.name: program})
    assert [one.sha256 for one in events(world)] == [first.sha256, second.sha256, first.sha256]


def test_a_page_whose_program_is_not_the_logged_one_does_not_point_to_the_log(world: TenderWorld) -> None:
    with world.units.begin(ACTOR) as unit:
        releases.release(unit, {releases.OFFLINE: releases.Served(releases.OFFLINE, b"another")})
    with world.units.read(ACTOR) as unit:
        assert {one.entry_id for one in releases.shown(unit)} == {""}


def test_the_list_of_online_modules_has_every_file_those_pages_load(tree: Path) -> None:
    listed = dict(line.split("  ")[::-1] for line in releases.online_modules().decode().splitlines())
    for path, digest in listed.items():
        assert hashlib.sha256((ROOT / "static" / path).read_bytes()).hexdigest() == digest
    assert {"js/bids/seal-page.js", "js/sealing/suite_s2.js", "vendor/js/age.js", "vendor/js/sm.js"} <= set(listed)
    assert {"js/room/page.js", "js/sealing/worker.js", "js/sealing/release.js"} <= set(listed)
    assert list(listed) == sorted(listed)


def test_nothing_in_the_file_speaks_to_a_network() -> None:
    page = offline_page.offline_encryptor().decode()
    for word in (
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "EventSource",
        "sendBeacon",
        "importScripts",
        " src=",
        "https://cdn",
    ):
        assert word not in page, word
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "connect-src &#39;none&#39;" in policy[1]
    assert "unsafe" not in policy[1]


def test_without_the_vendored_files_the_pages_go_on_and_say_so(
    world: TenderWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> bytes:
        return offline_page.offline_page(tmp_path)

    monkeypatch.setattr(releases, "offline_encryptor", away)
    releases.served.cache_clear()
    try:
        client = make_app(world).test_client()
        assert client.get("/client/offline-encryptor.html").status_code == 503
        assert client.get(f"/lots/{shown_lot(world)}").status_code == 200
        release_clients(world.runtime)
        assert events(world) == []
        assert releases.offline_sha256() == ""
    finally:
        releases.served.cache_clear()


def test_a_script_that_would_end_its_own_element_is_refused(tree: Path) -> None:
    path = tree / "static" / "js" / "offline" / "page.js"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + '\nconst bad = "</script>";\n', encoding="utf-8")
    try:
        with pytest.raises(ModuleForm):
            offline_page.offline_page(tree)
    finally:
        path.write_text(before, encoding="utf-8")
