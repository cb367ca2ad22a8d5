"""A draw from its transcript and its pool (docs/sealed-bid-format.md §11), redone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from foundation.verifier.problems import Problem, demand, same
from foundation.verifier.reading import h, lines_of, sha256, split_lines

MAX_TRANSCRIPT = 4 * 1024 * 1024
_HEAD = (
    re.compile(r"etender-draw/v1"),
    re.compile(r"draw ([A-Za-z0-9._:/-]{1,128})"),
    re.compile(r"rule first ([1-9][0-9]{0,5})"),
    re.compile(r"pool ([1-9][0-9]{0,5}) ([0-9a-f]{64})"),
)
_FIXED = re.compile(r"freeze [0-9a-f]{64}|checkpoint [1-9][0-9]{0,15} [A-Za-z0-9+/]{43}=")
_BEACON = re.compile(r"beacon drand ([0-9a-f]{64}) ([1-9][0-9]{0,15}) ([0-9a-f]{96,192})")
_CONTRIBUTION = re.compile(r"contribution ([A-Za-z0-9._:/-]{1,128}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Draw:
    """A transcript taken apart. ``fixed`` is the freeze or checkpoint line, ``beacon`` (chain, round, signature)."""

    id: str
    first: int
    pool_size: int
    pool_hash: str
    fixed: str
    beacon: tuple[str, int, str] | None
    contributions: dict[str, str]
    seed: str

    def order(self, pool: Sequence[str], where: str) -> list[str]:
        """The pool in the order of its tickets. Problem ``draw.pool`` when it is not the transcript's pool."""
        demand(len(set(pool)) == len(pool) and pool, "draw.pool", where, reason="twice")
        same((len(pool), h(*pool)), (self.pool_size, self.pool_hash), "draw.pool", where)
        return sorted(pool, key=lambda entry: sha256(lines_of("etender-ticket/v1", self.seed, entry)))


def read_draw(raw: bytes, where: str) -> Draw:
    demand(len(raw) <= MAX_TRANSCRIPT, "files.too_large", where)
    lines = split_lines(raw, where)
    heads = [form.fullmatch(line) for form, line in zip(_HEAD, lines, strict=False)]
    if len(heads) < len(_HEAD) or None in heads:
        raise Problem("format.transcript", where)
    _, name, rule, pool = [one.groups() for one in heads if one is not None]
    rest = lines[len(_HEAD) :]
    fixed = rest.pop(0) if rest else ""
    demand(_FIXED.fullmatch(fixed), "format.transcript", where, line=fixed)
    beacon = None
    if rest and (found := _BEACON.fullmatch(rest[0])):
        beacon = (found[1], int(found[2]), found[3])
        rest.pop(0)
    contributions: dict[str, str] = {}
    for line in rest:
        one = _CONTRIBUTION.fullmatch(line)
        if one is None or one[1] in contributions:
            raise Problem("format.transcript", where, line=line)
        contributions[one[1]] = one[2]
    demand(list(contributions) == sorted(contributions), "format.transcript", where, reason="order")
    demand(beacon or contributions, "draw.no_entropy", where)
    demand(int(rule[0]) <= int(pool[0]), "format.transcript", where, reason="rule")
    return Draw(name[0], int(rule[0]), int(pool[0]), pool[1], fixed, beacon, contributions, h(*lines))
