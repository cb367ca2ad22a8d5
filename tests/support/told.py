"""What every run of the story must tell, on whatever services and through whatever mishap."""

from __future__ import annotations

from typing import Any

from sandbox import cast
from sandbox.story import stages

REFUSED = [
    "a deadline with too little time to prepare",
    "an organisation that is not verified seals",
    "files that are not encrypted",
    "a bid whose header was changed",
    "the host starts decryption before the deadline",
    "a bid handed in after the deadline",
    "32 bytes that are not the committed ones",
    "a second draw",
]
COEFFICIENTS = {0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98}


def assert_told(told: dict[str, Any], bidders: int) -> None:
    """The same bids, refusals and checks as everywhere."""
    assert [one["name"] for one in told["stages"]] == [name for name, _ in stages()]
    assert told["prices"] == {one.company.zh: f"{one.price:.2f}" for one in cast.BIDDERS[:bidders]}
    assert [one["tried"] for one in told["refusals"]] == REFUSED
    assert (told["bids"], told["journal_ok"], told["log_ok"]) == (bidders, True, True)
    assert len(told["record"]) == 64
    assert float(told["K"]) in COEFFICIENTS
