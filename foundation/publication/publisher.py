"""The publisher: one process holds the lease; each round brings the log up to the journal and the proofs up to the log.

Order of a round: entries become leaves (truth) → tiles are durable → checkpoint is signed → the cosigner is asked,
outside any Unit → the note is stored. All but the first is a function of the leaves, so dying on any line costs a
repetition. The lease only saves work: two publishers at once would produce the same log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import or_, select, update

from foundation.actor import system
from foundation.clock import machine_now
from foundation.entropy import url_token
from foundation.errors import Tampering
from foundation.events import Audience
from foundation.events.publication import PublicationResumed, PublicationStopped
from foundation.publication import tiles
from foundation.publication.batch import has_unpublished, is_tick_due, take_batch
from foundation.publication.errors import LogDiffers
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogLeaf, LogState
from foundation.publication.policy import cosigner_key, needs_cosigner
from foundation.publication.tree import StoredHashes, frontier_of
from foundation.runtime import Runtime
from foundation.store.base import EPOCH
from foundation.store.unit import Unit
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigner import CosignerClient
from foundation.transparency.errors import CosignerUnavailable, LogRolledBack, TileMissing
from foundation.transparency.merkle import consistency_proof
from foundation.transparency.notes import Note, SignatureLine
from foundation.transparency.tiles import Edge, load_edge

log = structlog.get_logger("publisher")

ACTOR: Final = system("publisher")
STREAM: Final = "log"
LEASE: Final = timedelta(seconds=10)
RETRY_FIRST: Final = timedelta(milliseconds=250)
RETRY_MAX: Final = timedelta(seconds=5)
"""How long a cosigner that does not answer is left alone; receipts never wait for it."""
LEAVES_AT_ONCE: Final = 2048


@dataclass(frozen=True, slots=True)
class _Seen:
    """The state as one read saw it."""

    size: int
    root: bytes
    signed_size: int
    published_size: int


class Publisher:
    """Publishes for one process. ``round`` is cheap when nothing waits; it is not for two threads at once."""

    def __init__(self, runtime: Runtime, *, machine: Callable[[], datetime] = machine_now) -> None:
        self._runtime = runtime
        self._units = runtime.units
        self._machine = machine
        self._holder = url_token(runtime.units.entropy, 16)
        self._edge: Edge | None = None
        self._client: CosignerClient | None = None
        self._failures = 0
        self._retry_at = EPOCH
        # A database put back while nobody published looks whole: only the cosigner remembers, so it is asked first.
        self._is_confirmed = not needs_cosigner(runtime.settings)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def round(self) -> bool:
        """Publish what waits; False when there was nothing to do, or when another process does it.

        Tampering does not leave this function: it stops the publisher, for all processes, until ``resume``.
        """
        try:
            if not self._has_work() or not self._hold_lease():
                return False
            self._take_all()
            self._publish()
        except Tampering as problem:
            stop(self._runtime, problem, self._machine())
            return False
        return True

    def _has_work(self) -> bool:
        with self._units.read(ACTOR) as unit:
            state = unit.session.get(LogState, STATE_ROW)
            if state is not None:
                if state.alarm is not None:
                    return False
                if state.size > state.signed_size or state.needs_cosigner != needs_cosigner(self._runtime.settings):
                    return True
                is_behind = state.published_size < state.signed_size or (state.size > 0 and not self._is_confirmed)
                if is_behind and self._machine() >= self._retry_at:
                    return True
            return has_unpublished(unit.session, Audience.PUBLIC) or is_tick_due(
                unit, state, self._machine(), self._runtime.settings.tick_seconds
            )

    def _hold_lease(self) -> bool:
        """Take or prolong the lease, and write down whether proofs need a cosigner here."""
        machine, needed = self._machine(), needs_cosigner(self._runtime.settings)
        with self._units.read(ACTOR) as unit:
            state = unit.session.get(LogState, STATE_ROW)
            if state is not None and state.needs_cosigner == needed and state.lease_until is not None:
                if state.lease_holder == self._holder and state.lease_until > machine + LEASE / 2:
                    return True
                if state.lease_holder != self._holder and machine < state.lease_until <= machine + LEASE:
                    return False
        with self._units.begin(ACTOR) as unit:
            tiles.ensure_state(unit.session, needs_cosigner=needed)
            taken = unit.session.execute(
                update(LogState)
                .where(
                    LogState.id == STATE_ROW,
                    or_(
                        LogState.lease_until.is_(None),
                        LogState.lease_holder == self._holder,
                        LogState.lease_until <= machine,
                        # A lease beyond its length was written before the machine clock was set back.
                        LogState.lease_until > machine + LEASE,
                    ),
                )
                .values(lease_holder=self._holder, lease_until=machine + LEASE)
                .execution_options(synchronize_session=False)
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]
                return False
            _configure(unit, needed=needed)
        return True

    def _take_all(self) -> None:
        """Step 1, batch after batch."""
        more = True
        while more:
            with self._units.begin(ACTOR) as unit:
                more = take_batch(unit, machine=self._machine(), tick_seconds=self._runtime.settings.tick_seconds)

    def _publish(self) -> None:
        """Step 2: tiles, signature, cosignature, note."""
        with self._units.read(ACTOR) as unit:
            state = unit.session.get_one(LogState, STATE_ROW)
            seen = _Seen(state.size, frontier_of(state).root(), state.signed_size, state.published_size)
        if seen.size == 0 or (seen.published_size == seen.size and self._is_confirmed):
            return
        filled = self._integrate(seen)
        key = self._runtime.log_key
        signed = Checkpoint(key.name, seen.size, seen.root).signed(key)
        line = self._cosignature(signed, seen.size)
        if seen.signed_size < seen.size or (line is not None and seen.published_size < seen.size):
            self._store(seen, signed, line)
        for path in filled:
            # Readers fall back from a partial file to the full one (C2SP tlog-tiles), so the partial ones may go.
            self._runtime.objects.delete_prefix(f"{tiles.FOLDER}/{path}.p")

    def _integrate(self, seen: _Seen) -> list[str]:
        """Make the tiles of the tree durable; returns the paths of those that are full now."""
        edge = self._edge or self._stored_edge()
        filled: list[str] = []
        while edge.size < seen.size:
            entries = self._entries(edge.size, min(edge.size + LEAVES_AT_ONCE, seen.size))
            edge, full = tiles.integrate(self._runtime.objects, edge, entries)
            filled += full
        if edge.size > seen.size:
            raise LogDiffers(index=seen.size, reason="shorter_than_signed")
        if edge.root() != seen.root:
            raise LogDiffers(index=seen.size, reason="tiles_differ")
        self._edge = edge
        return filled

    def _stored_edge(self) -> Edge:
        """Where the tiles stand by the newest signed checkpoint; from the beginning where files are lost."""
        with self._units.read(ACTOR) as unit:
            newest = unit.session.scalar(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1))
        if newest is None:
            return Edge()
        try:
            return load_edge(newest.size, newest.root, tiles.getter(self._runtime.objects))
        except TileMissing as error:
            log.warning("tiles_made_again", path=error.fields.get("path"))
            return Edge()

    def _entries(self, start: int, end: int) -> Sequence[bytes]:
        with self._units.read(ACTOR) as unit:
            entries = unit.session.scalars(
                select(LogLeaf.entry)
                .where(LogLeaf.leaf_index >= start, LogLeaf.leaf_index < end)
                .order_by(LogLeaf.leaf_index)
            ).all()
        if len(entries) != end - start:
            raise LogDiffers(index=start + len(entries), reason="missing")
        return entries

    def _cosignature(self, signed: str, size: int) -> SignatureLine | None:
        """The cosigner's line; None without a cosigner, while it is away, or when it cosigned a larger tree already."""
        if not needs_cosigner(self._runtime.settings) or self._machine() < self._retry_at:
            return None
        try:
            line = self._cosigner().add_checkpoint(
                signed, lambda old: self._consistency(old, size), now=self._machine()
            )
        except CosignerUnavailable as error:
            if not self._failures:
                log.warning("cosigner_unavailable", **error.fields)
            self._retry_at = self._machine() + min(RETRY_FIRST * 2 ** min(self._failures, 10), RETRY_MAX)
            self._failures += 1
            return None
        except LogRolledBack as problem:
            if self._has_grown_to(problem):
                return None
            raise
        if self._failures:
            log.info("cosigner_is_back", size=size)
        self._failures = 0
        self._is_confirmed = True
        return line

    def _cosigner(self) -> CosignerClient:
        if self._client is None:
            key = cosigner_key(self._runtime.settings)
            self._client = CosignerClient(self._runtime.settings.cosigner_url, str(key))
        return self._client

    def _consistency(self, old: int, size: int) -> Sequence[bytes]:
        if old == 0:
            return ()
        with self._units.read(ACTOR) as unit:
            return consistency_proof(StoredHashes(unit.session), old, size)

    def _has_grown_to(self, problem: LogRolledBack) -> bool:
        """Whether another publisher, who had our lease meanwhile, got the larger tree of this very log cosigned."""
        with self._units.read(ACTOR) as unit:
            size = unit.session.scalars(select(LogState.size).where(LogState.id == STATE_ROW)).one()
        cosigned = problem.fields["cosigned"]
        return isinstance(cosigned, int) and cosigned <= size

    def _store(self, seen: _Seen, signed: str, line: SignatureLine | None) -> None:
        note, cosigned_at = signed, None
        if line is not None:
            note = str(Note.parse(signed).with_signatures([line]))
            cosigned_at = datetime.fromtimestamp(int.from_bytes(line.signature[:8], "big"), UTC)
        with self._units.begin(ACTOR) as unit:
            tiles.store_checkpoint(
                unit.session,
                LogCheckpoint(
                    size=seen.size, root=seen.root, note=note, signed_at=self._machine(), cosigned_at=cosigned_at
                ),
            )
            unit.topics.add("log")


