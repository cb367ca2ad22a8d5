"""Every page of the product as a list of visits: from the url map, the table of who may see what, and the things there
are in the whole centre. Served on real ports, so that a browser can walk it.
"""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cheroot.wsgi import Server
from flask import Flask, template_rendered
from jinja2 import Template
from sqlalchemy import String, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from accounts.sessions import COOKIE
from centre.seed_past import seed_past
from centre.web import make_app
from foundation.settings import Settings
from foundation.store.base import Base, Json
from sandbox import cast
from tendering.models import Lot
from tendering.states import LotState
from tests.rooms.serving import RoomThread, free_port
from tests.support.whole_centre import PUBLIC, WholeCentre, without_rates

MATRIX = Path(__file__).parent.parent / "web" / "matrix.toml"
UNSEEN_TEMPLATES = ("_layout/", "client/", "documents/", "demo/clock_control.html", "keyholding/enrolled.html")
"""Parts of other pages, the gallery of parts (a document of the house), what becomes a file
to keep (a PDF, the offline encryptor: ``test_offline_encryptor.py``), and what only an act shows
(``test_every_page.py`` does that act).
"""


@dataclass(frozen=True)
class Visit:
    """A page as one person sees it; ``status`` is what it rightly answers."""

    endpoint: str
    person: str
    path: str
    status: int = 200

    @property
    def name(self) -> str:
        return f"{self.endpoint} {self.path} as {self.person}"


