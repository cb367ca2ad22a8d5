"""What people do in a room: one function a use case. Each checks who asks, asks the rules, lets the events happen.

A repeated act changes nothing. Where a refusal must itself be on record (a share that does not match), the act returns
what came of it and the caller raises after the commit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from accounts import facade as accounts
from bid_opening import access, attendance, confirming, escrow_rules, objection_rules, rules
from bid_opening.ceremony import RoomState, Seat
from bid_opening.errors import ShareDoesNotMatch, SignatureDoesNotVerify, StillWaiting
from bid_opening.models import CheckIn
from bid_opening.services import clock, draws, holders, rooms
from bid_opening.states import Phase
from foundation.errors import InvalidInput, NotFound
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.publication import proofs
from foundation.sealing import BIDDER, matches_commit
from foundation.sealing.suite import load_public, verifies
from foundation.store.unit import Unit
from tendering import facade as tendering

_SECRET: Final = re.compile(r"[0-9a-f]{64}")
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}")
NO_DEVICE: Final = "no_signing_device"
"""The journal's reason for a confirmation without a signature."""


# Bidders ----------------------------------------------------------------------------------------------------------


def check_in(unit: Unit, lot_id: str) -> None:
    """签到: known to nobody but the bidder itself until the list is published (R1.05, R3.04)."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if unit.session.get(CheckIn, (lot_id, org_id)) is not None:
        return
    person = unit.actor.display_name
    for event in rules.check_in(state, org_id, person, unit.at):
        unit.session.add(CheckIn(lot_id=lot_id, org_id=org_id, person=person[:100], at=unit.at))
        entry = unit.append(f"bid:{lot_id}:{org_id}", event)
        rooms.tell(unit, lot_id, event, state, entry)


def check_seal(unit: Unit, lot_id: str, *, is_equal: bool) -> RoomState:
    """The bidder's client compared its receipt with the frozen list (招标投标法 Art 36)."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.check_seal(state, org_id, is_equal=is_equal))


@dataclass(frozen=True, slots=True)
class Release:
    """What came of a bidder's 32 bytes; ``tries`` counts the wrong ones of this seat so far."""

    is_accepted: bool
    tries: int

    def raise_refusal(self) -> None:
        """To be called after the commit: the rejected try is on record. Raises ShareDoesNotMatch."""
        if not self.is_accepted:
            raise ShareDoesNotMatch(tries=self.tries, limit=rules.TRIES_MAX)


def release(unit: Unit, lot_id: str, r_bid_hex: str) -> Release:
    """解密: the bidder's half of the content key, 64 hex digits, compared with the commitment in constant time.

    Raises InvalidInput for anything but 64 lower-case hex digits, NoSeat, NotNow, TooLate, TooManyTries.
    """
    org_id = access.require_bidder(unit, lot_id)
    if not _SECRET.fullmatch(r_bid_hex):
        raise InvalidInput(what="r_bid")
    state = rooms.locked(unit, lot_id)
    rules.require_phase(state, Phase.DECRYPTING)
    seat = rules.seat_for(state, org_id)
    matches = matches_commit(holders.header_of(_bid_of(unit, lot_id, seat)), BIDDER, bytes.fromhex(r_bid_hex))
    if seat.is_recoverable:
        # Once is enough; a wrong one after the right one neither harms nor counts.
        return Release(is_accepted=matches, tries=seat.tries)
    events = rules.release(state, org_id, unit.at, matches=matches)
    if matches:
        clock.keep_share(unit, lot_id, seat.bid, r_bid_hex, "bidder")
    after = rules.seat_for(rooms.apply(unit, lot_id, events), org_id)
    return Release(is_accepted=matches, tries=after.tries)


def _bid_of(unit: Unit, lot_id: str, seat: Seat) -> tendering.LiveBid:
    bid = tendering.own_bid(unit, lot_id, seat.org_id)
    if bid is None or bid.bid != seat.bid:
        raise NotFound(what="bid")
    return bid


def request_escrow(unit: Unit, lot_id: str, reason: str) -> RoomState:
    """申请备份启封 (R3.09): the session of the bidder's organisation suffices, its lost device is not needed.

    Raises what ``escrow_rules.request_escrow`` raises; EscrowNotOnRequest says what the tender document has instead.
    """
    org_id, by = access.require_bidder(unit, lot_id), access.person_of(unit)
    state = rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, escrow_rules.request_escrow(state, org_id, by, reason, unit.at))


def raise_objection(unit: Unit, lot_id: str, text: str) -> RoomState:
    """提出异议, on the spot (R1.37)."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.raise_objection(state, org_id, unit.new_id(), text, unit.at))


def withdraw_objection(unit: Unit, lot_id: str, objection_id: str) -> RoomState:
    """撤回本单位的异议, before it is answered; that it was raised stays on record (R3.49)."""
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return rooms.apply(unit, lot_id, objection_rules.withdraw(state, org_id, objection_id, unit.at))


def no_objection(unit: Unit, lot_id: str) -> RoomState:
    org_id = access.require_bidder(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.no_objection(rooms.locked(unit, lot_id), org_id, unit.at))


def confirm(unit: Unit, lot_id: str, signature: str = "") -> RoomState:
    """确认开标记录. ``signature``: 128 hex digits (P1363) by a registered signing key of the organisation.

    An empty signature is accepted: the person is signed in, acts under the journal, and silence would count as assent
    anyway (R3.14); the entry's reason then says that there was no signing device. A signature that does not verify is
    refused, never taken for none. Raises SignatureDoesNotVerify.
    """
    org_id = access.require_bidder(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    events = rules.confirm(state, org_id, unit.at, signature)
    if signature and not _is_signed(unit, state, rules.seat_for(state, org_id), signature):
        raise SignatureDoesNotVerify
    return rooms.apply(unit, lot_id, events, reason="" if signature else NO_DEVICE)


def _is_signed(unit: Unit, state: RoomState, seat: Seat, signature: str) -> bool:
    if not _SIGNATURE.fullmatch(signature):
        return False
    message = confirming.note_for(tendering.lot_card(unit, state.lot).lot_code, state, seat)
    keys = [load_public(bytes.fromhex(key)) for key in accounts.signing_keys(unit, seat.org_id)]
    return any(verifies(key, bytes.fromhex(signature), message) for key in keys)


# The duty desk, and who attends -----------------------------------------------------------------------------------


def confirm_escrow(unit: Unit, lot_id: str, seat: int) -> RoomState:
    """The centre's duty officer confirms what the bidder of this seat asked for; the custodians follow (R3.09)."""
    by = access.require_duty_officer(unit, lot_id)
    return rooms.apply(unit, lot_id, escrow_rules.confirm_escrow(rooms.locked(unit, lot_id), seat, by, unit.at))


