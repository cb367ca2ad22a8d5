"""The devices of one bidder on one lot: keys it may seal to besides the one at hand. For that bidder alone (R1.05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts import facade as accounts
from accounts.facade import OpeningKeyCard
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.queries.bids import Workbench, workbench


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """What a sealing client is told of a registered key. Not to be believed before a person compared fingerprints."""

    public_key: str
    label: str
    registered_at: datetime


@dataclass(frozen=True, slots=True)
class KeysPage:
    """The bidder's devices for the lot, with how its bid stands."""

    bench: Workbench
    keys: tuple[OpeningKeyCard, ...]


def keys_page(unit: Unit, lot_id: str) -> KeysPage:
    """Raises NotFound for a lot that is not published, NotPermitted for somebody who bids for nobody."""
    bench = workbench(unit, lot_id)
    return KeysPage(bench, accounts.opening_keys(unit, bid_access.bidder_of(unit.actor), lot_id))


def offered_keys(unit: Unit, lot_id: str) -> tuple[OfferedKey, ...]:
    """The same keys as ``lot.json`` carries them."""
    cards = accounts.opening_keys(unit, bid_access.bidder_of(unit.actor), lot_id)
    return tuple(OfferedKey(card.public_key, card.label, card.registered_at) for card in cards)
