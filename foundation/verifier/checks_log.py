"""V0 to V3: the files, the signatures, the growth of the log, and every entry within it."""

from __future__ import annotations

import re
from itertools import pairwise

from foundation.verifier.container import BLOCK, check_sums, read_whole
from foundation.verifier.evidence import MAX_LEAVES, Evidence, Leaf, problem_of_leaf, read_leaf
from foundation.verifier.merkle import ProvenTree, check_consistency
from foundation.verifier.problems import Check, Problem, demand, same
from foundation.verifier.reading import keys_exactly, number_in, read_canonical, text_in, texts_in, unbase64
from foundation.verifier.signed import TreeHead, read_head
from foundation.verifier.stamps import STAMP_FILE

NEWEST = "log/checkpoint"
EARLIER = "log/checkpoints.jsonl"
SEALED, WITHDRAWN = "tendering.bid_sealed", "tendering.bid_withdrawn"
VOIDED = "tendering.bid_voided"
_CHECKPOINT_LINE = re.compile(r"^checkpoint ([0-9]{1,16}) ", re.MULTILINE)
DRAWN_COMMITTEE = "evaluation.committee_drawn"


def check_files(check: Check, evidence: Evidence) -> None:
    """V0: the files are those the list of digests names, byte for byte; nothing is missing, nothing was added."""
    check.compared += check.attempt(check_sums, evidence.files) or 0
    tender = check.attempt(lambda: evidence.tender)
    if tender is not None and tender.tier == "public" and "r-bid.jsonl" in evidence.files.names:
        check.add(Problem("tier.secret", "r-bid.jsonl"))


def check_signatures(check: Check, evidence: Evidence) -> list[tuple[TreeHead | None, list[bytes], str]]:
    """V1: every checkpoint was signed by the log and cosigned by a quorum of distinct keys.

    Returns the checkpoints in order (None for one that is not accepted), each with its proof to the next.
    """
    if evidence.pinned_policy is not None:
        pinned = evidence.pinned_policy
        check.attempt(lambda: demand(evidence.own_policy == pinned, "policy.differs", "policy.txt"))
    else:
        check.note("policy.not_pinned", "policy.txt")
    if check.attempt(lambda: evidence.trust) is None:
        return []
    found: list[tuple[TreeHead | None, list[bytes], str]] = []
    try:
        for where, raw in evidence.json_lines(EARLIER):
            line = check.attempt(_checkpoint_line, raw, where)
            note, proof = line if line is not None else (b"", [])
            found.append((check.attempt(_head, evidence, note, where) if line is not None else None, proof, where))
    except Problem as problem:
        check.add(problem)
    newest = check.attempt(lambda: _head(evidence, read_whole(evidence.files, NEWEST, BLOCK), NEWEST))
    found.append((newest, [], NEWEST))
    evidence.heads = [head for head, _, _ in found if head is not None]
    return found


def _checkpoint_line(raw: bytes, where: str) -> tuple[bytes, list[bytes]]:
    value = keys_exactly(read_canonical(raw, where), {"size", "note", "consistency"}, where)
    note = text_in(value, "note", where)
    same(note.split("\n")[1:2], [str(number_in(value, "size", where))], "log.size", where)
    return note.encode(), [unbase64(one, where, 32) for one in texts_in(value, "consistency", where)]


def _head(evidence: Evidence, note: bytes, where: str) -> TreeHead:
    head = read_head(note, evidence.trust, evidence.now, where)
    same(head.origin, evidence.tender.origin, "log.origin", where)
    evidence.notes[head.size] = note
    return head


def check_growth(check: Check, found: list[tuple[TreeHead | None, list[bytes], str]]) -> None:
    """V2: each checkpoint continues the one before it; the log was never forked or put back."""
    check.attempt(lambda: demand(found, "log.no_head", NEWEST))
    for (old, proof, where), (new, _, _) in pairwise(found):
        if old is not None and new is not None:
            check.attempt(check_consistency, old.size, new.size, old.root, new.root, proof, where)


