"""The story of the result: the ranking redone by hand, publicity with an objection, award, contract, alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Final

from sandbox.clients.evaluation import CommitteeClerk, DeskActs, ResultActs, is_past, public_result
from sandbox.story import Bidder, Story
from sandbox.story_money import yuan_of
from sandbox.story_opening import pdf_text

CANDIDATES: Final = 3
TRIM_FROM, DROP_HIGHEST_FROM = 7, 4
TRIM_SHARE: Final = Fraction(20, 100)
FULL: Final = Decimal(100)
E_HIGH, E_LOW = Decimal("0.9"), Decimal("0.6")
CENT: Final = Decimal("0.01")
OBJECTION: Final = "第一中标候选人类似工程业绩的竣工验收证明未见原件扫描件，请核实。"
REPLY: Final = "经核对原件，证明文件真实有效，评审结果不变。"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One bid as 方法一 ranks it."""

    name: str
    price: Decimal
    points: Decimal


def method_one(prices: Mapping[str, Decimal], k: Decimal) -> tuple[Decimal, tuple[Ranked, ...]]:
    """Benchmark and ranking by 方法一 (R4.30, R4.39), in fractions: nothing is rounded but what the rule rounds.

    The mean leaves out a fifth of the highest and of the lowest from seven bids on, the highest alone from four on;
    of fewer the second-lowest counts.
    """
    ordered = sorted(prices.values())
    if len(ordered) < DROP_HIGHEST_FROM:
        mean = Fraction(ordered[min(1, len(ordered) - 1)])
    else:
        cut = int(TRIM_SHARE * len(ordered) + Fraction(1, 2)) if len(ordered) >= TRIM_FROM else 0
        kept = ordered[cut : len(ordered) - cut] if cut else ordered[:-1]
        mean = sum((Fraction(one) for one in kept), Fraction(0)) / len(kept)
    base = half_up(mean * Fraction(k), 2)
    ranked = []
    for name, price in prices.items():
        deviation = half_up((Fraction(price) - Fraction(base)) / Fraction(base), 4)
        lost = abs(deviation) * 100 * (E_HIGH if deviation > 0 else E_LOW)
        ranked.append(Ranked(name, price, max(Decimal(0), FULL - lost).quantize(CENT, rounding=ROUND_HALF_UP)))
    return base, tuple(sorted(ranked, key=lambda one: (-one.points, one.price)))


