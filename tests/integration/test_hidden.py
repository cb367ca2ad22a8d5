"""Nothing before the deadline says who or how many are interested in a lot (R1.05, R1.11; invariant 1).

The proof is by comparison: every readable route is read by every role before and after three bidders have downloaded,
subscribed, paid, uploaded, sealed and signed in. Whatever differs by a byte, for anybody but the bidder itself, is a
leak.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from accounts import facade as accounts
from accounts.notices import delivery
from accounts.notices.models import NoticeAddress, NoticeDelivery
from accounts.notices.states import DeliveryState
from accounts.services.bank import SIGNATURE_HEADER, read_secret
from bid_opening.models import RoomFrame
from deposits.services import arrivals
from foundation.actor import system
from foundation.clock import iso, machine_now
from foundation.jobs.models import Job
from foundation.notices.message import Channel
from foundation.publication.models import STATE_ROW, LogLeaf, LogState
from foundation.publication.publisher import Publisher
from foundation.sealing import recover_r_bid, rehearsal_tag
from foundation.settings import Settings
from keyholding import by_hand, rules
from tendering import facade as tendering
from tendering.models import Lot, Question, SealedBid, Upload
from tendering.self_check import LINES
from tests.support.tender_world import DEPOSIT, NOW, TESTS, OpenLot
from tests.support.whole_centre import PUBLIC, Person, WholeCentre, make_whole_centre, publish
from tests.support_bids import Bidder, SealedFiles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROWS = tomllib.loads((Path(__file__).parent.parent / "web" / "matrix.toml").read_text(encoding="utf-8"))
CANARIES = ("金丝雀甲建设工程有限公司", "金丝雀乙建筑安装有限公司", "金丝雀丙市政工程有限公司")
MAIL = "canary@firm.example"
QUESTION = "图纸第三页柱脚标高与说明不一致，以何为准？"
VOLATILE = (
    re.compile(r'name="csrf_token" value="[^"]*"'),
    re.compile(r'name="csrf-token" content="[^"]*"'),
)
ELSEWHERE = {"static", "static_versioned", "log", "demo", "guide"}
"""The log grows with time, whoever does what, and has a test of its own. The demonstration's pages say that something
is under way, because its clock must not jump over it (and no more: a test below); they are in no real centre."""
PASSING_HEADERS = {"Set-Cookie", "X-Request-Id", "Date"}


@dataclass
class Interested:
    """A bidder that does everything one can do before the deadline. ``marks``: what would give it away."""

    person: Person
    bidder: Bidder
    marks: set[str] = field(default_factory=set)


class Scene:
    """A centre with one lot that takes bids, and three bidders who have done nothing yet."""

    def __init__(self, folder: Path) -> None:
        self.centre: WholeCentre = make_whole_centre(folder, with_bids=False)
        self.lot: OpenLot = self._lot()
        self.interested = [self._bidder(number, name) for number, name in enumerate(CANARIES, start=1)]
        self.publisher = Publisher(self.centre.world.runtime, machine=self.centre.machine)
        self.publish(ticks=1)

    def _lot(self) -> OpenLot:
        """Its deadline is far enough for questions, and its room is open early, so that everything can happen now."""
        people, world = self.centre.people, self.centre.world
        sides = {"tenderee": people["tenderee1"].actor, "agency": people["agency1"].actor}
        lot = world.open_lot(deadline_at=NOW + timedelta(days=20), **sides)
        with world.units.begin(TESTS) as unit:
            unit.session.execute(update(Lot).where(Lot.id == lot.id).values(checkin_lead_minutes=60 * 24 * 30))
        publish(self.centre, lot)
        self.centre.put("open_lot", 1, lot.id)
        self.centre.put("closed_room", 1, lot.id)
        self.centre.put("receipt", 1, {"lot_id": lot.id, "serial": serial_of(1)})
        return lot

    def _bidder(self, number: int, name: str) -> Interested:
        centre = self.centre
        actor = centre.world.organisation(name, "bidder", login=f"canary{number}")
        bidder = Bidder(centre.world, actor)
        bidder.register_keys()
        with centre.units.begin(actor) as unit:
            address = NoticeAddress(id=unit.new_id(), user_id=actor.user_id or "", channel=Channel.EMAIL, address=MAIL)
            address.added_at = address.verified_at = machine_now()
            unit.session.add(address)
        return Interested(centre.person(f"canary{number}", "bidder", 1, actor), bidder)

    def act(self, one: Interested) -> None:
        """Download, subscribe, pay, sign in, seal, rehearse, check the device, and begin to upload a second version."""
        client, lot_id, actor = self.centre.client(one.person), self.lot.id, one.person.actor
        assert client.get(f"/lots/{lot_id}/document.pdf", buffered=True).status_code == 200
        assert client.post(f"/lots/{lot_id}/subscription", json={"on": True}).status_code == 200
        assert client.post(f"/rooms/{lot_id}/check-in", json={}).status_code == 200
        self.pay(one)
        made = one.bidder.seal(self.lot)
        answer = one.bidder.hand_in(self.lot, made)
        self.rehearse(one, made)
        one.bidder.upload(self.lot, one.bidder.seal(self.lot, after=made), leave_out="technical")
        one.marks |= {str(actor.org_id), str(actor.user_id), actor.org_name, actor.display_name, one.bidder.uscc}
        one.marks |= {made.bid, made.envelope_hash, answer.envelope_hash, *answer.receipt.split("\n")[-2:-1]}
        with self.centre.units.read() as unit:
            row = unit.session.scalars(select(SealedBid).where(SealedBid.org_id == actor.org_id)).one()
            one.marks |= {row.id, row.entry_id, row.commit_bidder, row.manifest.decode()[:200]}
            one.marks |= set(unit.session.scalars(select(Upload.id).where(Upload.org_id == actor.org_id)))

    def rehearse(self, one: Interested, made: SealedFiles) -> None:
        """Over HTTP, as its client does: the challenge, the statement, and the result of a self-check."""
        client, place = self.centre.client(one.person), f"/lots/{self.lot.id}/bid/rehearsal"
        told = client.post(f"{place}/challenge", json={}).get_json()
        r_bid = recover_r_bid(made.sealed.header, one.bidder.opening)
        tag = rehearsal_tag(made.sealed.header, told["challenge"], r_bid)
        body = {"bid": told["bid"], "rev": told["rev"], "challenge": told["challenge"], "tag": tag}
        assert client.post(place, json=body).status_code == 201
        lines = [{"id": name, "state": "ok", "measured": ""} for name in LINES]
        checked = client.post("/self-check/results", json={"lines": lines}).get_json()
        one.marks |= {told["challenge"], tag, r_bid.hex(), checked["check"]["id"]}

    def pay(self, one: Interested) -> None:
        """The deposit arrives, then a stranger's money that is sent back: two signed notices of the bank, one order."""
        actor, lot_id = one.person.actor, self.lot.id
        secret = read_secret(self.centre.world.runtime.settings.secrets_dir)
        number = arrivals.sub_account_number(secret, lot_id, str(actor.org_id))
        with self.centre.units.begin(actor) as unit:
            arrivals.note_account(unit, lot_id, str(actor.org_id), number)
        nth = int(one.person.name[-1])
        account, stranger, stray = f"622202110000099{nth}", f"金丝雀{nth}号付款人", serial_of(nth + 10)
        for serial, payer, amount in ((serial_of(nth), actor.org_name, DEPOSIT.text()), (stray, stranger, "77.00")):
            said = {
                "kind": "arrival",
                "serial": serial,
                "number": number,
                "payer_name": payer,
                "payer_account": account,
                "amount": amount,
                "currency": "CNY",
                "value_at": iso(self.centre.world.clock.now()),
            }
            body = json.dumps(said, ensure_ascii=False).encode()
            signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
            told = self.centre.client(PUBLIC).post("/bank/arrivals", data=body, headers={SIGNATURE_HEADER: signature})
            assert told.status_code == 200
        own = self.centre.client(one.person)
        assert own.post(f"/lots/{lot_id}/deposit/arrivals/{stray}/return", json={}).status_code == 200
        one.marks |= {number, account, stranger, serial_of(nth), stray}

    def remind(self) -> None:
        """Everybody hears of the opening by mail too, and of the three mails one waits, one is given up."""
        with self.centre.units.begin(system("worker")) as unit:
            bidders = tendering.sealed_bidders(unit, self.lot.id)
            params = {"lot": "标段", "opens_at": unit.at}
            accounts.tell(unit, bidders, "inbox.opening_sign_in", params, f"/rooms/{self.lot.id}/seat")
        runtime = replace(self.centre.world.runtime, settings=Settings(smtp_url="smtp://localhost:1", _env_file=None))
        delivery.send_due(runtime, Channel.EMAIL)
        with self.centre.units.begin(TESTS) as unit:
            rows = unit.session.scalars(select(NoticeDelivery).where(NoticeDelivery.lot_id == self.lot.id)).all()
            assert {row.org_id for row in rows} == set(bidders)
            assert [row.reason for row in rows if row.attempts] == ["unreachable"]
            rows[0].state = DeliveryState.GIVEN_UP

    def ask(self, one: Interested) -> None:
        answer = self.centre.client(one.person).post(f"/lots/{self.lot.id}/questions", json={"text": QUESTION})
        assert answer.status_code == 201

    def publish(self, *, ticks: int) -> None:
        for _ in range(ticks):
            self.centre.machine.step()
            while self.publisher.round():
                pass

    def outsiders(self) -> list[Person]:
        """Everybody but the three: the host's side, other people of the trade, every role of the platform, the street.

        Of the platform's roles, which have no side, one person each is enough.
        """
        people = [person for name, person in self.centre.people.items() if not name.startswith("canary")]
        return [PUBLIC, *(one for one in people if one.number == 1 or one.role in {"agency", "tenderee", "bidder"})]

    def read_everything(
        self, people: Iterable[Person], kinds: Iterable[str] = ("json", "html")
    ) -> dict[tuple[str, str, str], str]:
        """(person, address, format) → what came back, without what changes at every request."""
        return {
            (person.name, url, kind): normal(client.get(url, buffered=True))
            for person in people
            for kind in kinds
            for client in (self.centre.client(person) if kind == "json" else self.centre.browser(person),)
            for url in self.addresses()
        }

    def addresses(self) -> list[str]:
        app, found = self.centre.app, []
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint.partition(".")[0] in ELSEWHERE:
                continue
            row = {"object": "open_lot", **ROWS.get(rule.endpoint, {})}
            # What comes after the opening is asked of the lot that is watched: nothing of it may show early.
            kind = row["object"] if row["object"] in self.centre.objects else "open_lot"
            if kind != "upload":  # its id is known to its owner alone; the matrix asks for it as others
                found.append(self.centre.address(app, rule, kind, row.get("values", {})))
        return found


