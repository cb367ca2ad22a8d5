"""What openings put on the work lists: rooms to host, the own seat, what only a second person may confirm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import select

from bid_opening.ceremony import LIVE, RoomState, Seat
from bid_opening.fault_fold import DECIDED_IN
from bid_opening.models import OpeningRoom
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.draws import beacon_time
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem
from tendering import facade as tendering
from tendering.states import LotState

ROOMS: Final = 20
"""Rooms folded for one list: more are not under way at a time."""
_RUNNING: Final = (LotState.OPEN, LotState.CLOSED, LotState.FROZEN)
_SHOWN: Final = LIVE | {Phase.CHECK_IN}
_BEFORE_WINDOW: Final = frozenset({Phase.CHECK_IN, Phase.INTAKE_CLOSED, Phase.FROZEN, Phase.LIST_PUBLISHED})


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role("agency", "tenderee") and actor.org_id is not None:
        own = tendering.lots_of_side(unit, str(actor.org_id), *_RUNNING)
        run = [lot.id for lot in own if lot.host_org_id == actor.org_id]
        yield from (_to_host(state) for state in _rooms(unit, run))
        represented = [lot.id for lot in own if lot.host_org_id != actor.org_id and lot.tenderee_org_id == actor.org_id]
        yield from (_to_represent(state) for state in _rooms(unit, represented) if state.phase in LIVE)
    if actor.has_role("bidder") and actor.org_id is not None:
        bid_on = [lot.id for lot in tendering.lots_bid_on(unit, str(actor.org_id), *_RUNNING)]
        for state in _rooms(unit, bid_on):
            yield from _own_seat(state, str(actor.org_id))
    if actor.has_role("supervisor", "centre_staff", "witness"):
        yield from _to_watch(unit, actor)


def _rooms(unit: Unit, lot_ids: Iterable[str] | None) -> list[RoomState]:
    """The rooms of these lots (None: of all) that people can be in now."""
    query = select(OpeningRoom.id).where(OpeningRoom.state.in_(_SHOWN)).order_by(OpeningRoom.opens_at, OpeningRoom.id)
    if lot_ids is not None:
        query = query.where(OpeningRoom.id.in_(list(lot_ids)))
    return [rooms.state_of(unit, lot_id) for lot_id in unit.session.scalars(query.limit(ROOMS))]


def _to_host(state: RoomState) -> WorkItem:
    url = f"/rooms/{state.lot}/host"
    if state.phase is Phase.CHECK_IN:
        return WorkItem("到开标主持台就位", "Take the host's desk", url, state.lot_name, state.opens_at, "R3.04")
    if state.phase in DECIDED_IN and any(seat.fault_proposal is None for seat in state.unattributed):
        title = ("提出未开启投标的归因", "Propose who answers for a bid that was not opened")
        return WorkItem(*title, f"{url}#part-faults", state.lot_name, state.until, "R3.08", Urgency.NOW)
    title = ("主持开标", "Host the opening")
    return WorkItem(*title, url, state.lot_name, state.until, "R3.01", Urgency.NOW)


def _to_represent(state: RoomState) -> WorkItem:
    title = ("以招标人代表身份到场", "Attend for the tenderee")
    return WorkItem(*title, f"/rooms/{state.lot}/represent", state.lot_name, state.until, "R3.21", Urgency.NOW)


def _own_seat(state: RoomState, org_id: str) -> Iterator[WorkItem]:
    """The next act of this bidder; nothing once it has done its part of the phase."""
    url, name = f"/rooms/{state.lot}/seat", state.lot_name
    seat = state.seat_of(org_id)
    if state.phase is Phase.CHECK_IN:
        yield WorkItem("到开标室签到", "Sign in to the opening", url, name, state.opens_at, "R3.04")
    elif state.phase in _BEFORE_WINDOW:
        yield WorkItem(
            "进入席位，等待解密开始", "Take the seat: decryption comes", url, name, None, "R3.05", Urgency.NOW
        )
    elif seat is None:
        return
    elif state.phase is Phase.DECRYPTING and not seat.is_recoverable:
        yield WorkItem("解密投标文件", "Decrypt the bid", url, name, state.until, "R3.06", Urgency.NOW)
    elif state.phase is Phase.QUERY and not seat.has_no_objection:
        yield WorkItem(
            "核对唱标结果，有无异议", "Check what was read out", url, name, state.until, "R3.14", Urgency.NOW
        )
    elif state.phase is Phase.CONFIRMING and seat.confirmed_at is None:
        yield WorkItem("确认开标结果", "Confirm the result", url, name, state.until, "R3.14", Urgency.NOW)


def _to_watch(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    """Openings under way; for the duty desk also a bidder's request for the custodians (R3.20)."""
    for state in _rooms(unit, None):
        if state.phase is Phase.CHECK_IN:
            continue
        url = f"/rooms/{state.lot}/supervise"
        number = state.beacon_round
        if actor.has_role("centre_staff") and state.frozen and state.needs_beacon and number is not None:
            given = beacon_time(number)
            title = ("公共随机数未取得时，提交文件", "Hand the public beacon in, unless it came by itself")
            urgency = Urgency.NOW if unit.at >= given else None
            yield WorkItem(*title, f"/rooms/{state.lot}/beacon", state.lot_name, given, "R3.25", urgency)
        proposed = [seat.fault_proposal for seat in state.seats if seat.fault_proposal is not None]
        if actor.has_role("supervisor", "centre_staff") and any(one.by != str(actor.user_id) for one in proposed):
            title = ("确认或退回未开启投标的归因", "Confirm or send back who answers for a bid that was not opened")
            yield WorkItem(*title, f"{url}#part-faults", state.lot_name, state.until, "R3.30", Urgency.NOW)
        refusals = [seat for seat in state.seats if seat.refusal_asked is not None]
        if actor.has_role("supervisor", "centre_staff"):
            yield from (_to_decide(state, seat) for seat in refusals)
        asked = [seat for seat in state.seats if seat.escrow_asked_at and not seat.escrow_confirmed_at]
        if asked and actor.has_role("centre_staff") and state.phase is Phase.DECRYPTING:
            title = ("确认启用保管人份额", "Confirm the request for the custodians")
            yield WorkItem(*title, url, state.lot_name, state.until, "R3.20", Urgency.NOW)
        elif actor.has_role("supervisor", "witness"):
            title = ("到场监督开标", "Attend the opening")
            yield WorkItem(*title, url, state.lot_name, None, "R3.21", Urgency.NOW)


def _to_decide(state: RoomState, seat: Seat) -> WorkItem:
    """A refusal somebody proposed; decryption waits for the second person (R3.39)."""
    title = ("决定是否拒收投标文件", "Decide whether a bid is refused")
    url = f"/rooms/{state.lot}/attendance?seat={seat.number}"
    return WorkItem(*title, url, state.lot_name, None, "R3.39", Urgency.NOW)
