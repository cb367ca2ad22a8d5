"""Many slow clients in one process: ``python -m bench.slowpokes WEB_PORT ROOM_PORT COUNT``.

COUNT bodies and half as many heads drip a byte a second into the web port, as many heads into the room's. Who is let
go comes again at once. Says ``ready`` when all have connected, then at each line how many connections were made.
"""

from __future__ import annotations

import asyncio
import resource
import sys

import uvloop

HEAD = b"POST /lots HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /lots HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"
SECONDS = 1.0
WINDOW = 64


class Crowd:
    """All of them; ``made`` counts connections."""

    def __init__(self) -> None:
        self.made = 0
        self.inside = 0
        self._window = asyncio.Semaphore(WINDOW)

    async def drip(self, port: int, begin: bytes) -> None:
        """One slow client, for ever."""
        is_inside = False
        while True:
            try:
                async with self._window:
                    _, line = await asyncio.open_connection("127.0.0.1", port)
                self.made += 1
                line.write(begin)
                if not is_inside:
                    is_inside, self.inside = True, self.inside + 1
                while not line.is_closing():
                    await asyncio.sleep(SECONDS)
                    line.write(b"x")
                    await line.drain()
            except OSError:
                await asyncio.sleep(SECONDS)


async def main(web_port: int, room_port: int, count: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd()
    plan = [(web_port, BODY)] * count + [(web_port, HEAD)] * (count // 2) + [(room_port, HEAD)] * (count // 2)
    slow = [asyncio.create_task(crowd.drip(*one)) for one in plan]
    while crowd.inside < len(slow):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(crowd.made, flush=True)


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:4])))