def serial_of(nth: int) -> str:
    """The bank's number of a payment: of the first bidder's everybody asks for the receipt."""
    return f"DB-CANARY-{nth:04d}"


def normal(response: TestResponse) -> str:
    """Status, headers and body, as far as they are the same when nothing has happened."""
    headers = sorted(f"{name}: {value}" for name, value in response.headers if name not in PASSING_HEADERS)
    text = "\n".join([response.status, *headers, response.get_data().decode("utf-8", "replace")])
    number = response.headers.get("X-Request-Id", "")
    for shown in filter(None, (number, " ".join(number[at : at + 4] for at in range(0, len(number), 4)))):
        text = text.replace(shown, "…")
    for pattern in VOLATILE:
        text = pattern.sub("…", text)
    return text


@contextmanager
def listening() -> Iterator[list[str]]:
    """Every line any logger writes meanwhile."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, ear = logging.getLogger(), Ear(level=logging.DEBUG)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs() as entries:
            yield lines
        lines += [json.dumps(entry, ensure_ascii=False, default=str) for entry in entries]
    finally:
        root.removeHandler(ear)
        root.setLevel(level)


def leaks(told: dict[tuple[str, str, str], str], scene: Scene) -> list[str]:
    """Where a mark of somebody else's bid stands."""
    return [
        f"{mark} at {' '.join(where)}"
        for where, text in told.items()
        for one in scene.interested
        if where[0] != one.person.name
        for mark in one.marks
        if mark and mark in text
    ]


