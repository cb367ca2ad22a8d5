"""The story of the committee: five experts drawn before everybody's eyes, each scoring alone on bids under codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from foundation.draws import Ranking, replay
from foundation.sealing import h
from sandbox import cast
from sandbox.clients.evaluation import (
    CommitteeClerk,
    ExpertClient,
    all_passed,
    draws_of,
    is_past,
)
from sandbox.story import Story, each
from sandbox.story_opening import pdf_text

SEATS: Final = 5
ELIGIBLE: Final = 18
"""Of the twenty in the library one works for a bidder and one has too few years (R4.02, R4.04)."""
TENDEREE_WORDS: Final = "湖塘桥头三月雨"
SUPERVISOR_WORDS: Final = "滆湖水面一帆风"
EXCUSE: Final = "当日在外地出差，无法参加。"


def committee(story: Story) -> None:
    """Pool, words, draw; the public redoes the draw; who declines is replaced by the next ticket."""
    clerk = CommitteeClerk(story.clerk, story.lot_id)
    clerk.request_committee(SEATS)
    story.must_refuse(
        "a second draw of experts",
        lambda: story.clerk.post(f"/lots/{story.lot_id}/committee", {"size": SEATS}),
        "evaluation.committee_known",
    )
    salts = {
        "tenderee": (TENDEREE_WORDS, story.approver.contribute(story.lot_id, TENDEREE_WORDS)),
        "supervisor": (SUPERVISOR_WORDS, story.supervisor.contribute(story.lot_id, SUPERVISOR_WORDS)),
    }
    drawn = story.public.wait_for("the draw", lambda: _drawn(story), seconds=90)
    ranking = _replayed(story, drawn)
    _check_words(story, drawn, salts)
    _decline_one(story, ranking)
    members = seated(story)
    story.expect("committee", "five are asked", len(members) == SEATS)
    each(members, lambda expert: expert.accept(story.lot_id))
    _check_tickets(story, ranking)


def _drawn(story: Story) -> Mapping[str, Any] | None:
    draw = draws_of(story.public, story.lot_id)[0]
    return draw if draw["state"] == "drawn" else None


def _replayed(story: Story, draw: Mapping[str, Any]) -> Ranking:
    """The order of the tickets as anybody computes it from what is published."""
    ranking = replay(draw["transcript"], draw["pool"])
    story.expect("committee", "the pool holds who may sit", len(draw["pool"]) == ELIGIBLE)
    story.expect("committee", "the seed is the transcript's", ranking.transcript.seed == draw["seed"])
    return ranking


def _check_words(story: Story, draw: Mapping[str, Any], salts: Mapping[str, tuple[str, str]]) -> None:
    """Each contribution is what its words and its salt give, and what was committed to before."""
    for one in draw["contributions"]:
        committed = h("etender-contribution-commitment/v1", one["value"])
        story.expect("committee", f"{one['contributor']} kept to its commitment", committed == one["commitment"])
        words, salt = salts.get(one["contributor"], ("", ""))
        if words:
            value = h("etender-contribution/v1", draw["draw_id"], one["contributor"], words, one["salt"])
            story.expect("committee", f"{one['contributor']}'s words count", value == one["value"])
            story.expect("committee", "the salt is the one that was told", salt in {"", one["salt"]})


def _decline_one(story: Story, ranking: Ranking) -> None:
    """The first of the seated declines; the expert behind the next ticket is asked."""
    before = _tickets(story, "vacated")
    if before:
        return  # the stage is repeated
    first = seated(story)[0]
    story.expect("committee", "the first tickets are asked", _tickets(story, "seat") == set(ranking.order[:SEATS]))
    first.decline(story.lot_id, EXCUSE)
    story.say(f"    递补 · replaced {first.login}")
    story.must_refuse(
        "an expert who declined opens the review",
        lambda: first.review(story.lot_id),
        "foundation.not_found",
    )


def _check_tickets(story: Story, ranking: Ranking) -> None:
    seats, vacated = _tickets(story, "seat"), _tickets(story, "vacated")
    asked = set(ranking.order[: SEATS + 1])
    story.expect("committee", "the next ticket was asked", seats | vacated == asked and len(vacated) == 1)


def _tickets(story: Story, outcome: str) -> set[str]:
    draw = draws_of(story.public, story.lot_id)[0]
    return {str(one["blinded"]) for one in draw["tickets"] if one["outcome"] == outcome}


def seated(story: Story) -> list[ExpertClient]:
    """Who has a seat on this committee, found by everybody's own page."""
    if not story.experts:
        story.experts = [_entered(story, expert.person.login) for expert in cast.EXPERTS]
    found: dict[str, str] = {}

    def look(expert: ExpertClient) -> None:
        found[expert.login] = expert.next_act(story.lot_id)

    each(story.experts, look)
    return [expert for expert in story.experts if found[expert.login]]


