"""Rank a pool by tickets of a seed. No modulo, hence no bias; no randomness, hence anyone can replay it."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass

from foundation.draws.errors import PoolMismatch, TranscriptMalformed
from foundation.draws.transcript import MAX_POOL, Transcript
from foundation.sealing.text import h, note


@dataclass(frozen=True, slots=True)
class Ranking:
    """The whole pool in ticket order; ``drawn`` are the first ones the rule takes."""

    transcript: Transcript
    order: tuple[str, ...]

    @property
    def drawn(self) -> tuple[str, ...]:
        return self.order[: self.transcript.first]

    def drawn_without(self, refused: Container[str]) -> tuple[str, ...]:
        """The first ones allowed: who is excluded or declines is passed over, and the next ticket moves up.

        Never draw again with a new seed: whoever may ask for a second draw chooses between two results.
        """
        allowed = [entry for entry in self.order if entry not in refused]
        return tuple(allowed[: self.transcript.first])


def ticket(seed: str, entry: str) -> bytes:
    """SHA-256 of ``note("etender-ticket/v1", seed, entry)``."""
    return hashlib.sha256(note("etender-ticket/v1", seed, entry)).digest()


def rank(transcript: Transcript, pool: Sequence[str]) -> Ranking:
    """Rank a pool; :class:`PoolMismatch` when it is not the pool the transcript was made over."""
    if len(pool) > MAX_POOL:
        raise TranscriptMalformed(reason="too_large")
    if len(set(pool)) != len(pool):
        # Equal entries would get equal tickets, and two chances.
        raise TranscriptMalformed(reason="duplicate_entry")
    try:
        pool_hash = h(*pool)
    except ValueError as error:
        raise TranscriptMalformed(reason="line_break") from error
    if (len(pool), pool_hash) != (transcript.pool_size, transcript.pool_hash):
        raise PoolMismatch(draw_id=transcript.draw_id, pool_size=len(pool))
    seed = transcript.seed
    return Ranking(transcript, tuple(sorted(pool, key=lambda entry: ticket(seed, entry))))


def replay(transcript_text: str, pool: Sequence[str]) -> Ranking:
    """Redo a draw from its published transcript and pool.

    Whether a beacon had to be there, and whether its signature verifies, is for the caller to compare with the notice
    (``ranking.transcript.beacon``).
    """
    return rank(Transcript.parse(transcript_text), pool)
