"""The page of the protocol says what the code does: frames, their fields and audiences, codes, limits, versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bid_opening import client, frames
from bid_opening.room import channel, polling, pulse, server, wire
from bid_opening.room.reader import Limits
from foundation import roomwire
from foundation.events import Event
from foundation.roomwire import Code
from tests.unit.bid_opening.test_frames import sample

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "room-protocol.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_]+)` \| ([a-z, ]+) \|(.*)\|$")
CODE_ROW = re.compile(r"^\| (\d{4}) \|", re.MULTILINE)


def rows() -> dict[str, tuple[set[str], str]]:
    """Frame type → audiences, and what the page says of its data."""
    found = (ROW.match(line) for line in PAGE.partition("### Types")[2].splitlines())
    return {one[1]: (set(one[2].split(", ")), one[3]) for one in found if one}


def test_the_page_lists_every_frame_with_its_audiences() -> None:
    told: dict[str, set[str]] = {}
    for rules in frames.told_types().values():
        for audience, name in rules:
            told.setdefault(name, set()).add("bidder" if audience == frames.OWN else audience)
    assert {name: audiences for name, (audiences, _) in rows().items()} == told


def fields_named(text: str) -> set[str]:
    """The names in a cell: without what stands in brackets (values, parts of a list) or after a semicolon."""
    plain = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text).partition(";")[0]
    return set(re.findall(r"`([a-z_0-9]+)`", plain))


@pytest.mark.parametrize("kind", sorted(frames.told_types(), key=lambda kind: kind.TYPE), ids=lambda kind: kind.TYPE)
def test_the_page_names_the_fields_of_every_frame(kind: type[Event]) -> None:
    listed = rows()
    for message in frames.messages(sample(kind)):
        assert fields_named(listed[message.type][1]) == set(message.data), message.type


def test_the_page_lists_every_close_code_and_which_end_a_client() -> None:
    table = PAGE.partition("| close code |")[2].partition("\n\n")[0]
    listed = {int(code) for code in CODE_ROW.findall(table)}
    assert listed == {int(code) for code in Code}
    stops = {int(line[2:6]) for line in table.splitlines() if CODE_ROW.match(line) and "stop" in line.split("|")[3]}
    assert stops == {int(code) for code in roomwire.FINAL}


def test_the_page_states_the_limits_of_the_code() -> None:
    limits = Limits()
    flat = " ".join(PAGE.split())
    for said in (
        f"{limits.message_bytes:,} bytes a message, {limits.messages_per_second:g} messages a second ({limits.burst}",
        f"{limits.total:,} connections a process, {limits.per_address:,} an address, {limits.per_session} a session",
        f"pings a seat every {pulse.ASK_SECONDS:g} s",
        f"and a spectator every {pulse.ASK_SECONDS * pulse.GALLERY_TURNS:g} s",
        f"nothing came for {pulse.SEAT_SILENCE:g} s, a spectator for {pulse.GALLERY_SILENCE:g} s",
        f"every {pulse.TIME_SECONDS:g} s, so {roomwire.SILENT_SECONDS:g} s of silence mean a dead line",
        f"more than {limits.pending_bytes // 1024} KiB wait for this reader",
        f"window {wire.WINDOW_BITS} bits",
        f"in parts of {channel.CHUNK} with a yield",
        f"to {channel.KEEP_FRAMES:,} frames of an audience are kept",
        f"at most {polling.POLL_LIMIT} an audience",
        f"the client speaks, now {roomwire.VERSION}",
        f"{pulse.SPREAD_MS_PER_READER} ms for each",
    ):
        assert said in flat, said
    assert polling.WAIT_SECONDS == 8
    assert server.LOOK_SECONDS == 1
    assert pulse.LONGEST_SPREAD_MS == 10_000
    assert roomwire.MAX_AUDIENCES == 8
    assert (roomwire.FIRST_RETRY_SECONDS, roomwire.LONGEST_RETRY_SECONDS) == (0.5, 15)
    assert (client.SOCKET_AGAIN_SECONDS, client.POLL_SECONDS, roomwire.HELLO_SECONDS) == (10, 2, 3)


def test_the_page_of_the_room_speaks_the_version_and_knows_the_codes_of_the_code() -> None:
    script = (Path(__file__).resolve().parents[3] / "static" / "js" / "room" / "socket.js").read_text(encoding="utf-8")
    version = re.search(r"export const VERSION = (\d+);", script)
    assert version is not None
    assert int(version[1]) == roomwire.VERSION
    final = re.search(r"const FINAL = new Set\(\[([^\]]*)\]\)", script)
    assert final is not None
    codes = {int(part) for part in final[1].replace("OUTDATED", str(int(Code.OLD_VERSION))).split(",")}
    assert codes == {int(code) for code in roomwire.FINAL}
    silence = re.search(r"const SILENT_MS = ([\d_]+);", script)
    assert silence is not None
    assert int(silence[1]) == roomwire.SILENT_SECONDS * 1000