def _entered(story: Story, login: str) -> ExpertClient:
    """An expert by the demonstration's button: twenty passwords at once are more than the centre takes a minute."""
    token = str(story.officer.post(f"/demo/sign-in-as/{login}")["token"])
    return ExpertClient(story.options.server, certificate=story.options.certificate).act_as(login, token)


def sheets(story: Story) -> None:
    """The review starts: bids under codes, a sheet for every member."""
    CommitteeClerk(story.clerk, story.lot_id).start_review()


def review(story: Story) -> None:
    """Every member reads the bids under codes, scores alone and signs; the report says what will be published."""
    clerk = CommitteeClerk(story.clerk, story.lot_id)
    members = seated(story)
    story.expect("review", "five members", len(members) == SEATS)
    if not is_past(clerk.state(), "signing"):
        story.must_refuse(
            "the host looks at a score sheet",
            lambda: story.clerk.get(f"/reviews/{story.lot_id}"),
            "foundation.not_permitted",
        )
        each(members, lambda expert: _score(story, expert))
    clerk.wait_for_state("signing")
    each(members, lambda expert: expert.sign(story.lot_id))
    clerk.wait_for_state("reported")
    clerk.wait_for_paper("report")
    story.must_refuse(
        "the award is decided before the candidates are published",
        lambda: story.approver.post(f"/lots/{story.lot_id}/award"),
        "foundation.wrong_state",
    )
    _read_report(story, clerk.report())


def _score(story: Story, expert: ExpertClient) -> None:
    if expert.next_act(story.lot_id) != "score":
        return
    sheet = expert.wait_for("readable bids", lambda: _readable(expert, story.lot_id), seconds=90)
    story.expect("review", "a code for every bid", len(sheet["codes"]) == len(story.bidders))
    text = str(sheet)
    hidden = [bidder.part.company.zh for bidder in story.bidders] + list(story.prices.values())
    story.expect("review", "neither names nor prices", not any(word in text for word in hidden))
    code = sheet["codes"][0]
    file = expert.bid_file(story.lot_id, code)
    story.expect("review", "a bid can be read", file.startswith(b"%PDF"))
    marks = all_passed(sheet)
    expert.save_sheet(story.lot_id, {code: marks[code]})
    expert.submit_sheet(story.lot_id, marks)


def _readable(expert: ExpertClient, lot_id: str) -> Mapping[str, Any] | None:
    sheet = expert.sheet(lot_id)
    return sheet if sheet is not None and sorted(sheet["files"]) == sorted(sheet["codes"]) else None


def _read_report(story: Story, pdf: bytes) -> None:
    text = pdf_text(pdf)
    for name, total in story.prices.items():
        whole, _, rest = total.partition(".")
        story.expect("review", f"{name} stands in the report", name in text and f"{int(whole):,}.{rest}" in text)
    by_supervisor = story.supervisor.get_bytes(f"/lots/{story.lot_id}/evaluation/report.pdf")
    story.expect("review", "the supervisor reads the same report", by_supervisor == pdf)
