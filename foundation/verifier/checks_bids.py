"""V4 to V6: bids came in time, the frozen list is the list of live bids, each envelope is the signed one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from foundation.verifier.container import read_whole
from foundation.verifier.envelope import part_root, segment_digests
from foundation.verifier.evidence import Bidder, Evidence, Frozen, Leaf
from foundation.verifier.papers import BidHeader, BidManifest
from foundation.verifier.problems import Check, Missing, Problem, demand, same
from foundation.verifier.reading import instant_of, keys_exactly, number_in, split_lines, text_in, unbase64
from foundation.verifier.stamps import check_stamps
from foundation.verifier.suites import KNOWN_SUITES

GRACE_SECONDS, GRACE_BOUNDS = 60, (10, 600)
DELAYED = "bid_opening.freeze_delayed"
FROZEN = "bid_opening.bids_frozen"
PRICES = "price_schedule"
_PART_FILE = re.compile(r"parts/([0-9a-f]{32})/([a-z0-9_-]{1,40})\.cob")
_BID_FILE = re.compile(r"(?:headers|manifests|parts)/([0-9a-f]{32})[./].*")


def deadline_of(evidence: Evidence) -> datetime:
    """The deadline by the log: as published, as moved, as closed; equal to tender.json's. Problem ``deadline.…``."""
    published = evidence.one("tendering.lot_published")
    deadline = instant_of(published.text("deadline_at"), published.where)
    for moved in evidence.of("tendering.deadline_moved"):
        same(instant_of(moved.text("before"), moved.where), deadline, "deadline.chain", moved.where)
        deadline = instant_of(moved.text("after"), moved.where)
    closed = evidence.one("tendering.bids_closed")
    same(instant_of(closed.text("deadline_at"), closed.where), deadline, "deadline.differs", closed.where)
    same(instant_of(evidence.tender.deadline_at, "tender.json"), deadline, "deadline.differs", "tender.json")
    same(published.text("tender"), evidence.tender.tender, "tender.differs", "tender.json")
    same(published.text("lot_code"), evidence.tender.lot_code, "tender.differs", "tender.json")
    same(published.text("name"), evidence.tender.name, "tender.differs", "tender.json")
    return deadline


def check_times(check: Check, evidence: Evidence) -> None:
    """V4: every bid was in the log before the list was frozen, and the list was frozen at the deadline."""
    deadline = check.attempt(deadline_of, evidence)
    frozen = check.attempt(lambda: evidence.frozen)
    leaf = check.attempt(evidence.one, FROZEN)
    check_stamps(check, evidence, leaf, deadline)
    if frozen is None or leaf is None:
        return
    check.attempt(_tree_of_freeze, evidence, leaf)
    for one in frozen:
        check.attempt(_before_freeze, evidence, one, leaf, deadline)
    if deadline is not None:
        check.attempt(_time_of_freeze, check, evidence, leaf, deadline)


def _tree_of_freeze(evidence: Evidence, leaf: Leaf) -> None:
    size = leaf.number("tree_size")
    demand(size <= leaf.index, "freeze.tree", leaf.where, tree_size=size)
    demand(any(head.size == size for head in evidence.heads), "freeze.tree", leaf.where, tree_size=size)


def _before_freeze(evidence: Evidence, one: Frozen, leaf: Leaf, deadline: datetime | None) -> None:
    record = record_of(evidence, one)
    same(record.index, one.leaf_index, "freeze.leaf", record.where)
    demand(one.leaf_index < leaf.number("tree_size"), "freeze.late_bid", record.where, bid=one.bid)
    if deadline is not None:
        received = instant_of(record.text("received_at"), record.where)
        demand(received < deadline, "bid.late", record.where, bid=one.bid, received_at=received)


def record_of(evidence: Evidence, one: Frozen) -> Leaf:
    """The private record of a frozen bid. Problem ``freeze.no_record``."""
    for record in evidence.records("tendering.bid_sealed"):
        if (record.text("bid"), record.number("rev")) == (one.bid, one.rev):
            same(record.text("envelope_hash"), one.envelope_hash, "freeze.envelope", record.where)
            return record
    raise Problem("freeze.no_record", "leaves.jsonl", bid=one.bid, rev=one.rev)


def _time_of_freeze(check: Check, evidence: Evidence, leaf: Leaf, deadline: datetime) -> None:
    if evidence.tender.is_demo:
        check.note("time.demo", leaf.where)
        return
    demand(instant_of(leaf.at, leaf.where) >= deadline, "freeze.early", leaf.where, at=leaf.at)
    head = evidence.covering(leaf.index)
    at = head.at if head is not None else None
    if at is None:
        check.note("time.no_quorum", leaf.where)
        return
    # A cosignature states whole seconds, so the second of the deadline itself is not too early.
    demand(at >= deadline.replace(microsecond=0), "freeze.early", leaf.where, cosigned_at=at, deadline=deadline)
    told = evidence.of(DELAYED)
    limit = deadline + grace_of(evidence)
    if at > limit:
        # On record and with every bid cosigned in time nothing could be slipped in; it is a delay, and shown as one.
        in_time = [head for one in evidence.frozen if (head := evidence.covering(one.leaf_index)) and head.at]
        is_harmless = len(in_time) == len(evidence.frozen) and all(head.at <= limit for head in in_time if head.at)
        demand(told and is_harmless, "freeze.late", leaf.where, cosigned_at=at, deadline=deadline, limit=limit)
    for one in told:
        check.warn("freeze.delayed", one.where, waiting=one.text("waiting"), cosigned_at=at)


