"""The room for those whose network lets no socket through: a request that waits until there is something to say.

It stands in the room process, where ten thousand may wait at once; a web thread for each would end the web.
"""

from __future__ import annotations

import asyncio
import http
import json
from typing import Final

from bid_opening.room.channel import Channel
from bid_opening.room.server import Closed, RoomServer
from foundation.actor import Actor
from foundation.i18n import iso
from foundation.roomwire import VERSION, Code

WAIT_SECONDS: Final = 8.0
"""Shorter than the handshake may last, and than any proxy's patience."""
POLL_LIMIT: Final = 500
STATUS: Final = {
    Code.SIGN_IN: http.HTTPStatus.UNAUTHORIZED,
    Code.NOT_YOURS: http.HTTPStatus.FORBIDDEN,
    Code.NO_ROOM: http.HTTPStatus.NOT_FOUND,
    Code.OLD_VERSION: http.HTTPStatus.UPGRADE_REQUIRED,
    Code.TOO_MANY: http.HTTPStatus.TOO_MANY_REQUESTS,
    Code.BAD_REQUEST: http.HTTPStatus.UNPROCESSABLE_ENTITY,
}


async def answer(
    server: RoomServer, lot_id: str, query: str, actor: Actor, address: str
) -> tuple[http.HTTPStatus, str]:
    """Status and JSON: the frames after the asker's positions, as soon as there is one or the wait is over."""
    try:
        with server.counted(address, actor):
            room, after = await server.enter(lot_id, query, actor)
            room.pollers += 1
            try:
                channels = await server.channels_of(room, after)
                await _news(channels, after)
                frames = [text for one in channels for text in await _frames(server, lot_id, one, after[one.audience])]
            finally:
                room.pollers -= 1
    except Closed as reason:
        return STATUS[reason.code], json.dumps({"code": int(reason.code), "reason": reason.reason})
    told = {
        "version": VERSION,
        "server_time": iso(await server.civil.now()),
        "heads": {channel.audience: channel.head for channel in channels},
        "from": after,
    }
    return http.HTTPStatus.OK, f'{json.dumps(told)[:-1]}, "frames": [{",".join(frames)}]}}'


async def _news(channels: list[Channel], after: dict[str, int]) -> None:
    """Until one of the channels has something new, at most WAIT_SECONDS."""
    waiting = [asyncio.ensure_future(channel.wait_beyond(after[channel.audience])) for channel in channels]
    try:
        await asyncio.wait(waiting, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


async def _frames(server: RoomServer, lot_id: str, channel: Channel, number: int) -> list[str]:
    if number >= channel.floor:
        return channel.texts_after(number, POLL_LIMIT)
    old = await asyncio.to_thread(server.source.frames, lot_id, channel.audience, number, POLL_LIMIT)
    return [text for _, text in old]
