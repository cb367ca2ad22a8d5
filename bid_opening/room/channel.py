"""One audience of one room: the frames of its sequence, kept as ready-made socket bytes, and who listens.

A frame is made into bytes and deflated once, however many people read it. Each reader has a number per audience;
whatever lies between that number and the head is what it still has to get. So a frame can neither be sent twice nor
left out, and joining, catching up and going live are the same act.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bid_opening import talk
from bid_opening.room.wire import Made

if TYPE_CHECKING:
    from bid_opening.room.reader import Reader

CHUNK: Final = 250
"""Readers written to before the loop may do something else (measured delay of neighbours: 35 ms instead of 280)."""
KEEP_FRAMES: Final = 4000
NEAR_BYTES: Final = 32 * 1024
"""What is handed to one socket in one piece while it catches up."""
NEAR_FRAMES: Final = 100


class Channel:
    """Frames ``first .. head`` of one audience, dense."""

    def __init__(self, audience: str, head: int = 0) -> None:
        self.audience = audience
        self.head = head
        self.readers: dict[Reader, int] = {}
        """Who listens, and the last number written to each. It stands here, in one piece of memory, and not with the
        readers: to look it up at 2,000 places cost a seventh of a delivery."""
        self._frames: deque[Made] = deque()
        self.joined: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})
        """By coding and by the number a reader stands at: what it lacks, as one piece."""
        self.behind: set[Reader] = set()
        """Who was sent a piece of a burst and waits for the rest."""
        self._news = asyncio.Event()
        self._flush: asyncio.Task[None] | None = None

    @property
    def floor(self) -> int:
        """The number before the oldest kept frame: who has seen this much can be served from memory."""
        return self.head - len(self._frames)

    def append(self, frames: Iterable[tuple[int, str]]) -> bool:
        """Take new frames in order; those already here are passed over. True when there was a new one.

        Raises ValueError for a hole: the table is dense, so a hole is a bug of the reading.
        """
        before = self.head
        for number, text in frames:
            if number <= self.head:
                continue
            if number != self.head + 1:
                raise ValueError(f"{self.audience}: frame {number} after {self.head}")
            self._frames.append(Made(text))
            self.head = number
            if (hidden := talk.number_hidden_by(text)) is not None:
                self._take_words_away(hidden)
        if self.head == before:
            return False
        self._forget_joined()
        news, self._news = self._news, asyncio.Event()
        news.set()
        return True

    def _take_words_away(self, number: int) -> None:
        """A message was hidden: what is kept here says what the table now says, so that no late comer gets the words.

        Rare, so all that is kept may be looked through.
        """
        for place, made in enumerate(self._frames):
            if talk.is_message(made.text, number):
                self._frames[place] = Made(talk.without_text(made.text))

    def _forget_joined(self) -> None:
        for made in self.joined:
            made.clear()

    def bytes_after(self, number: int, coding: int) -> bytes:
        """Every frame after ``number`` as one piece, made once for all readers that stand there."""
        made = self.joined[coding].get(number)
        if made is not None:
            return made
        if number >= self.head:
            return b""
        if number < self.floor:
            raise ValueError(f"{self.audience}: {number} is older than what is kept")
        made = self.joined[coding][number] = b"".join(one.bytes_for(coding) for one in self._after(number))
        return made

    def _after(self, number: int, count: int = KEEP_FRAMES) -> Iterator[Made]:
        """The kept frames after ``number``, at most ``count``, found from the end: a long history costs nothing."""
        start = len(self._frames) - (self.head - number)
        return (self._frames[place] for place in range(start, min(start + count, len(self._frames))))

    def piece_after(self, number: int, coding: int) -> tuple[int, bytes]:
        """The next frames, at most NEAR_FRAMES of them and about NEAR_BYTES, and the number then reached."""
        parts: list[bytes] = []
        size = 0
        for one in self._after(number, NEAR_FRAMES):
            part = one.bytes_for(coding)
            if parts and size + len(part) > NEAR_BYTES:
                break
            parts.append(part)
            size += len(part)
        return number + len(parts), b"".join(parts)

    def texts_after(self, number: int, count: int) -> list[str]:
        """At most ``count`` frames after ``number`` as they are written, for those who have no socket."""
        return [one.text for one in self._after(number, count)]

    async def wait_beyond(self, number: int) -> None:
        """Until there is a frame after ``number``."""
        while self.head <= number:
            await self._news.wait()

    def join(self, reader: Reader, number: int) -> None:
        """From now on this reader, who has everything up to ``number``, gets what is new; what it lacks at once."""
        self.readers[reader] = number
        reader.catch_up(self)
        if self.behind:
            self.flush_soon()

    def leave(self, reader: Reader) -> None:
        self.readers.pop(reader, None)
        self.behind.discard(reader)

    def flush_soon(self) -> None:
        """Send what is new to everybody; rooms do so side by side, so that a small one never waits for a big one."""
        if self._flush is None or self._flush.done():
            self._flush = asyncio.get_running_loop().create_task(self._send(), name=f"flush-{self.audience}")

    async def _send(self) -> None:
        sent_up_to = -1
        while sent_up_to < self.head or self.behind:
            sent_up_to = self.head
            self.behind.clear()
            for part in chunks(tuple(self.readers)):
                for reader in part:
                    reader.catch_up(self)
                await asyncio.sleep(0)
        while len(self._frames) > KEEP_FRAMES:
            self._frames.popleft()
        self._forget_joined()

    async def settle(self) -> None:
        """Wait until a flush under way is done (closing, tests)."""
        if self._flush is not None:
            await self._flush


def chunks(readers: tuple[Reader, ...]) -> Iterable[tuple[Reader, ...]]:
    """Parts of at most CHUNK."""
    for start in range(0, len(readers), CHUNK):
        yield readers[start : start + CHUNK]
