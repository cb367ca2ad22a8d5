"""Who may hold the keys of a lot together (R1.23): pure, over frozen facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, islice, product
from typing import Final

from foundation.errors import Objection
from keyholding.states import GATE_SIDES, Side

GATE_THRESHOLD: Final = 2
CUSTODIANS_MAX: Final = 3
CUSTODIANS_THRESHOLD: Final = 2
CHOICES_TRIED: Final = 500
SEEN_WITHIN: Final = timedelta(seconds=60)
"""An agent that asked for work within this time counts as present (machine clock)."""
TRADING_ROLES: Final = frozenset({"tenderee", "agency", "bidder"})
OPERATING_ROLES: Final = frozenset({"centre_staff", "administrator"})
CLAUSE: Final = "R1.23"


@dataclass(frozen=True, slots=True)
class SeatFacts:
    """What the choice looks at. ``user_id`` None: no single person is named."""

    id: str
    side: Side
    org_id: str
    org_name: str
    holder_name: str
    operator: str
    user_id: str | None = None
    is_enrolled: bool = True


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two chosen seats that are less apart than one would wish; lawful, but everybody shall see it."""

    code: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class SharedHand:
    """Seats that one ``name`` has in hand: ``code`` is "operator" (of their machines) or "employer"."""

    code: str
    name: str
    holders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The holders of one key set in seat order, with everything worth a warning."""

    gate: tuple[SeatFacts, ...]
    custodians: tuple[SeatFacts, ...]
    warnings: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class Choosing:
    """A choice, or why there is none."""

    choice: Choice | None
    objections: tuple[Objection, ...]


def choose(
    seats: Sequence[SeatFacts], *, tenderee_org_id: str, agency_org_id: str | None, custodians: bool
) -> Choosing:
    """Pick one seat a side and, where wanted, the custodians.

    Seats come in the order of their appointment, and the first admissible choice counts, so nobody picks by hand.
    """
    able = [seat for seat in seats if seat.is_enrolled]
    own = [seat for org in (tenderee_org_id, agency_org_id) for seat in able if _stands_for(seat, org)]
    by_side = {side: [seat for seat in able if seat.side is side] for side in GATE_SIDES} | {Side.TENDEREE_SIDE: own}
    empty = tuple(
        Objection("keyholding.side_without_seat", params={"side": side.value}, clause=CLAUSE)
        for side in GATE_SIDES
        if not by_side[side]
    )
    if empty:
        return Choosing(None, empty)
    first_fault: tuple[Objection, ...] = ()
    for gate in islice(product(*(by_side[side] for side in GATE_SIDES)), CHOICES_TRIED):
        faults = objections_to_group(gate, GATE_THRESHOLD)
        if not faults:
            return _with_custodians(gate, able, {tenderee_org_id, agency_org_id or ""}, wanted=custodians)
        first_fault = first_fault or faults
    return Choosing(None, first_fault)


def _stands_for(seat: SeatFacts, org_id: str | None) -> bool:
    return seat.side is Side.TENDEREE_SIDE and seat.org_id == org_id


def _with_custodians(
    gate: tuple[SeatFacts, ...], able: Sequence[SeatFacts], parties: set[str], *, wanted: bool
) -> Choosing:
    if not wanted:
        return Choosing(Choice(gate, (), warnings_of(gate, (), parties)), ())
    chosen: list[SeatFacts] = []
    for seat in (seat for seat in able if seat.side is Side.CUSTODIAN):
        is_apart = not objections_to_group((*chosen, seat), CUSTODIANS_THRESHOLD)
        if is_apart and not _same_person((*gate, *chosen, seat)) and len(chosen) < CUSTODIANS_MAX:
            chosen.append(seat)
    if len(chosen) < CUSTODIANS_THRESHOLD:
        wants = {"found": len(chosen), "limit": CUSTODIANS_THRESHOLD}
        return Choosing(None, (Objection("keyholding.too_few_custodians", params=wants, clause=CLAUSE),))
    return Choosing(Choice(gate, tuple(chosen), warnings_of(gate, chosen, parties)), ())


def objections_to_group(seats: Sequence[SeatFacts], threshold: int) -> tuple[Objection, ...]:
    """What forbids these seats to hold together: enough of them to act alone would be in one hand."""
    found: list[Objection] = []
    rules: tuple[tuple[str, Callable[[SeatFacts], str]], ...] = (
        ("keyholding.seats_share_side", lambda seat: "" if seat.side is Side.CUSTODIAN else seat.side.value),
        ("keyholding.seats_share_employer", lambda seat: seat.org_id),
        ("keyholding.seats_share_operator", lambda seat: _plain(seat.operator)),
    )
    for code, hand in rules:
        for group in _grouped(seats, hand):
            if len(group) >= threshold:
                names = [seat.holder_name for seat in group]
                found.append(Objection(code, params={"holders": names}, clause=CLAUSE))
    for one, other in _same_person(seats):
        found.append(
            Objection("keyholding.seats_share_person", params={"holders": [one.holder_name, other.holder_name]})
        )
    return tuple(found)


def warnings_of(
    gate: Sequence[SeatFacts], custodians: Sequence[SeatFacts], parties: Iterable[str]
) -> tuple[Overlap, ...]:
    """Lawful overlaps between gate holders and custodians, and custodians that are a party to the tender."""
    found = [
        Overlap(code, one.holder_name, other.holder_name)
        for one in gate
        for other in custodians
        for code, is_shared in (
            ("overlap_employer", one.org_id == other.org_id),
            ("overlap_operator", _plain(one.operator) == _plain(other.operator)),
        )
        if is_shared
    ]
    found += [Overlap("custodian_is_party", seat.holder_name, "") for seat in custodians if seat.org_id in set(parties)]
    threshold = CUSTODIANS_THRESHOLD if custodians else 0
    return (*found, *policy_warnings(GATE_THRESHOLD, len(gate), threshold, len(custodians)))


def policy_warnings(t: int, m: int, k: int, n: int) -> tuple[Overlap, ...]:
    """Thresholds that are lawful and weak: one lost key, or one dishonest custodian, would be enough for harm."""
    found = []
    if m == t:
        found.append(Overlap("gate_without_spare", "", ""))
    if n == 0:
        found.append(Overlap("no_custodians", "", ""))
    elif k == 1:
        found.append(Overlap("one_custodian_opens", "", ""))
    elif k == n:
        found.append(Overlap("reserve_without_spare", "", ""))
    return tuple(found)


def hands_among(seats: Sequence[SeatFacts]) -> tuple[SharedHand, ...]:
    """Standing seats under one employer or operator, a group each: the desk that appoints sees them early."""
    hands: tuple[tuple[str, Callable[[SeatFacts], str], Callable[[SeatFacts], str]], ...] = (
        ("operator", lambda seat: _plain(seat.operator), lambda seat: seat.operator),
        ("employer", lambda seat: seat.org_id, lambda seat: seat.org_name),
    )
    return tuple(
        SharedHand(code, name(group[0]), tuple(seat.holder_name for seat in group))
        for code, hand, name in hands
        for group in _grouped(seats, hand)
        if len(group) > 1
    )


def objections_to_seat(side: Side, org_roles: Iterable[str]) -> tuple[Objection, ...]:
    """What forbids an organisation to fill a seat of this side."""
    roles = set(org_roles)
    if roles & OPERATING_ROLES:
        return (Objection("keyholding.platform_holds_no_key", "org_id", clause=CLAUSE),)
    if side is Side.TENDEREE_SIDE and not roles & {"tenderee", "agency"}:
        return (Objection("keyholding.not_of_tenderee_side", "org_id", clause=CLAUSE),)
    if side is not Side.TENDEREE_SIDE and roles & TRADING_ROLES:
        return (Objection("keyholding.trader_holds_no_neutral_seat", "org_id", clause=CLAUSE),)
    return ()


def is_present(last_seen_at: datetime | None, machine: datetime) -> bool:
    """Whether the agent asked for work a short while ago."""
    return last_seen_at is not None and machine - last_seen_at <= SEEN_WITHIN


def _plain(operator: str) -> str:
    return "".join(operator.split()).casefold()


def _grouped(seats: Sequence[SeatFacts], hand: Callable[[SeatFacts], str]) -> list[list[SeatFacts]]:
    groups: defaultdict[str, list[SeatFacts]] = defaultdict(list)
    for seat in seats:
        if hand(seat):
            groups[hand(seat)].append(seat)
    return list(groups.values())


def _same_person(seats: Sequence[SeatFacts]) -> list[tuple[SeatFacts, SeatFacts]]:
    return [
        (one, other)
        for one, other in combinations(seats, 2)
        if one.user_id is not None and one.user_id == other.user_id
    ]
