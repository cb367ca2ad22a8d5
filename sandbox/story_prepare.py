"""The story up to publication and its first questions."""

from __future__ import annotations

from typing import Any

from sandbox import cast
from sandbox.samples import Offer
from sandbox.story import Bidder, Story

QUESTION = "招标工程量清单第 5 项吊顶天棚的龙骨间距是多少？"
ANSWER = "龙骨间距 400 mm，以图纸 JZ-08 为准。本答复不影响投标文件编制。"
TERMS = {
    "name": cast.LOT_NAME,
    "scope": "教学楼、宿舍楼屋面及外立面修缮，室内装饰装修，给排水、电气及消防改造。",
    "qualification": "具备建筑工程施工总承包二级及以上资质；\n拟派项目经理具备建筑工程专业二级及以上注册建造师资格。",
    "quality": "合格",
    "contract_estimate": f"{cast.ESTIMATE:.2f}",
    "ceiling_price": f"{cast.CEILING:.2f}",
    "bid_deposit": f"{cast.DEPOSIT:.2f}",
    "duration_days": cast.DURATION_DAYS,
    "escrow_rule": "compulsory",
}


def sign_in(story: Story) -> None:
    """Everybody signs in; bidders make keys on their own machines and register the public halves."""
    story.clerk.sign_in("agency", cast.PASSWORD)
    story.approver.sign_in("tenderee", cast.PASSWORD)
    story.officer.sign_in("centre", cast.PASSWORD)
    story.supervisor.sign_in("supervisor", cast.PASSWORD)
    for bidder in story.bidders:
        bidder.client.sign_in(bidder.part.login, cast.PASSWORD)
        bidder.client.retire_keys("story")
        bidder.client.register_keys("story")


def draft(story: Story) -> None:
    """A project and a lot; a deadline that leaves bidders too little time is refused with its clause."""
    clerk = story.clerk
    story.project_id = clerk.create_project(
        name=cast.PROJECT_NAME,
        location="常州市武进区湖塘镇",
        fund_source="财政资金 100%，资金已落实",
        approval="武行审投〔2026〕118 号",
        is_state_funded=True,
        tenderee_uscc=_uscc_of_tenderee(story),
    )
    plan = clerk.simulate(kind="works_mandatory")
    story.lot_id = clerk.create_lot(story.project_id, **TERMS)
    too_early = next(row["moment"]["at"] for row in plan["rows"] if row["moment"]["key"] == "documents_until")

    def hurry() -> Any:
        return clerk.use_dates(story.lot_id, plan["published_at"], too_early)

    story.must_refuse(
        "a deadline with too little time to prepare",
        hurry,
        "tendering.deadline_too_early_min_prep",
        "tendering.lot_refused",
    )
    clerk.use_dates(story.lot_id, plan["published_at"], plan["earliest_deadline"])


def _uscc_of_tenderee(story: Story) -> str:
    return str(story.approver.get("/account")["account"]["uscc"])


def make_keys(story: Story) -> None:
    """Gate holders and custodians make the lot's keys; a rehearsal opens a dummy bid with them."""
    story.clerk.prepare_keys(story.lot_id)


def publish(story: Story) -> None:
    """Publication, and the papers for everybody; each bidder downloads them and makes its offer."""
    publish_lot(story)
    lot_id = story.lot_id
    story.expect("publish", "the lot takes bids", story.lot["state"] == "open")
    for name in ("notice", "document"):
        story.expect("publish", f"{name}.pdf", story.public.get_bytes(f"/lots/{lot_id}/{name}.pdf").startswith(b"%PDF"))
    for bidder in story.bidders:
        bidder.client.get_bytes(f"/lots/{lot_id}/document.pdf")
        make_offer(story, bidder)


def publish_lot(story: Story) -> None:
    """Submission, the tenderee's approval and the centre's format check; goes on from whatever was done before."""
    clerk, lot_id = story.clerk, story.lot_id
    state = clerk.preparation(lot_id)["state"]
    if state == "rehearsed":
        clerk.submit_for_approval(lot_id)
        state = "submitted"
    if state == "submitted":
        story.approver.approve(lot_id)
        state = "approved"
    if state == "approved":
        story.officer.publish(lot_id)
    story.lot = story.public.get(f"/lots/{lot_id}")["lot"]


def make_offer(story: Story, bidder: Bidder) -> None:
    """What this company offers for the published lot."""
    lot = story.lot
    bidder.offer = Offer(
        project_name=lot["project_name"],
        lot_name=lot["name"],
        lot_code=lot["lot_code"],
        tenderee=lot["tenderee_name"],
        bidder=bidder.part.company.zh,
        uscc=bidder.client.lot(story.lot_id).bidder,
        total=bidder.part.price,
        duration_days=bidder.part.duration_days,
        manager=bidder.part.manager,
        variant=story.bidders.index(bidder) + 1,
    )


def clarify(story: Story) -> None:
    """A bidder asks; the answer goes to everybody, without the asker."""
    lot_id, clerk = story.lot_id, story.clerk
    asker = story.bidders[1].client
    asker.post(f"/lots/{lot_id}/subscription", {"on": True})
    asker.post(f"/lots/{lot_id}/questions", {"text": QUESTION})
    waiting = clerk.open_questions(lot_id)
    story.expect("clarify", "the host sees the question", [one["text"] for one in waiting] == [QUESTION])
    clerk.clarify(lot_id, {waiting[0]["question_id"]: ANSWER})

    def answered() -> Any:
        lot = story.public.get(f"/lots/{lot_id}/questions")["lot"]
        return lot["clarifications"]

    found = story.public.wait_for("clarification", answered)
    told = found[0]["answers"][0]
    story.expect("clarify", "question and answer are public", (told["text"], told["answer"]) == (QUESTION, ANSWER))
    story.expect("clarify", "nobody is named", set(told) == {"text", "answer"})
