"""The dispatcher: claims due jobs, hands their ids on, sweeps expired leases, and runs the periodic look-rounds."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from foundation.clock import machine_now, monotonic
from foundation.entropy import url_token
from foundation.errors import Unavailable
from foundation.jobs import queue
from foundation.jobs.registry import Periodic, periodics
from foundation.runtime import Runtime
from foundation.store.engine import AWAY

log = structlog.get_logger("dispatcher")
BATCH = 16
SWEEP_SECONDS = 2.0
AWAY_SECONDS = 1.0
"""How long nothing is tried after the database or the broker was out of reach."""


class Dispatcher:
    """One per centre. ``wait`` sleeps until a hint or a time-out; ``hand_over`` takes (job id, lease token)."""

    def __init__(
        self, runtime: Runtime, hand_over: Callable[[str, str], None], wait: Callable[[float], object]
    ) -> None:
        self.runtime = runtime
        self.hand_over = hand_over
        self.wait = wait
        self._next_sweep = 0.0

    def run_until(self, stop: threading.Event) -> None:
        threads = [
            threading.Thread(target=self._look_round, args=(every, stop), name=f"periodic-{every.name}", daemon=True)
            for every in periodics()
        ]
        for thread in threads:
            thread.start()
        while not stop.is_set():
            try:
                busy = self.step()
            except (*AWAY, Unavailable) as error:
                # The database or the broker. Jobs claimed already come back when their lease runs out.
                log.warning("dispatcher_waits", error=type(error).__name__)
                busy = False
                stop.wait(AWAY_SECONDS)
            if not busy:
                self.wait(0.5)

    def step(self) -> bool:
        """Claim and hand over one batch; True when there was something."""
        engine = self.runtime.units.engine
        machine = machine_now()
        if monotonic() >= self._next_sweep:
            self._next_sweep = monotonic() + SWEEP_SECONDS
            if swept := queue.sweep(engine, machine=machine):
                log.info("leases_swept", count=swept)
        civil = self.runtime.clock.now()
        if not queue.has_due(engine, civil=civil, machine=machine):
            return False
        tokens = [url_token(self.runtime.units.entropy, 16) for _ in range(BATCH)]
        claimed = queue.claim(engine, civil=civil, machine=machine, tokens=tokens)
        for job_id, token in claimed:
            self.hand_over(job_id, token)
        return bool(claimed)

    def _look_round(self, every: Periodic, stop: threading.Event) -> None:
        while not stop.wait(every.seconds):
            try:
                every.run(self.runtime)
            except (*AWAY, Unavailable) as error:
                log.warning("look_round_unavailable", name=every.name, error=type(error).__name__)
                stop.wait(AWAY_SECONDS)
            except Exception:
                # One broken look-round must not end the others; it is loud in the log and seen on /readyz.
                log.exception("look_round_failed", name=every.name)
