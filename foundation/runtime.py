"""What a running process has in its hands. Built once by ``centre.bootstrap``, passed to views, jobs and rooms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from foundation.clock import Clock
from foundation.settings import Settings

if TYPE_CHECKING:
    from foundation.storage import ObjectStore
    from foundation.store.unit import Units
    from foundation.transparency.keys import SigningKey


@dataclass(frozen=True, slots=True)
class Runtime:
    """The ports of one process. ``log_key`` and ``receipt_key`` only sign; no decryption key exists on the platform."""

    settings: Settings
    units: Units
    clock: Clock
    objects: ObjectStore
    log_key: SigningKey
    receipt_key: SigningKey
    scratch_dir: Path
