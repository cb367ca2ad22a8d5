"""V10: every draw is redone: coefficients from the opening, experts of the committee."""

from __future__ import annotations

import re

from foundation.verifier.beacons import beacon_time, check_beacon
from foundation.verifier.checks_bids import deadline_of, needs_suite
from foundation.verifier.container import read_whole
from foundation.verifier.evidence import Evidence, Leaf
from foundation.verifier.problems import Check, Problem, demand, same
from foundation.verifier.reading import h, keys_exactly, list_in, number_in, read_canonical, split_lines, text_in
from foundation.verifier.transcripts import MAX_TRANSCRIPT, Draw, read_draw

COEFFICIENT = "bid_opening.coefficient_drawn"
BEACON, BEACONS = "quicknet", "beacons.json"
POOL, DRAWN = "evaluation.expert_pool_fixed", "evaluation.committee_drawn"
CONTRIBUTION = "evaluation.contribution_committed"
_DRAW_FILE = re.compile(r"draws/(.+)\.(txt|pool)")


def check_draws(check: Check, evidence: Evidence) -> None:
    """V10: the transcripts are the logged ones, their entropy was fixed before, and they give what was announced."""
    coefficients = evidence.of(COEFFICIENT)
    nothing = evidence.of("bid_opening.nothing_drawn")
    check.attempt(
        lambda: demand(len(coefficients) + len(nothing) > 0, "leaf.missing", "leaves.jsonl", type=COEFFICIENT)
    )
    check.attempt(lambda: demand(not (coefficients and nothing) and len(nothing) <= 1, "draw.twice", "leaves.jsonl"))
    drawn: set[str] = set()
    for leaf in coefficients:
        name = check.attempt(leaf.text, "name") or ""
        if name in drawn:
            check.add(Problem("draw.twice", leaf.where, name=name))
        drawn.add(name)
        check.attempt(_coefficient, evidence, leaf, name)
    files = set(drawn)
    for number, leaf in enumerate(evidence.of(POOL), 1):
        made = check.attempt(_committee, evidence, leaf, number)
        if made:
            files.add(f"committee-{number}")
    check.attempt(_members, evidence)
    check.attempt(lambda: same(len(evidence.of(DRAWN)), len(files - drawn), "draw.twice", "leaves.jsonl"))
    present = {found[1] for name in evidence.files.names if (found := _DRAW_FILE.fullmatch(name))}
    check.attempt(lambda: same(sorted(present), sorted(files), "draw.files", "draws"))
    is_told = bool(evidence.of("bid_opening.beacon_received"))
    check.attempt(lambda: same(BEACONS in evidence.files.names, is_told, "draw.files", BEACONS))


def _read(evidence: Evidence, name: str) -> tuple[Draw, list[str], str]:
    where = f"draws/{name}.txt"
    raw = read_whole(evidence.files, where, MAX_TRANSCRIPT)
    pool = split_lines(read_whole(evidence.files, f"draws/{name}.pool", MAX_TRANSCRIPT), f"draws/{name}.pool")
    return read_draw(raw, where), pool, raw.decode()


def _coefficient(evidence: Evidence, leaf: Leaf, name: str) -> None:
    needs_suite(evidence)
    draw, pool, text = _read(evidence, name)
    where = f"draws/{name}.txt"
    same(text, leaf.text("transcript"), "draw.transcript", where)
    same(pool, leaf.texts("pool"), "draw.pool", where)
    same(draw.seed, leaf.text("seed"), "draw.seed", where)
    same(draw.id, f"{evidence.tender.tender}/{evidence.tender.lot_code}/{name}", "draw.id", where)
    same(draw.first, 1, "draw.rule", where)
    same(draw.fixed, f"freeze {h(*sorted(one.line for one in evidence.frozen))}", "draw.freeze", where)
    wanted = {}
    for one in evidence.frozen:
        secret = evidence.r_gates.get(one.bid)
        wanted[one.bid] = secret.hex() if secret is not None else evidence.header(one.bid).commit_gate
    same(draw.contributions, dict(sorted(wanted.items())), "draw.contributions", where)
    same(draw.order(pool, where)[0], leaf.text("value"), "draw.result", leaf.where)
    _announced_beacon(evidence, draw, where)


def _announced_beacon(evidence: Evidence, draw: Draw, where: str) -> None:
    """With the beacon the notice announced, of the round the deadline gives; without one where it announced none."""
    announced = evidence.one("tendering.lot_published").data.get("beacon", "")
    if announced == "":
        demand(draw.beacon is None, "draw.beacon", where, reason="not_announced")
        return
    same(announced, BEACON, "draw.beacon", where)
    demand(draw.beacon is not None, "draw.beacon", where, reason="missing")
    if draw.beacon is None:
        return
    told = evidence.one("bid_opening.beacon_received")
    same((told.text("chain"), told.number("round"), told.text("value")), draw.beacon, "draw.beacon", told.where)
    same(_beacons_file(evidence), [draw.beacon], "draw.beacon", BEACONS)
    head = evidence.covering(evidence.one("bid_opening.bids_frozen").index)
    if head is not None and head.at is not None and not evidence.tender.is_demo:
        # Whoever knew the value before the list stood could have chosen the list.
        demand(head.at < beacon_time(draw.beacon[1]), "draw.beacon", where, reason="known", cosigned_at=head.at)
    check_beacon(draw.beacon, deadline_of(evidence), where)


