"""V7 to V9: shares match what was committed, gate keys open the gate, prices read out are prices that were sealed."""

from __future__ import annotations

import re
from typing import Any

from foundation.verifier.checks_bids import PRICES, needs_suite
from foundation.verifier.container import read_whole
from foundation.verifier.envelope import content_of, decrypted, part_key_of, recombine
from foundation.verifier.evidence import Evidence, Leaf
from foundation.verifier.papers import BidHeader, KeyHolder, Prices, read_prices
from foundation.verifier.problems import Check, Problem, demand, same
from foundation.verifier.reading import HEX_16, HEX_32, keys_exactly, lines_of, read_canonical, split_lines, text_in
from foundation.verifier.suites import Suite1, suite_named

_GATE_FILE = re.compile(r"gate/(0|[1-9][0-9]?)\.key")
MAX_SCHEDULE = 1_400_000


def check_shares(check: Check, evidence: Evidence) -> None:
    """V7: every released half and every gate share is the one its bidder committed to before the deadline."""
    frozen = check.attempt(lambda: evidence.frozen)
    holders = check.attempt(lambda: evidence.holders)
    if frozen is None or holders is None:
        return
    if not check.attempt(needs_suite, evidence):
        return
    keys = {index: key for index in gate_indexes(evidence) if (key := _quiet_key(evidence, index)) is not None}
    for one in frozen:
        header = check.attempt(evidence.header, one.bid)
        if header is None:
            continue
        good: dict[int, bytes] = {}
        for index, key in keys.items():
            share = (
                header.suite.unwrap(key, header.b.hex(), f"gate/{index}", header.wraps_gate[index])
                if _fits(header, index)
                else None
            )
            if (
                share is not None
                and header.suite.commitment(header.b.hex(), f"gate/{index}", share) == header.commit_gate_shares[index]
            ):
                good[index] = share
            elif share is not None:
                check.attempt(_reported, evidence, one.bid, f"gate/{index}", "share.commitment")
        secret = recombine(header.suite, good, holders.gate_threshold, header.b.hex(), "gate", header.commit_gate)
        evidence.r_gates[one.bid] = secret
        if secret is None and len(good) >= holders.gate_threshold:
            check.attempt(_reported, evidence, one.bid, "gate", "share.combination")
    if evidence.tender.tier == "regulator":
        _check_halves(check, evidence)
    else:
        check.note("tier.public", "r-bid.jsonl")


def _fits(header: BidHeader, index: int) -> bool:
    return index < len(header.wraps_gate) and index < len(header.commit_gate_shares)


def _check_halves(check: Check, evidence: Evidence) -> None:
    """The regulator's tier: each half against its commitment, and the published part key against both halves."""
    halves = check.attempt(_bid_lines, evidence, "r-bid.jsonl", "r_bid")
    keys = check.attempt(_bid_lines, evidence, "price-schedule-keys.jsonl", "part_key")
    closed = check.attempt(evidence.one, "bid_opening.window_closed")
    if halves is None or closed is None:
        return
    check.attempt(
        lambda: same(
            sorted(halves), sorted(closed.texts("released") + closed.texts("escrowed")), "share.set", "r-bid.jsonl"
        )
    )
    for bid, half in halves.items():
        check.attempt(_half, evidence, bid, half, (keys or {}).get(bid, ""))


def _half(evidence: Evidence, bid: str, half: str, part_key: str) -> None:
    header, where = evidence.header(bid), "r-bid.jsonl"
    r_bid = bytes.fromhex(half)
    same(header.suite.commitment(header.b.hex(), "bidder", r_bid), header.commit_bidder, "share.commitment", where)
    r_gate = evidence.r_gates.get(bid)
    if part_key and r_gate is not None:
        same(part_key_of(header.suite, r_bid, r_gate, header.b, PRICES).hex(), part_key, "share.part_key", where)


def _reported(evidence: Evidence, bid: str, role: str, code: str) -> None:
    """A fault is no problem of the bundle where the platform itself put it on record."""
    for leaf in evidence.of("bid_opening.gate_fault_found"):
        if (leaf.text("bid"), leaf.text("role")) == (bid, role):
            return
    raise Problem(code, f"headers/{bid}.json", role=role)


def gate_indexes(evidence: Evidence) -> list[int]:
    found = [_GATE_FILE.fullmatch(name) for name in evidence.files.names]
    return sorted(int(one[1]) for one in found if one is not None)


def _quiet_key(evidence: Evidence, index: int) -> Any:
    """A gate key, or None where it is malformed, which V8 reports."""
    try:
        return gate_key(evidence, index)
    except Problem:
        return None


def gate_key(evidence: Evidence, index: int) -> Any:
    where = f"gate/{index}.key"
    lines = split_lines(read_whole(evidence.files, where, 200), where)
    demand(len(lines) == 1 and HEX_32.fullmatch(lines[0]), "gate.key_form", where)
    return suite_named(evidence.tender.suite, where).private_key(lines[0], where)


