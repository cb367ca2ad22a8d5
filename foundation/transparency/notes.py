"""Signed notes and timestamped cosignatures (C2SP signed-note, tlog-cosignature v1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from foundation.transparency.errors import BadSignature, MalformedText
from foundation.transparency.keys import SIGNATURE_BYTES, Algorithm, SigningKey, VerifierKey, check_name
from foundation.transparency.text import b64, unb64, utf8

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
# How far a cosigner's clock may run ahead of the reader's before its word does not count.
CLOCK_TOLERANCE = timedelta(seconds=30)

_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One line under a note: who signed (name and key id) and the signature bytes, cosignature time included."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> SignatureLine:
        dash, _, rest = line.partition(" ")
        name, space, encoded = rest.partition(" ")
        if dash != "—" or not space:
            raise MalformedText(what="signature line", reason="parts")
        check_name(name)
        data = unb64(encoded, "signature line")
        if len(data) <= 4:  # noqa: PLR2004 - the key id alone is no signature
            raise MalformedText(what="signature line", reason="length")
        return cls(name, data[:4], data[4:])

    def is_by(self, key: VerifierKey) -> bool:
        """Whether the line claims to be by ``key``; says nothing about whether it is genuine."""
        return self.name == key.name and self.key_id == key.key_id

    def __str__(self) -> str:
        return f"— {self.name} {b64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signature lines. Holding one proves nothing: see ``verified``."""

    text: str
    signatures: tuple[SignatureLine, ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        if len(utf8(note, "note")) > MAX_NOTE_BYTES:
            raise MalformedText(what="note", reason="too_large")
        split = note.rfind("\n\n")
        if split < 0:
            raise MalformedText(what="note", reason="no_blank_line")
        text, tail = note[: split + 1], note[split + 2 :]
        check_note_text(text)
        if not tail.endswith("\n"):
            raise MalformedText(what="note", reason="no_signature")
        lines = tail[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise MalformedText(what="note", reason="too_many_signatures")
        return cls(text, tuple(SignatureLine.parse(line) for line in lines))

    def with_signatures(self, lines: Iterable[SignatureLine]) -> Note:
        """The note with more signature lines; a line it already carries is not repeated."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *lines))))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))


@dataclass(frozen=True, slots=True)
class Signer:
    """A key whose signature was verified; ``at`` is the time it stated, for a cosignature (whole seconds)."""

    key: VerifierKey
    at: datetime | None


def check_note_text(text: str) -> None:
    """Refuse text that cannot be signed as a note: no final newline, or a control character."""
    if not text.endswith("\n"):
        raise MalformedText(what="note", reason="no_final_newline")
    if any(char < " " and char != "\n" for char in text):
        raise MalformedText(what="note", reason="control_character")


def sign_note(text: str, key: SigningKey) -> SignatureLine:
    """The signature line of an Ed25519 note key (0x01) over ``text``."""
    check_note_text(text)
    if key.algorithm is not Algorithm.ED25519:
        raise ValueError("a cosigner key signs with cosign()")
    return SignatureLine(key.name, key.verifier.key_id, key.sign(text.encode()))


def signed_note(text: str, *keys: SigningKey) -> str:
    """``text`` as a complete note, signed by each key."""
    return str(Note(text, tuple(sign_note(text, key) for key in keys)))


def cosign(text: str, key: SigningKey, at: datetime) -> SignatureLine:
    """A cosigner's line (0x04) over a checkpoint's text, stating that this was the largest tree seen ``at`` then."""
    check_note_text(text)
    if key.algorithm is not Algorithm.COSIGNATURE:
        raise ValueError("a note key signs with sign_note()")
    seconds = _seconds(at)
    signature = key.sign(_cosigned_message(seconds, text))
    return SignatureLine(key.name, key.verifier.key_id, seconds.to_bytes(8, "big") + signature)


def verified(note: Note, keys: Iterable[VerifierKey]) -> tuple[Signer, ...]:
    """Whose word the note is: each of ``keys`` that signed, once, however many lines it wrote.

    Lines by unknown keys are ignored. A line that names one of ``keys`` and does not verify condemns the whole note.
    Where a cosigner wrote several lines its earliest time stands. Raises BadSignature when no key of ``keys`` signed.
    """
    found: dict[bytes, Signer] = {}
    known = tuple(keys)
    for line in note.signatures:
        for key in known:
            if not line.is_by(key):
                continue
            signer = Signer(key, _verified_line(line, key, note.text))
            # By public key, not by name: one key under two names is still one voice.
            before = found.get(key.public_key)
            if before is None or _is_earlier(signer, before):
                found[key.public_key] = signer
    if not found:
        raise BadSignature(key="", reason="no_trusted_signature")
    return tuple(found.values())


def is_future(at: datetime, now: datetime | None) -> bool:
    """Whether a stated time lies beyond ``now`` by more than clocks may differ; never, without a ``now``."""
    return now is not None and at > now + CLOCK_TOLERANCE


def _is_earlier(signer: Signer, before: Signer) -> bool:
    return signer.at is not None and before.at is not None and signer.at < before.at


def _verified_line(line: SignatureLine, key: VerifierKey, text: str) -> datetime | None:
    if key.algorithm is Algorithm.ED25519:
        if not key.is_signature(line.signature, text.encode()):
            raise BadSignature(key=key.name, reason="wrong")
        return None
    if len(line.signature) != 8 + SIGNATURE_BYTES:
        raise BadSignature(key=key.name, reason="length")
    seconds = int.from_bytes(line.signature[:8], "big")
    if not key.is_signature(line.signature[8:], _cosigned_message(seconds, text)):
        raise BadSignature(key=key.name, reason="wrong")
    if not 0 < seconds <= _LAST_SECOND:
        raise BadSignature(key=key.name, reason="time")
    return datetime.fromtimestamp(seconds, UTC)


def _cosigned_message(seconds: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _seconds(at: datetime) -> int:
    if at.tzinfo is None or at.timestamp() < 1:
        raise ValueError("a cosignature states an aware time after 1970")
    return int(at.timestamp())