def differences(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str]) -> list[str]:
    assert set(before) == set(after)
    return [" ".join(where) for where, text in after.items() if text != before[where]]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    # A holder that reads here is seen, by the machine's clock: once, and not again while this looks at differences.
    for module in (rules, by_hand):
        monkeypatch.setattr(module, "SEEN_WITHIN", timedelta(days=365))
    return Scene(tmp_path)


def test_no_role_learns_who_or_how_many_are_interested(scene: Scene) -> None:
    people = scene.outsiders()
    scene.read_everything(people, ["json"])  # whoever has downloaded a document finds its lot on the own desk
    before = scene.read_everything(people)
    with listening() as lines:
        for one in scene.interested:
            scene.act(one)
        scene.remind()
        after = scene.read_everything(people)
    assert differences(before, after) == []
    # Names stand on the centre's own lists of organisations and people, as they did before: nothing of this lot does.
    names = {mark for one in scene.interested for mark in one.marks if mark in " ".join(before.values())}
    for one in scene.interested:
        assert len(one.marks - names) > 6
        one.marks -= names
    assert leaks(after, scene) == []
    assert [line for line in lines if any(mark in line for one in scene.interested for mark in one.marks | names)] == []

    for one in scene.interested:
        scene.ask(one)
    with_questions = scene.read_everything(people, ["json"])
    changed = differences({where: text for where, text in before.items() if where[2] == "json"}, with_questions)
    host = f"agency1 /lots/{scene.lot.id}/"
    assert changed
    # The host's work list says that questions wait, as the page where it answers them does.
    expected = (f"{host}questions", f"{host}clarifications/new", "agency1 /desk ")
    assert [where for where in changed if not where.startswith(expected)] == []
    assert leaks(with_questions, scene) == []
    assert not any(QUESTION in text for where, text in with_questions.items() if where[0] != "agency1")


