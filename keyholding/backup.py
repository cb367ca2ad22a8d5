"""Backup of a holder's agent: one age file under a passphrase, or sheets of paper that a person can type again.

The age file holds, as JSON, the pinned policy, every key file as it lies in the folder, and the frozen lists accepted.
A sheet of paper holds one key (docs/how-to/hold-a-key.md): its age file in rows of base64, a checksum each::

    etender-paper/v1 <lot id> <rows> <first 16 digits of the file's SHA-256>
    01 YWdl LWVu … = 3f2a
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from foundation import canonical
from foundation.errors import InvalidInput, NotFound
from foundation.ids import parse_id
from foundation.sealing import KeyFile, Role
from foundation.sealing.keys import decrypted, encrypted
from foundation.sealing.text import note
from foundation.transparency.storage import create_file
from keyholding.agent_state import OWNER_ONLY, StateFolder
from keyholding.errors import BackupRefused, PaperMalformed

KIND: Final = "etender-holder-backup/v1"
PAPER: Final = "etender-paper/v1"
ROW_BYTES: Final = 36
ROWS_MAX: Final = 400
MAX_BACKUP_BYTES: Final = 16 * 1024 * 1024
_NAME: Final = re.compile(r"([0-9a-f-]{36})\.(gate|escrow)\.key|frozen")
_HEAD: Final = re.compile(rf"{PAPER} ([0-9a-f-]{{36}}) ([0-9]{{1,3}}) ([0-9a-f]{{16}})")
_ROW: Final = re.compile(r"([0-9]{1,3}) (.+) = ([0-9a-f]{4})")
_AGE: Final = b"age-encryption.org/"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back: how many keys, of how many lots."""

    keys: int
    lots: int


def write_backup(folder: Path, passphrase: str) -> bytes:
    """Everything in the agent's folder as one age file. May run beside the agent: its files never change once made.

    Raises BackupRefused when there is nothing to keep, CannotSeal for a short passphrase.
    """
    files = [
        {"lot": path.parent.name, "name": path.name, "data": base64.b64encode(path.read_bytes()).decode()}
        for path in _files(folder)
    ]
    if not files:
        raise BackupRefused(reason="empty")
    policy = (folder / "policy.txt").read_text(encoding="utf-8")
    return encrypted(canonical.dumps({"kind": KIND, "policy": policy, "files": files}).encode(), passphrase)


def restore_backup(folder: Path, data: bytes, passphrase: str) -> Restored:
    """Put a backup back into a folder; again it changes nothing, and nothing that is there is ever replaced.

    Raises WrongKey, BackupRefused (not a backup; ``differs`` where another key lies), PolicyRefused, StateFolderBusy.
    """
    payload = decrypted(data, passphrase)
    try:
        told = canonical.loads(payload, max_bytes=MAX_BACKUP_BYTES)
        files = [_file(one) for one in told["files"]] if told["kind"] == KIND else []
        policy = str(told["policy"])
    except (InvalidInput, NotFound, KeyError, TypeError, binascii.Error) as error:
        raise BackupRefused(reason="form") from error
    if not files:
        raise BackupRefused(reason="form")
    state = StateFolder(folder, policy_text=policy)
    try:
        for lot, name, content in files:
            _put(folder, lot, name, content)
    finally:
        state.close()
    return Restored(sum(name.endswith(".key") for _, name, _ in files), len({lot for lot, _, _ in files}))


def write_paper(folder: Path, passphrase: str, agent_passphrase: str = "") -> str:
    """A sheet for every key in the folder. ``agent_passphrase`` opens key files that the agent keeps encrypted."""
    sheets = []
    for path in _files(folder):
        if not path.name.endswith(".key"):
            continue
        raw = path.read_bytes()
        key = KeyFile.parse(raw, agent_passphrase) if raw.startswith(_AGE) else KeyFile.parse_payload(raw)
        sheets.append(sheet_of(key.to_bytes(passphrase), path.parent.name))
    if not sheets:
        raise BackupRefused(reason="empty")
    return "\n".join(sheets)


def sheet_of(age: bytes, lot_id: str) -> str:
    """The rows of one key, lines ended by LF."""
    rows = [base64.b64encode(age[at : at + ROW_BYTES]).decode() for at in range(0, len(age), ROW_BYTES)]
    lines = [f"{PAPER} {lot_id} {len(rows)} {hashlib.sha256(age).hexdigest()[:16]}"]
    for number, row in enumerate(rows, 1):
        spaced = " ".join(row[at : at + 4] for at in range(0, len(row), 4))
        lines.append(f"{number:02d} {spaced} = {_row_sum(number, row)}")
    return "".join(f"{line}\n" for line in lines)


def read_sheets(text: str) -> Iterator[tuple[str, bytes]]:
    """Lot id and age file of each sheet. Raises PaperMalformed naming the first row that was typed wrongly."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while lines:
        head = _HEAD.fullmatch(lines.pop(0))
        if head is None or int(head[2]) > ROWS_MAX:
            raise PaperMalformed(row=0)
        pieces = [_row(number, lines.pop(0) if lines else "") for number in range(1, int(head[2]) + 1)]
        age = b"".join(pieces)
        if not hashlib.sha256(age).hexdigest().startswith(head[3]):
            raise PaperMalformed(row=0)
        yield parse_id(head[1]), age


def restore_paper(folder: Path, text: str, passphrase: str, policy_text: str, agent_passphrase: str = "") -> Restored:
    """Keys typed from paper into a folder whose policy is pinned, or pinned now. Errors as ``restore_backup``."""
    keys = [(lot, KeyFile.parse(age, passphrase)) for lot, age in read_sheets(text)]
    if not keys:
        raise PaperMalformed(row=0)
    state = StateFolder(folder, policy_text=policy_text)
    try:
        for lot, key in keys:
            role = Role.GATE if key.use.value == Role.GATE.value else Role.ESCROW
            name = f"{parse_id(key.owner)}.{role.value}.key"
            _put(folder, lot, name, key.to_bytes(agent_passphrase) if agent_passphrase else key.payload())
    finally:
        state.close()
    return Restored(len(keys), len({lot for lot, _ in keys}))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "lots").glob("*/*") if _NAME.fullmatch(path.name))


def _file(one: Any) -> tuple[str, str, bytes]:
    lot, name = parse_id(one["lot"]), str(one["name"])
    if _NAME.fullmatch(name) is None:
        raise KeyError(name)
    return lot, name, base64.b64decode(one["data"], validate=True)


def _put(folder: Path, lot: str, name: str, content: bytes) -> None:
    """``lot`` and ``name`` were checked: nothing else may become part of a path."""
    place = folder / "lots" / lot
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / name
    if not create_file(path, content, mode=OWNER_ONLY) and path.read_bytes() != content:
        raise BackupRefused(reason="differs", name=f"{lot}/{name}")


def _row(number: int, line: str) -> bytes:
    found = _ROW.fullmatch(line)
    row = found[2].replace(" ", "") if found else ""
    if found is None or int(found[1]) != number or _row_sum(number, row) != found[3]:
        raise PaperMalformed(row=number)
    try:
        return base64.b64decode(row, validate=True)
    except binascii.Error as error:
        raise PaperMalformed(row=number) from error


def _row_sum(number: int, row: str) -> str:
    return hashlib.sha256(note(PAPER, str(number), row)).hexdigest()[:4]
