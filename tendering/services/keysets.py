"""The keyset of a lot as tendering shows it: seats, fingerprints, and how far its holders are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from foundation.store.unit import Unit
from keyholding import facade as keyholding


@dataclass(frozen=True, slots=True)
class Seat:
    """One holder. ``fingerprint``: the first 32 hex digits of SHA-256 over its public key; "" until it has made one."""

    is_custodian: bool
    side: str
    holder: str
    fingerprint: str
    is_ready: bool


@dataclass(frozen=True, slots=True)
class KeysetFacts:
    """``state``: collecting, complete, rehearsed. ``t`` of ``m`` gate holders, ``k`` of ``n`` custodians open."""

    state: str
    version: int
    suite: str
    hash: str
    t: int
    m: int
    k: int
    n: int
    seats: tuple[Seat, ...]
    warnings: tuple[keyholding.Overlap, ...]
    """What everybody shall know of it: overlaps, and a weak policy."""

    @property
    def ready(self) -> int:
        return sum(seat.is_ready for seat in self.seats)


def keyset_facts(unit: Unit, lot_id: str) -> KeysetFacts | None:
    """None while no keyset was asked for."""
    card = keyholding.keyset_of(unit, lot_id)
    if card is None:
        return None
    seats = tuple(
        Seat(
            is_custodian=holder.role == "escrow",
            side=holder.side,
            holder=holder.org_name,
            fingerprint=_fingerprint(holder.public_key),
            is_ready=holder.ready,
        )
        for holder in card.holders
    )
    return KeysetFacts(
        card.state, card.version, card.suite, card.hash, card.t, card.m, card.k, card.n, seats, card.warnings
    )


def _fingerprint(public_key: str) -> str:
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32] if public_key else ""
