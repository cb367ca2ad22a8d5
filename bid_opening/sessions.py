"""An opening session (开标场次): what its host can do with several lots at once, and whose turn it is to be read out.

Pure. A session owns nothing: no state, no clock, no record. Each lot is a room of its own (R3.41), and every act is
judged by the rules of that room alone; here it is only said which lots an act would reach now (R3.42).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bid_opening.states import ROOM_MACHINE, Phase

READ: Final = "start-reading"
TOGETHER: Final = ("start-decryption", "draw", "start-query", "start-confirming", "close")
"""What may be done to every lot that allows it, in the order of the ceremony. Reading goes lot by lot; extending and
halting are decisions about one lot and are made at its own desk."""
ACTS: Final = ("start-decryption", "draw", READ, "start-query", "start-confirming", "close")
"""Everything a host can do from the page of a session, with one lot or with several."""


@dataclass(frozen=True, slots=True)
class LotStand:
    """One lot of a session as its host sees it: which acts its room offers now, and which of them are possible."""

    lot_id: str
    number: int
    phase: Phase
    offers: Mapping[str, bool]

    def allows(self, act: str) -> bool:
        return self.offers.get(act, False)


@dataclass(frozen=True, slots=True)
class Joint:
    """An act with the lots it would reach now, and those that offer it but not yet."""

    act: str
    lots: tuple[str, ...]
    not_yet: tuple[str, ...]


def joint_acts(lots: Sequence[LotStand]) -> tuple[Joint, ...]:
    """Acts that at least one lot offers, in the order of the ceremony."""
    found = []
    for act in TOGETHER:
        able = tuple(lot.lot_id for lot in lots if lot.allows(act))
        waiting = tuple(lot.lot_id for lot in lots if act in lot.offers and not lot.allows(act))
        if able or waiting:
            found.append(Joint(act, able, waiting))
    return tuple(found)


def being_read(lots: Sequence[LotStand]) -> LotStand | None:
    """The lot that is being read out now."""
    return next((lot for lot in lots if lot.phase is Phase.READING), None)


def next_to_read(lots: Sequence[LotStand]) -> LotStand | None:
    """The first lot, in the order given, that can be read out now; None while another one is being read.

    A lot that failed, stands or is not decrypted yet is passed over: its turn comes when it can be read.
    """
    if being_read(lots) is not None:
        return None
    return next((lot for lot in lots if lot.allows(READ)), None)


def is_over(phases: Sequence[Phase]) -> bool:
    """Whether every lot has come to an end, of whatever kind."""
    return bool(phases) and all(ROOM_MACHINE.is_final(phase) for phase in phases)