def _beacons_file(evidence: Evidence) -> list[tuple[str, int, str]]:
    found = []
    for row in list_in(read_canonical(read_whole(evidence.files, BEACONS, 65_536), BEACONS), "beacons", BEACONS):
        keys_exactly(row, {"chain", "round", "signature"}, BEACONS)
        found.append(
            (text_in(row, "chain", BEACONS), number_in(row, "round", BEACONS), text_in(row, "signature", BEACONS))
        )
    return found


def _beacon(evidence: Evidence, draw: Draw, where: str) -> None:
    if draw.beacon is not None:
        check_beacon(draw.beacon, deadline_of(evidence), where)


def _committee(evidence: Evidence, pool: Leaf, number: int) -> bool:
    """One draw of experts. False where the pool is fixed and the draw is still to come."""
    draw_id = pool.text("draw")
    same(draw_id, f"{evidence.tender.tender}/{evidence.tender.lot_code}/committee/{number}", "draw.id", pool.where)
    made = [leaf for leaf in evidence.of(DRAWN) if leaf.text("draw") == draw_id]
    if not made:
        return False
    demand(len(made) == 1, "draw.twice", made[-1].where, draw=draw_id)
    if number > 1:
        spent = [leaf for leaf in evidence.of("evaluation.draw_exhausted") if leaf.index < pool.index]
        demand(len(spent) >= number - 1, "draw.redrawn", pool.where, draw=draw_id)
    name = f"committee-{number}"
    draw, entries, text = _read(evidence, name)
    where = f"draws/{name}.txt"
    same(text, made[0].text("transcript"), "draw.transcript", where)
    same(draw.seed, made[0].text("seed"), "draw.seed", where)
    same((draw.id, draw.first), (draw_id, pool.number("seats")), "draw.rule", where)
    same(entries, pool.texts("pool"), "draw.pool", where)
    same(draw.pool_hash, pool.text("pool_hash"), "draw.pool", where)
    last = _commitments(evidence, pool, draw, draw_id, where)
    _checkpoint(evidence, draw, last, made[0], where)
    _beacon(evidence, draw, where)
    _tickets(evidence, draw.order(entries, where), draw_id)
    return True


def _commitments(evidence: Evidence, pool: Leaf, draw: Draw, draw_id: str, where: str) -> int:
    """Every contribution is the one committed to; returns the leaf of the last commitment."""
    committed, last = {"centre": pool.text("commitment")}, pool.index
    for leaf in evidence.of(CONTRIBUTION):
        if leaf.text("draw") == draw_id:
            demand(leaf.text("contributor") not in committed, "draw.contributions", leaf.where)
            committed[leaf.text("contributor")] = leaf.text("commitment")
            last = max(last, leaf.index)
    opened = {name: h("etender-contribution-commitment/v1", value) for name, value in draw.contributions.items()}
    same(opened, dict(sorted(committed.items())), "draw.contributions", where)
    demand(len(opened) >= 3, "draw.contributions", where, found=len(opened))  # noqa: PLR2004 - as the format page says
    return last


def _checkpoint(evidence: Evidence, draw: Draw, last: int, made: Leaf, where: str) -> None:
    """The tree that lent its root is the first one over the last commitment, and older than the draw."""
    import base64

    head = evidence.covering(last)
    demand(head is not None and head.size <= made.index, "draw.checkpoint", where)
    if head is not None:
        root = base64.b64encode(head.root).decode()
        same(draw.fixed, f"checkpoint {head.size} {root}", "draw.checkpoint", where)


def _tickets(evidence: Evidence, order: list[str], draw_id: str) -> None:
    """Experts were asked, or passed over, in the order of the tickets and in no other."""
    told = evidence.of("evaluation.seat_offered", "evaluation.ticket_passed")
    asked = [leaf.text("blinded") for leaf in told if leaf.text("draw") == draw_id]
    same(asked, order[: len(asked)], "draw.result", "leaves.jsonl")


def _members(evidence: Evidence) -> None:
    """Names published with the award are those behind the blinded ids that took their seats."""
    for leaf in evidence.of("evaluation.award_decided"):
        salt = leaf.text("salt")
        taken = {one.text("blinded") for one in evidence.of("evaluation.seat_taken")}
        for member in leaf.objects("members"):
            keys_exactly(member, {"blinded", "expert", "name"}, leaf.where)
            blinded = text_in(member, "blinded", leaf.where)
            same(
                h("etender-expert/v1", salt, text_in(member, "expert", leaf.where)), blinded, "draw.member", leaf.where
            )
            demand(blinded in taken, "draw.member", leaf.where)
