"""What a bundle says, read once: tender, policy, checkpoints, and the leaves that were proven to be in the log.

Later checks see proven leaves only: what could not be proven does not exist for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from foundation.verifier.container import BLOCK, Files, read_whole
from foundation.verifier.merkle import ProvenTree, leaf_digest
from foundation.verifier.papers import BidHeader, BidManifest, KeyHolders, read_header, read_holders, read_manifest
from foundation.verifier.problems import Problem, demand, same
from foundation.verifier.reading import (
    HEX_16,
    HEX_32,
    POINT,
    TOKEN,
    canonical,
    instant_of,
    keys_exactly,
    list_in,
    number_in,
    object_in,
    read_canonical,
    sha256,
    sha256_hex,
    text_in,
    texts_in,
    unbase64,
    unhex,
)
from foundation.verifier.signed import TreeHead, Trust, read_trust

FORMAT = "etender-bundle/v1"
TIERS = ("public", "regulator")
SLOTS, SLOT_PATH = 1024, 10
MAX_LINE = 4 * BLOCK
MAX_LEAVES = 1_000_000
_PUBLIC, _TICK = b"etender/v1 p ", b"etender/v1 c "
_TENDER_KEYS = {
    "format",
    "tier",
    "clock",
    "lot",
    "tender",
    "lot_code",
    "name",
    "suite",
    "deadline_at",
    "origin",
    "streams",
    "bids",
}
_BID_KEYS = {"bid", "bidder", "org", "name", "seat", "signing_key"}
_EVENT_KEYS = {"at", "data", "entry", "seq", "stream", "type"}
_STREAM = re.compile(r"[a-z_]{1,20}:[A-Za-z0-9._:-]{1,99}")
_TYPE = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class Bidder:
    """One frozen bid as tender.json names it; ``bidder`` is the code its envelope is bound to."""

    bid: str
    bidder: str
    org: str
    name: str
    seat: int
    signing_key: bytes


@dataclass(frozen=True, slots=True)
class Tender:
    tier: str
    is_demo: bool
    lot: str
    tender: str
    lot_code: str
    name: str
    suite: str
    deadline_at: str
    origin: str
    streams: dict[str, int]
    bids: tuple[Bidder, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A proven leaf. ``kind``: public, record (a private entry, unblinded) or closed (a private entry, digest only)."""

    index: int
    kind: str
    type: str
    stream: str
    seq: int
    at: str
    data: dict[str, Any]
    slot: int
    digest: bytes

    @property
    def where(self) -> str:
        return f"leaves.jsonl leaf {self.index}" + (f" slot {self.slot}" if self.kind != "public" else "")

    def text(self, key: str) -> str:
        return text_in(self.data, key, self.where)

    def number(self, key: str) -> int:
        return number_in(self.data, key, self.where)

    def texts(self, key: str) -> list[str]:
        return texts_in(self.data, key, self.where)

    def objects(self, key: str) -> list[dict[str, Any]]:
        found = list_in(self.data, key, self.where)
        demand(all(isinstance(one, dict) for one in found), "format.value", self.where, key=key)
        return found


@dataclass(frozen=True, slots=True)
class Frozen:
    """One line of the freeze list."""

    bid: str
    rev: int
    leaf_index: int
    envelope_hash: str

    @property
    def line(self) -> str:
        return f"{self.bid} {self.rev} {self.leaf_index} {self.envelope_hash}"