def half_up(value: Fraction, places: int) -> Decimal:
    """Away from zero at the half, as the rule rounds."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)


def rank(story: Story) -> None:
    """The ranking redone from the read-out prices and the drawn K is the one on the desk, step by step."""
    desk = DeskActs(story.clerk, story.lot_id).desk()
    _check_ranking(story, desk["rows"], desk["benchmark"], desk["steps"])
    _, ranked = _by_hand(story)
    story.ranking = [
        {"rank": place, "name": one.name, "price": f"{one.price:.2f}", "score": f"{one.points:.2f}"}
        for place, one in enumerate(ranked, 1)
    ]


def _by_hand(story: Story) -> tuple[Decimal, tuple[Ranked, ...]]:
    prices = {name: Decimal(total) for name, total in story.prices.items()}
    return method_one(prices, Decimal(story.coefficient))


def _check_ranking(
    story: Story, rows: Sequence[Mapping[str, Any]], benchmark: Mapping[str, str], steps: Sequence[str]
) -> None:
    base, ranked = _by_hand(story)
    told_base = yuan_of(benchmark)
    story.expect("rank", f"the benchmark {told_base} is {base}", told_base == base)
    told = [(row["rank"], row["name"], yuan_of(row["price"]), Decimal(row["price_points"])) for row in rows]
    own = [(place, one.name, one.price, one.points) for place, one in enumerate(ranked, 1)]
    story.expect("rank", "rank, price and points of every bid", told == own)
    trace = "\n".join(steps)
    words = [f"{base:,.2f}", story.coefficient, *(f"{one.points}" for one in ranked)]
    words += [f"{one.price:,.2f}" for one in ranked]
    story.expect("rank", "the trace shows every number", all(word in trace for word in words))


def publicity(story: Story) -> None:
    """Candidates are published; an objection stays the award until it is answered, whatever the clock says (R1.41)."""
    clerk = CommitteeClerk(story.clerk, story.lot_id)
    clerk.publish_candidates()
    clerk.wait_for_paper("candidates")
    if is_past(clerk.state(), "awarded"):
        return  # the stage is repeated
    result = public_result(story.public, story.lot_id)
    _check_ranking(story, result["rows"], result["benchmark"], result["steps"])
    candidates = [row["name"] for row in result["rows"] if row["is_candidate"]]
    wanted = [one["name"] for one in story.ranking[:CANDIDATES]]
    story.expect("publicity", "the first three are candidates", candidates == wanted)
    text = pdf_text(story.public.get_bytes(f"/lots/{story.lot_id}/candidates.pdf"))
    story.expect("publicity", "they stand in the notice", all(name in text for name in candidates))
    _object(story, clerk, is_over=bool(result["is_publicity_over"]))


def _object(story: Story, clerk: CommitteeClerk, *, is_over: bool) -> None:
    if not is_over:
        ResultActs(_named(story, story.ranking[1]["name"]).client, story.lot_id).object(OBJECTION)
        story.must_refuse(
            "the award is decided before publicity is over",
            lambda: story.approver.post(f"/lots/{story.lot_id}/award"),
            "evaluation.publicity_runs",
        )
        story.advance("publicity_end")
    waiting = [one for one in clerk.objections() if one["answered_at"] is None]
    if waiting:
        story.must_refuse(
            "the award is decided while an objection is open",
            lambda: story.approver.post(f"/lots/{story.lot_id}/award"),
            "tendering.lot_stayed",
        )
    for one in waiting:
        clerk.answer_objection(str(one["id"]), REPLY)
    story.expect("publicity", "the stay is lifted", not clerk.desk()["is_stayed"])


def award(story: Story) -> None:
    """The tenderee decides; the winner gets its notice, every loser its own, and the committee is named."""
    story.approver.award(story.lot_id)
    winner = story.ranking[0]
    told = story.public.get(f"/lots/{story.lot_id}/award")["result"]
    story.expect("award", "the first candidate wins", told["awardee"] == winner["name"])
    story.expect("award", "at its price", yuan_of(told["amount"]) == Decimal(winner["price"]))
    story.expect("award", "the committee is named now", len(told["members"]) == 5)  # noqa: PLR2004 - its seats
    for line in story.ranking:
        acts = ResultActs(_named(story, line["name"]).client, story.lot_id)
        text = pdf_text(acts.notice())
        story.expect("award", f"{line['name']} is addressed", line["name"] in text)
        is_winner = line is winner
        story.expect(
            "award", f"{line['name']}: which notice", acts.own()["notice"] == ("award" if is_winner else "loser")
        )
        if not is_winner:
            story.expect("award", f"{line['name']} is told its own points", line["score"] in text)


def contract(story: Story) -> None:
    """Both parties sign the same paper."""
    winner = _named(story, story.ranking[0]["name"])
    ResultActs(winner.client, story.lot_id).sign_contract()
    is_concluded = story.approver.sign_contract(story.lot_id)
    story.expect("contract", "the contract is concluded", is_concluded)
    text = pdf_text(winner.client.get_bytes(f"/lots/{story.lot_id}/contract.pdf"))
    whole, _, rest = str(story.ranking[0]["price"]).partition(".")
    story.expect("contract", "at the awarded price", f"{int(whole):,}.{rest}" in text)


def _named(story: Story, name: str) -> Bidder:
    return next(bidder for bidder in story.bidders if bidder.part.company.zh == name)
