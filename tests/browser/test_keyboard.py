"""Everything can be done without a mouse: whole ways by Tab, Enter and typing; the focus is seen at every stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select

from accounts.passwords import Passwords
from bid_opening.services import acts
from foundation.hints import UnixHints
from tendering.models import Lot
from tendering.states import LotState
from tests.browser.test_room_release import KEEP, key_file, shares
from tests.rooms.room_world import RoomWorld
from tests.rooms.serving import site_of
from tests.support.keyboard import focused, press, tab_to, unseen_stops, write
from tests.support.page_walk import Walk, served
from tests.support.whole_centre import PUBLIC, hold_opening, make_whole_centre
from tests.support.whole_deals import add_stages, hold_evaluations
from tests.support_opening import Opening, make_opening

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PASSPHRASE = "九层之台，起于累土 2026"
PASSWORD = "a long enough password"
QUICK = 10_000

Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    centre = make_whole_centre(tmp_path_factory.mktemp("keys"))
    hold_opening(centre)
    hold_evaluations(centre)
    add_stages(centre)
    with served(centre) as walking:
        yield walking


@pytest.fixture
def enter(browser: Browser, walk: Walk) -> Iterator[Enter]:
    contexts = []

    def visit(path: str, person: str = PUBLIC.name, lang: str = "zh-Hans") -> Page:
        context = browser.new_context(viewport=ViewportSize(width=1440, height=900), reduced_motion="reduce")
        contexts.append(context)
        context.add_cookies(walk.cookies(person, lang))
        page = context.new_page()
        page.goto(walk.origin + path)
        return page

    yield visit
    for context in contexts:
        context.close()


# --- every page -------------------------------------------------------------------------------------------------------

LOOKED_AT = (
    ("public", "/"),
    ("public", "/register"),
    ("public", "/timetable"),
    ("public", "/lots/{open}"),
    ("public", "/rooms/{closed}"),
    ("bidder1", "/lots/{open}/bid"),
    ("bidder1", "/lots/{open}/bid/seal"),
    ("bidder1", "/lots/{open}/bid/receipt"),
    ("bidder1", "/rooms/{open}/seat"),
    ("agency1", "/lots/{draft}/edit"),
    ("agency1", "/lots/{submitted}/preparation"),
    ("agency1", "/rooms/{closed}/host"),
    ("centre_staff1", "/keyholding/seats"),
    ("administrator1", "/admin/people"),
    ("expert1", "/reviews/{reviewing}"),
    ("expert1", "/reviews/{invited}"),
    ("tenderee1", "/lots/{ready}/evaluation"),
    ("bidder1", "/lots/{evaluated}/my-result"),
    ("bidder1", "/lots/{evaluated}/deposit"),
    ("centre_staff1", "/finance/deposits/{evaluated}"),
    ("supervisor1", "/lots/{drawing}/committee/draw"),
)
STAGES = ("drawing", "invited", "reviewing", "ready", "evaluated")


@pytest.mark.parametrize(("person", "path"), LOOKED_AT)
@pytest.mark.parametrize("width", [1440, 390])
def test_the_focus_is_seen_at_every_stop(walk: Walk, enter: Enter, person: str, path: str, width: int) -> None:
    things = walk.centre.objects
    ids = {"open": "open_lot", "closed": "closed_room", "draft": "draft_lot", "submitted": "submitted_lot"}
    ids |= {name: f"{name}_lot" for name in STAGES}
    page = enter(path.format(**{name: things[kind][1] for name, kind in ids.items()}), person)
    page.set_viewport_size({"width": width, "height": 844})
    count, unseen = unseen_stops(page)
    assert count >= 5
    assert not unseen, "\n".join(unseen)


def test_the_first_stop_leads_past_the_masthead(enter: Enter) -> None:
    page = enter("/notices")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="跳到正文")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert focused(page)


# --- ways -------------------------------------------------------------------------------------------------------------


def test_signing_in_and_a_refusal_on_the_way(walk: Walk, enter: Enter) -> None:
    world = walk.centre.world
    org = walk.centre.people["bidder1"].actor
    world.person(str(org.org_id), org.org_name, ["bidder"], login="keyboard", password_hash=Passwords().hash(PASSWORD))
    page = enter("/")
    press(page.get_by_role("banner").get_by_role("link", name="登录"))
    write(page.get_by_label("登录名"), "keyboard")
    page.keyboard.press("Enter")  # without a password
    expect(page.locator("#errors")).to_be_focused()
    press(page.locator("#errors a").first)
    expect(page.locator("#f-password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who")).to_contain_text("人keyboard")
    press(page.get_by_role("button", name="退出"))
    expect(page.get_by_role("banner").get_by_role("link", name="登录")).to_be_visible()


def test_the_tenderee_sends_a_lot_back(walk: Walk, enter: Enter) -> None:
    lot_id = walk.centre.objects["submitted_lot"][2]
    page = enter("/approvals", "tenderee2")
    press(page.locator(f'a[href="/lots/{lot_id}/preparation"]'))
    write(page.get_by_label("原因（编制人会看到）"), "工期有误，请改为 200 天")
    press(page.get_by_role("button", name="退回修改"))
    expect(page.get_by_role("status").first).to_be_visible()
    assert lot_state(walk, lot_id) is not LotState.SUBMITTED


def test_a_dialog_holds_the_focus_gives_it_back_and_decides_nothing_by_escape(walk: Walk, enter: Enter) -> None:
    lot_id = walk.centre.objects["draft_lot"][2]
    page = enter(f"/lots/{lot_id}/preparation", "agency2")
    opener = page.get_by_role("link", name="终止招标…")
    press(opener)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    press(dialog.get_by_role("link", name="先不做"))
    expect(opener).to_be_focused()
    assert lot_state(walk, lot_id) is LotState.DRAFT
    page.keyboard.press("Enter")
    write(dialog.get_by_label("原因"), "项目调整")
    press(dialog.get_by_role("button", name="终止招标"))
    expect(dialog).to_be_hidden()
    assert lot_state(walk, lot_id) is LotState.CANCELLED


def lot_state(walk: Walk, lot_id: str) -> LotState:
    with walk.centre.units.read() as unit:
        return unit.session.scalars(select(Lot.state).where(Lot.id == lot_id)).one()


def test_a_bidder_comes_from_the_notices_to_keys_of_its_own(walk: Walk, enter: Enter) -> None:
    lot_id = walk.centre.objects["open_lot"][2]
    page = enter("/notices", "bidder1")
    press(page.locator(f'main a[href="/lots/{lot_id}"]'))
    press(page.get_by_role("link", name="进入投标工作台"))
    press(page.locator(f'main a.btn[href="/lots/{lot_id}/bid/seal"]'))
    expect(page.locator("#make-anyway, #make-pass").locator("visible=true").first).to_be_visible(timeout=QUICK)
    if page.locator("#make-anyway").is_visible():
        press(page.locator("#make-anyway"))
    write(page.locator("#make-pass"), PASSPHRASE)
    write(page.locator("#make-again"), PASSPHRASE)
    press(page.get_by_role("button", name="生成密钥"))
    expect(page.locator("#backup-links a").first).to_be_visible(timeout=3 * QUICK)
    tab_to(page.locator("#backup-links a").first)


# --- the seat ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def seat(browser: Browser, opening: Opening) -> Iterator[Page]:
    """The first bidder's phone, with its keys as the sealing page left them."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    opening.world.units.hints = hints
    people = tuple(bidder.actor for bidder in opening.bidders)
    found = RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints)
    with site_of(found) as site:
        context = browser.new_context(viewport=ViewportSize(width=390, height=844), locale="zh-CN")
        context.add_cookies(site.cookies(people[0]))  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{site.url}/rooms")
        bidder = opening.bidders[0]
        bidder.register_keys()
        for use, key in (("opening", bidder.opening), ("signing", bidder.signing)):
            page.evaluate(KEEP, key_file(opening, key, use))
        yield page
        context.close()