def check_gate(check: Check, evidence: Evidence) -> None:
    """V8: the key set is the logged one, gate keys belong to it, and every gate share opens or was reported."""
    holders = check.attempt(lambda: evidence.holders)
    if holders is None:
        return
    if not check.attempt(needs_suite, evidence):
        return
    check.attempt(_logged_keyset, evidence)
    suite = suite_named(holders.suite, "keyset.json")
    for role, group in (("gate", holders.gate), ("escrow", holders.escrow)):
        for holder in group:
            message = lines_of("etender-holder/v1", holders.tender, holders.lot, role, holder.point.hex())
            check.attempt(_possession, suite, holder, message)
    given = {}
    for index in gate_indexes(evidence):
        key = check.attempt(gate_key, evidence, index)
        if key is not None and check.attempt(_gate_key_is, evidence, index, key):
            given[index] = key
    check.attempt(_enough_keys, evidence, sorted(given))
    for one in check.attempt(lambda: evidence.frozen) or []:
        header = check.attempt(evidence.header, one.bid)
        for index, key in given.items() if header is not None else ():
            check.attempt(_gate_wrap, evidence, one.bid, header, index, key)


def _possession(suite: Suite1, holder: KeyHolder, message: bytes) -> None:
    is_own = suite.signature_holds(holder.point, holder.proof, message)
    demand(is_own, "keyset.possession", "keyset.json", holder=holder.id)


def _logged_keyset(evidence: Evidence) -> None:
    holders, tender = evidence.holders, evidence.tender
    same((holders.tender, holders.lot), (tender.tender, tender.lot_code), "keyset.other_lot", "keyset.json")
    completed = [leaf for leaf in evidence.of("keyholding.keyset_completed") if leaf.text("hash") == holders.hash]
    demand(len(completed) == 1, "keyset.not_logged", "keyset.json", hash=holders.hash)
    raw = read_whole(evidence.files, "keyset.json", 32 * 1024)
    same(completed[0].text("json").encode(), raw, "keyset.not_logged", "keyset.json")
    retired = {leaf.text("hash") for leaf in evidence.of("keyholding.keyset_retired")}
    demand(holders.hash not in retired, "keyset.retired", "keyset.json")
    published = evidence.one("tendering.lot_published").text("keyset")
    demand(
        published == holders.hash or published in retired, "keyset.not_published", "keyset.json", published=published
    )


def _gate_key_is(evidence: Evidence, index: int, key: Any) -> bool:
    where, gate = f"gate/{index}.key", evidence.holders.gate
    demand(
        index < len(gate) and suite_named(evidence.tender.suite, where).point_of(key) == gate[index].point,
        "gate.key",
        where,
    )
    released = [leaf for leaf in evidence.of("keyholding.gate_key_released") if leaf.number("index") == index]
    demand(len(released) == 1, "gate.not_logged", where)
    line = read_whole(evidence.files, where, 200).decode("ascii").strip()
    told = (released[0].text("private_key"), released[0].text("public_key"))
    same(told, (line, gate[index].point.hex()), "gate.not_logged", where)
    return True


def _enough_keys(evidence: Evidence, given: list[int]) -> None:
    demand(len(given) >= evidence.holders.gate_threshold, "gate.too_few", "gate", found=len(given))
    logged = sorted({leaf.number("index") for leaf in evidence.of("keyholding.gate_key_released")})
    same(logged, given, "gate.not_in_bundle", "gate")
    leaf = evidence.one("bid_opening.gate_released")
    told = leaf.data.get("holders")
    is_told = isinstance(told, list) and all(one in given for one in told)
    demand(is_told and len(told or []) >= evidence.holders.gate_threshold, "gate.holders", leaf.where)


def _gate_wrap(evidence: Evidence, bid: str, header: BidHeader | None, index: int, key: Any) -> None:
    if header is None or not _fits(header, index):
        raise Problem("bid.shape", f"headers/{bid}.json")
    share = header.suite.unwrap(key, header.b.hex(), f"gate/{index}", header.wraps_gate[index])
    if share is None:
        _reported(evidence, bid, f"gate/{index}", "gate.unreported")
        return
    if header.suite.commitment(header.b.hex(), f"gate/{index}", share) == header.commit_gate_shares[index]:
        for leaf in evidence.of("bid_opening.gate_fault_found"):
            is_false = (leaf.text("bid"), leaf.text("role")) == (bid, f"gate/{index}")
            demand(not is_false, "gate.false_fault", leaf.where)


