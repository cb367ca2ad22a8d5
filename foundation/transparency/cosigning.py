"""The cosigner's word (C2SP tlog-witness): what is asked, what is remembered, when it signs.

The one promise: it never signs two trees of one log of which neither begins with the other. What it has signed is on
the disk before the signature leaves the process, so a crash at any line costs at most an answer, never the promise.
"""

from __future__ import annotations

import fcntl
import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.errors import BadProof, BadSignature, CosignerBusy, MalformedText
from foundation.transparency.keys import Algorithm, SigningKey, VerifierKey
from foundation.transparency.merkle import verify_consistency
from foundation.transparency.notes import Note, cosign, verified
from foundation.transparency.storage import replace_file
from foundation.transparency.text import b64, decimal, hash_lines

TEXT_TYPE = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request body: ``old <size>``, the consistency proof from that size, an empty line, the signed checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def parse(cls, body: str) -> AddCheckpoint:
        what = "add-checkpoint"
        head, blank, checkpoint = body.partition("\n\n")
        lines = head.split("\n")
        if not blank or not lines[0].startswith("old "):
            raise MalformedText(what=what, reason="lines")
        return cls(decimal(lines[0].removeprefix("old "), what), hash_lines(lines[1:], what), checkpoint)

    def __str__(self) -> str:
        lines = [f"old {self.old_size}", *map(b64, self.proof)]
        return "".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint


@dataclass(frozen=True, slots=True)
class Reply:
    status: HTTPStatus
    body: str
    content_type: str = TEXT_TYPE


class CosignerRecord:
    """The latest cosigned checkpoint of each log, one file a log, held by one process at a time.

    Losing this folder is losing the cosigner's memory: start again with a new key, never with the old one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Take the folder; raises CosignerBusy while another process has it. The kernel lets go when a holder dies."""
        self._folder.mkdir(parents=True, exist_ok=True)
        guard = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            guard.close()
            raise CosignerBusy from error
        self._guard = guard
        for left_over in self._folder.glob(".*.checkpoint.*.part"):
            left_over.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def latest(self, origin: str) -> str | None:
        """The signed and cosigned checkpoint last put down for ``origin``."""
        return self.published(origin_hash(origin))

    def published(self, hashed_origin: str) -> str | None:
        try:
            return (self._folder / f"{hashed_origin}.checkpoint").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def put(self, origin: str, note: str) -> None:
        """Durable when it returns."""
        if self._guard is None:
            raise ValueError("the record is written only while it is held")
        replace_file(self._folder / f"{origin_hash(origin)}.checkpoint", note.encode(), mode=0o644)


class Cosigner:
    """Decides on checkpoints and signs them. Threads may share it."""

    def __init__(self, key: SigningKey, log_keys: Iterable[VerifierKey], record: CosignerRecord) -> None:
        if key.algorithm is not Algorithm.COSIGNATURE:
            raise ValueError("a cosigner signs with a cosignature key")
        self.key = key
        self._record = record
        self._log_keys: dict[str, list[VerifierKey]] = {}
        for log_key in log_keys:
            self._log_keys.setdefault(log_key.name, []).append(log_key)
        # Comparing with the last size and writing the next one must not be parted, or a slower request rolls back.
        self._turn = threading.Lock()
        for origin in self._log_keys:
            self._latest(origin)  # a damaged record stops the start: taking it for "never signed" would allow a fork

    def add_checkpoint(self, body: bytes, now: datetime) -> Reply:
        """Answer an ``add-checkpoint`` request; ``now`` becomes the time of the cosignature."""
        try:
            request = AddCheckpoint.parse(body.decode("utf-8"))
            note = Note.parse(request.checkpoint)
            checkpoint = Checkpoint.parse(note.text)
        except (UnicodeDecodeError, MalformedText):
            return _denied(HTTPStatus.BAD_REQUEST, "malformed")
        keys = self._log_keys.get(checkpoint.origin)
        if keys is None:
            return _denied(HTTPStatus.NOT_FOUND, "unknown log")
        try:
            verified(note, keys)
        except BadSignature:
            return _denied(HTTPStatus.FORBIDDEN, "bad signature")
        if request.old_size > checkpoint.size:
            return _denied(HTTPStatus.BAD_REQUEST, "old size above the checkpoint's")
        # One line a log key and nothing of strangers, so that what is kept can always be read again.
        kept = [next((line for line in note.signatures if line.is_by(key)), None) for key in keys]
        genuine = Note(note.text, tuple(line for line in kept if line is not None))
        with self._turn:
            return self._decide(request, checkpoint, genuine, now)

    def _decide(self, request: AddCheckpoint, checkpoint: Checkpoint, note: Note, now: datetime) -> Reply:
        latest = self._latest(checkpoint.origin)
        known_size = latest.size if latest else 0
        if request.old_size != known_size:
            return Reply(HTTPStatus.CONFLICT, f"{known_size}\n", SIZE_TYPE)
        try:
            _check_growth(latest, checkpoint, request.proof)
        except BadProof as error:
            return _denied(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        line = cosign(note.text, self.key, now)
        self._record.put(checkpoint.origin, str(note.with_signatures([line])))
        return Reply(HTTPStatus.OK, str(line))

    def published(self, hashed_origin: str) -> str | None:
        """The cosigned checkpoint for monitors, by the hex SHA-256 of the log's origin."""
        known = {origin_hash(origin) for origin in self._log_keys}
        return self._record.published(hashed_origin) if hashed_origin in known else None

    def _latest(self, origin: str) -> Checkpoint | None:
        note_text = self._record.latest(origin)
        if note_text is None:
            return None
        note = Note.parse(note_text)
        # Read back only under a signature: a file changed by hand is damage, not memory. Either will do, because
        # log and cosigner may each change keys without the cosigner forgetting what it signed.
        verified(note, [self.key.verifier, *self._log_keys[origin]])
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != origin:
            raise MalformedText(what="cosigner record", reason="origin")
        return checkpoint


def origin_hash(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()


def _check_growth(latest: Checkpoint | None, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if not checkpoint.is_plausible:
        raise BadProof(kind="consistency", reason="empty_root")
    if latest is None or latest.size == 0:
        # Every tree begins with the empty one, so there is nothing to prove and a "proof" is refused.
        if proof:
            raise BadProof(kind="consistency", reason="length")
        return
    verify_consistency(latest.size, checkpoint.size, latest.root, checkpoint.root, proof)


def _denied(status: HTTPStatus, reason: str) -> Reply:
    return Reply(status, f"{reason}\n")
