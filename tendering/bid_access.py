"""The only loaders of uploads and sealed bids that check who asks. Another organisation's are not found (R1.05)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from accounts import facade as accounts
from foundation.actor import Actor
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from tendering import access
from tendering.access import LotAndProject
from tendering.bid_errors import NotSealedYet
from tendering.models import Lot, SealedBid, Upload
from tendering.states import BidState

# Built once: building a statement costs as much as running it, and a seal waits for both.
_HOLD: Final = select(Lot.id).where(Lot.id == bindparam("lot")).with_for_update(read=True)
_OWN_REVISIONS: Final = (
    select(SealedBid)
    .where(SealedBid.lot_id == bindparam("lot"), SealedBid.org_id == bindparam("org"))
    .order_by(SealedBid.rev.desc())
)


def bidder_of(actor: Actor) -> str:
    """The organisation the actor bids for. Raises NotPermitted."""
    if not actor.has_role("bidder"):
        raise NotPermitted(what="bid")
    return accounts.require_organisation(actor)


def bid_stream(lot_id: str, org_id: str) -> str:
    """The journal stream of one bidder on one lot: private until the opening."""
    return f"bid:{lot_id}:{org_id}"


def lot_to_bid(unit: Unit, lot_id: str) -> LotAndProject:
    """A published lot of this centre. Imported ones were dealt elsewhere: there is nothing to bid on."""
    found = access.public_lot(unit, lot_id)
    if found.lot.is_imported or found.lot.deadline_at is None:
        raise NotFound(what="lot")
    return found


def hold_lot(unit: Unit, lot_id: str) -> LotAndProject:
    """``lot_to_bid``, and its closing waits until this Unit is over (SQLite: every writer waits anyway)."""
    unit.session.execute(_HOLD, {"lot": lot_id})
    return lot_to_bid(unit, lot_id)


def own_upload(unit: Unit, upload_id: str) -> Upload:
    """An upload of the actor's organisation."""
    row = unit.session.get(Upload, upload_id)
    if row is None or row.org_id != unit.actor.org_id or not unit.actor.has_role("bidder"):
        raise NotFound(what="upload")
    return row


def own_revisions(unit: Unit, lot_id: str) -> list[SealedBid]:
    """Every revision the actor's organisation sealed on this lot, newest first."""
    org_id = bidder_of(unit.actor)
    return list(unit.session.scalars(_OWN_REVISIONS, {"lot": lot_id, "org": org_id}))


def newest_revision(unit: Unit, lot_id: str, org_id: str) -> SealedBid | None:
    """The newest revision of one bidder, for acts of the platform; pages use ``own_revisions``."""
    return unit.session.scalars(_OWN_REVISIONS, {"lot": lot_id, "org": org_id}).first()


def own_revision(unit: Unit, lot_id: str, rev: int | None = None) -> SealedBid:
    """The revision asked for, else the live one, else the newest. Raises NotSealedYet."""
    rows = own_revisions(unit, lot_id)
    wanted = [row for row in rows if row.rev == rev] if rev else [row for row in rows if row.state is BidState.SEALED]
    found = wanted or ([] if rev else rows)
    if not found:
        raise NotSealedYet
    return found[0]