def check_entries(check: Check, evidence: Evidence, newest: TreeHead | None) -> None:
    """V3: every entry is in the log and says what it is claimed to say; no number of a public stream is left out."""
    if newest is None:
        check.add(Problem("log.no_head", NEWEST))
        return
    tree = ProvenTree(newest.size, newest.root)
    leaves: list[Leaf] = []
    try:
        for where, raw in evidence.json_lines("leaves.jsonl"):
            demand(len(leaves) < MAX_LEAVES, "files.too_large", where, limit=MAX_LEAVES)
            leaf = check.attempt(read_leaf, raw, tree, where)
            if leaf is not None:
                leaves.append(leaf)
    except Problem as problem:
        check.add(problem)
    seen: set[bytes] = set()
    places: set[tuple[int, int]] = set()
    last = (-1, -1)
    for leaf in leaves:
        place = (leaf.index, leaf.slot)
        is_new = leaf.digest not in seen and place not in places
        seen.add(leaf.digest)
        places.add(place)
        if not is_new:
            check.add(problem_of_leaf(leaf, "leaf.twice", type=leaf.type))
            continue
        if place < last:
            check.add(problem_of_leaf(leaf, "leaf.order"))
        last = place
        if check.attempt(_belongs, leaf, evidence):
            evidence.add(leaf)
    check.attempt(_streams, evidence)
    check.attempt(_needed, evidence)


def _belongs(leaf: Leaf, evidence: Evidence) -> bool:
    tender = evidence.tender
    if leaf.kind == "record":
        demand(leaf.type in {SEALED, WITHDRAWN, VOIDED}, "leaf.kind", leaf.where, type=leaf.type)
        same(leaf.stream, f"bid:{tender.lot}:{leaf.text('org_id')}", "leaf.other_lot", leaf.where)
    else:
        demand(leaf.stream in tender.streams, "leaf.other_stream", leaf.where, stream=leaf.stream)
    if leaf.kind != "closed":
        same(leaf.text("lot"), tender.lot, "leaf.other_lot", leaf.where)
    return True


def _streams(evidence: Evidence) -> None:
    """Each stream from its first number to the stated last one; public entries in the order of their numbers."""
    tender = evidence.tender
    own = {f"lot:{tender.lot}", f"room:{tender.lot}"}
    others = [name for name in tender.streams if name not in own]
    is_whole = own <= set(tender.streams) and others and all(name.startswith("keyset:") for name in others)
    demand(is_whole, "tender.streams", "tender.json")
    for stream, count in sorted(tender.streams.items()):
        within = [leaf for leaf in evidence.leaves if leaf.stream == stream]
        numbers = sorted(leaf.seq for leaf in within)
        missing = sorted(set(range(1, count + 1)) - set(numbers))
        if numbers != list(range(1, count + 1)):
            raise Problem("leaf.stream", stream, missing=missing[:10], count=count)
        public = [leaf.seq for leaf in within if leaf.kind == "public"]
        demand(public == sorted(public), "leaf.order", stream)


def _needed(evidence: Evidence) -> None:
    """A checkpoint stands in the bundle because it was the first over some entry, or because an entry names it."""
    wanted = {leaf_head.size for leaf in evidence.leaves if (leaf_head := evidence.covering(leaf.index))}
    for leaf in evidence.of("bid_opening.bids_frozen"):
        wanted.add(leaf.number("tree_size"))
    for leaf in evidence.of(DRAWN_COMMITTEE):
        wanted |= {int(size) for size in _CHECKPOINT_LINE.findall(leaf.text("transcript"))}
    wanted |= {int(found[1]) for name in evidence.files.names if (found := STAMP_FILE.fullmatch(name))}
    for head in evidence.heads[:-1]:
        demand(head.size in wanted, "log.unneeded", EARLIER, size=head.size)
    if evidence.heads and evidence.leaves:
        demand(evidence.heads[-1].size in wanted, "log.unneeded", NEWEST, size=evidence.heads[-1].size)
