"""Two lots of one project that open together: the same host and bidders, a key of its own for each bid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import update

import centre.models
from accounts import facade as accounts
from bid_opening.services import acts, schedule
from foundation.actor import Actor
from foundation.sealing import generate_key, public_hex
from tendering.models import Lot
from tests.support.tender_world import TESTS
from tests.support_bids import FILES, Bidder
from tests.support_opening import Opening, _seat_holders, make_opening, price_schedule

REGISTERED = centre.models
"""Imported for every table a page may ask."""
TOTALS = ("21402318.00", "21530077.50", "22001999.00")


def make_session(folder: Path, *, second: Sequence[int] = (0, 1, 2)) -> tuple[Opening, Opening]:
    """Both lots, published with sealed bids, no room scheduled yet.

    ``second``: which of the three bidders of the first lot bid for the second one too.
    """
    one = make_opening(folder)
    lot = one.world.open_lot(agency=one.host, beside=one.lot)
    with one.world.units.begin(TESTS) as unit:
        stamped = {"rulebook_id": "works-mandatory-2022+0123abcd", "method_id": "jiangsu-1"}
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(**stamped))
    bidders = [_with_key_of_its_own(one.bidders[index]) for index in second]
    sealed = []
    for index, bidder in enumerate(bidders):
        made = bidder.seal(lot, files={**FILES, "price_schedule": price_schedule(TOTALS[index], f"经理{index}")})
        bidder.hand_in(lot, made)
        sealed.append(made)
    seats = _seat_holders(one.world, lot, one.staff)
    two = Opening(one.world, lot, one.host, one.supervisor, one.staff, bidders, sealed, seats, one.machine)
    two.publisher = one.publisher
    return one, two


def _with_key_of_its_own(bidder: Bidder) -> Bidder:
    """The same bidder with another opening key, as a browser makes one for each lot."""
    again = replace(bidder, opening=generate_key())
    with again.world.units.begin(again.actor) as unit:
        accounts.register_decryption_key(unit, str(again.actor.org_id), public_hex(again.opening), "test")
    return again


def to_check_in(*lots: Opening) -> None:
    """Rooms of all lots, their sign-in open."""
    for lot in lots:
        with lot.world.units.begin(TESTS) as unit:
            schedule.schedule_room(unit, lot.lot.id)
    lots[0].to_check_in()


def to_lists(*lots: Opening) -> None:
    """Every list that can be published is, and stands in the cosigned log; a lot with too few bids has failed."""
    to_check_in(*lots)
    for lot in lots:
        lot.close_bids()
    for _ in range(2):
        lots[0].publish()
        for lot in lots:
            lot.look()


def to_windows(*lots: Opening) -> None:
    """The decryption windows of all lots are open."""
    to_lists(*lots)
    for lot in lots:
        lot.act(lot.host, acts.start_decryption)


def people_of(one: Opening) -> tuple[Actor, ...]:
    """Who a page of a session is asked as."""
    return (one.host, one.supervisor, one.staff, *(bidder.actor for bidder in one.bidders))
