"""The guide's pure rules: where the lot stands, whose turn it is, where to go, and that every sentence is there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bid_opening.states import Phase
from centre.demo_guide import BY_HAND, LOTLESS, TIPS, WHY, Facts, Own, place_of, stage_of, turn_of
from evaluation.states import CaseState, DrawState
from foundation.i18n import EN, ZH, Lang, UnknownSentence, term
from sandbox.autopilot.stages import CHAPTERS, Act, Part, Stage, chapter_of, is_before
from tendering.states import LotState
from tests.conftest import ROOT


def opened(case: CaseState, **more: Any) -> Facts:
    """After the opening."""
    return Facts(LotState.OPENED, phase=Phase.CLOSED, case=case, **more)


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        (Facts(LotState.DRAFT), Stage.KEYS),
        (Facts(LotState.KEYSET), Stage.KEYS),
        (Facts(LotState.REHEARSED), Stage.SUBMIT),
        (Facts(LotState.SUBMITTED), Stage.APPROVE),
        (Facts(LotState.APPROVED), Stage.PUBLISH),
        (Facts(LotState.OPEN, phase=Phase.SCHEDULED), Stage.BIDDING),
        (Facts(LotState.OPEN, phase=Phase.CHECK_IN), Stage.CHECK_IN),
        (Facts(LotState.OPEN, phase=Phase.CHECK_IN, is_past_deadline=True), Stage.CLOSING),
        (Facts(LotState.CLOSED, phase=Phase.INTAKE_CLOSED), Stage.CLOSING),
        (Facts(LotState.FROZEN, phase=Phase.LIST_PUBLISHED), Stage.CLOSING),
        (Facts(LotState.FROZEN, phase=Phase.DECRYPTING), Stage.DECRYPTING),
        (Facts(LotState.FROZEN, phase=Phase.WINDOW_CLOSED), Stage.GATE),
        (Facts(LotState.FROZEN, phase=Phase.PARAM_DRAWN), Stage.DRAW),
        (Facts(LotState.FROZEN, phase=Phase.QUERY), Stage.QUERY),
        (Facts(LotState.FAILED, phase=Phase.FAILED), Stage.FAILED),
        (Facts(LotState.CANCELLED), Stage.FAILED),
        (Facts(LotState.FROZEN, phase=Phase.CLOSED), Stage.COMMITTEE),
        (opened(CaseState.FORMING), Stage.COMMITTEE),
        (opened(CaseState.FORMING, draw=DrawState.COLLECTING), Stage.EXPERTS),
        (opened(CaseState.FORMING, draw=DrawState.READY), Stage.EXPERTS),
        (opened(CaseState.FORMING, draw=DrawState.DRAWN), Stage.SEATS),
        (opened(CaseState.REVIEW, draw=DrawState.DRAWN), Stage.SCORING),
        (opened(CaseState.SIGNING, draw=DrawState.DRAWN), Stage.SIGNING),
        (opened(CaseState.REPORTED), Stage.CANDIDATES),
        (opened(CaseState.PUBLICITY), Stage.PUBLICITY),
        (opened(CaseState.PUBLICITY, is_publicity_over=True, is_stayed=True), Stage.PUBLICITY),
        (opened(CaseState.PUBLICITY, is_publicity_over=True), Stage.AWARD),
        (opened(CaseState.AWARDED), Stage.CONTRACT),
        (opened(CaseState.CONTRACTED, deposits=8, refunded=7), Stage.REFUND),
        (opened(CaseState.CONTRACTED, deposits=8, refunded=8), Stage.DONE),
        (opened(CaseState.FAILED), Stage.FAILED),
    ],
)
def test_the_stage_follows_from_the_lots_own_state(facts: Facts, stage: Stage) -> None:
    assert stage_of(facts) is stage


def test_a_bidder_pays_seals_and_signs_in_one_after_the_other() -> None:
    steps = [
        (Own(), Act.PAY_DEPOSIT),
        (Own(has_deposit=True), Act.SEAL),
        (Own(has_deposit=True, is_sealed=True), Act.CHECK_IN),
        (Own(has_deposit=True, is_sealed=True, is_checked_in=True), None),
    ]
    assert [turn_of(Part.BIDDER, Stage.CHECK_IN, own) for own, _ in steps] == [act for _, act in steps]
    assert turn_of(Part.BIDDER, Stage.BIDDING, Own(has_deposit=True, is_sealed=True)) is None


def test_a_bidder_without_a_seat_is_never_waited_for_in_the_room() -> None:
    room = (Stage.CLOSING, Stage.DECRYPTING, Stage.QUERY, Stage.CONFIRMING)
    assert {turn_of(Part.BIDDER, stage, Own()) for stage in room} == {None}
    turns = [turn_of(Part.BIDDER, stage, Own(has_seat=True)) for stage in room]
    assert turns == [Act.CHECK_SEAL, Act.RELEASE, Act.SAY, Act.CONFIRM]
    done = Own(has_seat=True, is_checked=True, is_released=True, has_spoken=True, is_confirmed=True)
    assert {turn_of(Part.BIDDER, stage, done) for stage in room} == {None}


def test_tenderee_supervisor_and_expert_have_their_own_turns() -> None:
    tenderee = {stage: turn_of(Part.TENDEREE, stage, Own()) for stage in Stage}
    assert {stage: act for stage, act in tenderee.items() if act} == {
        Stage.APPROVE: Act.APPROVE,
        Stage.EXPERTS: Act.CONTRIBUTE,
        Stage.AWARD: Act.AWARD,
    }
    assert turn_of(Part.TENDEREE, Stage.CONTRACT, Own(may_sign=True)) is Act.SIGN_CONTRACT
    assert turn_of(Part.TENDEREE, Stage.EXPERTS, Own(has_contributed=True)) is None
    assert turn_of(Part.SUPERVISOR, Stage.EXPERTS, Own()) is Act.CONTRIBUTE
    assert turn_of(Part.SUPERVISOR, Stage.EXPERTS, Own(has_contributed=True)) is None
    acts = [turn_of(Part.EXPERT, Stage.SCORING, Own(expert_act=act)) for act in ("answer", "score", "sign", "")]
    assert acts == [Act.TAKE_SEAT, Act.SCORE, Act.SIGN_REPORT, None]


def test_the_public_is_never_waited_for() -> None:
    everything = Own(has_seat=True, may_sign=True, expert_act="score")
    assert {turn_of(Part.PUBLIC, stage, everything) for stage in Stage} == {None}


@pytest.mark.parametrize("lang", [ZH, EN])
def test_every_stage_act_and_deed_has_its_sentences(lang: Lang) -> None:
    wanted = [
        *(f"guide_{kind}.{stage}" for stage in Stage for kind in ("stage", "now", "why")),
        *(f"guide_{kind}.{act}" for act in Act for kind in ("turn", "act")),
        *(f"guide_chapter.{chapter}" for chapter in CHAPTERS),
        *(f"guide_part.{part}" for part in Part),
        *(f"guide_tip.{part}.{stage}" for part, stage in TIPS),
        *(f"demo_deed.{deed}" for deed in deeds()),
    ]
    missing = []
    for key in wanted:
        try:
            assert term(key, lang).strip()
        except UnknownSentence:
            missing.append(key)
    assert missing == []


def deeds() -> set[str]:
    """Every second argument of a Deed in the pilot's own sources."""
    found = {"bid"}
    for path in (ROOT / "sandbox" / "autopilot").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'Deed\([\w.]+, "(\w+)"', text)) | set(
            re.findall(r'(?:return|else) \(?"(\w+)", ', text)
        )
    assert {"seal", "release", "check_in", "sign_contract", "award"} <= found
    return found