def test_a_bidder_sees_its_own_things_and_nobody_elses(scene: Scene) -> None:
    own = [one.person for one in scene.interested]
    scene.read_everything(own, ["json"])
    before = scene.read_everything(own)
    first, *others = scene.interested
    scene.act(first)
    scene.ask(first)
    after = scene.read_everything(own)
    assert {where.split()[0] for where in differences(before, after)} == {first.person.name}
    for one in others:
        scene.act(one)
        scene.ask(one)
    last = scene.read_everything([first.person])
    assert differences({where: text for where, text in after.items() if where[0] == first.person.name}, last) == []
    assert leaks(last, scene) == []


def test_the_guide_says_that_something_is_under_way_and_never_whose_or_how_much(scene: Scene) -> None:
    def read() -> dict[tuple[str, str, str], str]:
        return {
            (person.name, "/demo/guide", "json"): normal(scene.centre.client(person).get("/demo/guide"))
            for person in scene.outsiders()
        }

    scene.act(scene.interested[0])
    one = read()
    for other in scene.interested[1:]:
        scene.act(other)
    assert differences(one, read()) == []
    assert leaks(one, scene) == []


def test_jobs_and_frames_name_no_bidder(scene: Scene) -> None:
    for one in scene.interested:
        scene.act(one)
        scene.ask(one)
    with scene.centre.units.read() as unit:
        jobs = [f"{job.task} {job.key} {json.dumps(job.payload)}" for job in unit.session.scalars(select(Job))]
        frames = unit.session.scalars(select(RoomFrame).where(RoomFrame.lot_id == scene.lot.id)).all()
        questions = unit.session.scalars(select(Question.id)).all()
    marks = {mark for one in scene.interested for mark in one.marks} | set(questions)
    assert [job for job in jobs if any(mark in job for mark in marks)] == []
    for frame in frames:
        owner = frame.audience.removeprefix("bidder:")
        strange = {mark for one in scene.interested if one.person.actor.org_id != owner for mark in one.marks}
        assert not any(mark in frame.frame for mark in strange), frame.audience
    assert {frame.type for frame in frames if frame.audience in {"public", "staff"}} == {
        "room_scheduled",
        "check_in_opened",
    }


