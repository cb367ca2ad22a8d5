"""What the platform does by itself, as soon as it may: freeze, end and close the window, ask for keys, go on.

A look reads without the write lock and does what is slow (shares, curves) there; only when something is due does it
open a writing Unit, in which the rules decide again on the locked state. Killed on any line, the next look goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from sqlalchemy import select

from bid_opening import outages, rules
from bid_opening.ceremony import RoomState
from bid_opening.models import CheckIn, GateHalf, OpeningRoom, ReleasedShare
from bid_opening.services import holders, rooms
from bid_opening.states import Phase
from foundation.actor import Actor, system
from foundation.clock import machine_now
from foundation.errors import CentreError, Conflict
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.publication import proofs
from foundation.store.unit import Unit, Units
from keyholding import facade as keyholding
from tendering import facade as tendering

log = structlog.get_logger("bid_opening")
PLATFORM: Final[Actor] = system("worker")
IN_MOTION: Final = (
    Phase.INTAKE_CLOSED,
    Phase.LIST_PUBLISHED,
    Phase.DECRYPTING,
    Phase.WINDOW_CLOSED,
    Phase.GATE_RELEASED,
    Phase.SUSPENDED,
    Phase.QUERY,
    Phase.CONFIRMING,
)
NOT_COSIGNED: Final = "not_cosigned"
BEACON_MISSING: Final = "beacon_missing"
Work = Callable[[Unit], None]
Rule = Callable[[RoomState, datetime], tuple[Event, ...]]


def look(units: Units) -> None:
    """One look-round over all rooms in motion."""
    with units.read(PLATFORM) as unit:
        lots = rooms.rooms_in(unit, *IN_MOTION)
    for lot_id in lots:
        try:
            step(units, lot_id)
        except CentreError as error:
            # One room's trouble must not hold up the others; it shows in the log until it is mended.
            log.exception("room_step_failed", lot=lot_id, code=error.code)


def step(units: Units, lot_id: str) -> bool:
    """Do what is due in one room; True when something was."""
    with units.read(PLATFORM) as unit:
        work = _due(unit, rooms.state_of(unit, lot_id))
    if work is None:
        return False
    try:
        with units.begin(PLATFORM) as unit:
            work(unit)
    except Conflict as refusal:
        # Somebody acted between the look and the lock; the next look decides anew.
        log.info("room_step_overtaken", lot=lot_id, code=refusal.code)
        return False
    return True


def _due(unit: Unit, state: RoomState) -> Work | None:
    match state.phase:
        case Phase.INTAKE_CLOSED:
            return _freeze_due(unit, state)
        case Phase.LIST_PUBLISHED:
            return _frozen_list_due(unit, state)
        case Phase.DECRYPTING:
            if _stood_still(unit, state):
                return None  # the look at the platform's health stops the clock first: nobody's time is over yet
            return _outage_due(unit, state) or _escrow_due(unit, state) or _window_due(unit, state)
        case Phase.WINDOW_CLOSED:
            return _gate_due(unit, state)
        case Phase.GATE_RELEASED if rules.beacon_is_overdue(state, unit.at):
            return partial(_suspend, lot_id=state.lot, phase=Phase.GATE_RELEASED, why=BEACON_MISSING)
        case Phase.SUSPENDED:
            return _reconvening_due(unit, state)
        case Phase.QUERY | Phase.CONFIRMING:
            return _end_of_query_due(unit, state)
        case _:
            return None


# Freeze -----------------------------------------------------------------------------------------------------------


def _freeze_due(unit: Unit, state: RoomState) -> Work | None:
    """Once every live bid is in a cosigned log (docs/threat-model.md §3)."""
    bids = tendering.live_bids(unit, state.lot)
    if all(proofs.is_cosigned(unit, bid.entry_id) for bid in bids):
        return partial(freeze, lot_id=state.lot)
    if rules.delay_freeze(state, unit.at, "log"):
        return partial(_decide, lot_id=state.lot, rule=partial(rules.delay_freeze, waiting="log"))
    return None


def freeze(unit: Unit, lot_id: str) -> None:
    """Fix the list: live bids by ``bid``, with their places in the log; seats in the same order."""
    state = rooms.locked(unit, lot_id)
    bids = tendering.live_bids(unit, lot_id)
    present = set(unit.session.scalars(select(CheckIn.org_id).where(CheckIn.lot_id == lot_id)))
    frozen, listed = [], []
    for number, bid in enumerate(sorted(bids, key=lambda one: one.bid), start=1):
        leaf = proofs.leaf_index_of(unit, bid.entry_id)
        if leaf is None or not proofs.is_cosigned(unit, bid.entry_id):
            return
        frozen.append(e.FrozenBid(bid.bid, bid.rev, leaf, bid.envelope_hash))
        listed.append(
            e.ListedBidder(number, bid.org_id, bid.org_name, bid.uscc, bid.bid, is_checked_in=bid.org_id in present)
        )
    head = proofs.log_head(unit)
    # Receivers may decide on what they stamped before the deadline; where that alone took the grace, it is told.
    late = rules.delay_freeze(state, unit.at, "receivers")
    rooms.apply(unit, lot_id, (*late, *rules.freeze(state, frozen, listed, head.size if head else 0)))


def _frozen_list_due(unit: Unit, state: RoomState) -> Work | None:
    """The frozen list itself has to be in the cosigned log within the published grace."""
    if unit.session.get_one(OpeningRoom, state.lot).frozen_in_log_at is not None:
        return None
    entry_id = rooms.entry_id_of(unit, state.lot, e.BidsFrozen)
    if entry_id is not None and proofs.is_cosigned(unit, entry_id):
        return partial(_note_frozen_list, lot_id=state.lot)
    if rules.delay_freeze(state, unit.at, "cosigner"):
        return partial(_decide, lot_id=state.lot, rule=partial(rules.delay_freeze, waiting="cosigner"))
    return None


def _note_frozen_list(unit: Unit, lot_id: str) -> None:
    state = rooms.locked(unit, lot_id)
    rules.require_phase(state, Phase.LIST_PUBLISHED)
    rooms.apply(unit, lot_id, freeze_in_log(unit, state))


def freeze_in_log(unit: Unit, state: RoomState) -> tuple[Event, ...]:
    """Note when the frozen list was first seen in the cosigned log; says so where that was later than published."""
    row = unit.session.get_one(OpeningRoom, state.lot)
    if row.frozen_in_log_at is not None:
        return ()
    row.frozen_in_log_at = unit.at
    unit.session.flush()
    return rules.delay_freeze(state, unit.at, "cosigner")


# Window and escrow ------------------------------------------------------------------------------------------------


def _stood_still(unit: Unit, state: RoomState) -> bool:
    row = unit.session.get_one(OpeningRoom, state.lot)
    is_gap = outages.stood_still((row.looked_at, row.looked_machine_at), unit.at, machine_now())
    return is_gap and state.window_ended_at is None


def _outage_due(unit: Unit, state: RoomState) -> Work | None:
    """The clock stops by itself while the platform does not work, or many bidders fail together (R3.32)."""
    if outages.outage(state, unit.at) is None:
        return None
    return partial(_decide, lot_id=state.lot, rule=outages.suspend_for_outage)


def _window_due(unit: Unit, state: RoomState) -> Work | None:
    step_due = rules.due_step(state, unit.at)
    if step_due == "end_window":
        return partial(_decide, lot_id=state.lot, rule=rules.end_window)
    if step_due == "close_window":
        card = tendering.lot_card(unit, state.lot)
        return partial(
            _decide,
            lot_id=state.lot,
            rule=partial(rules.close_window, tender=card.tender_code, lot_code=card.lot_code),
        )
    return None


def _decide(unit: Unit, lot_id: str, rule: Rule) -> None:
    rooms.apply(unit, lot_id, rule(rooms.locked(unit, lot_id), unit.at))


def _escrow_due(unit: Unit, state: RoomState) -> Work | None:
    if state.window_ended_at is None or not state.escrow_due:
        return None
    secrets = holders.escrow_secrets(unit, state)
    return partial(_open_escrow, lot_id=state.lot, secrets=secrets) if secrets else None


def _open_escrow(unit: Unit, lot_id: str, secrets: Sequence[holders.EscrowSecret]) -> None:
    state = rooms.locked(unit, lot_id)
    if state.phase is not Phase.DECRYPTING or state.window_ended_at is None:
        return
    for secret in secrets:
        seat = state.seat_of_bid(secret.bid)
        if seat is None or seat not in state.escrow_due:
            continue
        keep_share(unit, lot_id, secret.bid, secret.r_bid.hex(), "escrow")
        opened = e.EscrowOpened(lot_id, seat.number, seat.org_id, seat.bid, secret.custodians)
        state = rooms.apply(unit, lot_id, (opened,))


def keep_share(unit: Unit, lot_id: str, bid: str, r_bid: str, source: str) -> None:
    """Keep a bidder's half until the gate is open; what the bidder rehearsed before is held against it (R3.22)."""
    if unit.session.get(ReleasedShare, (lot_id, bid)) is None:
        unit.session.add(ReleasedShare(lot_id=lot_id, bid=bid, r_bid=r_bid, source=source, released_at=unit.at))
        unit.session.flush()
        tendering.check_rehearsals(unit, lot_id, bid, bytes.fromhex(r_bid))


