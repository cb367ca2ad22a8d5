"""The story at the supervisor's desk: what the detectors found before anybody evaluates (R6.00, R6.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox import samples
from sandbox.story import Bidder, Story
from sandbox.story_money import borrower_of, lender_of

SHARED_PAYER, COPIED_TEXT = "D12", "D01"
SCAN_SECONDS: Final = 180.0


def alerts(story: Story) -> None:
    """One account paid for two bidders, and two bids share a passage: both stand before the supervisor, with evidence.

    An alert excludes nobody; the tender goes on.
    """
    story.must_refuse(
        "the host looks at alerts",
        lambda: story.clerk.get("/oversight/alerts", lot=story.lot_id),
        "foundation.not_permitted",
    )
    desk = story.supervisor.wait_for("the detectors", lambda: _scanned(story), seconds=SCAN_SECONDS)
    story.expect("alerts", "every bid could be read", not [one for one in desk["readings"] if one["fault"]])
    story.alerts = [
        {
            "code": one["detector"],
            "severity": one["severity"],
            "bidders": sorted(bidder["name"] for bidder in one["bidders"]),
            "number": one["number"],
        }
        for one in sorted(desk["alerts"], key=lambda one: (one["detector"], one["number"]))
    ]
    told = [(one["code"], one["bidders"]) for one in story.alerts]
    story.expect("alerts", f"{told} are {_wanted(story)}", told == _wanted(story))
    for one in desk["alerts"]:
        shown = story.supervisor.get(f"/oversight/alerts/{one['id']}")["shown"]
        story.expect("alerts", f"{one['detector']} shows evidence", shown["evidence"])
        story.say(f"    预警 · alert {one['detector']} {one['severity']}")


def _scanned(story: Story) -> Mapping[str, Any] | None:
    desk: Mapping[str, Any] = story.supervisor.get("/oversight/alerts", lot=story.lot_id)
    done = {one["detector"] for one in desk["scans"] if one["finished_at"] is not None}
    return desk if done >= {SHARED_PAYER, COPIED_TEXT} else None


def _wanted(story: Story) -> list[tuple[str, list[str]]]:
    """The text's copyists bid only where many do; the borrowed deposit is always there."""
    found = [(SHARED_PAYER, _names(lender_of(story), borrower_of(story)))]
    if len(story.bidders) >= max(samples.COPYISTS):
        found.insert(0, (COPIED_TEXT, _names(*(story.bidders[number - 1] for number in samples.COPYISTS))))
    return found


def _names(*bidders: Bidder) -> list[str]:
    return sorted(bidder.part.company.zh for bidder in bidders)
