"""The story's key steps by hand, in Chromium, in Chinese and in English, each role under its own host name.

An agency publishes by its pages, a bidder pays, seals through the real page and opens in its seat, an expert scores,
the tenderee awards, and the deposit comes back; two more companies, four experts, the supervisor and the clock are
moved by the story's clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from foundation.clock import parse_iso, to_beijing
from sandbox import cast
from sandbox.clients.deposits import DepositActs
from sandbox.clients.room import RoomActs, RoomWatch
from sandbox.story import Story, StoryOptions, begin, each, leave
from sandbox.story_centre import Started, started_centre
from sandbox.story_prepare import TERMS, make_offer
from sandbox.story_sealing import files_of
from tests.browser.story_award import (
    award_by_pages,
    draw_committee,
    pay_deposit,
    press,
    review_by_page,
    see_refund,
    until,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
PASSPHRASE = "九层之台，起于累土 2026"
LONG = 60_000


def form_to(action: str) -> str:
    return f'form[action$="{action}"]'


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started_centre(tmp_path_factory.mktemp("centre"), print) as started:
        yield started


class People:
    """One browser context a role, each on its own host name."""

    def __init__(self, browser: Browser, centre: Started, language: str) -> None:
        self.browser, self.language = browser, language
        self.port = urlsplit(centre.url).port
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def enter(self, login: str, host: str) -> Page:
        """Sign in by the demonstration's own button."""
        context = self.browser.new_context(
            accept_downloads=True,
            locale="zh-CN" if self.language == "zh-Hans" else "en-GB",
            viewport={"width": 1280, "height": 900},
            base_url=f"http://{host}.localhost:{self.port}",
        )
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Security Policy" in said.text else None)
        page.goto(f"/demo?as={login}&lang={self.language}")
        page.locator(f'form[action="/demo/sign-in-as/{login}"] button').click()
        expect(page.locator(".who")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", self.language)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture(params=["zh-Hans", "en"])
def people(request: pytest.FixtureRequest, browser: Browser, centre: Started) -> Iterator[People]:
    made = People(browser, centre, request.param)
    yield made
    made.close()
    assert made.complaints == []


@pytest.fixture
def story(centre: Started, tmp_path: Path) -> Iterator[Story]:
    """Clients for everything that is not done by hand."""
    made = begin(StoryOptions(centre.url, bidders=3), tmp_path, print)
    made.clerk.sign_in("agency", cast.PASSWORD)
    made.approver.sign_in("tenderee", cast.PASSWORD)
    made.officer.sign_in("centre", cast.PASSWORD)
    made.supervisor.sign_in("supervisor", cast.PASSWORD)
    for bidder in made.bidders[1:]:
        bidder.client.sign_in(bidder.part.login, cast.PASSWORD)
        bidder.client.retire_keys("story")
        bidder.client.register_keys("story")
    yield made
    leave(made)


def publish_by_pages(people: People, story: Story) -> str:
    """Agency drafts, tenderee approves, centre publishes; returns the lot's id."""
    clerk = people.enter("agency", "agency")
    clerk.goto("/projects/new")
    project = {
        "name": cast.PROJECT_NAME,
        "tenderee_uscc": str(story.approver.get("/account")["account"]["uscc"]),
        "location": "常州市武进区湖塘镇",
        "approval": "武行审投〔2026〕118 号",
        "fund_source": "财政资金 100%",
    }
    for name, value in project.items():
        clerk.locator(f"[name={name}]").fill(value)
    clerk.locator("main form button").last.click()
    clerk.wait_for_url("**/projects/*-*")
    clerk.goto(f"{urlsplit(clerk.url).path}/lots/new")
    for name, value in TERMS.items():
        if name != "escrow_rule":
            clerk.locator(f"[name={name}]").fill(str(value))
    plan = story.clerk.simulate(kind="works_mandatory")
    deadline = to_beijing(parse_iso(plan["earliest_deadline"]))
    clerk.locator("[name=bid_deadline]").fill(f"{deadline - timedelta(days=14):%Y-%m-%d %H:%M}")
    clerk.locator("main form button").last.click()
    expect(clerk.locator("[name=bid_deadline]")).to_have_attribute("aria-invalid", "true")  # too little time to prepare
    clerk.locator("[name=bid_deadline]").fill(f"{deadline:%Y-%m-%d %H:%M}")
    clerk.locator("main form button").last.click()
    clerk.wait_for_url("**/preparation")
    lot_id = urlsplit(clerk.url).path.split("/")[2]
    press(clerk, form_to("/keyset"))
    submit = clerk.locator('form[action$="/submit-for-approval"] button')
    until(clerk, submit.is_visible)
    submit.click()
    tenderee = people.enter("tenderee", "tenderee")
    tenderee.goto(f"/lots/{lot_id}/preparation")
    press(tenderee, form_to("/approve"))
    officer = people.enter("centre", "centre")
    officer.goto(f"/lots/{lot_id}/preparation")
    press(officer, form_to("/publish"))
    public = officer.locator(f'a[href="/lots/{lot_id}"]')
    until(officer, public.first.is_visible)
    return lot_id


def seal_by_page(page: Page, lot_id: str, folder: Path) -> None:
    """Keys with their backup, sample files, seal, and a receipt the page has verified."""
    page.goto(f"/lots/{lot_id}/bid/seal")
    another = page.locator("#make-anyway")
    expect(page.locator("#make-pass, #make-anyway").locator("visible=true").first).to_be_visible(timeout=LONG)
    if another.is_visible():
        another.click()
    page.locator("#make-pass").fill(PASSPHRASE)
    page.locator("#make-again").fill(PASSPHRASE)
    page.locator("#make-form button").click()
    links = page.locator("#backup-links a")
    expect(links).to_have_count(2, timeout=LONG)
    files = []
    for link in links.all():
        with page.expect_download() as download:
            link.click()
        files.append(folder / download.value.suggested_filename)
        download.value.save_as(files[-1])
    page.locator("#check-files").set_input_files(files)
    page.locator("#check-pass").fill(PASSPHRASE)
    page.locator("#check-form button").click()
    seal = page.locator("#seal-now")
    expect(seal).not_to_have_attribute("aria-disabled", "true", timeout=LONG)
    page.locator("#sample-files").click()
    expect(page.locator("#f-total")).not_to_have_value("", timeout=LONG)
    seal.click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=LONG)
    page.locator("#seal-done a.btn-1").click()
    expect(page.locator("svg.seal")).to_be_visible(timeout=LONG)


