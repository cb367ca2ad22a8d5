"""One construction for every draw: coefficients at an opening, experts for a committee."""

from foundation.draws.beacon import check_beacon, read_round
from foundation.draws.errors import (
    BeaconAway,
    BeaconFalse,
    BeaconMalformed,
    BeaconUnchecked,
    PoolMismatch,
    TranscriptMalformed,
)
from foundation.draws.ranking import Ranking, rank, replay, ticket
from foundation.draws.transcript import (
    QUICKNET_CHAIN,
    Beacon,
    Contribution,
    FrozenBid,
    Transcript,
    beacon_round,
    beacon_time,
    build,
    contribution_value,
    freeze_text,
)

__all__ = [
    "QUICKNET_CHAIN",
    "Beacon",
    "BeaconAway",
    "BeaconFalse",
    "BeaconMalformed",
    "BeaconUnchecked",
    "Contribution",
    "FrozenBid",
    "PoolMismatch",
    "Ranking",
    "Transcript",
    "TranscriptMalformed",
    "beacon_round",
    "beacon_time",
    "build",
    "check_beacon",
    "contribution_value",
    "freeze_text",
    "rank",
    "read_round",
    "replay",
    "ticket",
]
