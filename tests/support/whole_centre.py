"""The whole centre in one process: database, store, keys, the web application, and two of everybody and everything.

``people`` has two people of every role (``bidder1``, ``bidder2`` …), each of its own organisation; ``objects`` has for
every kind of thing the one that belongs to the first and the one of the second. Nobody has a password: sessions are
opened directly, because argon2 is slow on purpose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from accounts import facade, sessions
from accounts.roles import GRANTED
from accounts.services.bank import SHARED_KEY_FILE
from bid_opening.services import rooms, schedule
from bid_opening.services.talk import object_name
from bid_opening.talk_models import HelpLine, HelpTicket, RoomMessage, ShownDocument
from centre import democlock
from centre.bootstrap import DEMO_MARK, prepare_folders
from centre.bundles.issuing import make_bundle
from centre.web import make_app
from foundation.actor import Actor
from foundation.events import tendering as events
from foundation.journal import JournalEntry
from foundation.publication.models import STATE_ROW, LogStamp, LogState
from foundation.publication.proofs import latest_checkpoint
from foundation.publication.publisher import Publisher
from foundation.store.unit import Unit, Units
from tendering.models import Document, Lot
from tendering.rules import LotDraft
from tendering.services.codes import CodeSource
from tendering.services.lots import add_lot
from tendering.services.projects import NewProject, create_project
from tendering.states import LotState
from tests import support_opening
from tests.support.oversight_alerts import add_alerts
from tests.support.tender_world import NOW, TESTS, OpenLot, TenderWorld, make_world
from tests.support.whole_drills import add_drills
from tests.support.whole_people import PDF, add_accounts, add_holders
from tests.support_bids import FILES, Bidder, SealedFiles, make_bidder
from tests.support_bundle import complete_keyset

T = TypeVar("T", str, dict[str, str])
MISSING_ID = "00000000-0000-7000-8000-000000000000"
RULEBOOK = "works-mandatory-2022"
TILE = 256
NAMES: Mapping[str, str] = {
    "tenderee": "武进区教育局",
    "agency": "江苏晋陵招标代理有限公司",
    "bidder": "常州澄岳建设工程有限公司",
    "expert": "专家库",
    "centre_staff": "公共资源交易中心",
    "supervisor": "武进区住房和城乡建设局",
    "gate_holder": "常州市公证处",
    "custodian": "江苏数字认证中心",
    "witness": "武进区纪检监察组",
    "observer": "常州日报社",
    "administrator": "公共资源交易中心信息科",
}


class PassingUnits(Units):
    """Units whose writing is undone on leaving: what a request may do is seen, and nothing it did remains."""

    @contextmanager
    def begin(self, actor: Actor) -> Iterator[Unit]:
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection()
            try:
                yield Unit(session, actor, self.clock.now(), self.entropy)
                session.flush()
                session.expunge_all()  # a view goes on reading its rows, as it does after a commit
            finally:
                session.rollback()


@dataclass(frozen=True)
class Person:
    """Somebody signed in; ``number`` says whose things are its own."""

    name: str
    role: str
    number: int
    actor: Actor
    token: str


PUBLIC = Person("public", "public", 0, Actor(), "")


@dataclass
class WholeCentre:
    """``objects[kind][number]`` is an id, or the names in an address with their values where one id is not enough
    (the thing's own last);
    ``experts`` by user id; ``machine`` the publisher's clock.
    """

    world: TenderWorld
    app: Flask
    people: dict[str, Person] = field(default_factory=dict)
    objects: dict[str, dict[int, Any]] = field(default_factory=dict)
    lots: dict[str, OpenLot] = field(default_factory=dict)
    bidders: dict[int, Bidder] = field(default_factory=dict)
    sealed: dict[int, SealedFiles] = field(default_factory=dict)
    experts: dict[str, Actor] = field(default_factory=dict)
    machine: support_opening.Machine = field(default_factory=support_opening.Machine)

    def address(
        self,
        app: Flask,
        rule: Rule,
        kind: str,
        values: Mapping[str, object],
        number: int = 1,
        *,
        is_missing: bool = False,
    ) -> str:
        """The address of a route for the thing ``kind`` of this number; ``is_missing``: for one that does not exist, in
        the same place where the thing lies in another.
        """
        given = dict(values)
        wanted = rule.arguments - set(given)
        thing = self.objects[kind][number] if wanted else {}
        if not isinstance(thing, Mapping):
            thing = dict.fromkeys(wanted, thing)
        if wanted and is_missing:
            thing = {**thing, list(thing)[-1]: MISSING_ID}
        given |= {name: thing[name] for name in wanted}
        if not rule.arguments:
            return rule.rule
        return app.url_map.bind("localhost").build(rule.endpoint, given, append_unknown=False)

    @property
    def units(self) -> Units:
        return self.world.units

    def put(self, kind: str, number: int, made: T) -> T:
        self.objects.setdefault(kind, {})[number] = made
        return made

    def person(self, name: str, role: str, number: int, actor: Actor) -> Person:
        with self.units.begin(actor) as unit:
            row, token = sessions.open_session(unit, str(actor.user_id), source="tests", user_agent="tests")
        self.people[name] = Person(name, role, number, replace(actor, session_id=row.id), token)  # type: ignore[arg-type]
        return self.people[name]

    def client(self, person: Person, app: Flask | None = None) -> FlaskClient:
        """A client with this person's bearer token, reading JSON."""
        client = (app or self.app).test_client(use_cookies=False)
        client.environ_base["HTTP_ACCEPT"] = "application/json"
        if person.token:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {person.token}"
        return client

    def browser(self, person: Person, app: Flask | None = None) -> FlaskClient:
        """A client with this person's cookie, reading HTML."""
        client = (app or self.app).test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        if person.token:
            client.set_cookie(sessions.COOKIE, person.token)
        return client

    def passing_app(self) -> Flask:
        """The same application over Units that leave nothing behind."""
        runtime = self.world.runtime
        return without_rates(
            make_app(replace(runtime, units=PassingUnits(self.world.engine, runtime.clock, runtime.units.entropy)))
        )


def without_rates(app: Flask) -> Flask:
    """Published limits are the business of another test; here one client asks for everybody."""
    for limiter in app.extensions["limiter"]:
        limiter.enabled = False
    return app


def make_whole_centre(folder: Path, *, url: str = "", with_bids: bool = True) -> WholeCentre:
    """A centre on SQLite in ``folder`` or on the database at ``url``; a demonstration, so that its routes are there."""
    (folder / DEMO_MARK).write_text("tests\n", encoding="utf-8")
    world = make_world(folder, url=url, demo=True)
    prepare_folders(world.runtime.settings)
    democlock.create(world.engine, NOW)
    with world.units.begin(TESTS) as unit:
        democlock.move(unit, running=False, why="tests")  # what pages show must not depend on how fast they are asked
    secret = world.runtime.settings.secrets_dir / SHARED_KEY_FILE
    secret.touch(mode=0o600)
    secret.write_text("a bank's secret that is long enough", encoding="ascii")
    centre = WholeCentre(world, without_rates(make_app(world.runtime)))
    _settle_people(centre)
    for number in (1, 2):
        _add_lots(centre, number)
        add_accounts(centre, number)
        add_holders(centre, number)
        if with_bids:
            _add_bid(centre, number)
    publish_log(centre)
    return centre


def _settle_people(centre: WholeCentre) -> None:
    for number in (1, 2):
        for role in GRANTED:
            actor = centre.world.organisation(f"{NAMES[role]}{'甲乙'[number - 1]}", role, login=f"test-{role}{number}")
            centre.person(f"{role}{number}", role, number, actor)


def publish(centre: WholeCentre, lot: OpenLot) -> None:
    """What publication leaves beside the row: the papers, the event, the room."""
    world = centre.world
    name = f"papers/{lot.id}.pdf"
    world.runtime.objects.put_once(name, PDF)
    with world.units.begin(TESTS) as unit:
        row = unit.session.get_one(Lot, lot.id)
        row.rulebook_id = RULEBOOK
        for kind in ("notice", "document", "clarification"):
            unit.session.add(
                Document(
                    id=unit.new_id(),
                    lot_id=lot.id,
                    kind=kind,
                    version=1,
                    title=kind,
                    object_name=name,
                    media_type="application/pdf",
                    sha256=hashlib.sha256(PDF).hexdigest(),
                    size_bytes=len(PDF),
                    issued_at=unit.at,
                )
            )
        unit.append(f"lot:{lot.id}", _published(row, lot))
        schedule.schedule_room(unit, lot.id)
        schedule.open_check_in(unit, lot.id)


def _published(row: Lot, lot: OpenLot) -> events.LotPublished:
    return events.LotPublished(
        lot=lot.id,
        tender=lot.tender_code,
        lot_code=lot.lot_code,
        unified_deal_code=row.unified_deal_code,
        name=row.name,
        deadline_at=lot.deadline_at,
        ceiling="12860000.00",
        deposit="250000.00",
        rulebook=RULEBOOK,
        method="",
        escrow_rule=row.escrow_rule,
        keyset=lot.keyset.hash,
        documents=(),
    )


def _add_lots(centre: WholeCentre, number: int) -> None:
    people = centre.people
    tenderee, agency = people[f"tenderee{number}"].actor, people[f"agency{number}"].actor
    opened = centre.world.open_lot(tenderee=tenderee, agency=agency)
    publish(centre, opened)
    centre.lots[f"open{number}"] = opened
    centre.put("open_lot", number, opened.id)
    settings = centre.world.runtime.settings
    codes = CodeSource(settings.region_code, settings.centre_uscc)
    with centre.units.begin(agency) as unit:
        facts = facade.organisation(unit, str(tenderee.org_id))
        new = NewProject(
            name="湖塘河整治工程",
            location="武进区湖塘镇",
            fund_source="财政资金",
            approval="武发改〔2026〕1 号",
            is_state_funded=True,
            tenderee_uscc=facts.uscc,
        )
        project_id = centre.put("project", number, create_project(unit, new, codes))
        for state in (LotState.DRAFT, LotState.SUBMITTED, LotState.APPROVED):
            lot_id = centre.put(
                f"{state}_lot", number, add_lot(unit, project_id, LotDraft(name=f"湖塘河 {state}"), codes)
            )
            # The way there is walked by the tests of tendering.
            unit.session.execute(update(Lot).where(Lot.id == lot_id).values(state=state))
    with centre.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == opened.id).values(is_guided=number == 1))
    add_drills(centre, number)


