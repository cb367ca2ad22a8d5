"""Keys and shares of gate holders and custodians, as the opening needs them. Reads rows, computes; decides nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bid_opening.ceremony import RoomState
from foundation.errors import Tampering
from foundation.events import bid_opening as e
from foundation.sealing import (
    BadShare,
    Header,
    Keyset,
    Manifest,
    Role,
    WrongKey,
    matches_commit,
    open_header,
    public_hex,
    recover_from_escrow,
    recover_r_gate,
    seat,
)
from foundation.sealing.suite import PrivateKey
from foundation.store.unit import Unit
from keyholding import facade as keyholding
from tendering import facade as tendering

log = structlog.get_logger("bid_opening")


@dataclass(frozen=True, slots=True)
class EscrowSecret:
    """A bidder's half recovered from custodians' shares. Secret until the window is closed."""

    bid: str
    r_bid: bytes
    custodians: tuple[int, ...]

    def __repr__(self) -> str:
        return f"EscrowSecret(bid={self.bid!r})"


@dataclass(frozen=True, slots=True)
class GateRecovery:
    """The gate's half of one bid, or why there is none; ``faults`` are (role, culprit, reason)."""

    bid: str
    r_gate: bytes | None
    faults: tuple[tuple[str, str, str], ...]

    @property
    def fault(self) -> str:
        """``<whose>.<what>`` when there is no half."""
        if self.r_gate is not None:
            return ""
        _, culprit, reason = self.faults[0]
        return f"{culprit}.gate_{reason}"


def keyset_of(unit: Unit, lot_id: str) -> Keyset | None:
    """The key set the lot's bids are sealed to."""
    card = keyholding.keyset_of(unit, lot_id)
    return Keyset.parse(card.json_text.encode()) if card is not None and card.json_text else None


def header_of(bid: tendering.LiveBid) -> Header:
    """The stored header, proved to be the signed one. Raises BadHeader."""
    return open_header(bid.header, Manifest.parse(bid.manifest))


def ask_custodians(unit: Unit, lot_id: str, bids: Iterable[str]) -> None:
    """Ask for the shares of frozen bids that were not released, on the strength of the frozen list's entry."""
    from bid_opening.services.rooms import entry_id_of

    keyset, wanted = keyset_of(unit, lot_id), set(bids)
    frozen = entry_id_of(unit, lot_id, e.BidsFrozen)
    if keyset is None or not keyset.escrow.holders or frozen is None:
        return
    asked = []
    for bid in tendering.live_bids(unit, lot_id):
        if bid.bid not in wanted:
            continue
        try:
            header = header_of(bid)
        except Tampering as fault:
            # One damaged header must not keep the others from being opened; its bid stays missing, and is told of.
            log.exception("stored_header_differs", lot=lot_id, bid=bid.bid, code=fault.code)
            continue
        header_b64 = base64.b64encode(header.raw).decode()
        asked.append(keyholding.EscrowWrapSet(bid.bid, header_b64, bid.manifest.decode("ascii")))
    if asked:
        keyholding.request_escrow(unit, lot_id, frozen, tuple(asked))


def escrow_secrets(unit: Unit, state: RoomState) -> Sequence[EscrowSecret]:
    """What can be recovered by now for missing bids that custodians are to open (``RoomState.escrow_due``)."""
    given = keyholding.escrow_shares(unit, state.lot)
    waiting = {one.bid for one in state.escrow_due} & set(given)
    keyset = keyset_of(unit, state.lot) if waiting else None
    if keyset is None:
        return ()
    found = []
    for bid in tendering.live_bids(unit, state.lot):
        if bid.bid in waiting:
            secret = _from_custodians(bid, keyset, given[bid.bid])
            if secret is not None:
                found.append(secret)
    return found


def _from_custodians(bid: tendering.LiveBid, keyset: Keyset, given: Mapping[int, str]) -> EscrowSecret | None:
    header = header_of(bid)
    # A false share names its custodian where it is handed in; here it is only left out.
    good = {
        index: bytes.fromhex(share)
        for index, share in given.items()
        if matches_commit(header, seat(Role.ESCROW, index), bytes.fromhex(share))
    }
    if len(good) < keyset.escrow.threshold:
        return None
    try:
        return EscrowSecret(bid.bid, recover_from_escrow(header, keyset, good), tuple(sorted(good)))
    except BadShare as fault:
        if fault.fields.get("culprit") != "bidder":
            raise
        return None  # the bidder dealt shares that do not combine: its bid stays missing, by its own doing


def gate_private_keys(unit: Unit, lot_id: str, keyset: Keyset) -> dict[int, PrivateKey]:
    """Published gate keys that are the ones of the key set, by seat."""
    good: dict[int, PrivateKey] = {}
    for index, text in keyholding.gate_keys(unit, lot_id).items():
        key = keyset.suite.private_key(bytes.fromhex(text))
        if index < len(keyset.gate.holders) and public_hex(key) == keyset.gate.holders[index].public_key.hex():
            good[index] = key
    return good


def recover_gate(
    bids: Iterable[tendering.LiveBid], keyset: Keyset, keys: Mapping[int, PrivateKey]
) -> list[GateRecovery]:
    """The gate's half of every frozen bid: a few milliseconds a bid, so outside any writing Unit."""
    return [_recover_one(bid, keyset, keys) for bid in bids]


def _recover_one(bid: tendering.LiveBid, keyset: Keyset, keys: Mapping[int, PrivateKey]) -> GateRecovery:
    try:
        recovery = recover_r_gate(header_of(bid), keyset, keys)
    except (WrongKey, Tampering) as fault:
        return GateRecovery(bid.bid, None, (_named(fault),))
    return GateRecovery(bid.bid, recovery.r_gate, tuple(_named(fault) for fault in recovery.faults))


def _named(fault: WrongKey | Tampering) -> tuple[str, str, str]:
    role = str(fault.fields.get("role", "header"))
    culprit = str(fault.fields.get("culprit", "holder"))
    return role, culprit, str(fault.fields.get("reason", "key"))
