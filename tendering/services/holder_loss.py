"""A key holder lost before the deadline (R1.26): two persons, time enough to seal again, then a new key set.

A bid sealed to the retired set cannot be opened by the new holders, so it is void at once and in the same transaction;
its bidder, and nobody else, is told. It may be sealed again until the deadline, as a further revision.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from accounts import facade as accounts
from foundation.events.tendering import BidVoided
from foundation.machine import WrongState
from foundation.sealing import Header
from foundation.store.unit import Unit
from foundation.working_days import from_state_council
from keyholding import facade as keyholding
from tendering import access, bid_access
from tendering.errors import BidsClosedAlready, ResealTimeShort
from tendering.models import Lot, SealedBid
from tendering.services.clarifications import book_of
from tendering.states import BidState, BidTrigger, LotState
from tendering.timetable import TimetableFacts, deadline_floors, earliest_deadline

REPLACEABLE = frozenset({LotState.KEYSET, LotState.REHEARSED, LotState.SUBMITTED, LotState.APPROVED, LotState.OPEN})


def declare(unit: Unit, lot_id: str, seat_id: str, reason: str) -> str:
    """The host side or the centre's duty officer says that a holder is lost; gives the declaration's id.

    Raises NotFound, WrongState, BidsClosedAlready; KeysetInUse.
    """
    lot, _ = access.lot_in_preparation(unit, lot_id)
    _refuse_late(unit, lot)
    return keyholding.declare_loss(unit, lot.id, seat_id, reason)


def confirm(unit: Unit, lot_id: str, loss_id: str) -> None:
    """Another person confirms: the key set is replaced, bids sealed to it are void. Idempotent.

    Raises ResealTimeShort with the earliest lawful deadline, SecondPersonNeeded, HoldersRefused, and as ``declare``.
    """
    access.lot_in_preparation(unit, lot_id)
    # Held, not shared: no seal may come in between the retirement of the set and the list of bids sealed to it.
    lot = unit.session.scalars(select(Lot).where(Lot.id == lot_id).with_for_update()).one()
    _, project = access.lot_in_preparation(unit, lot_id)
    if any(one.id == loss_id and one.is_confirmed for one in keyholding.losses_of(unit, lot_id)):
        return
    _refuse_late(unit, lot)
    earliest = earliest_deadline_to_reseal(unit, lot) if lot.state is LotState.OPEN else None
    if earliest is not None:
        raise ResealTimeShort(deadline=lot.deadline_at, earliest=earliest)
    replaced = keyholding.confirm_loss(unit, lot_id, loss_id, project.tenderee_org_id, project.agency_org_id)
    if replaced is not None and lot.state is LotState.OPEN:
        _void_bids(unit, lot, replaced[1])


def earliest_deadline_to_reseal(unit: Unit, lot: Lot) -> datetime | None:
    """The first lawful deadline when too little time is left to seal again (R1.33); None where there is enough.

    Sealing again needs what a change of the documents needs.
    """
    if lot.published_at is None or lot.deadline_at is None:
        return None
    book, calendar = book_of(lot), from_state_council()
    facts = TimetableFacts(lot.published_at, lot.deadline_at, changed_at=unit.at)
    floors = deadline_floors(facts, book, calendar)
    if all(floor.at <= lot.deadline_at for floor in floors if floor.key == "change"):
        return None
    return earliest_deadline(facts, book, calendar)


def _refuse_late(unit: Unit, lot: Lot) -> None:
    if lot.state not in REPLACEABLE:
        raise WrongState(machine="lot", state=str(lot.state), trigger="replace_keyset")
    if lot.deadline_at is not None and lot.state is LotState.OPEN and unit.at >= lot.deadline_at:
        raise BidsClosedAlready(deadline=lot.deadline_at)


def _void_bids(unit: Unit, lot: Lot, retired: str) -> None:
    """Each in the private stream of its bidder: nobody learns who had sealed, or whether anybody had (R1.05)."""
    rows = unit.session.scalars(
        select(SealedBid).where(SealedBid.lot_id == lot.id, SealedBid.state == BidState.SEALED).order_by(SealedBid.bid)
    ).all()
    for row in rows:
        keyset = Header.parse(row.header).binding.keyset
        if keyset != retired:
            continue
        event = BidVoided(lot.id, row.org_id, row.bid, row.rev, keyset, unit.at)
        unit.transition(row, BidTrigger.VOID, bid_access.bid_stream(lot.id, row.org_id), event)
        _tell(unit, lot, row, "inbox.bid_voided")


def tell_to_reseal(unit: Unit, lot_id: str) -> None:
    """The new key set is rehearsed: bidders whose newest revision is void can seal again. Told once a revision."""
    lot = unit.session.get(Lot, lot_id)
    if lot is None or lot.state is not LotState.OPEN:
        return
    rows = unit.session.scalars(
        select(SealedBid)
        .where(SealedBid.lot_id == lot_id, SealedBid.state == BidState.VOIDED, SealedBid.told_to_reseal_at.is_(None))
        .order_by(SealedBid.bid)
    ).all()
    for row in rows:
        newest = bid_access.newest_revision(unit, lot_id, row.org_id)
        row.told_to_reseal_at = unit.at
        if newest is not None and newest.id == row.id:
            _tell(unit, lot, row, "inbox.seal_again")


def _tell(unit: Unit, lot: Lot, row: SealedBid, code: str) -> None:
    params = {"lot": lot.name, "rev": row.rev, "deadline": lot.deadline_at or unit.at}
    accounts.add_to_inbox(unit, row.org_id, code, params, f"/lots/{lot.id}/bid")