def join(unit: Unit, lot_id: str) -> RoomState:
    """Put on record that the asker is there: supervisor, witness, the lot's tenderee; others change nothing."""
    return rooms.apply(unit, lot_id, _arrival(unit, rooms.locked(unit, lot_id)))


def is_arriving(unit: Unit, lot_id: str) -> bool:
    """Whether :func:`join` would put the asker on record now. Raises NotFound where there is no room."""
    return bool(_arrival(unit, rooms.state_of(unit, lot_id)))


def _arrival(unit: Unit, state: RoomState) -> tuple[Event, ...]:
    actor, role = unit.actor, access.attends_as(unit, state.lot)
    if role is None or actor.user_id is None:
        return ()
    return attendance.join(state, str(actor.user_id), role, actor.org_name, actor.display_name)


# The host ---------------------------------------------------------------------------------------------------------


def start_decryption(unit: Unit, lot_id: str) -> RoomState:
    """开始解密: only once the frozen list itself stands in a cosigned log: no key moves before it."""
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if state.phase is Phase.DECRYPTING:
        return state
    events = rules.open_window(state, unit.at)
    require_frozen_in_log(unit, lot_id)
    return rooms.apply(unit, lot_id, (*clock.freeze_in_log(unit, state), *events))


def require_frozen_in_log(unit: Unit, lot_id: str) -> None:
    """Raises StillWaiting until a cosigned checkpoint covers the frozen list."""
    frozen = rooms.entry_id_of(unit, lot_id, e.BidsFrozen)
    if frozen is None or not proofs.is_cosigned(unit, frozen):
        raise StillWaiting(waiting="log")


def extend(unit: Unit, lot_id: str) -> RoomState:
    """延长解密时间, once alone; a second time is proposed to a second person."""
    access.require_host(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.extend_window(rooms.locked(unit, lot_id), unit.at))


def draw(unit: Unit, lot_id: str) -> RoomState:
    """抽取系数: the host starts it, nobody chooses anything (R3.12).

    Raises AlreadyDone the second time, StillWaiting for the announced beacon.
    """
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    card = tendering.lot_card(unit, lot_id)
    is_possible = state.phase is Phase.GATE_RELEASED and not state.needs_beacon
    drawn = draws.draw_all(unit, card, state) if is_possible else ()
    return rooms.apply(unit, lot_id, rules.draw(state, drawn, method=card.method_id))


def start_reading(unit: Unit, lot_id: str) -> RoomState:
    """唱标."""
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return state if state.phase is Phase.READING else rooms.apply(unit, lot_id, rules.start_reading(state))


def open_query(unit: Unit, lot_id: str) -> RoomState:
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return state if state.phase is Phase.QUERY else rooms.apply(unit, lot_id, rules.open_query(state, unit.at))


def answer(unit: Unit, lot_id: str, objection_id: str, text: str) -> RoomState:
    """答复异议, on the spot: the host in the tenderee's name, or the tenderee itself (R3.49)."""
    side, by = access.require_answerer(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.answer(rooms.locked(unit, lot_id), objection_id, text, side=side, by=by))


def open_confirmation(unit: Unit, lot_id: str) -> RoomState:
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    if state.phase is Phase.CONFIRMING:
        return state
    return rooms.apply(unit, lot_id, rules.open_confirmation(state, unit.at))


def close(unit: Unit, lot_id: str) -> RoomState:
    """开标结束."""
    access.require_host(unit, lot_id)
    state = rooms.locked(unit, lot_id)
    return state if state.phase is Phase.CLOSED else rooms.apply(unit, lot_id, rules.close(state, unit.at))


# Two people -------------------------------------------------------------------------------------------------------


def propose_halt(unit: Unit, lot_id: str, halt: str, why: str) -> RoomState:
    """The first of two: ``halt`` is suspend, reconvene, abort or extend (R3.17)."""
    by = access.require_proposer(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.propose_halt(rooms.locked(unit, lot_id), halt, by, why))


def withdraw_halt(unit: Unit, lot_id: str) -> RoomState:
    by = access.require_proposer(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.withdraw_halt(rooms.locked(unit, lot_id), by))


def confirm_halt(unit: Unit, lot_id: str) -> RoomState:
    """The second person agrees, and it happens at once."""
    by = access.require_second_person(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.confirm_halt(rooms.locked(unit, lot_id), by, unit.at))


def reconvene(unit: Unit, lot_id: str, why: str) -> RoomState:
    """复会 by two people: the first call proposes it, a second person's call confirms it."""
    state = rooms.state_of(unit, lot_id)
    if state.halt is not None and state.halt.what == "reconvene":
        return confirm_halt(unit, lot_id)
    return propose_halt(unit, lot_id, "reconvene", why)