def test_every_stage_is_in_one_chapter_and_one_step_by_hand() -> None:
    listed = [stage for stages in CHAPTERS.values() for stage in stages]
    assert listed == list(Stage)
    assert set(BY_HAND) == set(Stage) == set(WHY)
    assert list(BY_HAND.values()) == sorted(BY_HAND.values())
    assert chapter_of(Stage.DRAW) == "opening"
    assert is_before(Stage.KEYS, Stage.DONE)
    assert not is_before(Stage.DONE, Stage.DONE)


def test_the_rule_behind_each_stage_stands_in_the_reference_with_its_source() -> None:
    rules: dict[str, str] = {}
    for row in (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8").splitlines():
        if row.startswith("| R"):
            rules.setdefault(row.split("|")[1].strip(), row.split("|")[4])  # the tables of values come after
    wrong = [(rule, source) for rule, source in WHY.values() if rule not in rules or not cites(rules[rule], source)]
    assert wrong == []


def cites(listed: str, source: str) -> bool:
    """Whether the article stands in the rule's sources: "EB20 20" in "EB20 9, 20"."""
    law, _, article = source.partition(" ")
    return not source or any(
        part.strip().startswith(law) and article in re.findall(r"\d+", part.strip().removeprefix(law))
        for part in listed.split(";")
    )


def test_there_is_a_place_to_look_for_everybody_at_every_stage() -> None:
    for part in Part:
        for stage in Stage:
            assert place_of(part, stage)
    assert place_of(Part.BIDDER, Stage.BIDDING, Act.PAY_DEPOSIT) == "deposits.show_deposit"
    assert place_of(Part.BIDDER, Stage.PUBLICITY, None, Own(has_result=True)) == "results.my_result"
    assert place_of(Part.BIDDER, Stage.PUBLICITY, None, Own()) == "results.show_candidates"
    assert place_of(Part.EXPERT, Stage.SCORING, None, Own(has_seat=True)) == "reviews.show_review"
    assert place_of(Part.EXPERT, Stage.SCORING) == place_of(Part.PUBLIC, Stage.SCORING)
    assert place_of(Part.PUBLIC, Stage.FAILED) in LOTLESS
