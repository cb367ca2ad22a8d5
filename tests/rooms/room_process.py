"""A room process that can be killed: ``python -m tests.rooms.room_process <folder> <port> [<database>]``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace

from foundation.clock import SteppingClock
from foundation.entropy import SystemEntropy
from foundation.store.unit import Units
from tests.rooms.conftest import AT, Book, hall_of, open_database


async def main(folder: Path, port: int, database: str = "") -> None:
    clock = SteppingClock(AT)
    units = Units(open_database(folder / "room.db", database), clock, SystemEntropy())
    runtime = SimpleNamespace(units=units, clock=clock, settings=SimpleNamespace(run_dir=folder / "run"))
    async with hall_of(runtime, Book(units), port=port):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
