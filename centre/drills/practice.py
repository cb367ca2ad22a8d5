"""练习室: what the page starts from (R3.46). The page itself runs in the browser and sends nothing.

One opening is played once in a process by the room's own rules; its public frames are what the visitor sees of the
others. The key set of the visitor's own practice bid is made on the spot, and its holders' private keys go to the page
with it: they protect nothing, and the page needs them to open the bid as a real gate would.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from bid_opening import drill
from bid_opening.drill.cast import Habit
from bid_opening.drill.sealed import DrillKeys, make_keys
from bid_opening.views.showing import words
from foundation.entropy import SystemEntropy
from foundation.money import Money
from foundation.sealing.suite import PrivateKey, public_bytes, scalar_of

SEED: Final = "practice"
OPENS: Final = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
TERMS: Final = drill.Terms(
    lot_name="练习标段",
    lot_code="PRACTICE.L1",
    tender_code="PRACTICE",
    project_name="练习项目",
    tenderee="练习招标人",
    agency="练习代理机构",
    opens_at=OPENS,
    decrypt_minutes=30,
    query_minutes=10,
    confirm_minutes=10,
    min_bidders=3,
    min_decrypted=3,
    escrow_rule="on_request",
    ceiling=Money.yuan("1000000.00"),
    duration_days=180,
    method_id="practice",
    pools={"K": ("0.950", "0.955", "0.960", "0.965", "0.970", "0.975", "0.980")},
)


def story() -> dict[str, Any]:
    """The page's beginning, with the sentences of frames in the reader's language."""
    return {**_recorded(), "words": words()}


@cache
def _recorded() -> dict[str, Any]:
    outcome = drill.play(TERMS, drill.cast(SEED, TERMS), SystemEntropy())
    own = next(one for one in outcome.bidders if one.habit is Habit.PUNCTUAL)
    seat = next(one for one in outcome.state.seats if one.org_id == own.org_id)
    keys = make_keys(TERMS)
    return {
        "tender": TERMS.tender_code,
        "lot": TERMS.lot_code,
        "bidder": own.org_id,
        "seat": seat.number,
        "name": seat.name,
        "seats": [{"seat": one.number, "name": one.name} for one in outcome.state.seats],
        "opens_at": OPENS,
        "decrypt_minutes": TERMS.decrypt_minutes,
        "ceiling": TERMS.ceiling.text(),
        "frames": [json.loads(text) for text in outcome.frames],
        "keyset": keys.keyset.to_bytes().decode(),
        "keyset_hash": keys.keyset.hash,
        "gate": _gate(keys),
    }


def _gate(keys: DrillKeys) -> list[dict[str, Any]]:
    """The practice holders' key files, as the browser's own code reads them."""
    return [
        {
            "v": 1,
            "for": "gate",
            "tender": TERMS.tender_code,
            "lot": TERMS.lot_code,
            "owner": "practice",
            "created": "2026-01-01T00:00:00.000Z",
            "private_key": _jwk(key),
            "public_key": public_bytes(key.public_key()).hex(),
        }
        for key in keys.gate
    ]


def _jwk(key: PrivateKey) -> dict[str, str]:
    point = public_bytes(key.public_key())
    parts = {"x": point[1:33], "y": point[33:], "d": scalar_of(key)}
    coded = {name: base64.urlsafe_b64encode(value).decode().rstrip("=") for name, value in parts.items()}
    return {"kty": "EC", "crv": "P-256", **coded}
