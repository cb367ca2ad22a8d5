"""The worker: dispatcher, Celery (threads, memory broker when embedded), publisher and the periodic look-rounds."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import structlog

from foundation.hints import Listener
from foundation.jobs.celery_app import hand_over, make_celery
from foundation.jobs.dispatcher import Dispatcher
from foundation.runtime import Runtime

log = structlog.get_logger("worker")
EMBEDDED_THREADS = 4


def run_worker(runtime: Runtime, *, ready_file: str | None = None) -> None:
    """Run every job, listener and look-round of the project until SIGTERM."""
    import centre.tasks  # noqa: F401 - registers them
    from bid_opening.services import unsealing

    if swept := unsealing.sweep_scratch(runtime):
        log.warning("half_opened_parts_swept", count=swept)
    serve_jobs(runtime, ready_file=ready_file)


def serve_jobs(runtime: Runtime, *, ready_file: str | None = None) -> None:
    """Run what is registered until SIGTERM: in this process, or as the dispatcher of other Celery workers."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    app = make_celery(runtime, runtime.settings.broker)
    worker = start_celery_thread(app)
    listener = Listener(runtime.settings.run_dir, f"worker{os.getpid()}", ("jobs", "journal"))
    dispatcher = Dispatcher(runtime, lambda job, token: hand_over(app, job, token), listener.wait)
    if ready_file:
        with open(ready_file, "w", encoding="utf-8") as file:  # noqa: PTH123 - a path given by the runner
            file.write(str(os.getpid()))
    log.info("worker_ready", broker=runtime.settings.broker.split("@")[-1])
    dispatcher.run_until(stop)
    listener.close()
    worker.stop()


def start_celery_thread(app: Any) -> Any:
    """An embedded Celery worker with a thread pool; returns the object whose ``stop`` ends it."""
    from celery.apps.worker import Worker

    class EmbeddedWorker(Worker):  # type: ignore[misc]
        """Celery's worker without its own signal handlers and banner."""

        def on_before_init(self, **kwargs: Any) -> None:
            super().on_before_init(**{**kwargs, "quiet": True})

        def install_platform_tweaks(self, worker: Any) -> None:
            """Leave the process's signals alone."""

    worker = EmbeddedWorker(
        app=app,
        pool_cls="threads",
        concurrency=EMBEDDED_THREADS,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    thread = threading.Thread(target=worker.start, name="celery", daemon=True)
    thread.start()
    return worker
