"""Every page, as everybody who may see it, in both languages, wide and narrow: nothing missing, nothing raw, nothing
that axe finds (WCAG 2.2 A and AA), no sideways scroll, no complaint of the browser.

The list is made from the url map: a route that answers with a page is walked, and a template nobody sees fails.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.conftest import ROOT
from tests.support.page_checks import axe_faults, catalogue_codes, sideways, text_faults
from tests.support.page_walk import Visit, Walk, add_past, chinese_data, is_page, page_templates, served, templates_seen
from tests.support.whole_centre import PUBLIC, hold_opening, make_whole_centre
from tests.support.whole_deals import add_stages, hold_evaluations

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
LANGUAGES = ("zh-Hans", "en")
WALKERS = (
    PUBLIC.name,
    *(f"{role}1" for role in ("agency", "tenderee", "bidder", "expert", "centre_staff", "supervisor")),
    *(f"{role}1" for role in ("gate_holder", "administrator", "witness", "observer")),
)
CODES = catalogue_codes()


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    centre = make_whole_centre(tmp_path_factory.mktemp("pages"))
    hold_opening(centre)
    hold_evaluations(centre)
    add_stages(centre)
    add_past(centre)
    with served(centre) as walking:
        yield walking


@pytest.fixture(scope="module")
def data(walk: Walk) -> set[str]:
    return chinese_data(walk.centre)


class Reader:
    """One person's browser in one language; ``complaints`` is what the browser's console said."""

    def __init__(self, context: BrowserContext, walk: Walk, lang: str, data: set[str]) -> None:
        self.page: Page = context.new_page()
        self.walk, self.lang, self.data = walk, lang, data
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.type, said.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "the server responded with a status of" not in text:
            self.complaints.append(text)

    def go(self, path: str) -> None:
        self.page.set_viewport_size(WIDE)
        self.page.goto(self.walk.origin + path, wait_until="load")

    def faults(self) -> list[str]:
        """Of the page that is open."""
        found = [*text_faults(self.page, self.lang, CODES, self.data), *axe_faults(self.page), *sideways(self.page)]
        self.page.set_viewport_size(NARROW)
        found += [*sideways(self.page), *self.complaints]
        self.complaints.clear()
        return found


@pytest.fixture
def reader(request: pytest.FixtureRequest, browser: Browser, walk: Walk, data: set[str]) -> Iterator[Reader]:
    person, lang = request.param
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    context.add_cookies(walk.cookies(person, lang))
    yield Reader(context, walk, lang, data)
    context.close()


def told(faults: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}\n    " + "\n    ".join(found) for name, found in faults.items() if found)


@pytest.mark.parametrize(
    ("person", "reader"),
    [pytest.param(who, (who, lang), id=f"{who}-{lang}") for who in WALKERS for lang in LANGUAGES],
    indirect=["reader"],
)
def test_every_page_holds(walk: Walk, person: str, reader: Reader) -> None:
    faults = {}
    for visit in walk.pages_of(person):
        reader.go(visit.path)
        faults[visit.name] = reader.faults()
    assert faults
    assert not told(faults), "\n" + told(faults)


def test_every_route_is_walked_by_somebody(walk: Walk) -> None:
    walked, rows = {visit.endpoint for visit in walk.visits()}, walk.rows()
    wrong: list[str] = []
    wrong += [
        f"{rule.rule} is walked by nobody"
        for rule in walk.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in walked and rows[rule.endpoint]["allow"]
    ]
    with templates_seen(walk.app) as seen:
        for visit in walk.visits():
            response = walk.answer(visit)
            if is_page(response) and response.status_code != visit.status:
                wrong.append(f"{visit.name}: {response.status_code}, not {visit.status}")
            if is_page(response) and visit.person not in WALKERS:
                wrong.append(f"{visit.name}: {visit.person} is not among the walkers")
    wrong += [f"{name} is seen by nobody" for name in sorted(page_templates(ROOT / "templates") - seen)]
    assert not wrong, "\n".join(["", *wrong])


REFUSED = (
    ("public", "accounts.show_sign_in"),
    ("public", "accounts.register"),
    ("agency1", "projects.new_project"),
    ("agency1", "projects.new_lot"),
    ("agency1", "questions.new_clarification"),
    ("supervisor1", "credit.new_ban"),
    ("centre_staff1", "credit_records.new_record"),
    ("bidder1", "credit_standing.show_own"),
    ("bidder1", "results.my_result"),
    ("supervisor1", "expert_draws.show_draw"),
    ("centre_staff1", "experts.list_experts"),
    ("administrator1", "people.new_person"),
    ("centre_staff1", "keyholding.show_seats"),
    ("bidder1", "accounts.password"),
)


@pytest.mark.parametrize(
    ("person", "endpoint", "reader"),
    [
        pytest.param(who, endpoint, (who, lang), id=f"{endpoint}-{lang}")
        for who, endpoint in REFUSED
        for lang in LANGUAGES
    ],
    indirect=["reader"],
)
def test_a_form_sent_empty_says_what_is_missing(walk: Walk, person: str, endpoint: str, reader: Reader) -> None:
    visit: Visit = next(one for one in walk.visits() if (one.endpoint, one.person) == (endpoint, person))
    reader.go(visit.path)
    form = reader.page.locator("main form[method=post]:not(.inline)").first
    for field in form.locator("input[type=text], textarea").all():
        field.fill("")
    form.locator("button").last.press("Enter")
    expect(reader.page.locator("#errors")).to_be_focused()
    assert reader.page.locator("#errors a").count() > 0
    assert not reader.faults()


@pytest.mark.parametrize("reader", [("centre_staff1", "zh-Hans"), ("centre_staff1", "en")], indirect=True)
def test_a_token_for_an_agent_is_shown_once(reader: Reader) -> None:
    reader.go("/keyholding/seats")
    reader.page.locator('form[action$="/enrol"] button').first.press("Enter")
    expect(reader.page.locator("h1")).to_be_visible()
    assert "/keyholding/seats/" in reader.page.url
    assert not reader.faults()
