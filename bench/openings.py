"""What opening costs in numbers: 500 bids' shares, 1,000 price envelopes; what sealing adds in bytes and in memory.

The bare line of an opening does only what no opening can do without: for each bid its three gate wraps (HPKE), one
signature, one hash over the ciphertext, one decryption of a payload of that length.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from bench.paired import Line, Table, cpu_seconds, paired, verdict
from bench.processes import CLIENT_CPU, child
from bench.town import TINY
from foundation.entropy import SystemEntropy
from foundation.sealing import (
    Group,
    Header,
    Holder,
    Keyset,
    Manifest,
    Part,
    PartSource,
    PriceSchedule,
    Role,
    content_key,
    generate_key,
    open_part_bytes,
    part_key,
    prove_possession,
    recover_from_escrow,
    recover_r_gate,
    seal,
    unwrap_share,
    write_binding,
)
from foundation.sealing.padding import ciphertext_size
from foundation.sealing.suite import PrivateKey, load_public, public_bytes, verifies

GOAL = "500 bids x (3 gate + 5 escrow) shares in <= 2 s of one core; 1,000 price envelopes <= 2.5 x bare"
MIB = 1 << 20
SHARED_BIDS, PRICED_BIDS = 500, 1000
GATES, CUSTODIANS = 3, 5
ROUNDS = 5
PART = "price_schedule"
LIMIT = 64 * 1024
SIZES_MIB = (16, 512)
SHARES = "centre: 3 gate and 5 escrow shares of 500 bids unwrapped, checked, combined"
BARE, PRICES = "bare: HPKE, verify, SHA-256, AES-GCM", "centre: from stored bytes to a parsed price"
SEALS, OPENS = "seal", "open to disk"


@dataclass(frozen=True)
class Bid:
    """One sealed bid as the store has it; ``r_bid`` as its bidder released it."""

    header: bytes
    manifest: bytes
    signature: bytes
    ciphertext: bytes
    r_bid: bytes


class Lot:
    """A key set with everybody's private keys, and its bids."""

    def __init__(self, bids: int) -> None:
        self.keys = {Role.GATE: keys(GATES), Role.ESCROW: keys(CUSTODIANS)}
        self.keyset = Keyset("T", "L", 1, self._group(Role.GATE, 2), self._group(Role.ESCROW, 3))
        self.signing, self.opening = generate_key(), generate_key()
        self.bids = [self._seal() for _ in range(bids)]

    def _group(self, role: Role, threshold: int) -> Group:
        holders = [
            Holder(f"{role}-{n}", f"side{n}", public_bytes(key.public_key()), prove_possession(key, "T", "L", role))
            for n, key in enumerate(self.keys[role])
        ]
        return Group(threshold, tuple(holders))

    def _seal(self) -> Bid:
        entropy, out = SystemEntropy(), io.BytesIO()
        binding = write_binding(
            tender="T",
            lot="L",
            stage="1",
            bidder="91320412MA1WJ0T064",
            bid=entropy.token(16).hex(),
            rev=1,
            prev="-",
            keyset=self.keyset.hash,
            parts=(Part(PART, "price.json"),),
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )

        @contextmanager
        def sink(_part: str) -> Iterator[io.BytesIO]:
            yield out

        price = TINY[PART]
        own, sources = [public_bytes(self.opening.public_key())], [PartSource(PART, io.BytesIO(price), len(price))]
        made = seal(binding, self.keyset, own, sources, sink, self.signing, entropy)
        opened = made.header.suite.unwrap(self.opening, binding.hash, "bidder", made.header.wraps.bidder[0])
        if opened is None:
            raise AssertionError("the bidder's own wrap does not open")
        return Bid(made.header.raw, made.manifest.raw, made.signature, out.getvalue(), opened)

    def gate_keys(self) -> dict[int, PrivateKey]:
        return dict(enumerate(self.keys[Role.GATE]))

    def open_shares(self) -> None:
        """Each bid's halves, from the gate's keys and from what each custodian's client unwraps."""
        gate = self.gate_keys()
        for bid in self.bids:
            header = Header.parse(bid.header)
            recover_r_gate(header, self.keyset, gate)
            offered = {
                n: unwrap_share(header, self.keyset, Role.ESCROW, n, key)
                for n, key in enumerate(self.keys[Role.ESCROW])
            }
            if recover_from_escrow(header, self.keyset, offered) != bid.r_bid:
                raise AssertionError("another secret")

    def open_prices(self) -> None:
        """What the opening does with each bid once its bidder and the gate have released."""
        gate, signer = self.gate_keys(), public_bytes(self.signing.public_key())
        for bid in self.bids:
            manifest, header = Manifest.parse(bid.manifest), Header.parse(bid.header)
            if not verifies(load_public(signer), bid.signature, bid.manifest):
                raise AssertionError("a false signature")
            cek = content_key(header, bid.r_bid, recover_r_gate(header, self.keyset, gate).r_gate)
            part = manifest.part(PART)
            content = open_part_bytes(io.BytesIO(bid.ciphertext), part, part_key(cek, PART), header, limit_bytes=LIMIT)
            PriceSchedule.parse(content)


