"""When a seal counts as received, and when receiving ends (docs/threat-model.md §2).

A seal is stamped at the last byte of its request, and the stamp alone is compared with the deadline. Between the stamp
and the commit lie the database's locks: 104 of 300 seals stamped in the last 150 ms were lost to lock order when the
verdict was taken at commit. So every receiving process says through which instant it has decided all it stamped, and a
lot is closed only when all of them have passed its deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foundation.actor import system
from foundation.clock import machine_now, monotonic
from foundation.errors import Unavailable
from foundation.events.tendering import BidsClosed
from foundation.runtime import Runtime
from foundation.store.engine import AWAY
from foundation.store.unit import Unit
from tendering.models import Lot, Receiver
from tendering.states import LotState, LotTrigger

log = structlog.get_logger("intake")
LEASE: Final = timedelta(seconds=15)
"""Machine clock. A receiver that dies without a word delays a closing by this at most."""
CALM_SECONDS: Final = 2.0
BUSY_SECONDS: Final = 0.2
LEAD: Final = timedelta(seconds=5)
"""From this long before a deadline until the lot is closed a receiver reports every BUSY_SECONDS."""
GRACE: Final = timedelta(seconds=60)
"""Machine clock. A live receiver that still has not decided by then is the platform's failure; receiving ends."""
FORGET: Final = timedelta(hours=1)


class Intake:
    """The receiver of one process. Thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self._units = runtime.units
        self._clock = runtime.clock
        self._lock = threading.Lock()
        self._undecided: dict[object, datetime] = {}
        self._drained: datetime | None = None
        self._id = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def stamp(self) -> Iterator[datetime]:
        """The instant of receipt; undecided until the block is left, so commit inside it.

        Cut to milliseconds, as the receipt says it. Never before an instant this process has reported as decided.
        """
        token = object()
        with self._lock:
            at = _to_millisecond(self._clock.now())
            if self._drained is not None:
                at = max(at, self._drained)
            self._undecided[token] = at
        try:
            yield at
        finally:
            with self._lock:
                del self._undecided[token]

    def drained_through(self) -> datetime:
        """Every seal stamped before this instant is decided, and none before it will be stamped here any more."""
        with self._lock:
            now = _to_millisecond(self._clock.now())
            drained = min([now, *self._undecided.values()])
            self._drained = drained if self._drained is None else max(self._drained, drained)
            return drained

    def report(self) -> None:
        """Write down how far this process has decided, and that it lives."""
        drained = self.drained_through()
        with self._units.begin(system("intake")) as unit:
            if not self._id:
                self._id = unit.new_id()
            unit.session.merge(Receiver(id=self._id, lease_until=machine_now() + LEASE, drained_through=drained))

    def start_reporting(self) -> None:
        """Report now, then in the background. Call it before the first request is served."""
        if self._thread is not None:
            return
        self.report()
        self._thread = threading.Thread(target=self._keep_reporting, name="intake", daemon=True)
        self._thread.start()

    def stop_reporting(self) -> None:
        """Leave: nobody has to wait for this process any more. Call it when no request is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CALM_SECONDS)
        with self._units.begin(system("intake")) as unit:
            unit.session.execute(delete(Receiver).where(Receiver.id == self._id))

    def _keep_reporting(self) -> None:
        reported_at = monotonic()
        while not self._stop.wait(BUSY_SECONDS):
            try:
                if monotonic() - reported_at >= CALM_SECONDS or self._is_busy():
                    self.report()
                    reported_at = monotonic()
            except (*AWAY, Unavailable) as error:
                # The lease runs out if this lasts; until then a closing waits for us.
                log.warning("receiver_cannot_report", error=type(error).__name__)

    def _is_busy(self) -> bool:
        with self._units.read() as unit:
            return _has_deadline_near(unit.session, unit.at)


class Closing(StrEnum):
    """What became of an attempt to end receiving."""

    CLOSED = "closed"
    WAITING = "waiting"
    OUTDATED = "outdated"


def close_bids(unit: Unit, lot_id: str, deadline_at: datetime, *, machine: datetime, is_grace_over: bool) -> Closing:
    """End receiving, by compare-and-swap, once every live receiver has decided what came before the deadline.

    ``machine``: when the caller asked for its Unit, so that waiting for a lock does not make a receiver look dead.
    OUTDATED when the lot is not open any more or its deadline is another one.
    """
    lot = unit.session.scalar(select(Lot).where(Lot.id == lot_id).with_for_update())
    if lot is None or lot.state is not LotState.OPEN or lot.deadline_at != deadline_at:
        return Closing.OUTDATED
    if unit.at < deadline_at:
        return Closing.WAITING
    if not is_grace_over and not is_drained(unit.session, deadline_at, machine):
        return Closing.WAITING
    unit.transition(lot, LotTrigger.CLOSE_BIDS, f"lot:{lot_id}", BidsClosed(lot=lot_id, deadline_at=deadline_at))
    unit.session.execute(delete(Receiver).where(Receiver.lease_until < machine - FORGET))
    return Closing.CLOSED


def is_drained(session: Session, deadline_at: datetime, machine: datetime) -> bool:
    """Whether no live receiver can still bring a seal stamped before the deadline."""
    behind = select(Receiver.id).where(Receiver.lease_until > machine, Receiver.drained_through < deadline_at)
    return session.scalar(behind.limit(1)) is None


def lots_past_deadline(session: Session, at: datetime) -> list[tuple[str, datetime]]:
    """Open lots whose deadline has come, with it."""
    rows = session.execute(
        select(Lot.id, Lot.deadline_at).where(
            Lot.state == LotState.OPEN, Lot.deadline_at <= at, Lot.is_imported.is_(False)
        )
    )
    return [(lot_id, deadline_at) for lot_id, deadline_at in rows if deadline_at is not None]


def _has_deadline_near(session: Session, at: datetime) -> bool:
    near = select(Lot.id).where(Lot.state == LotState.OPEN, Lot.deadline_at <= at + LEAD)
    return session.scalar(near.limit(1)) is not None


def _to_millisecond(at: datetime) -> datetime:
    """Cut, never rounded up past a deadline."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