def test_the_seat_releases_answers_and_confirms(seat: Page, opening: Opening) -> None:
    opening.to_list()
    seat.goto(seat.url.removesuffix("/rooms") + f"/rooms/{opening.lot.id}/seat")
    expect(seat.locator("[data-line]").first).to_contain_text("连接正常", timeout=QUICK)
    press(seat.get_by_role("button", name="核对我的封存"))
    expect(seat.locator("[data-seal-result]")).to_contain_text("一致", timeout=QUICK)
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    expect(seat.get_by_role("button", name="解密我的投标文件")).to_be_visible(timeout=QUICK)
    press(seat.get_by_role("button", name="解密我的投标文件"))
    expect(seat.get_by_role("heading", name="您的密钥已收")).to_be_visible(timeout=QUICK)
    assert shares(opening) == [opening.r_bid(0).hex()]
    assert not unseen_stops(seat)[1]


def test_the_seat_confirms_its_line(seat: Page, opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    seat.goto(seat.url.removesuffix("/rooms") + f"/rooms/{opening.lot.id}/seat")
    expect(seat.get_by_role("button", name="无异议")).to_be_visible(timeout=QUICK)
    press(seat.get_by_role("button", name="无异议"))
    expect(seat.get_by_role("heading", name="您已表示无异议")).to_be_visible(timeout=QUICK)
    for one in opening.bidders[1:]:
        opening.act(one.actor, acts.no_objection)
    opening.look(times=1)
    expect(seat.get_by_role("button", name="确认这一行")).to_be_visible(timeout=QUICK)
    press(seat.get_by_role("button", name="确认这一行"))
    expect(seat.get_by_role("heading", name="您已确认开标记录")).to_be_visible(timeout=QUICK)
