"""The written parts of a bid and of a lot: key set, binding, header, manifest, price schedule. Strict, by form only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from foundation.verifier.problems import Problem, demand
from foundation.verifier.reading import (
    HEX_16,
    HEX_32,
    POINT,
    TOKEN,
    WORD,
    instant_of,
    is_one,
    keys_exactly,
    list_in,
    number_in,
    object_in,
    read_canonical,
    read_json,
    sha256_hex,
    split_lines,
    text_in,
    texts_in,
    unbase64,
)
from foundation.verifier.suites import KNOWN_SUITES, Suite1, suite_named

_MONEY = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?")
_PREVIOUS = re.compile(r"-|[0-9a-f]{64}")
_PART = re.compile(r"part ([a-z0-9_-]{1,40}) ([1-9][0-9]{0,15}) ([0-9a-f]{64})")
MAX_HOLDERS = 16


@dataclass(frozen=True, slots=True)
class KeyHolder:
    id: str
    side: str
    point: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class KeyHolders:
    """The key set of a lot: gate holders and custodians with their thresholds. ``hash`` is over the exact bytes."""

    tender: str
    lot: str
    suite: str
    gate: tuple[KeyHolder, ...]
    gate_threshold: int
    escrow: tuple[KeyHolder, ...]
    escrow_threshold: int
    hash: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class BidHeader:
    """A header with its binding. ``b`` and ``hh`` are the two hashes of the format page, raw bytes."""

    binding: dict[str, Any]
    parts: tuple[str, ...]
    commit_bidder: str
    commit_gate: str
    commit_gate_shares: tuple[str, ...]
    commit_escrow_shares: tuple[str, ...]
    wraps_bidder: tuple[bytes, ...]
    wraps_gate: tuple[bytes, ...]
    wraps_escrow: tuple[bytes, ...]
    suite: Suite1
    b: bytes
    hh: bytes


@dataclass(frozen=True, slots=True)
class BidManifest:
    suite: Suite1
    binding_hash: str
    header_hash: str
    rev: int
    prev: str
    parts: dict[str, tuple[int, str]]
    envelope_hash: str


@dataclass(frozen=True, slots=True)
class Prices:
    total: Decimal
    duration_days: int
    quality: str
    project_manager: str


def read_holders(raw: bytes, where: str) -> KeyHolders:
    value = read_canonical(raw, where)
    keys_exactly(value, {"v", "tender", "lot", "suite", "number", "gate", "escrow"}, where)
    gate = keys_exactly(value["gate"], {"t", "holders"}, where)
    escrow = keys_exactly(value["escrow"], {"k", "holders"}, where)
    found = KeyHolders(
        tender=text_in(value, "tender", where, TOKEN),
        lot=text_in(value, "lot", where, TOKEN),
        suite=text_in(value, "suite", where, TOKEN),
        gate=_group(gate, where),
        gate_threshold=number_in(gate, "t", where),
        escrow=_group(escrow, where),
        escrow_threshold=number_in(escrow, "k", where),
        hash=KNOWN_SUITES[value["suite"]].digest(raw).hex() if value["suite"] in KNOWN_SUITES else sha256_hex(raw),
        raw=raw,
    )
    everyone = (*found.gate, *found.escrow)
    is_distinct = len({one.id for one in everyone}) == len({one.point for one in everyone}) == len(everyone)
    is_gate = 2 <= found.gate_threshold <= len(found.gate) <= MAX_HOLDERS  # noqa: PLR2004 - as the format page says
    is_none = not found.escrow and found.escrow_threshold == 0
    is_escrow = is_none or 2 <= found.escrow_threshold <= len(found.escrow) <= MAX_HOLDERS  # noqa: PLR2004 - as the format page says
    demand(is_one(value["v"]) and number_in(value, "number", where) >= 1, "format.value", where)
    demand(is_distinct and is_gate and is_escrow, "keyset.form", where)
    return found


def _group(group: dict[str, Any], where: str) -> tuple[KeyHolder, ...]:
    found = []
    for one in list_in(group, "holders", where):
        keys_exactly(one, {"id", "proof", "public_key", "side"}, where)
        point = bytes.fromhex(text_in(one, "public_key", where, POINT))
        proof = unbase64(text_in(one, "proof", where), where, 64)
        found.append(KeyHolder(text_in(one, "id", where, TOKEN), text_in(one, "side", where, WORD), point, proof))
    return tuple(found)


def read_header(raw: bytes, where: str) -> BidHeader:
    value = read_json(raw, where)
    keys_exactly(value, {"binding", "commit", "wraps"}, where)
    commit = keys_exactly(value["commit"], {"bidder", "gate", "gate_shares", "escrow_shares"}, where)
    wraps = keys_exactly(value["wraps"], {"bidder", "gate", "escrow"}, where)
    binding_raw = unbase64(text_in(value, "binding", where), where)
    binding = read_json(binding_raw, where)
    names = {"v", "suite", "tender", "lot", "stage", "bidder", "bid", "rev", "prev", "keyset", "parts", "created"}
    keys_exactly(binding, names, where)
    for name, form in (("tender", TOKEN), ("lot", TOKEN), ("suite", TOKEN), ("bidder", TOKEN), ("stage", WORD)):
        text_in(binding, name, where, form)
    text_in(binding, "bid", where, HEX_16)
    text_in(binding, "keyset", where, HEX_32)
    text_in(binding, "prev", where, _PREVIOUS)
    instant_of(text_in(binding, "created", where), where)
    demand(is_one(binding["v"]) and number_in(binding, "rev", where) >= 1, "format.value", where)
    parts = [keys_exactly(one, {"id", "name"}, where) for one in list_in(binding, "parts", where)]
    shares = {name: _hashes(commit, name, where) for name in ("gate_shares", "escrow_shares")}
    wrapped = {name: _binaries(wraps, name, where) for name in ("bidder", "gate", "escrow")}
    suite = suite_named(binding["suite"], where)
    return BidHeader(
        binding=binding,
        parts=tuple(text_in(one, "id", where, WORD) for one in parts),
        commit_bidder=text_in(commit, "bidder", where, HEX_32),
        commit_gate=text_in(commit, "gate", where, HEX_32),
        commit_gate_shares=shares["gate_shares"],
        commit_escrow_shares=shares["escrow_shares"],
        wraps_bidder=wrapped["bidder"],
        wraps_gate=wrapped["gate"],
        wraps_escrow=wrapped["escrow"],
        suite=suite,
        b=suite.digest(binding_raw),
        hh=suite.digest(raw),
    )


def _hashes(value: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    found = texts_in(value, key, where)
    demand(len(found) <= MAX_HOLDERS and all(HEX_32.fullmatch(one) for one in found), "format.value", where, key=key)
    return tuple(found)


def _binaries(value: dict[str, Any], key: str, where: str) -> tuple[bytes, ...]:
    found = texts_in(value, key, where)
    demand(len(found) <= MAX_HOLDERS, "format.value", where, key=key)
    return tuple(unbase64(one, where) for one in found)


def read_manifest(raw: bytes, where: str) -> BidManifest:
    lines = split_lines(raw, where)
    kinds = {one.manifest_kind: one for one in KNOWN_SUITES.values()}
    demand(len(lines) > 5 and lines[0] in kinds, "format.manifest", where)  # noqa: PLR2004 - as the format page says
    _, binding_hash, header_hash, rev, prev, *rest = lines
    is_head = HEX_32.fullmatch(binding_hash) and HEX_32.fullmatch(header_hash) and _PREVIOUS.fullmatch(prev)
    demand(is_head and re.fullmatch(r"[1-9][0-9]{0,3}", rev), "format.manifest", where)
    demand((rev == "1") == (prev == "-"), "format.manifest", where)
    parts: dict[str, tuple[int, str]] = {}
    for line in rest:
        found = _PART.fullmatch(line)
        if found is None or found[1] in parts:
            raise Problem("format.manifest", where, line=line)
        parts[found[1]] = (int(found[2]), found[3])
    suite = kinds[lines[0]]
    return BidManifest(suite, binding_hash, header_hash, int(rev), prev, parts, suite.digest(raw).hex())


def read_prices(raw: bytes, where: str) -> Prices:
    value = read_json(raw, where)
    names = {"v", "currency", "total", "duration_days", "quality", "project_manager"}
    keys_exactly(value, names | {key for key in ("items", "total_words") if key in value}, where)
    demand(is_one(value["v"]) and value["currency"] == "CNY", "format.value", where)
    return Prices(
        total=Decimal(text_in(value, "total", where, _MONEY)),
        duration_days=number_in(value, "duration_days", where),
        quality=text_in(value, "quality", where),
        project_manager=text_in(value, "project_manager", where),
    )


def object_with(value: dict[str, Any], key: str, names: set[str], where: str) -> dict[str, Any]:
    """An inner object with exactly these keys."""
    return keys_exactly(object_in(value, key, where), names, where)