def test_one_tender_by_hand(people: People, story: Story, tmp_path: Path) -> None:
    lot_id = story.lot_id = publish_by_pages(people, story)
    story.lot = story.public.get(f"/lots/{lot_id}")["lot"]
    for other in story.bidders[1:]:
        make_offer(story, other)
    bidder = people.enter("bidder1", "bidder")
    pay_deposit(bidder, lot_id)
    seal_by_page(bidder, lot_id, tmp_path)
    others = story.bidders[1:]
    for other in others:
        acts = DepositActs(other.client, lot_id)
        acts.open()
        acts.pay()
        other.sealed = other.client.bid(lot_id, files_of(other))

    story.advance("checkin_from")
    bidder.goto(f"/rooms/{lot_id}/seat")
    press(bidder, form_to("/check-in"))
    story.advance("bid_deadline")
    check = bidder.locator("[data-seal-check]")
    expect(check).to_be_visible(timeout=LONG)  # the socket brought it: nobody reloaded
    check.click()
    expect(bidder.locator("[data-seal-result] .st-ok")).to_be_visible(timeout=LONG)

    host = people.enter("agency", "agency")
    host.goto(f"/rooms/{lot_id}/host")
    press(host, form_to("/start-decryption"))
    release = bidder.locator("[data-release]")
    expect(release).to_be_visible(timeout=LONG)
    release.click()
    expect(release).to_be_hidden(timeout=LONG)
    each(others, lambda one: RoomActs(one.client, lot_id).release(one.client.secret_of(one.client.own_header(lot_id))))

    draw = host.locator('form[action$="/draw"] button')
    expect(draw).to_be_visible(timeout=2 * LONG)
    draw.click()
    for action in ("/start-reading", "/start-query"):
        button = host.locator(f'form[action$="{action}"] button')
        expect(button).to_be_visible(timeout=LONG)
        button.click()
    own_price = bidder.locator('form[action$="/no-objection"] button')
    expect(own_price).to_be_visible(timeout=LONG)
    expect(bidder.locator("#part-turn")).to_contain_text(",")
    own_price.click()
    each(others, lambda one: RoomActs(one.client, lot_id).no_objection())
    confirm = bidder.locator('form[action$="/confirm"] button')
    expect(confirm).to_be_visible(timeout=LONG)
    confirm.click()
    expect(confirm).to_be_hidden(timeout=LONG)
    each(others, lambda one: RoomActs(one.client, lot_id).confirm())
    record = bidder.locator('a[href$="/record.pdf"]').first
    until(bidder, record.is_visible)
    with bidder.expect_download() as download:
        bidder.evaluate(
            "(url) => { const a = document.createElement('a'); a.href = url; a.download = ''; a.click(); }",
            f"/rooms/{lot_id}/record.pdf",
        )
    assert Path(str(download.value.path())).read_bytes().startswith(b"%PDF")

    gallery = RoomWatch(story.public, lot_id, others[0].client.lot(lot_id).room_origin).start()
    gallery.wait_for_type("record_issued")
    gallery.stop()
    read = {frame.data["name"] for frame in gallery.all_of("line_read")}
    assert read == {one.part.company.zh for one in story.bidders}
    signed = [frame.data["is_signed"] for frame in gallery.all_of("result_confirmed")]
    assert sorted(signed) == [False, False, True]

    tenderee = people.enter("tenderee", "tenderee")
    draw_committee(host, tenderee, story)
    review_by_page(people.enter, host, story)
    award_by_pages(host, tenderee, bidder, story)
    see_refund(bidder, story, people.language)
