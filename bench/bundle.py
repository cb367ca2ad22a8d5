"""How long the verifier takes over a bundle of 10,000 leaves, on one core.

A real opening is held and bundled; its log is then told anew with public entries added until there are 10,000 leaves
and 1,180 checkpoints, each cosigned. The reference is the bare minimum of the same work: one SHA-256 a leaf and the
signatures of every checkpoint, two each.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.paired import Table, cpu_seconds, paired, verdict
from centre.bundles.gather import Tier
from foundation.canonical import dumps
from foundation.verifier import Report
from tests.support_bundle import Files, Step, Storyteller, bundled_opening, files_of, lines, policy_of, verified

GOAL = "a bundle of 10,000 leaves verified in <= 10 s of one core"
LEAVES = 10_000
EVERY = 10
LIMIT_SECONDS = 10.0
ROUNDS = 3


def long_bundle() -> tuple[Files, bytes]:
    """Files of a bundle of 10,000 leaves that verifies, and the policy."""
    with tempfile.TemporaryDirectory() as folder, bundled_opening(Path(folder)) as (opening, keys):
        opening.to_closed()
        opening.run_jobs()
        opening.publish()
        files, policy = files_of(opening, Tier.PUBLIC), policy_of(opening)
        story = Storyteller(files, keys)
        last = story.of("bid_opening.record_issued")
        lot = last.event["data"]["lot"]
        for number in range(LEAVES - len(story.steps)):
            data = {"lot": lot, "ground": f"objection {number}"}
            event = {**last.event, "type": "tendering.stay_placed", "stream": f"lot:{lot}", "data": data}
            story.steps.append(Step({"entry": f"etender/v1 p {dumps(event)}"}))
        return story.told(every=EVERY), policy


def bare(leaves: int, checkpoints: int) -> None:
    """One hash a leaf, two signatures a checkpoint."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    public, message = key.public_key(), bytes(150)
    signature = key.sign(message)
    for _ in range(leaves):
        hashlib.sha256(message).digest()
    for _ in range(2 * checkpoints):
        public.verify(signature, message)


def run() -> list[Table]:
    files, policy = long_bundle()
    checkpoints = len(lines(files, "log/checkpoints.jsonl")) + 1
    reports: list[Report] = []
    rounds = paired(
        {
            "hashes and signatures alone": lambda: cpu_seconds(lambda: bare(LEAVES, checkpoints)),
            "every check": lambda: cpu_seconds(lambda: reports.append(verified(files, policy))),
        },
        rounds=ROUNDS,
    )
    if any(report.verdict != "verified" for report in reports):
        raise AssertionError("the bundle that was measured does not verify")
    size = sum(len(content) for content in files.values()) / 2**20
    note = f"{LEAVES:,} leaves, {checkpoints:,} checkpoints, {size:.1f} MiB; processor time"
    return [rounds.table("verifying a bundle", "s", note=note)]


def judge(tables: Sequence[Table]) -> list[str]:
    taken = tables[0].line("every check").median
    return [verdict(GOAL, is_met=taken <= LIMIT_SECONDS, found=f"{taken:.2f} s")]
