"""Jobs and the look-round of evaluation: open a Unit, call one service."""

from __future__ import annotations

import evaluation.consumers  # noqa: F401 - registers what listens to the opening
from evaluation.services import award, bid_files, cases, committee, draws, papers, report, review
from foundation.jobs.registry import JobContext, periodic, task
from foundation.runtime import Runtime

LOOK_SECONDS = 1.0


@periodic("evaluation.draws", LOOK_SECONDS)
def look(runtime: Runtime) -> None:
    """Make every draw that waited for the log only."""
    for lot_id in draws.due(runtime.units):
        with runtime.units.begin(cases.PLATFORM) as unit:
            draws.draw(unit, lot_id)


@task(committee.LAPSE)
def lapse_invitation(context: JobContext) -> None:
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        committee.lapse_invitation(unit, context.payload["seat"])


@task(review.SIGNING_ENDS)
def end_signing(context: JobContext) -> None:
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        report.end_signing(unit, context.payload["lot"])


@task(award.PUBLICITY_ENDS)
def tell_publicity_ended(context: JobContext) -> None:
    with context.runtime.units.begin(cases.PLATFORM) as unit:
        award.tell_publicity_ended(unit, context.payload["lot"])


@task(papers.TASK)
def issue_papers(context: JobContext) -> None:
    papers.issue(context.runtime, context.payload["lot"], context.payload["what"])


@task(bid_files.TASK)
def open_bid_files(context: JobContext) -> None:
    bid_files.open_all(context.runtime, context.payload["lot"])
