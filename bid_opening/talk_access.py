"""Who may speak, hide, answer and show in a room: the only place of talk that asks."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from bid_opening import access, talk
from bid_opening.access import Viewer
from bid_opening.ceremony import RoomState
from bid_opening.errors import NoSeat
from bid_opening.talk import Speaker
from bid_opening.talk_models import HelpTicket, RoomMessage
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit

ROLES: Final = {"supervisor": "supervisor", "centre_staff": "duty"}
"""Roles that speak in every room, and as what."""


def speaker_of(viewer: Viewer) -> Speaker | None:
    """The asker's voice in this room; None for all who only look on: the public, witnesses, strangers."""
    actor = viewer.actor
    if actor.user_id is None or actor.org_id is None:
        return None
    org_id, user_id, name = str(actor.org_id), str(actor.user_id), actor.org_name
    if viewer.is_host:
        return Speaker("host", org_id, user_id, name)
    if viewer.is_staff and actor.has_role("tenderee"):
        return Speaker("tenderee", org_id, user_id, name)
    for role, spoken in ROLES.items():
        if actor.has_role(role):
            return Speaker(spoken, org_id, user_id, name)
    if viewer.own is not None:
        return Speaker("bidder", org_id, user_id, viewer.own.name, viewer.own.number)
    return None


def require_speaker(unit: Unit, lot_id: str, state: RoomState) -> Speaker:
    """The asker's voice. Raises NotPermitted for somebody who only looks on.

    Before the list a bidder is told that there is no talk yet, whoever it is (TalkIsClosed): no answer may depend on
    whether it bids. Afterwards one without a seat has no voice (NoSeat).
    """
    viewer = access.viewer_of(unit, lot_id, state)
    found = speaker_of(viewer)
    if found is None and viewer.is_bidder:
        talk.require_open(state)
        raise NoSeat
    if found is None:
        raise NotPermitted(what="speak")
    return found


def may_hide(viewer: Viewer) -> bool:
    """The host, a supervisor, the duty desk."""
    return viewer.is_host or viewer.may_decide


def require_hider(unit: Unit, lot_id: str, state: RoomState) -> Speaker:
    """Raises NotPermitted."""
    viewer = access.viewer_of(unit, lot_id, state)
    found = speaker_of(viewer)
    if found is None or not may_hide(viewer):
        raise NotPermitted(what="hide")
    return found


def message(unit: Unit, lot_id: str, number: int) -> RoomMessage:
    """Raises NotFound."""
    row = unit.session.get(RoomMessage, (lot_id, number))
    if row is None:
        raise NotFound(what="message")
    return row


def ticket_to_answer(unit: Unit, lot_id: str, number: int) -> HelpTicket:
    """A ticket for the duty desk. Raises NotPermitted, NotFound."""
    access.require_duty_officer(unit, lot_id)
    row = unit.session.get(HelpTicket, (lot_id, number))
    if row is None:
        raise NotFound(what="ticket")
    return row


def ticket_to_close(unit: Unit, lot_id: str, number: int) -> HelpTicket:
    """A ticket the asker may close: its own, or any for the duty desk. Raises NotFound for somebody else's."""
    actor = unit.actor
    if actor.has_role(access.DUTY):
        return ticket_to_answer(unit, lot_id, number)
    row = unit.session.get(HelpTicket, (lot_id, number))
    if row is None or not actor.has_role("bidder") or row.org_id != actor.org_id:
        raise NotFound(what="ticket")
    return row


def newest_ticket(unit: Unit, lot_id: str, org_id: str) -> HelpTicket | None:
    """The last ticket of this organisation in this room. The caller passes the actor's organisation."""
    return unit.session.scalar(
        select(HelpTicket)
        .where(HelpTicket.lot_id == lot_id, HelpTicket.org_id == org_id)
        .order_by(HelpTicket.number.desc())
        .limit(1)
    )
