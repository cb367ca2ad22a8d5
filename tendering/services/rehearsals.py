"""Rehearsed seal (R3.22): a bidder's client shows before the deadline that its key gives back r_bid.

The client unwraps r_bid on its own device and files one digest over it and over a fresh challenge of the centre. The
centre learns nothing it could use (``foundation.sealing.rehearsal``) and believes nothing yet: the statement is checked
when r_bid is released at the opening. A replaced bid has another challenge to answer, so it counts as unverified again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from foundation.events.tendering import BidRehearsed, RehearsalChecked
from foundation.sealing import Header, matches_rehearsal
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.bid_errors import NotSealedYet
from tendering.models import Lot, SealedBid
from tendering.readiness_errors import RehearsalLate, RehearsalMalformed, RehearsalOfAnotherBid, TooManyRehearsals
from tendering.readiness_models import BidRehearsal
from tendering.states import BidState, LotState

CHALLENGE_BYTES: Final = 32
FILED_MAX: Final = 20
"""Statements kept for one revision: several devices, several mornings, no flood."""
RIGHT, WRONG = "right", "wrong"
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client is to answer, for exactly this revision."""

    bid: str
    rev: int
    challenge: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """The client's answer. ``tag``: ``foundation.sealing.rehearsal_tag``."""

    bid: str
    rev: int
    challenge: str
    tag: str


def ask_challenge(unit: Unit, lot_id: str) -> Challenge:
    """A fresh challenge for the own live revision; the one that waited before is void.

    Raises NotSealedYet, RehearsalLate, TooManyRehearsals.
    """
    lot, row = _live_in_time(unit, lot_id)
    filed = select(func.count()).where(BidRehearsal.sealed_bid_id == row.id, BidRehearsal.filed_at.is_not(None))
    if (unit.session.scalar(filed) or 0) >= FILED_MAX:
        raise TooManyRehearsals(limit=FILED_MAX)
    waiting = _waiting(unit, row)
    challenge = unit.entropy.token(CHALLENGE_BYTES).hex()
    if waiting is None:
        waiting = BidRehearsal(id=unit.new_id(), sealed_bid_id=row.id, challenge=challenge, asked_at=unit.at, tag="")
        unit.session.add(waiting)
    else:
        waiting.challenge, waiting.asked_at = challenge, unit.at
    unit.session.flush()
    return Challenge(row.bid, row.rev, challenge, _deadline(lot))


def file_statement(unit: Unit, lot_id: str, statement: Statement) -> datetime:
    """Keep the answer to the waiting challenge; gives the instant. The same statement again changes nothing.

    Raises RehearsalMalformed, NotSealedYet, RehearsalLate, RehearsalOfAnotherBid (replaced meanwhile, or another
    challenge than the waiting one: a statement made before cannot be sent again).
    """
    if not (_HEX.fullmatch(statement.challenge) and _HEX.fullmatch(statement.tag)):
        raise RehearsalMalformed
    _, row = _live_in_time(unit, lot_id)
    asked = select(BidRehearsal).where(
        BidRehearsal.sealed_bid_id == row.id, BidRehearsal.challenge == statement.challenge
    )
    found = unit.session.scalar(asked.with_for_update())
    if found is None or (row.bid, row.rev) != (statement.bid, statement.rev):
        raise RehearsalOfAnotherBid(rev=row.rev)
    if found.filed_at is not None:
        if found.tag != statement.tag:
            raise RehearsalOfAnotherBid(rev=row.rev)
        return found.filed_at
    found.tag, found.filed_at = statement.tag, unit.at
    unit.session.flush()
    event = BidRehearsed(
        lot=lot_id,
        org_id=row.org_id,
        bid=row.bid,
        rev=row.rev,
        challenge=found.challenge,
        asked_at=found.asked_at,
        tag=found.tag,
    )
    unit.append(bid_access.bid_stream(lot_id, row.org_id), event)
    return unit.at


def check_rehearsals(unit: Unit, lot_id: str, bid: str, r_bid: bytes) -> None:
    """r_bid of a live bid is known now: hold every statement of that revision against it, once, and say so privately.

    For the opening alone, which has compared r_bid with its commitment. Told again it changes nothing.
    """
    row = unit.session.scalar(
        select(SealedBid).where(SealedBid.lot_id == lot_id, SealedBid.bid == bid, SealedBid.state == BidState.SEALED)
    )
    if row is None:
        return
    header = Header.parse(row.header)
    for one in filed_of(unit, row.id):
        if one.is_right is not None:
            continue
        one.is_right = matches_rehearsal(header, one.challenge, one.tag, r_bid)
        outcome = RIGHT if one.is_right else WRONG
        event = RehearsalChecked(lot_id, row.org_id, bid, row.rev, one.challenge, outcome)
        unit.append(bid_access.bid_stream(lot_id, row.org_id), event)
    unit.session.flush()


def filed_of(unit: Unit, sealed_bid_id: str) -> list[BidRehearsal]:
    """The filed statements of one revision, newest first. The caller has checked who asks."""
    query = select(BidRehearsal).where(BidRehearsal.sealed_bid_id == sealed_bid_id, BidRehearsal.filed_at.is_not(None))
    return list(unit.session.scalars(query.order_by(BidRehearsal.filed_at.desc(), BidRehearsal.id.desc())))


def _live_in_time(unit: Unit, lot_id: str) -> tuple[Lot, SealedBid]:
    lot, _ = bid_access.hold_lot(unit, lot_id)
    row = bid_access.own_revision(unit, lot_id)
    if row.state is not BidState.SEALED:
        raise NotSealedYet
    if lot.state is not LotState.OPEN or not unit.at < _deadline(lot):
        raise RehearsalLate(deadline=_deadline(lot))
    return lot, row


def _waiting(unit: Unit, row: SealedBid) -> BidRehearsal | None:
    query = select(BidRehearsal).where(BidRehearsal.sealed_bid_id == row.id, BidRehearsal.filed_at.is_(None))
    return unit.session.scalar(query.with_for_update())


def _deadline(lot: Lot) -> datetime:
    if lot.deadline_at is None:
        raise AssertionError("a published lot has a deadline")
    return lot.deadline_at
