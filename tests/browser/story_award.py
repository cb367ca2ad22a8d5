"""From the deposit to its refund by hand: what the pages of a story ask of bidder, host, expert and tenderee."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from foundation.clock import monotonic, pause
from sandbox.clients.deposits import DepositActs
from sandbox.clients.evaluation import ExpertClient, ResultActs, all_passed, contract_of
from sandbox.story import Story, each
from sandbox.story_review import SEATS, SUPERVISOR_WORDS, seated

Enter = Callable[[str, str], Page]
"""Signs a login in on a role's own host name."""
REFUNDED = {"zh-Hans": "已退 ", "en": "Refunded CNY "}
LONG = 60_000


def until(page: Page, is_so: Callable[[], bool], seconds: float = 90) -> None:
    """Reload until the page says so: what machines do in between needs no hand."""
    end = monotonic() + seconds
    while not is_so():
        assert monotonic() < end, page.locator("main").inner_text()[:2000]
        pause(0.5)
        page.reload()


def press(page: Page, form: str) -> None:
    """Press the button of this form, once it is offered and nothing stands against it."""
    button = page.locator(f"{form} button:not([aria-disabled])").first
    until(page, button.is_visible)
    button.click()


def pay_deposit(bidder: Page, lot_id: str) -> None:
    """A sub-account, the payment, and the page that says it has arrived."""
    bidder.goto(f"/lots/{lot_id}/deposit")
    press(bidder, 'main form:not([action$="/pay"])')
    press(bidder, 'form[action$="/deposit/pay"]')
    until(bidder, bidder.locator("table.board tbody .st-ok").first.is_visible)
    expect(bidder.locator('form[action$="/deposit/pay"]')).to_have_count(0)


def draw_committee(host: Page, tenderee: Page, story: Story) -> None:
    """The host fixes the pool, tenderee and supervisor add their parts, and everybody sees the replay agree."""
    lot_id = story.lot_id
    host.goto(f"/lots/{lot_id}/evaluation")
    host.locator("[name=size]").fill(str(SEATS))
    press(host, 'form[action$="/committee"]')
    tenderee.goto(f"/lots/{lot_id}/committee/draw")
    tenderee.locator("[name=words]").fill("湖塘桥头三月雨")
    press(tenderee, "main form:has([name=words])")
    story.supervisor.contribute(lot_id, SUPERVISOR_WORDS)
    # A job draws once all parts are in; the page then redoes the draw and shows the transcript.
    until(tenderee, lambda: tenderee.locator("pre.transcript").count() > 0)


def review_by_page(enter: Enter, host: Page, story: Story) -> Page:
    """One expert takes its seat, scores and signs on its own page; the other four by their clients."""
    lot_id = story.lot_id
    members = seated(story)
    assert len(members) == SEATS
    expert = enter(members[0].login, "expert")
    expert.goto(f"/reviews/{lot_id}")
    for name in ("oath", "free"):
        expert.locator(f"[name={name}]").check()
    press(expert, "form:has([name=oath])")
    each(members[1:], lambda one: one.accept(lot_id))
    host.goto(f"/lots/{lot_id}/evaluation")
    press(host, f'form[action$="/lots/{lot_id}/evaluation"]')
    expert.goto(f"/reviews/{lot_id}")
    cells = expert.locator('select[name$=".verdict"]')
    until(expert, cells.first.is_visible)
    for cell in cells.all():
        cell.select_option("pass")
    expert.locator("button[name=act][value=submit]").click()
    each(members[1:], lambda one: _score(one, lot_id))
    press(expert, 'form[action$="/signature"]')
    each(members[1:], lambda one: one.sign(lot_id))
    return expert


def _score(expert: ExpertClient, lot_id: str) -> None:
    sheet = expert.sheet(lot_id)
    assert sheet is not None
    expert.submit_sheet(lot_id, all_passed(sheet))


def award_by_pages(host: Page, tenderee: Page, bidder: Page, story: Story) -> None:
    """Candidates, their time in public, the award, and both signatures under the contract."""
    lot_id = story.lot_id
    host.goto(f"/lots/{lot_id}/evaluation")
    press(host, 'form[action$="/candidates"]')
    story.advance("publicity_end")
    tenderee.goto(f"/lots/{lot_id}/evaluation")
    press(tenderee, 'form[action$="/award"]')
    bidder.goto(f"/lots/{lot_id}/my-result")
    notice = bidder.locator('a[href$="/my-result/notice.pdf"]').first
    until(bidder, notice.is_visible)
    tenderee.goto(f"/lots/{lot_id}/contract")
    press(tenderee, "form:has([name=sha256])")
    winner = str(contract_of(story.approver, lot_id)["awardee"])
    first = story.bidders[0]
    if winner == first.part.company.zh:
        bidder.goto(f"/lots/{lot_id}/contract")
        press(bidder, "form:has([name=sha256])")
    else:
        other = next(one for one in story.bidders if one.part.company.zh == winner)
        ResultActs(other.client, lot_id).sign_contract()


def see_refund(bidder: Page, story: Story, language: str) -> None:
    """The bidder's page tells the refund with its interest; everybody else's is paid too, and the book is sound."""
    bidder.goto(f"/lots/{story.lot_id}/deposit")
    told = bidder.locator("table.board tbody td", has_text=REFUNDED[language])
    until(bidder, told.first.is_visible)
    for other in story.bidders[1:]:
        DepositActs(other.client, story.lot_id).wait_until("refunded")
    proof = story.officer.get("/finance/deposits/ledger")["proof"]
    assert all(is_met for _, is_met in proof["checks"]), proof