# Gate -------------------------------------------------------------------------------------------------------------


def _gate_due(unit: Unit, state: RoomState) -> Work | None:
    entry_id = rooms.entry_id_of(unit, state.lot, e.WindowClosed)
    if entry_id is None or not proofs.is_cosigned(unit, entry_id):
        if rules.cosignature_is_overdue(state, unit.at):
            return partial(_suspend, lot_id=state.lot, phase=Phase.WINDOW_CLOSED, why=NOT_COSIGNED)
        return None
    row = unit.session.get_one(OpeningRoom, state.lot)
    if row.gate_asked_at is None:
        return partial(_ask_gate, lot_id=state.lot, entry_id=entry_id)
    keyset = holders.keyset_of(unit, state.lot)
    if keyset is None:
        return None
    keys = holders.gate_private_keys(unit, state.lot, keyset)
    if len(keys) < keyset.gate.threshold:
        return None
    halves = holders.recover_gate(tendering.live_bids(unit, state.lot), keyset, keys)
    return partial(
        _release_gate, lot_id=state.lot, halves=halves, keys=tuple(sorted(keys)), threshold=keyset.gate.threshold
    )


def _ask_gate(unit: Unit, lot_id: str, entry_id: str) -> None:
    rules.require_phase(rooms.locked(unit, lot_id), Phase.WINDOW_CLOSED)
    keyholding.request_gate(unit, lot_id, entry_id)
    unit.session.get_one(OpeningRoom, lot_id).gate_asked_at = unit.at


