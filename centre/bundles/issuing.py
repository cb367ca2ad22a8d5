"""When bundles are made and where they are kept.

The public bundle is made once the opening record is issued, and again whenever the lot's public story goes on. Every
one that was made is kept: a later one may only add (``centre verify --diff``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from centre.bundles.archive import BUNDLER, prepare
from centre.bundles.errors import BundleNotReady
from centre.bundles.gather import Tier
from foundation.events import Event
from foundation.events.bid_opening import RecordIssued
from foundation.events.evaluation import (
    AwardDecided,
    CandidatesPublished,
    CommitteeDrawn,
    ContractSigned,
    EvaluationFailed,
    ResultObjected,
    ResultObjectionAnswered,
)
from foundation.jobs.registry import JobContext, task
from foundation.journal import JournalEntry
from foundation.journal.consumers import consumer
from foundation.journal.read import entry_of
from foundation.publication.errors import NotYetProved
from foundation.runtime import Runtime
from foundation.storage import ObjectStore

FOLDER: Final = "bundles"
AGAIN: Final = "centre.bundle_again"
MOST_WAIT_SECONDS: Final = 300


def object_name(lot_id: str, log_size: int) -> str:
    """Named by the tree it is proven in, so that names sort by age."""
    return f"{FOLDER}/{lot_id}/{log_size:016d}.zip"


def make_bundle(runtime: Runtime, lot_id: str) -> str | None:
    """Make and keep the public bundle as it is now; its name, None before the opening record. Idempotent.

    Raises NotYetProved while the log does not cover everything; the job then comes again.
    """
    try:
        bundle = prepare(runtime, lot_id, Tier.PUBLIC)
    except BundleNotReady:
        return None
    try:
        name = object_name(lot_id, bundle.log_size)
        if not runtime.objects.exists(name):
            runtime.objects.put_stream(name, bundle.zip_bytes())
    finally:
        bundle.close()
    return name


def bundles_of(objects: ObjectStore, lot_id: str) -> list[str]:
    """Names of the public bundles of a lot, oldest first."""
    return [entry.name for entry in objects.list(f"{FOLDER}/{lot_id}")]


def _follow(context: JobContext) -> None:
    """Make the bundle, or ask for it again: that the log is a moment behind the journal is no failure of a job."""
    with context.runtime.units.read(BUNDLER) as unit:
        row = unit.session.scalars(select(JournalEntry).where(JournalEntry.id == context.payload["entry"])).one()
        lot_id = _lot_of(entry_of(row).event)
    try:
        make_bundle(context.runtime, lot_id)
    except NotYetProved:
        turn = int(context.payload.get("turn", 0)) + 1
        payload = {"entry": context.payload["entry"], "turn": turn}
        with context.runtime.units.begin(BUNDLER) as unit:
            wait = timedelta(seconds=min(2**turn, MOST_WAIT_SECONDS))
            unit.enqueue(AGAIN, f"{payload['entry']}:{turn}", payload, due=unit.at + wait)


def _lot_of(event: Event) -> str:
    return str(event.lot)  # type: ignore[attr-defined]


STAGES: Final[dict[str, type[Event]]] = {
    "centre.bundle_opening": RecordIssued,
    "centre.bundle_committee": CommitteeDrawn,
    "centre.bundle_candidates": CandidatesPublished,
    "centre.bundle_evaluation_failed": EvaluationFailed,
    "centre.bundle_objection": ResultObjected,
    "centre.bundle_answer": ResultObjectionAnswered,
    "centre.bundle_award": AwardDecided,
    "centre.bundle_contract": ContractSigned,
}
for _name, _event in STAGES.items():
    consumer(_name, on=_event)(_follow)
task(AGAIN)(_follow)
