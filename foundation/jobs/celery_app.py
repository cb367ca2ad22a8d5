"""Celery carries ids of claimed jobs to worker threads or processes. It may wake work up; it never owns it."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from foundation.errors import Unavailable
from foundation.jobs.execute import execute
from foundation.runtime import Runtime


def make_celery(runtime: Runtime, broker_url: str) -> Celery:
    """The Celery application of one process. ``memory://`` embedded; Redis or RabbitMQ when configured."""
    app = Celery("centre", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_store_errors_even_if_ignored=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"polling_interval": 0.02} if broker_url.startswith("memory") else {},
        task_default_queue="centre-jobs",
        worker_prefetch_multiplier=1,
    )

    @app.task(name="centre.execute")  # type: ignore[untyped-decorator]
    def run(job_id: str, token: str) -> None:
        execute(runtime, job_id, token)

    app.centre_execute = run
    return app


def hand_over(app: Any, job_id: str, token: str) -> None:
    """Give one claimed job to a worker. If the broker loses it the lease runs out and it is claimed again.

    Raises Unavailable when the broker is out of reach.
    """
    try:
        app.centre_execute.delay(job_id, token)
    except OperationalError as error:
        raise Unavailable(what="broker") from error