def check_prices(check: Check, evidence: Evidence) -> None:
    """V9: each price schedule decrypts under its published key and equals what was read out and put on record."""
    keys = check.attempt(_bid_lines, evidence, "price-schedule-keys.jsonl", "part_key")
    record = check.attempt(_record, evidence)
    closed = check.attempt(evidence.one, "bid_opening.window_closed")
    frozen = check.attempt(lambda: evidence.frozen)
    is_read = check.attempt(needs_suite, evidence)
    if not is_read or keys is None or record is None or closed is None or frozen is None:
        return
    check.attempt(_window, evidence, closed, sorted(one.bid for one in frozen))
    check.attempt(lambda: same(sorted(record), sorted(one.bid for one in frozen), "record.bids", "opening.jsonl"))
    priced = {str(leaf.data.get("bid")) for leaf in evidence.of("bid_opening.price_decrypted")}
    check.attempt(lambda: same(sorted(keys), sorted(priced), "record.keys", "price-schedule-keys.jsonl"))
    for one in frozen:
        if one.bid in record:
            check.attempt(_price, check, evidence, one.bid, keys.get(one.bid, ""), record[one.bid], closed)


def _bid_lines(evidence: Evidence, name: str, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for where, raw in evidence.json_lines(name):
        value = keys_exactly(read_canonical(raw, where), {"bid", key}, where)
        bid = text_in(value, "bid", where, HEX_16)
        demand(bid not in found, "format.twice", where)
        found[bid] = text_in(value, key, where, HEX_32)
    demand(list(found) == sorted(found), "format.order", name)
    return found


_RECORD_KEYS = {
    "seat",
    "bid",
    "name",
    "bidder",
    "outcome",
    "total",
    "duration_days",
    "quality",
    "project_manager",
    "fault",
}


def _record(evidence: Evidence) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for where, raw in evidence.json_lines("opening.jsonl"):
        value = keys_exactly(read_canonical(raw, where), _RECORD_KEYS, where)
        bid = text_in(value, "bid", where, HEX_16)
        demand(bid not in found, "format.twice", where)
        found[bid] = value
    rows = [(row["seat"], bid, row["name"], row["bidder"]) for bid, row in found.items()]
    same(
        rows,
        [(one.seat, one.bid, one.name, one.bidder) for one in evidence.tender.bids],
        "record.bids",
        "opening.jsonl",
    )
    return found


def _window(evidence: Evidence, closed: Leaf, frozen: list[str]) -> None:
    groups = {name: closed.texts(name) for name in ("released", "escrowed", "missing")}
    same(sorted(bid for group in groups.values() for bid in group), frozen, "window.bids", closed.where)
    released = sorted(leaf.text("bid") for leaf in evidence.of("bid_opening.share_released"))
    same(sorted(groups["released"]), released, "window.released", closed.where)
    escrowed = {leaf.text("bid") for leaf in evidence.of("bid_opening.escrow_opened")}
    same(sorted(groups["escrowed"]), sorted(escrowed - set(released)), "window.escrowed", closed.where)


def _price(check: Check, evidence: Evidence, bid: str, key: str, row: dict[str, Any], closed: Leaf) -> None:
    where = f"opening.jsonl seat {row['seat']}"
    outcomes = [name for name in ("released", "escrowed", "missing") if bid in closed.texts(name)]
    same([row["outcome"]], outcomes, "record.outcome", where)
    priced = [leaf for leaf in evidence.of("bid_opening.price_decrypted") if leaf.text("bid") == bid]
    faults = [leaf for leaf in evidence.of("bid_opening.bid_unreadable") if leaf.text("bid") == bid]
    read_out = [leaf for leaf in evidence.of("bid_opening.line_read") if leaf.number("seat") == row["seat"]]
    if row["outcome"] == "missing" or faults:
        demand(not priced and not read_out, "record.unread", where)
        demand(bool(faults) == (row["outcome"] != "missing"), "record.unread", where)
        wanted = ["", 0, "", "", faults[0].text("fault") if faults else ""]
        same([row[name] for name in (*_FIGURES, "fault")], wanted, "record.figures", where)
        if faults:
            check.note("price.unreadable", where, fault=faults[0].text("fault"))
        return
    demand(len(priced) == len(read_out) == 1, "leaf.missing", where, type="price_decrypted, line_read")
    same(priced[0].text("part_key"), key, "record.keys", priced[0].where)
    prices = _sealed_prices(evidence, bid, key)
    figures: list[object] = [f"{prices.total:.2f}", prices.duration_days, prices.quality, prices.project_manager]
    for told, place in ((priced[0].data, priced[0].where), (read_out[0].data, read_out[0].where), (row, where)):
        same([told.get(name) for name in _FIGURES], figures, "price.differs", place)
    same([priced[0].data.get("seat"), row["fault"]], [row["seat"], ""], "record.figures", where)
    same(read_out[0].data.get("name"), row["name"], "record.figures", where)


_FIGURES = ("total", "duration_days", "quality", "project_manager")


def _sealed_prices(evidence: Evidence, bid: str, key: str) -> Prices:
    where = f"parts/{bid}/{PRICES}.cob"
    demand(where in evidence.files.names, "files.missing", where)
    demand(evidence.files.member(where).size <= MAX_SCHEDULE, "files.too_large", where)
    header, blocks = evidence.header(bid), evidence.files.blocks(where)
    pieces = decrypted(header.suite, bytes.fromhex(key), PRICES, header.hh, blocks, where)
    return read_prices(content_of(pieces, where, MAX_SCHEDULE), where)