def grace_of(evidence: Evidence) -> timedelta:
    """How long the published notice lets the freeze take; a minute where it says nothing. Problem ``freeze.grace``."""
    published = evidence.one("tendering.lot_published")
    seconds = published.number("freeze_grace_seconds") if "freeze_grace_seconds" in published.data else GRACE_SECONDS
    demand(GRACE_BOUNDS[0] <= seconds <= GRACE_BOUNDS[1], "freeze.grace", published.where, seconds=seconds)
    return timedelta(seconds=seconds)


def check_list(check: Check, evidence: Evidence) -> None:
    """V5: the frozen list is the list of live bids: one a bidder, each the last of its chain, none left out."""
    frozen = check.attempt(lambda: evidence.frozen)
    tender = check.attempt(lambda: evidence.tender)
    if frozen is None or tender is None:
        return
    lines = {one.bid: one for one in frozen}
    check.attempt(lambda: same([one.bid for one in tender.bids], sorted(lines), "list.bids", "tender.json"))
    check.attempt(lambda: same([one.seat for one in tender.bids], _count(tender.bids), "list.seats", "tender.json"))
    check.attempt(_bidders_once, tender.bids)
    check.attempt(_published_list, evidence, tender.bids)
    for bid in sorted({str(leaf.data.get("bid", "")) for leaf in evidence.records(*_KINDS)} | set(lines)):
        check.attempt(_chain, evidence, str(bid), lines, tender.bids)


_ENDS = ("tendering.bid_withdrawn", "tendering.bid_voided")
_KINDS = ("tendering.bid_sealed", *_ENDS)


def _count(bids: tuple[Bidder, ...]) -> list[int]:
    return list(range(1, len(bids) + 1))


def _bidders_once(bids: tuple[Bidder, ...]) -> None:
    for name in ("bidder", "org"):
        codes = [getattr(one, name) for one in bids]
        demand(len(set(codes)) == len(codes), "list.bidder_twice", "tender.json", field=name)


def _published_list(evidence: Evidence, bids: tuple[Bidder, ...]) -> None:
    leaf = evidence.one("bid_opening.list_published")
    found = []
    for row in leaf.objects("bidders"):
        keys_exactly(row, {"seat", "org_id", "name", "uscc", "bid", "is_checked_in"}, leaf.where)
        texts = [text_in(row, key, leaf.where) for key in ("bid", "uscc", "org_id", "name")]
        found.append((number_in(row, "seat", leaf.where), *texts))
    wanted = [(one.seat, one.bid, one.bidder, one.org, one.name) for one in bids]
    same(found, wanted, "list.published", leaf.where)


def _chain(evidence: Evidence, bid: str, lines: dict[str, Frozen], bids: tuple[Bidder, ...]) -> None:
    """All records of one bid in the order of the log: revisions rise, each names the one before, the last counts."""
    records = [leaf for leaf in evidence.records(*_KINDS) if leaf.data.get("bid") == bid]
    records.sort(key=lambda leaf: (leaf.number("rev"), leaf.type))
    retired = {leaf.text("hash") for leaf in evidence.of("keyholding.keyset_retired")}
    live: Leaf | None = None
    last: Leaf | None = None
    for record in records:
        rev = record.number("rev")
        if record.type in _ENDS:
            demand(last is not None and rev == last.number("rev"), "bid.chain", record.where, bid=bid)
            # Void is a bid only when the key set it was sealed to was retired in public.
            is_due = record.type != _ENDS[1] or record.text("keyset") in retired
            demand(is_due, "bid.chain", record.where, bid=bid)
            live = None
            continue
        previous = "-" if last is None else last.text("envelope_hash")
        same(record.text("prev"), previous, "bid.chain", record.where)
        demand(last is None or rev > last.number("rev"), "bid.chain", record.where, bid=bid)
        demand(last is None or last.index <= record.index, "bid.chain", record.where, bid=bid)
        same(record.text("org_id"), (last or record).text("org_id"), "bid.chain", record.where)
        live = last = record
    line = lines.get(bid)
    if line is None:
        demand(live is None, "freeze.dropped", live.where if live else "leaves.jsonl", bid=bid)
        return
    demand(live is not None, "freeze.not_live", "leaves.jsonl", bid=bid)
    if live is not None:
        same((live.number("rev"), live.text("envelope_hash")), (line.rev, line.envelope_hash), "freeze.old", live.where)
        for one in bids:
            demand(one.bid != bid or one.org == live.text("org_id"), "list.other_bidder", live.where, bid=bid)


