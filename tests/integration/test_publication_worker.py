"""The look-round of the worker: a hint of the journal wakes it, and without hints it looks by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.clock import machine_now, monotonic
from foundation.hints import UnixHints
from foundation.jobs.registry import periodics
from foundation.publication import proofs, tasks
from foundation.store.unit import Hints, NoHints, Units
from tests.integration.publication_centre import ENTROPY, Centre, cosigner, make_runtime
from tests.support.services import free_port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Hints], Centre]]:
    """A centre whose look-round runs in a thread, as in the worker."""
    port = free_port()
    runtime = make_runtime(tmp_path, "", f"http://127.0.0.1:{port}")
    stopped = threading.Event()
    threads: list[threading.Thread] = []

    def begin(hints: Hints) -> Centre:
        centre = Centre(replace(runtime, units=Units(runtime.units.engine, runtime.clock, ENTROPY, hints)), machine_now)
        (every,) = [one for one in periodics() if one.name == "publication.publish"]

        def loop() -> None:
            while not stopped.wait(every.seconds):
                every.run(centre.runtime)
            tasks.leave(centre.runtime)

        threads.append(threading.Thread(target=loop))
        threads[-1].start()
        return centre

    with cosigner(tmp_path, runtime.log_key, port):
        yield begin
        stopped.set()
        for thread in threads:
            thread.join()
    runtime.units.engine.dispose()


def _cosigned_after(centre: Centre, seconds: float) -> float:
    """Seconds until a new public entry is cosigned; fails after ``seconds``."""
    begun = monotonic()
    entry_id = centre.public()
    while monotonic() - begun < seconds:
        with centre.runtime.units.read() as unit:
            if proofs.is_cosigned(unit, entry_id):
                return monotonic() - begun
        threading.Event().wait(0.01)
    pytest.fail("not cosigned")


def test_a_hint_wakes_the_publisher(
    start: Callable[[Hints], Centre], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "WAIT_SECONDS", 600)
    run_dir = tmp_path / "run"
    hints = UnixHints(run_dir)
    centre = start(hints)
    while not list(run_dir.glob("journal-*.sock")):
        threading.Event().wait(0.01)
    try:
        for _ in range(3):
            _cosigned_after(centre, 30)
    finally:
        monkeypatch.setattr(tasks, "WAIT_SECONDS", 0.01)
        hints.poke(frozenset({"journal"}))
        hints._socket.close()


def test_without_hints_it_looks_by_itself(start: Callable[[Hints], Centre]) -> None:
    centre = start(NoHints())
    for _ in range(3):
        _cosigned_after(centre, 30)
