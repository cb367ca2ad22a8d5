"""Whether cost grows as stated: the same act with little and with much behind it, one SQLite file, processor time.

SQLite works inside this process, so its processor time is in the figure. A seal must not care how many bids a lot has;
what a person sees of a room, and an act in it, must not care how long its history is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import insert, inspect, select

from accounts.models import Organisation
from bench.fanout import make_room
from bench.paired import Table, cpu_seconds, paired, verdict
from bench.town import Prepared, Town
from bid_opening.queries.room import room_page
from bid_opening.services import rooms
from foundation.actor import system
from foundation.events.bid_opening import ObjectionAnswered
from tendering.models import SealedBid, Upload
from tests.support.tender_world import OpenLot, TenderWorld
from tests.support_opening import Opening

GOAL = "a seal among 2,000 bids, a room's page and an act after 2,000 entries: <= 1.2 x the same with few"
FEW, MANY = 10, 2000
SHORT, LONG = 50, 2000
ROUNDS = 8
BIDDERS = 16
BATCH = 8
"""Seals a round and lot."""
PAGES = 20
ALLOWED = 1.2


def run() -> list[Table]:
    """Seals by number of bids; pages and acts by length of history."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as stack:
        town = Town(Path(name) / "town", bidders=BIDDERS)
        stack.callback(town.close)
        short, long = (grown_room(Path(name) / f"room-{entries}", entries) for entries in (SHORT, LONG))
        for opening in (short, long):
            stack.callback(opening.world.engine.dispose)
        return [seals(town), pages(short, long), acts(short, long)]


# --- a seal ----------------------------------------------------------------------------------------------------------


def seals(town: Town) -> Table:
    """Seals go into lots that were filled before; a fresh pair of lots when every bidder has sealed on one."""
    waiting = {count: prepared(town, count) for count in (FEW, MANY)}

    def one(count: int) -> float:
        batch = [waiting[count].pop(0) for _ in range(BATCH)]
        return cpu_seconds(lambda: [bid.hand_in() for bid in batch]) / BATCH * 1000

    figures = {f"seal in a lot of {count:,} bids": (lambda count=count: one(count)) for count in (FEW, MANY)}
    return paired(figures, rounds=ROUNDS).table("Seals by bids in the lot", "ms of processor time a seal")


def prepared(town: Town, count: int) -> list[Prepared]:
    """Bids to be sealed in lots that already have ``count``."""
    bids: list[Prepared] = []
    while len(bids) < ROUNDS * BATCH:
        lot = town.open_lot()
        first, *rest = town.prepare(lot)
        first.hand_in()
        multiply(town.world, lot, count - 1)
        bids += rest
    return bids


def multiply(world: TenderWorld, lot: OpenLot, times: int) -> None:
    """Copy the lot's only bid, its upload and its bidder; what must be unique is made so."""
    with world.units.begin(system("bench")) as unit:
        bid = unit.session.scalars(select(SealedBid).where(SealedBid.lot_id == lot.id)).one()
        upload = unit.session.get_one(Upload, bid.upload_id)
        org = unit.session.get_one(Organisation, bid.org_id)
        orgs, uploads, copies = [], [], []
        for _ in range(times):
            org_id, upload_id = unit.new_id(), unit.new_id()
            unique = {name: unit.entropy.token(32).hex() for name in ("envelope_hash", "commit_bidder")}
            orgs.append(values(org, id=org_id))
            uploads.append(values(upload, id=upload_id, org_id=org_id))
            own = {"org_id": org_id, "upload_id": upload_id, "bid": unit.entropy.token(16).hex()}
            copies.append(values(bid, id=unit.new_id(), **own, **unique))
        for table, rows in ((Organisation, orgs), (Upload, uploads), (SealedBid, copies)):
            unit.session.execute(insert(table), rows)


def values(row: object, **changes: Any) -> dict[str, Any]:
    """A row's columns with some of them changed."""
    return {attribute.key: getattr(row, attribute.key) for attribute in inspect(type(row)).column_attrs} | changes


# --- a room ----------------------------------------------------------------------------------------------------------


def grown_room(folder: Path, entries: int) -> Opening:
    """A room in its query phase whose one objection was answered ``entries`` times: a long history, the same state."""
    folder.mkdir()
    opening = make_room(folder)
    for start in range(0, entries, 100):
        answers = [answer(opening, number) for number in range(start, min(start + 100, entries))]
        with opening.world.units.begin(system("bench")) as unit:
            rooms.apply(unit, opening.lot.id, answers)
    return opening


def answer(opening: Opening, number: int) -> ObjectionAnswered:
    return ObjectionAnswered(opening.lot.id, opening.state.objections[0].id, f"answer {number:06d}")


def pages(short: Opening, long: Opening) -> Table:
    """What a page, the JSON snapshot and a newcomer are given."""

    def look(opening: Opening) -> Callable[[], float]:
        def once() -> None:
            with opening.world.units.read(opening.host) as unit:
                room_page(unit, opening.lot.id)

        return lambda: cpu_seconds(lambda: repeat(once)) / PAGES * 1000

    names = (f"page of a room with {SHORT} entries", f"page of a room with {LONG:,} entries")
    figures = dict(zip(names, (look(short), look(long)), strict=True))
    return paired(figures, rounds=ROUNDS).table("A room's page by history", "ms of processor time a page")


def acts(short: Opening, long: Opening) -> Table:
    """One fact more: fold, journal, row, frames."""

    def act(opening: Opening) -> Callable[[], float]:
        facts = iter([answer(opening, number) for number in range(ROUNDS * PAGES)])

        def once() -> None:
            with opening.world.units.begin(system("bench")) as unit:
                rooms.apply(unit, opening.lot.id, (next(facts),))

        return lambda: cpu_seconds(lambda: repeat(once)) / PAGES * 1000

    names = (f"act in a room with {SHORT} entries and more", f"act in a room with {LONG:,} entries and more")
    figures = dict(zip(names, (act(short), act(long)), strict=True))
    return paired(figures, rounds=ROUNDS).table("An act in a room by history", "ms of processor time an act")


def repeat(act: Callable[[], None]) -> None:
    for _ in range(PAGES):
        act()


def judge(tables: list[Table]) -> list[str]:
    """Each second line against its first."""
    found = [table.lines[1] for table in tables]
    return [verdict(f"{x.name} <= {ALLOWED} x", is_met=x.ratio <= ALLOWED, found=f"{x.ratio:.2f}") for x in found]
