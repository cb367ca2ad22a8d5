"""The folder of a holder's agent: pinned policy, per-lot private keys, frozen lists seen. Files are 0600 and durable.

::

    policy.txt                                whom the agent believes, pinned at enrolment
    lots/<lot id>/<key set id>.<role>.key     one private key a key set: a key file (docs/sealed-bid-format.md §10),
                                              encrypted where a passphrase is given, else its plain JSON
    lots/<lot id>/frozen                      SHA-256 of the one frozen list accepted for this lot
    lock                                      one agent works from a folder

A key is on the disk before its public part leaves the machine; killed at any line, the agent finds it again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from foundation.ids import parse_id
from foundation.sealing import KeyFile, KeyUse, Role, Suite, generate_key
from foundation.transparency.policy import Policy
from foundation.transparency.storage import create_file
from keyholding.errors import EvidenceRefused, KeyMissing, PolicyRefused, StateFolderBusy
from keyholding.evidence import LotNames, read_policy

OWNER_ONLY: Final = 0o600
_AGE: Final = b"age-encryption.org/"
_USES: Final = {Role.GATE: KeyUse.GATE, Role.ESCROW: KeyUse.ESCROW}


class StateFolder:
    """Opens (and locks) the folder; raises StateFolderBusy, PolicyRefused."""

    def __init__(self, folder: Path, *, policy_text: str = "", passphrase: str = "") -> None:
        self.folder = folder
        self._passphrase = passphrase
        self._opened: dict[Path, KeyFile] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StateFolderBusy from error
        try:
            self.policy = self._pinned(policy_text)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another agent work here."""
        os.close(self._lock)

    def _pinned(self, given: str) -> Policy:
        """The policy pinned first counts for ever: another one needs a person who removes the file."""
        path = self.folder / "policy.txt"
        if given:
            read_policy(given)
            create_file(path, given.encode(), mode=OWNER_ONLY)
        if not path.exists():
            raise PolicyRefused(reason="missing")
        pinned = path.read_text(encoding="utf-8")
        if given and given != pinned:
            raise PolicyRefused(reason="differs")
        return read_policy(pinned)

    def make_key(self, lot: LotNames, keyset_id: str, role: Role, now: Callable[[], datetime], suite: Suite) -> KeyFile:
        """The key of this place, made and durably written if there is none yet."""
        path = self._path(lot.lot_id, keyset_id, role)
        if not path.exists():
            self._make_lot_folder(path.parent)
            fresh = KeyFile(_USES[role], lot.tender, lot.lot_code, keyset_id, now(), generate_key(suite))
            # create_file never replaces: of two tries only the first key exists.
            create_file(path, self._closed(fresh), mode=OWNER_ONLY)
        return self.key(lot, keyset_id, role)

    def key(self, lot: LotNames, keyset_id: str, role: Role) -> KeyFile:
        """The key made for exactly this lot; raises KeyMissing, or EvidenceRefused when the names differ."""
        path = self._path(lot.lot_id, keyset_id, role)
        if path not in self._opened:
            try:
                self._opened[path] = self._open(path.read_bytes())
            except FileNotFoundError:
                raise KeyMissing(lot=lot.lot_id) from None
        found = self._opened[path]
        if (found.tender, found.lot, found.use) != (lot.tender, lot.lot_code, _USES[role]):
            raise EvidenceRefused(reason="other_lot")
        return found

    def pin_frozen(self, lot_id: str, entry: bytes) -> None:
        """Accept one frozen list for a lot; raises EvidenceRefused for a second, different one."""
        path = self.folder / "lots" / parse_id(lot_id) / "frozen"
        digest = hashlib.sha256(entry).hexdigest()
        self._make_lot_folder(path.parent)
        create_file(path, digest.encode(), mode=OWNER_ONLY)
        if path.read_text(encoding="ascii") != digest:
            raise EvidenceRefused(reason="second_freeze")

    def _path(self, lot_id: str, keyset_id: str, role: Role) -> Path:
        # Both ids come from the server; only canonical UUIDs may become part of a path.
        return self.folder / "lots" / parse_id(lot_id) / f"{parse_id(keyset_id)}.{role.value}.key"

    def _make_lot_folder(self, folder: Path) -> None:
        if folder.exists():
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for parent in (folder.parent, self.folder):
            descriptor = os.open(parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _closed(self, key: KeyFile) -> bytes:
        return key.to_bytes(self._passphrase) if self._passphrase else key.payload()

    def _open(self, data: bytes) -> KeyFile:
        return KeyFile.parse(data, self._passphrase) if data.startswith(_AGE) else KeyFile.parse_payload(data)