def test_the_log_grows_alike_whether_nobody_or_three_have_sealed(tmp_path: Path) -> None:
    """Two centres, the same time: as many leaves, of the same kinds and sizes, in tiles of the same sizes."""
    grown = []
    for name, count in (("busy", 3), ("quiet", 0)):
        folder = tmp_path / name
        folder.mkdir()
        scene = Scene(folder)
        start, known, tiles = log_size(scene), log_texts(scene), sum(tile_sizes(scene))
        for one in scene.interested[:count]:
            scene.act(one)
            scene.ask(one)
        scene.publish(ticks=3)
        grown.append((log_size(scene) - start, kinds(scene, start), sum(tile_sizes(scene)) - tiles))
        texts = log_texts(scene)
        # That an organisation proved its code is public, and says nothing of a lot.
        assert {mark for one in scene.interested for mark in one.marks if mark in texts and mark not in known} == set()
    assert grown[0] == grown[1]
    assert grown[0][0] == 3


def log_size(scene: Scene) -> int:
    with scene.centre.units.read() as unit:
        return unit.session.get_one(LogState, STATE_ROW).published_size


def kinds(scene: Scene, start: int) -> list[tuple[str, int]]:
    with scene.centre.units.read() as unit:
        rows = unit.session.scalars(select(LogLeaf).where(LogLeaf.leaf_index >= start).order_by(LogLeaf.leaf_index))
        return [(row.entry[:8].decode("utf-8", "replace"), len(row.entry)) for row in rows]


def tile_paths(scene: Scene) -> list[str]:
    size = log_size(scene)
    assert size < 256
    return [f"0/000.p/{size}", f"entries/000.p/{size}"]


def tile_sizes(scene: Scene) -> list[int]:
    client = scene.centre.client(PUBLIC)
    found = [client.get(f"/log/tile/{path}", buffered=True) for path in tile_paths(scene)]
    assert {answer.status_code for answer in found} == {200}
    return [len(answer.get_data()) for answer in found]


def log_texts(scene: Scene) -> str:
    client = scene.centre.client(PUBLIC)
    paths = ["/log", "/log/checkpoint", "/log/policy", *(f"/log/tile/{path}" for path in tile_paths(scene))]
    return "\n".join(client.get(path, buffered=True).get_data().decode("utf-8", "replace") for path in paths)


def test_the_proof_of_a_private_entry_is_nobodys(scene: Scene) -> None:
    for one in scene.interested:
        scene.act(one)
    scene.publish(ticks=2)
    with scene.centre.units.read() as unit:
        entries = unit.session.scalars(select(SealedBid.entry_id)).all()
    assert len(entries) == 3
    for person in scene.outsiders():
        client = scene.centre.client(person)
        for entry in (*entries, "00000000-0000-7000-8000-000000000000"):
            for part in ("", "/entry", "/proof"):
                assert client.get(f"/log/entries/{entry}{part}").status_code == 404
