"""A bidder's client in tests of rehearsals: asks for a challenge, answers it, files the answer."""

from __future__ import annotations

from foundation.sealing import recover_r_bid, rehearsal_tag
from tendering.services import rehearsals
from tests.support.tender_world import OpenLot
from tests.support_bids import Bidder, SealedFiles


def ask(bidder: Bidder, lot: OpenLot) -> rehearsals.Challenge:
    with bidder.world.units.begin(bidder.actor) as unit:
        return rehearsals.ask_challenge(unit, lot.id)


def statement_of(bidder: Bidder, made: SealedFiles, asked: rehearsals.Challenge) -> rehearsals.Statement:
    """What an honest client files."""
    header = made.sealed.header
    tag = rehearsal_tag(header, asked.challenge, recover_r_bid(header, bidder.opening))
    return rehearsals.Statement(asked.bid, asked.rev, asked.challenge, tag)


def file(bidder: Bidder, lot: OpenLot, statement: rehearsals.Statement) -> None:
    with bidder.world.units.begin(bidder.actor) as unit:
        rehearsals.file_statement(unit, lot.id, statement)