def hold_opening(centre: WholeCentre) -> None:
    """One more lot, whose bids were opened and whose room is closed, as ``closed_room``; and a log of everything."""
    lot = centre.world.open_lot(
        tenderee=centre.people["tenderee1"].actor,
        agency=centre.people["agency1"].actor,
        deadline_at=NOW + timedelta(hours=2),
    )
    publish(centre, lot)
    complete_keyset(centre.world, lot.id)
    bidders = [make_bidder(centre.world, name) for name in support_opening.NAMES[1:]]
    sealed = [
        bidder.seal(lot, files={**FILES, "price_schedule": support_opening.price_schedule(total)})
        for bidder, total in zip(bidders, support_opening.TOTALS, strict=False)
    ]
    for bidder, made in zip(bidders, sealed, strict=True):
        bidder.hand_in(lot, made)
    staff = centre.people["centre_staff1"].actor
    seats = support_opening._seat_holders(centre.world, lot, staff)
    people = [centre.people[name].actor for name in ("agency1", "supervisor1")]
    opening = support_opening.Opening(centre.world, lot, *people, staff, bidders, sealed, seats, machine=centre.machine)
    opening.to_closed()
    assert opening.run_jobs() == []
    opening.publish()
    centre.objects["closed_room"] = {1: lot.id, 2: lot.id}
    add_talk(centre, lot.id, bidders[0].actor)
    copied, account = add_alerts(
        centre.units, lot.id, [one.actor for one in bidders], centre.people["supervisor1"].actor
    )
    centre.objects |= {"alert": {1: copied, 2: account}, "account_alert": {1: account, 2: account}}
    publish_log(centre)
    assert make_bundle(centre.world.runtime, lot.id)