def check_envelopes(check: Check, evidence: Evidence) -> None:
    """V6: each frozen envelope is signed by its bidder, bound to this lot, and its ciphertext is the signed one."""
    frozen = check.attempt(lambda: evidence.frozen)
    tender = check.attempt(lambda: evidence.tender)
    if frozen is None or tender is None:
        return
    if not check.attempt(needs_suite, evidence):
        return
    bidders = {one.bid: one for one in tender.bids}
    for name in evidence.files.names:
        found = _BID_FILE.fullmatch(name)
        if found is not None and found[1] not in bidders:
            check.add(Problem("files.unexpected", name))
    commits: dict[str, str] = {}
    for one in frozen:
        papers = check.attempt(_papers, evidence, one)
        if papers is None:
            continue
        header, manifest = papers
        bidder = bidders.get(one.bid)
        check.attempt(_binding, evidence, one, header, manifest, bidder.bidder if bidder else "")
        if bidder is not None:
            check.attempt(_signature, evidence, one.bid, bidder.signing_key)
        if header.commit_bidder in commits:
            check.add(Problem("bid.copied", f"headers/{one.bid}.json", other=commits[header.commit_bidder]))
        commits[header.commit_bidder] = one.bid
        for part in _parts_here(evidence, one.bid, manifest, tender.tier):
            check.attempt(_ciphertext, evidence, one.bid, part, manifest)


def needs_suite(evidence: Evidence) -> bool:
    """True for the suite this verifier reads; Missing for another, of which nothing can be said here."""
    same(evidence.holders.suite, evidence.tender.suite, "bid.suite", "keyset.json")
    if evidence.tender.suite not in KNOWN_SUITES:
        raise Missing(f"suite {evidence.tender.suite}")
    return True


def _papers(evidence: Evidence, one: Frozen) -> tuple[BidHeader, BidManifest]:
    header, manifest = evidence.header(one.bid), evidence.manifest(one.bid)
    where = f"manifests/{one.bid}.txt"
    same(manifest.envelope_hash, one.envelope_hash, "bid.envelope", where)
    same(manifest.header_hash, header.hh.hex(), "bid.header", where)
    same(manifest.binding_hash, header.b.hex(), "bid.binding", where)
    return header, manifest


def _binding(evidence: Evidence, one: Frozen, header: BidHeader, manifest: BidManifest, bidder: str) -> None:
    where, binding, tender = f"headers/{one.bid}.json", header.binding, evidence.tender
    wanted = {
        "suite": tender.suite,
        "tender": tender.tender,
        "lot": tender.lot_code,
        "bidder": bidder,
        "bid": one.bid,
        "rev": one.rev,
        "prev": manifest.prev,
        "keyset": evidence.holders.hash,
    }
    for name, value in wanted.items():
        same(binding[name], value, "bid.bound", where)
    same(manifest.rev, one.rev, "bid.bound", where)
    same(list(header.parts), list(manifest.parts), "bid.parts", where)
    gate, escrow = len(evidence.holders.gate), len(evidence.holders.escrow)
    shape = (len(header.commit_gate_shares), len(header.wraps_gate), len(header.commit_escrow_shares))
    same((*shape, len(header.wraps_escrow)), (gate, gate, escrow, escrow), "bid.shape", where)
    demand(len(set(header.commit_gate_shares)) == gate and 1 <= len(header.wraps_bidder) <= 3, "bid.shape", where)  # noqa: PLR2004 - as the format page says


def _signature(evidence: Evidence, bid: str, key: bytes) -> None:
    where = f"manifests/{bid}.sig"
    lines = split_lines(read_whole(evidence.files, where, 200), where)
    demand(len(lines) == 1, "format.lines", where)
    suite = evidence.manifest(bid).suite
    is_good = suite.signature_holds(key, unbase64(lines[0], where, 64), evidence.manifest_bytes(bid))
    demand(is_good, "bid.signature", where)


def _parts_here(evidence: Evidence, bid: str, manifest: BidManifest, tier: str) -> Iterator[str]:
    """Parts to compare: the price schedule, in the regulator's tier all; and files of no part, which fail."""
    wanted = set(manifest.parts) if tier == "regulator" else {PRICES}
    for name in evidence.files.names:
        found = _PART_FILE.fullmatch(name)
        if found is not None and found[1] == bid:
            wanted.add(found[2])
    yield from sorted(wanted)


def _ciphertext(evidence: Evidence, bid: str, part: str, manifest: BidManifest) -> None:
    where = f"parts/{bid}/{part}.cob"
    demand(part in manifest.parts, "files.unexpected", where)
    demand(where in evidence.files.names, "files.missing", where)
    size, root = manifest.parts[part]
    same(evidence.files.member(where).size, size, "part.length", where)
    digests = list(segment_digests(manifest.suite, evidence.files.blocks(where)))
    same(part_root(manifest.suite, digests).hex(), root, "part.root", where)
