"""The keys of a demonstration bidder, in a folder of its own.

A real bidder keeps them in the browser or in a passphrase-protected file; a robot has nobody to type the passphrase, so
its files are plain (mode 0600), which is why this module is in the sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.clock import machine_now
from foundation.sealing import S1, KeyFile, KeyUse, Suite, generate_key
from foundation.sealing.suite import PrivateKey
from foundation.transparency.storage import create_file

_FILES: Final = {KeyUse.SIGNING: "signing.json", KeyUse.OPENING: "opening.json"}


@dataclass(frozen=True, slots=True)
class BidderKeys:
    """``signing`` signs manifests and confirmations, ``opening`` opens the bidder's own wrap."""

    signing: PrivateKey
    opening: PrivateKey

    @classmethod
    def in_folder(cls, folder: Path, suite: Suite = S1) -> BidderKeys:
        """The keys of a suite kept in ``folder``; made there when missing."""
        folder = folder if suite is S1 else folder / suite.name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(_key(folder, KeyUse.SIGNING, suite), _key(folder, KeyUse.OPENING, suite))

    @staticmethod
    def lose_opening(folder: Path) -> None:
        """The disk died: the key that opens the bid is gone, and no copy was kept."""
        (folder / _FILES[KeyUse.OPENING]).unlink(missing_ok=True)


def _key(folder: Path, use: KeyUse, suite: Suite) -> PrivateKey:
    path = folder / _FILES[use]
    if not path.exists():
        key = generate_key(suite)
        fresh = KeyFile(use=use, tender="", lot="", owner="", created=machine_now(), private_key=key)
        create_file(path, fresh.payload(), mode=0o600)
    return KeyFile.parse_payload(path.read_bytes()).private_key
