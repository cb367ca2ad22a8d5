"""One construction for every draw: coefficients at an opening, experts for a committee."""

from foundation.draws.errors import PoolMismatch, TranscriptMalformed
from foundation.draws.ranking import Ranking, rank, replay, ticket
from foundation.draws.transcript import (
    Beacon,
    Contribution,
    FrozenBid,
    Transcript,
    beacon_round,
    build,
    contribution_value,
    freeze_text,
)

__all__ = [
    "Beacon",
    "Contribution",
    "FrozenBid",
    "PoolMismatch",
    "Ranking",
    "Transcript",
    "TranscriptMalformed",
    "beacon_round",
    "build",
    "contribution_value",
    "freeze_text",
    "rank",
    "replay",
    "ticket",
]