def add_talk(centre: WholeCentre, lot_id: str, bidder: Actor) -> None:
    """What was said, asked and shown there: ``room_ticket`` of a bidder that is nobody of the cast, ``shown_paper``."""
    content = b"%PDF-1.7 shown"
    name = object_name(lot_id, hashlib.sha256(content).hexdigest())
    paper = centre.world.runtime.objects.put_once(name, content)
    with centre.units.begin(bidder) as unit:
        seat = rooms.state_of(unit, lot_id).seat_of(str(bidder.org_id))
        assert seat is not None
        own = {"lot_id": lot_id, "org_id": str(bidder.org_id), "seat": seat.number}
        unit.session.add_all(
            (
                RoomMessage(
                    **own,
                    number=1,
                    at=unit.at,
                    role="bidder",
                    user_id=str(bidder.user_id),
                    name=bidder.org_name,
                    text="请问何时唱标",
                    frame_seq=1,
                    hidden_at=None,
                    hidden_reason="",
                ),
                HelpTicket(**own, number=1, topic="line", opened_at=unit.at, waiting_since=unit.at, closed_at=None),
                HelpLine(lot_id=lot_id, ticket=1, number=1, at=unit.at, is_duty=False, name="张三", text="页面不动"),
                ShownDocument(
                    lot_id=lot_id,
                    number=1,
                    source="upload",
                    title="图纸答疑",
                    sha256=paper.sha256,
                    size_bytes=paper.size_bytes,
                    url="",
                    shown_at=unit.at,
                ),
            )
        )
    centre.objects["room_ticket"] = {place: {"ticket": 1, "lot_id": lot_id} for place in (1, 2)}
    centre.objects["shown_paper"] = {place: {"number": 1, "lot_id": lot_id} for place in (1, 2)}