@dataclass
class Walk:
    """The served centre."""

    centre: WholeCentre
    app: Flask
    origin: str

    def cookies(self, person: str, lang: str) -> list[Any]:
        given = {"lang": lang}
        if person != PUBLIC.name:
            given[COOKIE] = self.centre.people[person].token
        return [{"name": name, "value": value, "url": self.origin} for name, value in given.items()]

    def rows(self) -> dict[str, dict[str, Any]]:
        return tomllib.loads(MATRIX.read_text(encoding="utf-8"))

    def answer(self, visit: Visit) -> TestResponse:
        """What the address gives without a browser."""
        return self.centre.browser(self.centre.people.get(visit.person, PUBLIC), self.app).get(
            visit.path, buffered=True
        )

    def pages_of(self, person: str) -> list[Visit]:
        """What is a page to this person; files and redirections are none."""
        return [v for v in self.visits() if v.person == person and is_page(self.answer(v))]

    def visits(self) -> list[Visit]:
        """Each GET route once as the first person who may see it, then again as others and of other things."""
        rows = self.rows()
        every = [self._first(rule, rows[rule.endpoint]) for rule in self._rules()]
        return [*(one for one in every if one is not None), *self._more()]

    def _rules(self) -> list[Rule]:
        rules = [rule for rule in self.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
        return sorted(rules, key=lambda rule: rule.endpoint)

    def _first(self, rule: Rule, row: dict[str, Any]) -> Visit | None:
        """None for a route that no signed-in person may ever see (agents and the bank have keys of their own)."""
        allow = [one.partition(":")[0] for one in row["allow"]]
        if not allow:
            return None
        who = {"*": PUBLIC.name, "signed_in": "bidder1"}.get(allow[0], f"{allow[0]}1")
        path = self.centre.address(self.app, rule, row.get("object", ""), row.get("values", {}))
        return Visit(rule.endpoint, who, path)

    def _more(self) -> Iterator[Visit]:
        things = {kind: made[1] for kind, made in self.centre.objects.items()}
        things["other_lot"] = self.centre.objects["open_lot"][2]
        for endpoint, person, kind, status in MORE:
            rule = next(one for one in self.app.url_map.iter_rules(endpoint) if "GET" in (one.methods or ()))
            values = dict.fromkeys(rule.arguments, things.get(kind))
            path = self.app.url_map.bind("localhost").build(endpoint, values)
            yield Visit(endpoint, person, path, status)
        yield Visit("rooms.hall", PUBLIC.name, "/rooms?screen=1")
        yield Visit("", PUBLIC.name, "/no-such-page", 404)


STAGES = ("drawing_lot", "invited_lot", "reviewing_lot", "signing_lot", "ready_lot", "awarded_lot", "contracted_lot")
MORE = (
    *((("tendering.home"), person, "", 200) for person in ("agency1", "tenderee1", "bidder1", "supervisor1")),
    *((("tendering.home"), person, "", 200) for person in ("centre_staff1", "gate_holder1", "administrator1")),
    *(("tendering.show_lot", person, "open_lot", 200) for person in ("agency1", "bidder1", "centre_staff1")),
    ("holder_desk.show_desk", "gate_holder1", "seat", 200),
    ("holders.show_holders", "centre_staff1", "open_lot", 200),
    ("holders.show_holders", "agency1", "submitted_lot", 200),
    ("tendering.show_lot", "public", "closed_room", 200),
    ("tendering.show_lot", "public", "past_lot", 200),
    ("tendering.show_lot", "public", "failed_past_lot", 200),
    ("tendering.show_lot", "agency1", "draft_lot", 404),
    ("publication.show_preparation", "agency1", "draft_lot", 200),
    ("publication.show_preparation", "tenderee1", "submitted_lot", 200),
    ("publication.show_preparation", "centre_staff1", "approved_lot", 200),
    ("questions.show_questions", "bidder1", "open_lot", 200),
    ("questions.show_questions", "agency1", "open_lot", 200),
    ("bids.workbench", "bidder1", "other_lot", 200),
    ("bids.receipt", "bidder1", "other_lot", 404),
    ("traces.show", "bidder1", "open_lot", 200),
    ("traces.show", "supervisor1", "closed_room", 200),
    ("traces.show", "supervisor1", "open_lot", 404),
    ("rooms.gallery", "public", "closed_room", 200),
    ("rooms.gallery", "bidder1", "open_lot", 200),
    ("room_replays.replay", "public", "closed_room", 200),
    ("room_replays.replay", "supervisor1", "closed_room", 200),
    ("rooms.host_desk", "agency1", "closed_room", 200),
    ("rooms.supervise", "supervisor1", "closed_room", 200),
    ("rooms.supervise", "centre_staff1", "closed_room", 200),
    ("rooms.represent", "tenderee1", "closed_room", 200),
    *(("sessions.show", person, "open_lot", 200) for person in ("agency1", "bidder1", "tenderee1", "supervisor1")),
    ("sessions.show", "agency1", "closed_room", 200),
    ("sessions.cover", "public", "closed_room", 200),
    ("sessions.my_days", "tenderee1", "", 200),
    ("rooms.supervise", "witness1", "open_lot", 200),
    ("room_beacons.show", "centre_staff1", "open_lot", 200),
    ("room_attendance.attendance", "agency1", "closed_room", 200),
    ("room_attendance.attendance", "supervisor1", "closed_room", 200),
    ("rooms.hall", "supervisor1", "", 200),
    ("drills.show", "agency1", "running_drill", 200),
    ("drills.show", "supervisor1", "drill", 200),
    ("drills.list_drills", "supervisor1", "open_lot", 200),
    ("drills.list_openings", "supervisor1", "", 200),
    *(("accounts.show_desk", person, "", 200) for person in ("agency1", "tenderee1", "expert1", "supervisor1")),
    *(("accounts.show_desk", person, "", 200) for person in ("centre_staff1", "gate_holder1", "observer1")),
    ("tendering.show_lot", "bidder1", "evaluated_lot", 200),
    ("tendering.show_lot", "public", "contracted_lot", 200),
    ("bids.workbench", "bidder1", "evaluated_lot", 200),
    ("rooms.gallery", "public", "evaluated_lot", 200),
    ("accounts.account", "agency1", "", 200),
    ("accounts.account", "observer1", "", 200),
    ("verification.verification", "observer1", "", 200),
    ("accounts.show_inbox", "agency1", "", 200),
    ("notices.show_notices", "agency1", "", 200),
    ("projects.my_projects", "tenderee1", "", 200),
    ("projects.my_projects", "bidder1", "", 403),
    ("demo.show_demo", "bidder1", "", 200),
    ("guide.show_guide", "bidder1", "", 200),
    ("deposits.show_deposit", "bidder1", "evaluated_lot", 200),
    ("deposit_desk.show_desk", "supervisor1", "", 200),
    ("deposit_desk.show_lot", "supervisor1", "evaluated_lot", 200),
    ("reviews.show_review", "expert1", "invited_lot", 200),
    ("reviews.show_review", "expert1", "reviewing_lot", 200),
    ("reviews.show_review", "expert1", "signing_lot", 200),
    ("reviews.show_review", "expert1", "contracted_lot", 200),
    ("evaluation.show_desk", "agency1", "open_lot", 200),
    *(("evaluation.show_desk", "tenderee1", kind, 200) for kind in STAGES),
    ("evaluation.show_desk", "agency1", "ready_lot", 200),
    ("results.show_candidates", "bidder1", "evaluated_lot", 200),
    ("results.show_award", "public", "contracted_lot", 200),
    ("results.my_result", "bidder1", "contracted_lot", 200),
    ("results.show_contract", "bidder1", "awarded_lot", 200),
    ("results.show_contract", "bidder1", "contracted_lot", 200),
    ("expert_draws.show_draw", "tenderee1", "drawing_lot", 200),
    ("expert_draws.show_draw", "supervisor1", "drawing_lot", 200),
    ("expert_draws.show_draw", "public", "contracted_lot", 200),
    ("tendering.show_lot", "public", "evaluated_lot", 200),
    ("tendering.show_lot", "public", "contracted_lot", 200),
    ("oversight.show_alert", "supervisor1", "account_alert", 200),
    ("credit_records.show_desk", "supervisor1", "", 200),
    ("credit_records.show_record", "supervisor1", "credit_record", 200),
)
"""Endpoint, person, kind of thing and rightful answer: the same page in another state or for another role."""


def is_page(response: TestResponse) -> bool:
    is_saved = response.headers.get("Content-Disposition", "").startswith("attachment")
    return response.mimetype == "text/html" and not is_saved and not 300 <= response.status_code < 400


def add_past(centre: WholeCentre) -> None:
    """Imported deals, with which the home page has figures and the notices a second page; ``past_lot`` is one, and
    ``failed_past_lot`` one without a deal.
    """
    for role, companies in (("tenderee", cast.TENDEREES), ("agency", cast.AGENCIES)):
        for company in companies:
            centre.world.organisation(company.zh, role, login=company.people[0].login)
    seed_past(centre.world.runtime)
    with centre.units.read() as unit:
        for kind, state in (("past_lot", LotState.OPENED), ("failed_past_lot", LotState.FAILED)):
            asked = select(Lot.id).where(Lot.is_imported, Lot.state == state).order_by(Lot.id)
            centre.put(kind, 1, unit.session.scalars(asked).first() or "")


@contextmanager
def served(centre: WholeCentre) -> Iterator[Walk]:
    """Web (cheroot, as in production) and room of the whole centre."""
    web_port, room_port = free_port(), free_port()
    settings = Settings(data_dir=centre.world.folder, demo=True, web_port=web_port, room_port=room_port)
    settings.run_dir.mkdir(exist_ok=True)
    runtime = replace(centre.world.runtime, settings=settings)
    app = without_rates(make_app(runtime))
    web = Server(("127.0.0.1", web_port), app, numthreads=4)
    web.prepare()
    serving = threading.Thread(target=web.serve, daemon=True)
    serving.start()
    room = RoomThread(runtime)
    room.start()
    try:
        yield Walk(centre, app, f"http://localhost:{web_port}")
    finally:
        room.stop()
        web.stop()
        serving.join(10)


@contextmanager
def templates_seen(app: Flask) -> Iterator[set[str]]:
    """The names of all templates that were rendered meanwhile."""
    seen: set[str] = set()

    def note(_app: Flask, template: Template, **_: object) -> None:
        seen.add(str(template.name))

    with template_rendered.connected_to(note, app):
        yield seen


def page_templates(folder: Path) -> set[str]:
    """Every template that is a page."""
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.html")}
    return {n for n in names if not n.startswith(UNSEEN_TEMPLATES) and not Path(n).name.startswith("_")}


def chinese_data(centre: WholeCentre) -> set[str]:
    """Every Chinese text somebody entered: names of organisations, people, projects, lots, decisions."""
    found: set[str] = {text for one in centre.app.extensions["demo_accounts"] for text in (one.name, one.organisation)}
    with centre.world.engine.connect() as connection:
        for table in Base.metadata.tables.values():
            columns = [column for column in table.columns if isinstance(column.type, String | Json)]
            for row in connection.execute(select(*columns)) if columns else ():
                for value in row:
                    found |= set(_texts(value))
    return {text for text in found if any("\u4e00" <= sign <= "\u9fff" for sign in text)}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        if value[:1] in "[{":
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                return
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
