"""A web-like process that hands in one bid and is killed (−9) at a stated moment.

``python bids_child.py FOLDER ORDER MOMENT``; ORDER is a JSON file with the actor, the lot and the envelope. Moments:
``stored`` (bytes of a segment are durable, nothing is noted), ``decided`` (the bid is written, not committed),
``committed`` (committed, not answered), ``""`` (lives, and prints the receipt).
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from foundation.actor import Actor  # noqa: E402
from foundation.ids import OrgId, UserId  # noqa: E402
from tendering import receiver  # noqa: E402
from tendering.bid_rules import HeldSegment  # noqa: E402
from tendering.facade import segment_name  # noqa: E402
from tendering.intake import Intake  # noqa: E402
from tendering.services import seals  # noqa: E402
from tests.support.tender_world import make_world  # noqa: E402


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, order_path: str, moment: str) -> None:
    world = make_world(Path(folder))
    order = json.loads(Path(order_path).read_text(encoding="utf-8"))
    actor = Actor(UserId(order["user"]), OrgId(order["org"]), frozenset({"bidder"}), "bidder")
    for part, number, size_bytes, sha256, content in order["segments"]:
        name = segment_name(order["upload_id"], part, number)
        world.runtime.objects.put_once(name, base64.b64decode(content))
        if moment == "stored":
            die()
        receiver.record(world.runtime, actor, order["upload_id"], part, HeldSegment(number, size_bytes, sha256), name)
    command = seals.SealCommand(
        order["lot"],
        order["upload_id"],
        *(base64.b64decode(order[name]) for name in ("header", "manifest", "signature")),
    )
    intake = Intake(world.runtime)
    intake.start_reporting()
    with intake.stamp() as received_at:
        with world.units.begin(actor) as unit:
            outcome = seals.submit_seal(unit, world.runtime, command, received_at)
            if moment == "decided":
                die()
        if moment == "committed":
            die()
    if not isinstance(outcome, seals.Acknowledged):
        raise outcome
    print(json.dumps({"receipt": outcome.receipt, "is_new": outcome.is_new}))


if __name__ == "__main__":
    main(*sys.argv[1:])