def publish_log(centre: WholeCentre) -> None:
    """Bring the log up to the journal; ``public_entry`` is the publication of a lot, with a stamp (of no authority)."""
    centre.machine.step()
    publisher = Publisher(centre.world.runtime, machine=centre.machine)
    while publisher.round():
        pass
    with centre.units.read() as unit:
        for number in (1, 2):
            stream = f"lot:{centre.objects['open_lot'][number]}"
            entry = unit.session.scalars(select(JournalEntry.id).where(JournalEntry.stream == stream)).first()
            centre.put("public_entry", number, str(entry))
        state = unit.session.get_one(LogState, STATE_ROW)
        tile = f"0/000.p/{state.published_size}" if state.published_size < TILE else "0/000"
        note = latest_checkpoint(unit)
    centre.objects["tile"] = {1: tile, 2: tile}
    with centre.units.begin(TESTS) as unit:
        for number in (1, 2):
            stamp = LogStamp(journal_entry_id=centre.objects["public_entry"][number], asked_at=unit.at)
            stamp.checkpoint, stamp.response, stamp.stamped_at = note, b"0\0", unit.at
            unit.session.merge(stamp)


def _add_bid(centre: WholeCentre, number: int) -> None:
    """The numbered bidder has sealed a bid on the numbered lot and keeps an unfinished upload there."""
    lot = centre.lots[f"open{number}"]
    bidder = Bidder(centre.world, centre.people[f"bidder{number}"].actor)
    bidder.register_keys()
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    centre.bidders[number], centre.sealed[number] = bidder, made
    centre.put("upload", number, bidder.upload(lot, bidder.seal(lot, after=made), leave_out="technical"))