def _configure(unit: Unit, *, needed: bool) -> None:
    """Proofs rest on cosigned checkpoints from the moment a cosigner is configured, and on signed ones before."""
    state = unit.session.get_one(LogState, STATE_ROW, populate_existing=True)
    if state.needs_cosigner == needed:
        return
    newest = select(LogCheckpoint.size).order_by(LogCheckpoint.size.desc()).limit(1)
    if needed:
        newest = newest.where(LogCheckpoint.cosigned_at.is_not(None))
    state.needs_cosigner = needed
    state.published_size = unit.session.scalar(newest) or 0


def stop(runtime: Runtime, problem: Tampering, machine: datetime) -> None:
    """Stop publishing for every process: alarm in the state (readiness), the journal and the log file."""
    log.critical(
        "publishing_stopped", code=problem.code, **{name: str(value) for name, value in problem.fields.items()}
    )
    with runtime.units.begin(ACTOR) as unit:
        raised = unit.session.execute(
            update(LogState)
            .where(LogState.id == STATE_ROW, LogState.alarm.is_(None))
            .values(alarm=problem.code, alarm_at=machine)
            .returning(LogState.size)
            .execution_options(synchronize_session=False)
        ).first()
        if raised is not None:
            unit.append(STREAM, PublicationStopped(problem=problem.code, log_size=raised.size))


def resume(unit: Unit, reason: str) -> bool:
    """Let the publisher go on after a person has examined the evidence; False when it was not stopped.

    The check that failed is made again at once, so resuming alone cannot hide anything.
    """
    state = unit.session.get(LogState, STATE_ROW)
    if state is None or state.alarm is None:
        return False
    unit.append(STREAM, PublicationResumed(problem=state.alarm, log_size=state.size), reason=reason)
    state.alarm, state.alarm_at = None, None
    return True
