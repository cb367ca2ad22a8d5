"""What every run of the story must tell, on whatever services and through whatever mishap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sandbox import cast
from sandbox.story import stages

REFUSED = [
    "a deadline with too little time to prepare",
    "an organisation that is not verified seals",
    "a deposit that has arrived is paid again",
    "the centre looks at who has paid before the list is fixed",
    "files that are not encrypted",
    "a bid whose header was changed",
    "the host starts decryption before the deadline",
    "a bid handed in after the deadline",
    "32 bytes that are not the committed ones",
    "a second draw",
    "the host looks at alerts",
    "a second draw of experts",
    "an expert who declined opens the review",
    "the host looks at a score sheet",
    "the award is decided before the candidates are published",
    "the award is decided before publicity is over",
    "the award is decided while an objection is open",
]
TWICE = {
    "a stream's number": "SELECT stream, seq FROM journal_entries GROUP BY stream, seq HAVING count(*) > 1",
    # Private entries of one tick share a blinded leaf.
    "a public entry's leaf": "SELECT leaf_index FROM journal_entries WHERE audience = 'public'"
    " AND leaf_index IS NOT NULL GROUP BY leaf_index HAVING count(*) > 1",
    "a frame": "SELECT lot_id, audience, seq FROM room_frames GROUP BY lot_id, audience, seq HAVING count(*) > 1",
    "a kind of public fact of a room": "SELECT stream, type FROM journal_entries WHERE stream LIKE 'room:%' AND type IN"
    " ('bid_opening.check_in_opened', 'bid_opening.bids_frozen', 'bid_opening.list_published',"
    " 'bid_opening.window_closed', 'bid_opening.gate_released', 'bid_opening.coefficient_drawn', 'bid_opening.closed',"
    " 'bid_opening.record_issued') GROUP BY stream, type HAVING count(*) > 1",
    "a document": "SELECT lot_id, sha256 FROM documents GROUP BY lot_id, sha256 HAVING count(*) > 1",
    "a seat of an expert": "SELECT lot_id, expert_id FROM committee_seats GROUP BY lot_id, expert_id"
    " HAVING count(*) > 1",
    "a step of the evaluation": "SELECT stream, type FROM journal_entries WHERE type IN ('evaluation.review_started',"
    " 'evaluation.report_concluded', 'evaluation.candidates_published', 'evaluation.award_decided',"
    " 'evaluation.contract_signed') GROUP BY stream, type HAVING count(*) > 1",
    "a refund of an arrival": "SELECT serial FROM refunds GROUP BY serial HAVING count(*) > 1",
    "a payment of the bank": "SELECT bank_serial FROM refunds WHERE bank_serial IS NOT NULL"
    " GROUP BY bank_serial HAVING count(*) > 1",
    "an alert": "SELECT lot_id, detector, subject FROM collusion_alerts GROUP BY lot_id, detector, subject"
    " HAVING count(*) > 1",
    "a live bid": "SELECT lot_id, org_id FROM sealed_bids WHERE state = 'sealed'"
    " GROUP BY lot_id, org_id HAVING count(*) > 1",
}
"""By what must not be there twice, a statement that finds it."""
HOLES = "SELECT stream FROM journal_entries GROUP BY stream HAVING max(seq) <> count(*)"
COEFFICIENTS = {0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98}


def assert_told(told: dict[str, Any], bidders: int) -> None:
    """The same bids, refusals and checks as everywhere."""
    assert [one["name"] for one in told["stages"]] == [name for name, _ in stages()]
    assert told["prices"] == {one.company.zh: f"{one.price:.2f}" for one in cast.BIDDERS[:bidders]}
    assert [one["tried"] for one in told["refusals"]] == REFUSED
    assert (told["bids"], told["journal_ok"], told["log_ok"]) == (bidders, True, True)
    assert len(told["record"]) == 64
    assert float(told["K"]) in COEFFICIENTS
    assert_money_is_back(told, bidders)


def assert_money_is_back(told: dict[str, Any], bidders: int) -> None:
    """Everybody is ranked, and everybody's deposit is back from the lot's own story, with interest, once."""
    names = {one.company.zh for one in cast.BIDDERS[:bidders]}
    assert told["ledger_ok"] is True
    assert [one["rank"] for one in told["ranking"]] == list(range(1, bidders + 1))
    assert {one["name"] for one in told["ranking"]} == names
    assert [one["price"] for one in told["ranking"]] == [told["prices"][one["name"]] for one in told["ranking"]]
    scores = [Decimal(one["score"]) for one in told["ranking"]]
    assert scores == sorted(scores, reverse=True)
    back: dict[str, Decimal] = {}
    for one in told["refunds"]:
        is_own_story = one["ground"] not in {"withdrawn", "returned"}
        assert (Decimal(one["interest"]) > 0) == is_own_story, one
        if is_own_story:
            back[one["name"]] = back.get(one["name"], Decimal(0)) + Decimal(one["principal"])
    assert back == dict.fromkeys(names, cast.DEPOSIT)
    assert len({one["serial"] for one in told["refunds"]}) == len(told["refunds"])
    assert {one["ground"] for one in told["refunds"]} >= {"withdrawn", "returned", "contract_signed"}
    assert next(one for one in told["alerts"] if one["code"] == "D12")["severity"] == "red"


def assert_nothing_twice(rows: Callable[[str], Sequence[Any]]) -> None:
    """``rows`` asks the centre's database."""
    assert {what: list(rows(statement)) for what, statement in TWICE.items()} == {what: [] for what in TWICE}
    assert list(rows(HOLES)) == []
    # So that a statement that finds nothing has looked at something.
    assert rows("SELECT count(*) FROM journal_entries WHERE type = 'bid_opening.record_issued'")[0][0] == 1
    assert rows("SELECT count(*) FROM documents")[0][0] > 0
