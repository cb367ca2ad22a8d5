"""Jobs of sealed submission: end receiving at the deadline, discard what was never sealed."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Final

from foundation.actor import system
from foundation.clock import iso, machine_now, monotonic, parse_iso
from foundation.events.tendering import BidsClosed
from foundation.jobs.registry import JobContext, periodic, task
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard
from foundation.runtime import Runtime
from tendering import intake
from tendering.services import uploads

CLOSE_TASK: Final = "tendering.close_bids"
LOOK_SECONDS: Final = 0.5


class _Waiting:
    """Since when (monotonic) this worker has seen each lot wait for its receivers.

    In memory on purpose: a worker that starts again counts the grace anew, which only makes a closing later.
    """

    def __init__(self) -> None:
        self._since: dict[tuple[str, datetime], float] = {}
        self._lock = threading.Lock()

    def is_grace_over(self, lot_id: str, deadline_at: datetime) -> bool:
        with self._lock:
            since = self._since.setdefault((lot_id, deadline_at), monotonic())
        return monotonic() - since >= intake.GRACE.total_seconds()

    def keep(self, lots: list[tuple[str, datetime]]) -> None:
        with self._lock:
            self._since = {key: since for key, since in self._since.items() if key in set(lots)}


_waiting = _Waiting()


@task(CLOSE_TASK)
def close_bids(context: JobContext) -> None:
    """End receiving for a lot. Where receivers are still deciding the look-round below asks again."""
    lot_id, deadline_at = context.payload["lot"], parse_iso(context.payload["deadline_at"])
    machine = machine_now()
    is_grace_over = bool(context.payload.get("grace_over", False))
    with context.runtime.units.begin(system("worker")) as unit:
        intake.close_bids(unit, lot_id, deadline_at, machine=machine, is_grace_over=is_grace_over)


@periodic("tendering.look_for_deadlines", LOOK_SECONDS)
def look_for_deadlines(runtime: Runtime) -> None:
    """Ask for the closing of lots whose receivers have decided, or had their grace, since the deadline's own job."""
    machine = machine_now()
    ready = []
    with runtime.units.read() as unit:
        due = intake.lots_past_deadline(unit.session, unit.at)
        for lot_id, deadline_at in due:
            grace_over = _waiting.is_grace_over(lot_id, deadline_at)
            if grace_over or intake.is_drained(unit.session, deadline_at, machine):
                ready.append((lot_id, deadline_at, grace_over))
    _waiting.keep(due)
    if not ready:
        return
    with runtime.units.begin(system("worker")) as unit:
        for lot_id, deadline_at, grace_over in ready:
            deadline = iso(deadline_at)
            payload = {"lot": lot_id, "deadline_at": deadline, "grace_over": grace_over}
            key = f"{lot_id}:{deadline}:{'grace' if grace_over else 'drained'}"
            unit.enqueue(CLOSE_TASK, key, payload)


@consumer("tendering.discard_uploads", on=BidsClosed)
def discard_uploads(context: JobContext) -> None:
    """Delete the ciphertext of uploads that never became a bid: "no copy was kept" must be true."""
    with context.runtime.units.read() as unit:
        lot_id = heard(unit.session, context, BidsClosed).event.lot
        unsealed = uploads.unsealed(unit, lot_id)
    for upload_id in unsealed:
        context.runtime.objects.delete_prefix(f"sealed/{upload_id}")
    with context.runtime.units.begin(system("worker")) as unit:
        uploads.forget(unit, unsealed)
