"""kill -9 of the room process: it held no truth, so another one goes on where each client stopped."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

from bid_opening.client import RoomClient, gather_frames
from tests.conftest import ROOT
from tests.rooms.conftest import LOT, Book


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.rooms.room_process", str(folder), str(port)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_after_kill_9_every_client_goes_on_without_loss_or_repetition(book: Book, tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port)

    async def story() -> None:
        nonlocal process
        clients = [RoomClient(LOT, room_url=f"ws://127.0.0.1:{port}", audiences=("public",)) for _ in range(5)]
        gathered = [asyncio.create_task(gather_frames(client, 24, 60)) for client in clients]
        for _kill in range(3):
            for _ in range(4):
                await asyncio.to_thread(book.say, "share_released")
                await asyncio.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
            for _ in range(4):
                await asyncio.to_thread(book.say, "seal_checked")
            process = await asyncio.to_thread(start, tmp_path, port)
        for frames in await asyncio.gather(*gathered):
            assert frames == book.written["public"]
        assert all(client.connections >= 2 for client in clients)

    try:
        asyncio.run(story())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
