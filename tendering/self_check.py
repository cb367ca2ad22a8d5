"""Rules of the self-check (R3.24): its lines, when a device is ready, and what trial bytes may be. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tendering.readiness_errors import SelfCheckMalformed, TrialRefused

LINES: Final = (
    "secure",
    "browser",
    "crypto",
    "worker",
    "keys",
    "persistent",
    "storage",
    "clock",
    "socket",
    "http",
    "round",
)
"""In the order of the page."""
MEASURED_MAX: Final = 80
TRIAL_PART: Final = "trial"
TRIAL_MAX_BYTES: Final = (1 << 20) + (1 << 16)
"""One mebibyte sealed, and what sealing adds."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class LineState(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Works, with something the bidder should know."""
    BAD = "bad"
    """Sealing, uploading or decrypting would not work here."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One line; ``measured`` is what the browser saw (a version, seconds, bytes), never a sentence."""

    id: str
    state: LineState
    measured: str


def ordered_lines(lines: Sequence[CheckLine]) -> tuple[CheckLine, ...]:
    """The lines in the order of the page. Raises SelfCheckMalformed unless every one is there once."""
    by_id = {line.id: line for line in lines}
    if len(lines) != len(LINES) or set(by_id) != set(LINES):
        raise SelfCheckMalformed
    if any(len(line.measured) > MEASURED_MAX or _CONTROL.search(line.measured) for line in lines):
        raise SelfCheckMalformed
    return tuple(by_id[name] for name in LINES)


def is_ready(lines: Sequence[CheckLine]) -> bool:
    return all(line.state is not LineState.BAD for line in lines)


def troubles(lines: Sequence[CheckLine]) -> tuple[str, ...]:
    """The lines that are not in order."""
    return tuple(line.id for line in lines if line.state is not LineState.OK)


def demand_trial(part: str, number: int, size_bytes: int, sha256: str) -> None:
    """Raises TrialRefused for anything but the announcement of one small trial segment."""
    fits = part == TRIAL_PART and number == 0 and 0 < size_bytes <= TRIAL_MAX_BYTES
    if not (fits and _DIGEST.fullmatch(sha256)):
        raise TrialRefused
