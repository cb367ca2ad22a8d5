"""V11 and V12: nothing happened before what it had to wait for; and what is weak although it is lawful."""

from __future__ import annotations

from foundation.verifier.checks_bids import needs_suite
from foundation.verifier.evidence import Evidence, Leaf
from foundation.verifier.problems import Check, Problem, demand, same
from foundation.verifier.signed import TreeHead

ORDER = (
    ("tendering.lot_published",),
    ("tendering.bids_closed",),
    ("bid_opening.bids_frozen",),
    ("bid_opening.list_published",),
    ("bid_opening.window_opened",),
    ("bid_opening.share_released", "bid_opening.escrow_opened"),
    ("bid_opening.window_closed",),
    ("keyholding.gate_key_released",),
    ("bid_opening.gate_released",),
    ("bid_opening.coefficient_drawn", "bid_opening.nothing_drawn"),
    ("bid_opening.price_decrypted", "bid_opening.bid_unreadable"),
    ("bid_opening.line_read",),
    ("bid_opening.closed",),
    ("bid_opening.record_issued",),
)
"""Groups of event types; every leaf of a group stands before every leaf of the groups that follow."""
OPTIONAL = {"bid_opening.line_read"}
EARLY_KEYS = {"keyholding.gate_key_released"}


def check_order(check: Check, evidence: Evidence) -> None:
    """V11: freeze before window, window before gate keys, keys before draws, draws before prices; by place in the log.

    The freeze and the closing of the window were cosigned before what follows them was even logged.
    """
    last: Leaf | None = None
    for types in ORDER:
        group = evidence.of(*types)
        if not group:
            if not OPTIONAL & set(types):
                check.add(Problem("leaf.missing", "leaves.jsonl", type=types[0]))
            continue
        first = min(group, key=lambda leaf: leaf.index)
        if last is not None:
            check.attempt(_after, last, first)
        last = max(group, key=lambda leaf: leaf.index) if types[0] not in EARLY_KEYS else first
    check.attempt(_enough_keys_before, evidence)
    check.attempt(_enough_bids, evidence)
    check.attempt(_beacon_between, evidence)
    check.attempt(_cosigned_between, evidence, "bid_opening.bids_frozen", "bid_opening.window_opened")
    check.attempt(_cosigned_between, evidence, "bid_opening.window_closed", "keyholding.gate_key_released")
    check.attempt(_nothing_after_failure, evidence)


def _after(before: Leaf, after: Leaf) -> None:
    demand(before.index < after.index, "order.wrong", after.where, before=before.type, after=after.type)


def _enough_keys_before(evidence: Evidence) -> None:
    released = evidence.of("bid_opening.gate_released")
    if released:
        early = [leaf for leaf in evidence.of(*EARLY_KEYS) if leaf.index < released[0].index]
        enough = len(early) >= evidence.holders.gate_threshold
        demand(enough, "order.wrong", released[0].where, keys=len(early))


def _enough_bids(evidence: Evidence) -> None:
    """As many bids frozen, and as many released or escrowed, as the notice asks for: else no gate key may follow."""
    published, closed = evidence.one("tendering.lot_published"), evidence.one("bid_opening.window_closed")
    least, needed = _number_or_0(published, "min_bidders"), _number_or_0(published, "min_decrypted")
    demand(len(evidence.frozen) >= least, "order.too_few", closed.where, frozen=len(evidence.frozen), minimum=least)
    same(_number_or_0(closed, "minimum"), needed, "order.minimum", closed.where)
    readable = len({*closed.texts("released"), *closed.texts("escrowed")})
    demand(readable >= needed, "order.too_few", closed.where, readable=readable, minimum=needed)


def _number_or_0(leaf: Leaf, key: str) -> int:
    """A number of an entry, 0 where an older one does not have it."""
    return leaf.number(key) if key in leaf.data else 0


def _beacon_between(evidence: Evidence) -> None:
    """A beacon's value is put on record after the list is frozen, and before anything is drawn with it."""
    told = evidence.of("bid_opening.beacon_received")
    frozen, drawn = evidence.of("bid_opening.bids_frozen"), evidence.of("bid_opening.coefficient_drawn")
    for one in told:
        demand(
            all(leaf.index < one.index for leaf in frozen), "order.wrong", one.where, before="bid_opening.bids_frozen"
        )
        demand(
            all(one.index < leaf.index for leaf in drawn),
            "order.wrong",
            one.where,
            after="bid_opening.coefficient_drawn",
        )


def _cosigned_between(evidence: Evidence, first: str, then: str) -> None:
    """A checkpoint that covers ``first`` and not yet ``then``: whoever released ``then`` could see the proof."""
    firsts, thens = evidence.of(first), evidence.of(then)
    if not firsts or not thens:
        return
    low, high = firsts[-1].index, min(leaf.index for leaf in thens)
    is_there = any(low < head.size <= high for head in evidence.heads)
    demand(is_there, "order.not_cosigned", thens[0].where, before=first, after=then)


def _nothing_after_failure(evidence: Evidence) -> None:
    for leaf in evidence.of("bid_opening.failed", "bid_opening.aborted"):
        raise Problem("order.failed", leaf.where, type=leaf.type)


def check_weaknesses(check: Check, evidence: Evidence) -> None:
    """V12: warnings only: one person in two roles, a key used twice, a policy that asks for little."""
    check.attempt(_policy_weaknesses, check, evidence)
    check.attempt(_keyset_weaknesses, check, evidence)
    check.attempt(_bid_weaknesses, check, evidence)
    if evidence.tender.is_demo:
        check.warn("time.demo", "tender.json")


def _policy_weaknesses(check: Check, evidence: Evidence) -> None:
    trust, where = evidence.trust, "policy.txt"
    if trust.quorum == "none":
        check.warn("policy.no_quorum", where)
    own = {key.raw for key in trust.logs}
    for name, key in trust.cosigners.items():
        if key.raw in own:
            check.warn("policy.log_cosigns_itself", where, cosigner=name)
    heads: list[TreeHead] = evidence.heads
    if trust.quorum != "none" and heads and len(heads[-1].cosigners) == 1:
        check.warn("policy.one_cosigner", where, cosigner=heads[-1].cosigners[0])


def _keyset_weaknesses(check: Check, evidence: Evidence) -> None:
    holders, where = evidence.holders, "keyset.json"
    sides = [one.side for one in holders.gate]
    for side in sorted({one for one in sides if sides.count(one) > 1}):
        check.warn("keyset.side_twice", where, side=side)
    if not holders.escrow:
        check.warn("keyset.no_custodians", where)
    points = {one.point: one.id for one in (*holders.gate, *holders.escrow)}
    for one in evidence.tender.bids:
        if one.signing_key in points:
            check.warn("keyset.bidder_holds", where, bid=one.bid, holder=points[one.signing_key])


def _bid_weaknesses(check: Check, evidence: Evidence) -> None:
    needs_suite(evidence)
    signers: dict[bytes, str] = {}
    wraps: dict[bytes, str] = {}
    for one in evidence.tender.bids:
        if one.signing_key in signers:
            check.warn("bid.same_signer", "tender.json", bid=one.bid, other=signers[one.signing_key])
        signers[one.signing_key] = one.bid
        header = evidence.header(one.bid)
        for wrapped in (*header.wraps_bidder, *header.wraps_gate, *header.wraps_escrow):
            sender = wrapped[:65]
            if sender in wraps:
                check.warn("bid.same_ephemeral", f"headers/{one.bid}.json", other=wraps[sender])
            wraps[sender] = one.bid
