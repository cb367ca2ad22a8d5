"""Whether a bid was rehearsed: for its own organisation at any time, for the opening once the list is frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Exists, select

from foundation.errors import NotPermitted
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.models import Lot, SealedBid
from tendering.readiness_models import BidRehearsal, SelfCheck
from tendering.services.rehearsals import filed_of
from tendering.states import BidState, LotState

AFTER_FREEZE: Final = frozenset({LotState.FROZEN, LotState.OPENED, LotState.FAILED})


class Rehearsed(StrEnum):
    """How the newest statement of a revision stands."""

    NEVER = "never"
    """Unverified: nothing was filed for this revision."""
    FILED = "filed"
    """Verified by its own client; checkable once r_bid is released."""
    RIGHT = "right"
    """r_bid was released, and the statement was made with it."""
    WRONG = "wrong"
    """r_bid was released, and the statement was made with something else."""

    @property
    def is_verified(self) -> bool:
        return self in {Rehearsed.FILED, Rehearsed.RIGHT}


@dataclass(frozen=True, slots=True)
class RehearsalCard:
    """The newest statement of one revision, and how many there are."""

    rehearsed: Rehearsed
    filed_at: datetime | None
    times: int


@dataclass(frozen=True, slots=True)
class RehearsalEvidence:
    """What speaks for or against a bidder whose bid did not open (R3.08)."""

    bid: str
    rev: int
    org_id: str
    card: RehearsalCard
    self_check_at: datetime | None
    """The organisation's last self-check that found everything ready, before the deadline."""


def own_rehearsal(unit: Unit, lot_id: str) -> RehearsalCard | None:
    """Of the actor's own live revision; None without one. Raises NotPermitted for somebody who bids for nobody."""
    live = next((row for row in bid_access.own_revisions(unit, lot_id) if row.state is BidState.SEALED), None)
    return None if live is None else _card(filed_of(unit, live.id))


def own_unrehearsed(unit: Unit, lot_ids: Sequence[str]) -> frozenset[str]:
    """Those of the lots on which the actor's organisation has a live revision that was not rehearsed."""
    rows = unit.session.scalars(
        select(SealedBid.lot_id).where(
            SealedBid.org_id == bid_access.bidder_of(unit.actor),
            SealedBid.lot_id.in_(list(lot_ids)),
            SealedBid.state == BidState.SEALED,
            ~_is_filed(),
        )
    )
    return frozenset(rows)


def rehearsal_evidence(unit: Unit, lot_id: str) -> Mapping[str, RehearsalEvidence]:
    """By ``bid``, for every live bid. Raises NotPermitted before the freeze: until then it is the bidder's alone."""
    lot = unit.session.get(Lot, lot_id)
    if lot is None or lot.state not in AFTER_FREEZE:
        raise NotPermitted(what="rehearsals before the freeze")
    rows = unit.session.scalars(
        select(SealedBid).where(SealedBid.lot_id == lot_id, SealedBid.state == BidState.SEALED).order_by(SealedBid.bid)
    )
    return {row.bid: _evidence(unit, lot, row) for row in rows}


def unrehearsed_bidders(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """Organisations whose live bid on the lot was not rehearsed. For reminders alone: it goes to nobody."""
    query = select(SealedBid.org_id).where(SealedBid.lot_id == lot_id, SealedBid.state == BidState.SEALED, ~_is_filed())
    return tuple(unit.session.scalars(query.order_by(SealedBid.org_id)))


def _is_filed() -> Exists:
    return (
        select(BidRehearsal.id)
        .where(BidRehearsal.sealed_bid_id == SealedBid.id, BidRehearsal.filed_at.is_not(None))
        .exists()
    )


def _evidence(unit: Unit, lot: Lot, row: SealedBid) -> RehearsalEvidence:
    checked = select(SelfCheck.checked_at).where(SelfCheck.org_id == row.org_id, SelfCheck.is_ready)
    if lot.deadline_at is not None:
        checked = checked.where(SelfCheck.checked_at < lot.deadline_at)
    return RehearsalEvidence(
        bid=row.bid,
        rev=row.rev,
        org_id=row.org_id,
        card=_card(filed_of(unit, row.id)),
        self_check_at=unit.session.scalar(checked.order_by(SelfCheck.checked_at.desc()).limit(1)),
    )


def _card(filed: Sequence[BidRehearsal]) -> RehearsalCard:
    if not filed:
        return RehearsalCard(Rehearsed.NEVER, None, 0)
    newest = filed[0]
    stands = {None: Rehearsed.FILED, True: Rehearsed.RIGHT, False: Rehearsed.WRONG}[newest.is_right]
    return RehearsalCard(stands, newest.filed_at, len(filed))
