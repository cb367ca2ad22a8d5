"""What the asker may do now, and why something is not possible yet: the rules are asked, nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bid_opening import escrow_rules, rules
from bid_opening.access import Viewer
from bid_opening.ceremony import RoomState
from bid_opening.errors import EscrowNotOnRequest
from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.errors import Refusal
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Offer:
    """One act the asker has in this room. ``code`` and ``params`` say why not yet (a refusal's sentence)."""

    act: str
    is_allowed: bool
    code: str = ""
    params: dict[str, Any] | None = None


_ACTS_OF_HOST: Final[dict[Phase, tuple[str, ...]]] = {
    Phase.LIST_PUBLISHED: ("start-decryption",),
    Phase.DECRYPTING: ("extend",),
    Phase.GATE_RELEASED: ("draw",),
    Phase.PARAM_DRAWN: ("start-reading",),
    Phase.READING: ("start-query",),
    Phase.QUERY: ("answer", "start-confirming"),
    Phase.CONFIRMING: ("close",),
}
_ACTS_OF_BIDDER: Final[dict[Phase, tuple[str, ...]]] = {
    Phase.CHECK_IN: ("check-in",),
    Phase.LIST_PUBLISHED: ("seal-check",),
    Phase.DECRYPTING: ("seal-check", "release", "request-escrow"),
    Phase.QUERY: ("object", "no-objection"),
    Phase.CONFIRMING: ("confirm",),
}


def offers_for(unit: Unit, state: RoomState, viewer: Viewer) -> list[Offer]:
    """Every act the asker has in this phase."""
    names: list[str] = []
    if viewer.is_host:
        names += _ACTS_OF_HOST.get(state.phase, ())
    if viewer.is_bidder and (viewer.own is not None or state.phase is Phase.CHECK_IN):
        names += _ACTS_OF_BIDDER.get(state.phase, ())
    if state.phase is Phase.QUERY and not viewer.is_host and viewer.is_staff and viewer.actor.has_role("tenderee"):
        names.append("answer")
    found = [_offer(name, unit, state, viewer) for name in names]
    # Where the tender document has no escrow on request there is nothing to offer, now or later.
    found = [one for one in found if one.code != EscrowNotOnRequest.code]
    if viewer.is_duty and any(seat.escrow_confirmed_at is None for seat in state.escrow_expected):
        found += [_offer("confirm-escrow", unit, state, viewer)] if state.escrow_rule == "on_request" else []
    if viewer.is_host or viewer.may_decide:
        found += _halt_offers(state, viewer)
    return found


def _offer(name: str, unit: Unit, state: RoomState, viewer: Viewer) -> Offer:
    org_id, at = str(viewer.actor.org_id), unit.at
    tests: dict[str, Callable[[], object]] = {
        "start-decryption": lambda: _may_start(unit, state),
        "extend": lambda: rules.extend_window(state, at),
        "draw": lambda: _may_draw(state),
        "start-reading": lambda: rules.start_reading(state),
        "start-query": lambda: rules.open_query(state, at),
        "answer": lambda: rules.require_phase(state, Phase.QUERY),
        "start-confirming": lambda: rules.open_confirmation(state, at),
        "close": lambda: rules.close(state, at),
        "check-in": lambda: rules.check_in(state, org_id, "", at),
        "seal-check": lambda: rules.seat_for(state, org_id),
        "release": lambda: rules.release(state, org_id, at, matches=True),
        "request-escrow": lambda: escrow_rules.request_escrow(state, org_id, "", "?", at),
        "confirm-escrow": lambda: rules.require_phase(state, Phase.DECRYPTING),
        "object": lambda: rules.raise_objection(state, org_id, "", "?", at),
        "no-objection": lambda: rules.no_objection(state, org_id, at),
        "confirm": lambda: rules.confirm(state, org_id, at, ""),
    }
    try:
        tests[name]()
    except Refusal as refusal:
        return Offer(name, is_allowed=False, code=refusal.code, params=dict(refusal.fields))
    return Offer(name, is_allowed=True)


def _may_draw(state: RoomState) -> None:
    rules.require_phase(state, Phase.GATE_RELEASED)
    rules.require_beacon(state)


def _may_start(unit: Unit, state: RoomState) -> None:
    rules.open_window(state, unit.at)
    acts.require_frozen_in_log(unit, state.lot)


def _halt_offers(state: RoomState, viewer: Viewer) -> list[Offer]:
    if state.halt is not None:
        is_own = state.halt.by == viewer.actor.user_id
        name = "withdraw-halt" if is_own else "confirm-halt"
        return [Offer(name, is_allowed=is_own or viewer.may_decide)]
    by, found = str(viewer.actor.user_id), []
    for halt in rules.HALTS:
        try:
            rules.propose_halt(state, halt, by, "?")
        except Refusal:
            continue
        found.append(Offer(f"propose-{halt}", is_allowed=True))
    return found