class Primitives:
    """The same number of the same operations, and nothing around them."""

    def __init__(self, lot: Lot) -> None:
        self.count = len(lot.bids)
        self.hpke = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        self.holder, self.signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.wrapped = self.hpke.encrypt(bytes(33), self.holder.public_key(), b"info")
        self.message = lot.bids[0].manifest
        self.signature = self.signer.sign(self.message, ec.ECDSA(SHA256()))
        self.gcm, self.nonce = AESGCM(bytes(32)), bytes(12)
        self.payload = self.gcm.encrypt(self.nonce, bytes(len(lot.bids[0].ciphertext)), None)

    def work(self) -> None:
        public = self.signer.public_key()
        for _ in range(self.count):
            for _ in range(GATES):
                self.hpke.decrypt(self.wrapped, self.holder, b"info")
            public.verify(self.signature, self.message, ec.ECDSA(SHA256()))
            hashlib.sha256(self.payload).digest()
            self.gcm.decrypt(self.nonce, self.payload, None)


def keys(count: int) -> list[PrivateKey]:
    return [generate_key() for _ in range(count)]


def run() -> list[Table]:
    """Shares; prices; bytes; memory."""
    shared, priced = Lot(SHARED_BIDS), Lot(PRICED_BIDS)
    bare = Primitives(priced)
    shares = paired({SHARES: lambda: cpu_seconds(shared.open_shares)}, rounds=ROUNDS)
    figures: dict[str, Callable[[], float]] = {
        BARE: lambda: cpu_seconds(bare.work),
        PRICES: lambda: cpu_seconds(priced.open_prices),
    }
    prices = paired(figures, rounds=ROUNDS)
    return [
        shares.table("Shares of 500 bids", "s of processor time"),
        prices.table("Crypto path of 1,000 price envelopes", "s of processor time"),
        added_bytes(priced.bids[0]),
        memory(),
    ]


def added_bytes(bid: Bid) -> Table:
    """Everything that is stored beside the content, in KiB; ratio: to the content. Padding (a choice) is left out."""
    envelope = len(bid.header) + len(bid.manifest) + len(bid.signature)
    lines = []
    for size in (MIB, 64 * MIB, 1024 * MIB):
        added = ciphertext_size(size) - size + envelope
        lines.append(Line(f"{size // MIB:,} MiB", added / 1024, added / size, added / size, added / size))
    note = f"Header, manifest and signature for one bidder key, 3 gate and 5 escrow holders: {envelope:,} bytes."
    return Table("What sealing adds", "KiB", tuple(lines), note)


def memory() -> Table:
    """Peak resident memory of a process that seals one file, and of one that opens it."""
    peaks: dict[str, list[float]] = {}
    for size in SIZES_MIB:
        for act in (SEALS, OPENS):
            with child(["-m", "bench.footprint", "seal" if act == SEALS else "open", str(size)], cpu=CLIENT_CPU) as one:
                peaks.setdefault(act, []).append(float(one.hear()) / 1024)
    lines = [
        Line(f"{act}, {size:,} MiB", peak, peak / found[0], peak / found[0], peak / found[0])
        for act, found in peaks.items()
        for size, peak in zip(SIZES_MIB, found, strict=True)
    ]
    return Table("Peak memory of a process", "MiB", tuple(lines), "Ratios are to the small file.")


def judge(tables: list[Table]) -> list[str]:
    """Each of the four."""
    shares, prices, added, peaks = tables
    seconds, ratio = shares.lines[0].median, prices.line(PRICES).ratio
    largest = max(
        line.median * 1024 - 0.0011 * size for line, size in zip(added.lines, (MIB, 64 * MIB, 1024 * MIB), strict=True)
    )
    growth = [peaks.lines[at + 1].median - peaks.lines[at].median for at in (0, 2)]
    return [
        verdict("500 bids' shares in <= 2 s of one core", is_met=seconds <= 2, found=f"{seconds:.2f} s"),
        verdict("1,000 price envelopes <= 2.5 x bare", is_met=ratio <= 2.5, found=f"{ratio:.2f}"),
        verdict("overhead <= 0.11 % + 4 KB", is_met=largest <= 4096, found=f"0.11 % + {largest:,.0f} bytes at most"),
        verdict(
            "memory of sealing and opening does not grow with the file",
            is_met=max(growth) <= 8,
            found=f"{growth[0]:+.1f} and {growth[1]:+.1f} MiB from {SIZES_MIB[0]} to {SIZES_MIB[1]} MiB",
        ),
    ]
