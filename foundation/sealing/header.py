"""The header of an envelope: the binding, commitments to every secret and share, and the wrapped secrets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from foundation.sealing.binding import Binding
from foundation.sealing.errors import HeaderMalformed
from foundation.sealing.keyset import MAX_HOLDERS, MIN_THRESHOLD, Role
from foundation.sealing.strict import Fields, dump_compact, encode_base64, load_object
from foundation.sealing.suite import Suite
from foundation.sealing.text import HEX_32

MAX_HEADER_BYTES: Final = 65_536
MAX_BIDDER_KEYS: Final = 3
MAX_WRAP_BYTES: Final = 256
BIDDER: Final = "bidder"


@dataclass(frozen=True, slots=True)
class Commitments:
    """Hashes that fix r_bid, r_gate and every share of them."""

    bidder: str
    gate: str
    gate_shares: tuple[str, ...]
    escrow_shares: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wraps:
    """What the suite's ``wrap`` gave: r_bid under each bidder key, each share under its holder's key."""

    bidder: tuple[bytes, ...]
    gate: tuple[bytes, ...]
    escrow: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The parsed header with the bytes it was read from; ``hash`` (``hh``) is over those bytes."""

    binding: Binding
    commit: Commitments
    wraps: Wraps
    raw: bytes

    @property
    def suite(self) -> Suite:
        """The binding's; every hash, wrap and key of the envelope is made in it."""
        return self.binding.suite

    @property
    def hash(self) -> bytes:
        """``hh`` in the formulas: 32 raw bytes."""
        return self.suite.digest(self.raw)

    @classmethod
    def parse(cls, raw: bytes) -> Header:
        """Read header bytes; :class:`HeaderMalformed` or :class:`BindingMalformed` for any departure.

        Whether the lists fit the lot's key set is for :func:`foundation.sealing.inspection.inspect`.
        """
        fail = HeaderMalformed
        value = load_object(raw, limit_bytes=MAX_HEADER_BYTES, fail=fail)
        top = Fields(value, "", fail, required={"binding", "commit", "wraps"})
        commit = top.inner("commit", required={"bidder", "gate", "gate_shares", "escrow_shares"})
        wraps = top.inner("wraps", required={"bidder", "gate", "escrow"})
        return cls(
            binding=Binding.parse(top.binary("binding", MAX_HEADER_BYTES)),
            commit=Commitments(
                bidder=commit.string("bidder", HEX_32),
                gate=commit.string("gate", HEX_32),
                gate_shares=commit.strings("gate_shares", MIN_THRESHOLD, MAX_HOLDERS, HEX_32),
                escrow_shares=commit.strings("escrow_shares", 0, MAX_HOLDERS, HEX_32),
            ),
            wraps=Wraps(
                bidder=wraps.binaries("bidder", 1, MAX_BIDDER_KEYS, MAX_WRAP_BYTES),
                gate=wraps.binaries("gate", MIN_THRESHOLD, MAX_HOLDERS, MAX_WRAP_BYTES),
                escrow=wraps.binaries("escrow", 0, MAX_HOLDERS, MAX_WRAP_BYTES),
            ),
            raw=raw,
        )

    def commitments_of(self, role: Role) -> tuple[str, ...]:
        return self.commit.gate_shares if role is Role.GATE else self.commit.escrow_shares

    def wraps_of(self, role: Role) -> tuple[bytes, ...]:
        return self.wraps.gate if role is Role.GATE else self.wraps.escrow


def seat(role: Role, index: int) -> str:
    """The role text of one seat: ``gate/0``, ``escrow/2``."""
    return f"{role.value}/{index}"


def write_header(binding: Binding, commit: Commitments, wraps: Wraps) -> Header:
    """Write a header once and read it back."""

    def encoded(items: Sequence[bytes]) -> list[str]:
        return [encode_base64(item) for item in items]

    raw = dump_compact(
        {
            "binding": encode_base64(binding.raw),
            "commit": {
                "bidder": commit.bidder,
                "gate": commit.gate,
                "gate_shares": list(commit.gate_shares),
                "escrow_shares": list(commit.escrow_shares),
            },
            "wraps": {
                "bidder": encoded(wraps.bidder),
                "gate": encoded(wraps.gate),
                "escrow": encoded(wraps.escrow),
            },
        }
    )
    return Header.parse(raw)