class Evidence:
    """A bundle and what has been established about it so far."""

    def __init__(
        self, files: Files, pinned_policy: bytes | None, now: datetime | None, tsa_roots: bytes | None = None
    ) -> None:
        self.files = files
        self.pinned_policy = pinned_policy
        self.now = now
        self.tsa_roots = tsa_roots
        self.notes: dict[int, bytes] = {}
        self.heads: list[TreeHead] = []
        self.leaves: list[Leaf] = []
        self._by_type: dict[tuple[str, str], list[Leaf]] = {}
        self.r_gates: dict[str, bytes | None] = {}

    @cached_property
    def tender(self) -> Tender:
        where = "tender.json"
        value = read_canonical(read_whole(self.files, where, 16 * BLOCK), where)
        keys_exactly(value, _TENDER_KEYS, where)
        same(value["format"], FORMAT, "tender.format", where)
        tier, clock = text_in(value, "tier", where), text_in(value, "clock", where)
        demand(tier in TIERS and clock in {"civil", "demo"}, "format.value", where)
        streams = object_in(value, "streams", where)
        demand(all(_STREAM.fullmatch(name) for name in streams), "format.value", where, key="streams")
        deadline = text_in(value, "deadline_at", where)
        instant_of(deadline, where)
        return Tender(
            tier=tier,
            is_demo=clock == "demo",
            lot=text_in(value, "lot", where, TOKEN),
            tender=text_in(value, "tender", where, TOKEN),
            lot_code=text_in(value, "lot_code", where, TOKEN),
            name=text_in(value, "name", where),
            suite=text_in(value, "suite", where, TOKEN),
            deadline_at=deadline,
            origin=text_in(value, "origin", where),
            streams={name: number_in(streams, name, where) for name in streams},
            bids=tuple(_bidder(one, where) for one in list_in(value, "bids", where)),
        )

    @cached_property
    def policy(self) -> bytes:
        """The policy that is trusted: the reader's own, else the bundle's."""
        return self.pinned_policy if self.pinned_policy is not None else self.own_policy

    @cached_property
    def own_policy(self) -> bytes:
        return read_whole(self.files, "policy.txt", 100_000)

    @cached_property
    def trust(self) -> Trust:
        return read_trust(self.policy, "policy.txt")

    @cached_property
    def holders(self) -> KeyHolders:
        return read_holders(read_whole(self.files, "keyset.json", 32 * 1024), "keyset.json")

    def header(self, bid: str) -> BidHeader:
        """The header of a bid, in the lot's suite."""
        where = f"headers/{bid}.json"
        found = read_header(read_whole(self.files, where, 65_536), where)
        same(found.suite.name, self.tender.suite, "bid.suite", where)
        return found

    def manifest_bytes(self, bid: str) -> bytes:
        return read_whole(self.files, f"manifests/{bid}.txt", 8192)

    def manifest(self, bid: str) -> BidManifest:
        where = f"manifests/{bid}.txt"
        found = read_manifest(self.manifest_bytes(bid), where)
        demand(found.suite.name == self.tender.suite, "format.manifest", where)
        return found

    def json_lines(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Where, and the bytes of each line of a ``.jsonl``; one line in memory at a time."""
        demand(name in self.files.names, "files.missing", name)
        held, number = b"", 0
        for block in self.files.blocks(name):
            rows = (held + block).split(b"\n")
            held = rows.pop()
            demand(len(held) <= MAX_LINE, "files.too_large", name, limit=MAX_LINE)
            for row in rows:
                number += 1
                yield f"{name} line {number}", row
        demand(not held, "format.lines", name)

    def of(self, *types: str) -> list[Leaf]:
        """Proven public leaves of these types, in the order of the log."""
        return self._sorted("public", types)

    def records(self, *types: str) -> list[Leaf]:
        """Proven private records of these types, in the order of the log."""
        return self._sorted("record", types)

    def add(self, leaf: Leaf) -> None:
        """Take a proven leaf up."""
        self.leaves.append(leaf)
        self._by_type.setdefault((leaf.kind, leaf.type), []).append(leaf)

    def _sorted(self, kind: str, types: tuple[str, ...]) -> list[Leaf]:
        found = [leaf for name in types for leaf in self._by_type.get((kind, name), ())]
        return found if len(types) == 1 else sorted(found, key=lambda leaf: (leaf.index, leaf.slot))

    def one(self, type_name: str) -> Leaf:
        """The only leaf of a type. Problems ``leaf.missing``, ``leaf.twice``."""
        found = self.of(type_name)
        demand(found, "leaf.missing", "leaves.jsonl", type=type_name)
        demand(len(found) == 1, "leaf.twice", found[-1].where, type=type_name)
        return found[0]

    def last(self, type_name: str) -> Leaf:
        found = self.of(type_name)
        demand(found, "leaf.missing", "leaves.jsonl", type=type_name)
        return found[-1]

    @property
    def frozen(self) -> list[Frozen]:
        """The frozen list as its leaf tells it."""
        leaf = self.one("bid_opening.bids_frozen")
        found = []
        for one in leaf.objects("bids"):
            keys_exactly(one, {"bid", "rev", "leaf_index", "envelope_hash"}, leaf.where)
            found.append(
                Frozen(
                    text_in(one, "bid", leaf.where, HEX_16),
                    number_in(one, "rev", leaf.where),
                    number_in(one, "leaf_index", leaf.where),
                    text_in(one, "envelope_hash", leaf.where, HEX_32),
                )
            )
        demand(len({one.bid for one in found}) == len(found), "freeze.bid_twice", leaf.where)
        return found

    def covering(self, index: int) -> TreeHead | None:
        """The first checkpoint of the bundle that covers a leaf."""
        return next((head for head in self.heads if head.size > index), None)


def _bidder(value: Any, where: str) -> Bidder:
    keys_exactly(value, _BID_KEYS, where)
    return Bidder(
        bid=text_in(value, "bid", where, HEX_16),
        bidder=text_in(value, "bidder", where, TOKEN),
        org=text_in(value, "org", where, TOKEN),
        name=text_in(value, "name", where),
        seat=number_in(value, "seat", where),
        signing_key=bytes.fromhex(text_in(value, "signing_key", where, POINT)),
    )


def read_leaf(raw: bytes, tree: ProvenTree, where: str) -> Leaf:
    """One line of leaves.jsonl, proven to be in the tree.

    Problems: ``format.…``, ``log.inclusion``, ``log.unblinding``, ``leaf.form``.
    """
    value = read_canonical(raw, where)
    index = number_in(value, "index", where)
    path = [unbase64(one, where, 32) for one in texts_in(value, "proof", where)]
    if "entry" in value:
        keys_exactly(value, {"index", "entry", "proof"} | ({"data"} if "data" in value else set()), where)
        entry = text_in(value, "entry", where).encode()
        tree.prove(index, leaf_digest(entry), path, where)
        demand(entry.startswith(_PUBLIC), "leaf.form", where)
        return _event(index, "public", entry.removeprefix(_PUBLIC), value.get("data"), -1, sha256(entry), where)
    slot = number_in(value, "slot", where)
    demand(slot < SLOTS, "log.unblinding", where, reason="slot")
    if "record" in value:
        keys_exactly(value, {"index", "nonce", "record", "slot", "slot_proof", "proof"}, where)
        record = text_in(value, "record", where).encode()
        digest = _blinded(text_in(value, "nonce", where, HEX_32), record)
        _prove_slot(tree, index, slot, digest, value, path, where)
        return _event(index, "record", record, None, slot, digest, where)
    keys_exactly(value, {"index", "digest", "seq", "slot", "slot_proof", "stream", "proof"}, where)
    digest = unhex(text_in(value, "digest", where), where, 32)
    _prove_slot(tree, index, slot, digest, value, path, where)
    stream, seq = text_in(value, "stream", where, _STREAM), number_in(value, "seq", where)
    return Leaf(index, "closed", "", stream, seq, "", {}, slot, digest)


def _blinded(nonce: str, record: bytes) -> bytes:
    import base64

    return sha256(f"etender-leaf/v1\n{nonce}\n{base64.b64encode(record).decode()}\n".encode())


def _prove_slot(
    tree: ProvenTree, index: int, slot: int, digest: bytes, value: dict[str, Any], path: list[bytes], where: str
) -> None:
    """From a digest through its slot to the tick's root, and from the tick's leaf to the log's root."""
    from foundation.verifier.merkle import node_digest

    steps = [unbase64(one, where, 32) for one in texts_in(value, "slot_proof", where)]
    demand(len(steps) == SLOT_PATH, "log.unblinding", where, reason="length")
    node = leaf_digest(digest)
    for level, step in enumerate(steps):
        node = node_digest(step, node) if slot >> level & 1 else node_digest(node, step)
    tree.prove(index, leaf_digest(_TICK + node.hex().encode()), path, where)


def _event(index: int, kind: str, body: bytes, beside: Any, slot: int, digest: bytes, where: str) -> Leaf:
    """The event within an entry. Where it was too long for one, its data stands beside it and must have its digest."""
    value = read_canonical(body, where)
    if "data_sha256" in value:
        keys_exactly(value, _EVENT_KEYS - {"data"} | {"data_sha256"}, where)
        demand(isinstance(beside, dict), "leaf.form", where, reason="data")
        same(sha256_hex(canonical(beside)), value["data_sha256"], "leaf.data", where)
        data = beside
    else:
        demand(beside is None, "leaf.form", where, reason="data")
        keys_exactly(value, _EVENT_KEYS, where)
        data = object_in(value, "data", where)
    text_in(value, "entry", where, HEX_32)
    instant_of(text_in(value, "at", where), where)
    return Leaf(
        index=index,
        kind=kind,
        type=text_in(value, "type", where, _TYPE),
        stream=text_in(value, "stream", where, _STREAM),
        seq=number_in(value, "seq", where),
        at=text_in(value, "at", where),
        data=data,
        slot=slot,
        digest=digest,
    )


def problem_of_leaf(leaf: Leaf, code: str, **detail: object) -> Problem:
    return Problem(code, leaf.where, **detail)
