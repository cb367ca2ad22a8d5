"""A publisher that dies by its own hand (SIGKILL) at a named point of a round; at no point it finishes the round.

Arguments: data folder, database address ("" for SQLite), cosigner address, seconds the machine clock is ahead, point.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from foundation.clock import machine_now
from foundation.publication import publisher, tiles
from foundation.publication.publisher import Publisher
from foundation.transparency.checkpoint import Checkpoint
from tests.integration.publication_centre import make_runtime

AFTER = {"leaves_written": (publisher, "take_batch"), "note_written": (tiles, "store_checkpoint")}
"""After the call, which is within a transaction that never commits."""
BEFORE = {
    "leaves_committed": (Publisher, "_publish"),
    "tiles_durable": (Checkpoint, "signed"),
    "checkpoint_signed": (Publisher, "_cosignature"),
    "cosigned": (Publisher, "_store"),
}
"""Before the call."""
STORE = {"first_tile_durable": "put_once", "note_committed": "delete_prefix"}
"""After the first call of the object store."""
POINTS = (*AFTER, *BEFORE, *STORE)


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(call: Callable[..., Any], *, first: bool) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> None:
        if not first:
            call(*args, **kwargs)
        die()

    return wrapped


def arm(point: str, objects: object) -> None:
    if point in STORE:
        name = STORE[point]
        setattr(type(objects), name, dying(getattr(type(objects), name), first=False))
    elif point:
        owner, name = {**AFTER, **BEFORE}[point]
        setattr(owner, name, dying(getattr(owner, name), first=point in BEFORE))


def main() -> None:
    folder, database_url, cosigner_url, ahead, point = sys.argv[1:]
    runtime = make_runtime(Path(folder), database_url, cosigner_url)
    arm(point, runtime.objects)
    one = Publisher(runtime, machine=lambda: machine_now() + timedelta(seconds=int(ahead)))
    one.round()
    one.close()
    print("round done", flush=True)


if __name__ == "__main__":
    main()
