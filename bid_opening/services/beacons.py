"""The announced beacon: fetched from relays after its instant, or handed in as a file; verified, stored, public.

There is no fallback. While the value can not be had the draw waits; the room is suspended when that lasts, and goes on
by itself when the value is there. Nothing is ever drawn without it: choosing when to do without would be choosing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog

from bid_opening import access, rules
from bid_opening.ceremony import RoomState
from bid_opening.errors import BeaconNotAnnounced
from bid_opening.services import consequences, rooms
from bid_opening.services.clock import PLATFORM
from foundation.draws import Beacon, BeaconAway, BeaconFalse, BeaconMalformed, check_beacon, read_round
from foundation.draws.relay import fetch_round
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Unit

log = structlog.get_logger("bid_opening")
RETRY: Final = timedelta(seconds=10)
RETRY_LATER: Final = timedelta(seconds=60)
EAGER: Final = 30
"""Orders with RETRY between them; after that a minute lies between two."""


def relays(settings: Settings) -> tuple[str, ...]:
    """Addresses of the configured relays, in the order in which they are asked."""
    return tuple(url.strip() for url in settings.beacon_urls.split(",") if url.strip())


def fetch(runtime: Runtime, lot_id: str, number: int, attempt: int) -> None:
    """Ask the relays for the round; where none gives it, order another try. Idempotent; a kill anywhere loses nothing.

    Does nothing when the value is there, the round is no longer the announced one, or no relay is configured.
    """
    urls = relays(runtime.settings)
    with runtime.units.read(PLATFORM) as unit:
        state = rooms.state_of(unit, lot_id)
    if not urls or not _is_wanted(state, number):
        return
    beacon = _from_relays(urls, number)
    with runtime.units.begin(PLATFORM) as unit:
        state = rooms.locked(unit, lot_id)
        if not _is_wanted(state, number):
            return
        if beacon is None:
            pause = RETRY if attempt < EAGER else RETRY_LATER
            consequences.order_beacon(unit, state, attempt + 1, pause)
            return
        rooms.apply(unit, lot_id, rules.receive_beacon(state, beacon, "relay"))


def _is_wanted(state: RoomState, number: int) -> bool:
    return not state.is_over and state.needs_beacon and state.beacon_round == number


def _from_relays(urls: tuple[str, ...], number: int) -> Beacon | None:
    """The first true answer. A relay that lies or fails is named in the log, and the next one asked."""
    for url in urls:
        try:
            return fetch_round(url, number)
        except (BeaconAway, BeaconMalformed, BeaconFalse) as error:
            log.warning("beacon_relay_failed", relay=url, code=error.code, **error.fields)
    return None


def read_file(unit: Unit, lot_id: str, content: bytes) -> Beacon:
    """What the duty officer's file says, verified under the pinned key (half a second): for a Unit that only reads.

    Raises NotPermitted, NotFound, BeaconNotAnnounced, BeaconMalformed, BeaconFalse.
    """
    access.require_duty_officer(unit, lot_id)
    number = rooms.state_of(unit, lot_id).beacon_round
    if number is None:
        raise BeaconNotAnnounced
    beacon = read_round(content, number)
    check_beacon(beacon)
    return beacon


def receive_file(unit: Unit, lot_id: str, beacon: Beacon) -> RoomState:
    """Store what :func:`read_file` verified. It can only be the value that a relay would give: nobody chooses here."""
    access.require_duty_officer(unit, lot_id)
    return rooms.apply(unit, lot_id, rules.receive_beacon(rooms.locked(unit, lot_id), beacon, "file"))
