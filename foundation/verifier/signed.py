"""Whom a reader trusts and what they signed: C2SP signed-note, tlog-checkpoint, tlog-cosignature v1, tlog-policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from foundation.verifier.problems import Problem, demand
from foundation.verifier.reading import number_of, sha256, text_of, unbase64, unhex

NOTE_KEY, COSIGNER_KEY = 0x01, 0x04
MAX_NOTE = 1_000_000
MAX_LINES = 100
MAX_POLICY = 100_000
CLOCKS_DIFFER = timedelta(seconds=30)
_LATEST = 253_402_300_799
_NAME = re.compile(r"[^\s+\x00-\x20]+")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 key with its name and kind (0x01 signs notes, 0x04 cosigns)."""

    name: str
    kind: int
    raw: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.raw)[:4]

    def signed(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Line:
    """A signature line: name, key id and signature bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def is_by(self, key: PublicKey) -> bool:
        return (self.name, self.key_id) == (key.name, key.key_id)


@dataclass(frozen=True, slots=True)
class Trust:
    """A C2SP tlog-policy: log keys, cosigners by policy name, groups (threshold, members) and the quorum's name."""

    logs: tuple[PublicKey, ...]
    cosigners: dict[str, PublicKey]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A checkpoint that its log signed and a quorum cosigned. ``at``: when the quorum stood; None under "none"."""

    origin: str
    size: int
    root: bytes
    at: datetime | None
    cosigners: tuple[str, ...]


def read_vkey(text: str, kind: int, where: str) -> PublicKey:
    """``<name>+<hex key id>+<base64 of kind and key>``."""
    parts = text.split("+", 2)
    demand(len(parts) == 3 and _NAME.fullmatch(parts[0]), "format.vkey", where)  # noqa: PLR2004 - as the format page says
    material = unbase64(parts[2], where, 33)
    key = PublicKey(parts[0], material[0], material[1:])
    demand(key.kind == kind and unhex(parts[1], where, 4) == key.key_id, "format.vkey", where)
    return key


def read_trust(raw: bytes, where: str) -> Trust:
    """Parse a policy. A key named twice, a member in two groups or an unknown quorum is refused."""
    text = text_of(raw, where)
    is_text = len(raw) <= MAX_POLICY and text.endswith("\n") and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    demand(is_text, "format.policy", where)
    logs: list[PublicKey] = []
    cosigners: dict[str, PublicKey] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    quorum, used = "", set[str]()
    for line in text.split("\n"):
        words = line.strip(" \t").split()
        if not words or words[0].startswith("#"):
            continue
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                logs.append(read_vkey(vkey, NOTE_KEY, where))
            case ["witness", name, vkey, *url] if len(url) <= 1 and _is_new(name, cosigners, groups):
                cosigners[name] = read_vkey(vkey, COSIGNER_KEY, where)
            case ["group", name, threshold, *members] if members and _is_new(name, cosigners, groups):
                is_known = all(one in cosigners or one in groups for one in members)
                demand(is_known and len(set(members) | used) == len(members) + len(used), "format.policy", where)
                used |= set(members)
                groups[name] = (_threshold(threshold, len(members), where), tuple(members))
            case ["quorum", name] if not quorum and (name == "none" or name in cosigners or name in groups):
                quorum = name
            case _:
                raise Problem("format.policy", where, line=line)
    for keys in (logs, list(cosigners.values())):
        demand(len({key.raw for key in keys}) == len(keys), "policy.key_twice", where)
    demand(quorum and logs, "format.policy", where)
    return Trust(tuple(logs), cosigners, groups, quorum)


def _is_new(name: str, cosigners: dict[str, PublicKey], groups: dict[str, tuple[int, tuple[str, ...]]]) -> bool:
    return name != "none" and name not in cosigners and name not in groups


def _threshold(word: str, members: int, where: str) -> int:
    if word in {"any", "all"}:
        return 1 if word == "any" else members
    count = number_of(word, where)
    demand(1 <= count <= members, "format.policy", where)
    return count


def split_note(raw: bytes, where: str) -> tuple[str, list[Line]]:
    """Text and signature lines of a signed note, by form only."""
    note = text_of(raw, where)
    at = note.rfind("\n\n")
    is_note = len(raw) <= MAX_NOTE and at > 0 and note.endswith("\n") and not re.search(r"[\x00-\x09\x0b-\x1f]", note)
    demand(is_note, "format.note", where)
    lines: list[Line] = []
    for row in note[at + 2 : -1].split("\n"):
        found = re.fullmatch(r"— (\S+) (\S+)", row)
        demand(found, "format.note", where)
        if found is not None:
            data = unbase64(found[2], where)
            demand(_NAME.fullmatch(found[1]) and len(data) > 4, "format.note", where)  # noqa: PLR2004 - as the format page says
            lines.append(Line(found[1], data[:4], data[4:]))
    demand(len(lines) <= MAX_LINES, "format.note", where)
    return note[: at + 1], lines


def read_head(raw: bytes, trust: Trust, now: datetime | None, where: str) -> TreeHead:
    """A checkpoint this policy accepts.

    Problems: ``log.origin``, ``log.signature`` (no log key of that name signed, or a line naming a trusted key does
    not verify), ``log.quorum`` (too few *distinct* cosigner keys; one key is one
    voice, one from the future is none).
    """
    text, lines = split_note(raw, where)
    rows = text[:-1].split("\n")
    demand(len(rows) == 3 and "" not in rows, "format.checkpoint", where)  # noqa: PLR2004 - as the format page says
    size, root = number_of(rows[1], where), unbase64(rows[2], where, 32)
    demand(size > 0, "log.empty", where)
    keys = [key for key in trust.logs if key.name == rows[0]]
    demand(keys, "log.origin", where, found=rows[0])
    signed = [key for key in keys if _signed_by(key, lines, text, where)]
    demand(signed, "log.signature", where, signer=rows[0])
    times: dict[str, datetime] = {}
    for name, key in trust.cosigners.items():
        at = _cosigned_at(key, lines, text, where)
        if at is not None and (now is None or at <= now + CLOCKS_DIFFER):
            times[name] = at
    is_met, stood_at = _quorum(trust, times)
    demand(is_met, "log.quorum", where, wanted=trust.quorum, found=" ".join(sorted(times)) or "-")
    return TreeHead(rows[0], size, root, stood_at, tuple(sorted(times)))


def _signed_by(key: PublicKey, lines: list[Line], text: str, where: str) -> bool:
    own = [line for line in lines if line.is_by(key)]
    for line in own:
        demand(key.signed(line.signature, text.encode()), "log.signature", where, signer=key.name)
    return bool(own)


def _cosigned_at(key: PublicKey, lines: list[Line], text: str, where: str) -> datetime | None:
    """The earliest time this key stated; a line that names it and does not verify condemns the checkpoint."""
    times = []
    for line in lines:
        if not line.is_by(key):
            continue
        seconds = int.from_bytes(line.signature[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        is_signed = len(line.signature) == 72 and key.signed(line.signature[8:], message)  # noqa: PLR2004 - as the format page says
        demand(is_signed and 0 < seconds <= _LATEST, "log.signature", where, signer=key.name)
        times.append(datetime.fromtimestamp(seconds, UTC))
    return min(times, default=None)


def _quorum(trust: Trust, times: dict[str, datetime]) -> tuple[bool, datetime | None]:
    if trust.quorum == "none":
        return True, None
    reached = dict(times)
    for name, (threshold, members) in trust.groups.items():
        stood = sorted(reached[one] for one in members if one in reached)
        if len(stood) >= threshold:
            reached[name] = stood[threshold - 1]
    return trust.quorum in reached, reached.get(trust.quorum)