def _release_gate(
    unit: Unit, lot_id: str, halves: Sequence[holders.GateRecovery], keys: tuple[int, ...], threshold: int
) -> None:
    state = rooms.locked(unit, lot_id)
    released = rules.release_gate(state, keys, threshold)
    faults: list[Event] = []
    for half in halves:
        seat = state.seat_of_bid(half.bid)
        if seat is None:
            continue
        r_gate = half.r_gate.hex() if half.r_gate is not None else ""
        unit.session.add(GateHalf(lot_id=lot_id, bid=half.bid, r_gate=r_gate, fault=half.fault))
        faults += [e.GateFaultFound(lot_id, seat.number, seat.org_id, seat.bid, *named) for named in half.faults]
    rooms.apply(unit, lot_id, (*faults, *released))


def _suspend(unit: Unit, lot_id: str, phase: Phase, why: str) -> None:
    """Nothing goes on without what is missing: a cosigned closing of the window, or the announced beacon."""
    state = rooms.locked(unit, lot_id)
    rules.require_phase(state, phase)
    rooms.apply(unit, lot_id, rules.suspend(state, "platform", why, "system", unit.at))


def _reconvening_due(unit: Unit, state: RoomState) -> Work | None:
    """A suspension for want of a cosignature, or of the beacon, ends when it is there."""
    halt = state.suspension
    if halt is None or halt.cause != "platform":
        return None
    match (halt.why, halt.since):
        case ("not_cosigned", Phase.WINDOW_CLOSED):
            entry_id = rooms.entry_id_of(unit, state.lot, e.WindowClosed)
            is_there = entry_id is not None and proofs.is_cosigned(unit, entry_id)
        case ("beacon_missing", Phase.GATE_RELEASED):
            is_there = state.beacon_value is not None
        case _:
            is_there = False
    return partial(_decide, lot_id=state.lot, rule=rules.reconvene) if is_there else None


# Query and confirmation -------------------------------------------------------------------------------------------


def _end_of_query_due(unit: Unit, state: RoomState) -> Work | None:
    match rules.due_step(state, unit.at):
        case "open_confirmation":
            return partial(_decide, lot_id=state.lot, rule=rules.open_confirmation)
        case "close":
            return partial(_decide, lot_id=state.lot, rule=rules.close)
        case _:
            return None
