"""Whom a reader trusts (C2SP tlog-policy): log keys, cosigners, and how many of them must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.errors import BadSignature, MalformedText, QuorumNotMet
from foundation.transparency.keys import Algorithm, VerifierKey
from foundation.transparency.notes import Note, is_future, verified
from foundation.transparency.text import utf8

MAX_POLICY_BYTES = 100_000
NO_QUORUM = "none"
_BLANKS = re.compile(r"[ \t]+")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class LogKey:
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class PolicyCosigner:
    """A ``witness`` line: a cosigner under the name the policy's groups use for it."""

    name: str
    key: VerifierKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint the policy accepts.

    ``cosigned_at`` is the second at which the quorum stood (for "k of n" the k-th earliest cosignature, so that one
    wrong clock does not decide it); None under ``quorum none``. ``cosigners`` are policy names.
    """

    checkpoint: Checkpoint
    log_key: VerifierKey
    cosigners: tuple[str, ...]
    cosigned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Policy:
    logs: tuple[LogKey, ...]
    cosigners: tuple[PolicyCosigner, ...]
    groups: tuple[Group, ...]
    quorum: str

    @classmethod
    def parse(cls, text: str) -> Policy:
        return _Reader().read(text)

    def verify(self, note_text: str, *, now: datetime | None) -> VerifiedCheckpoint:
        """Accept a signed checkpoint, or raise BadSignature, QuorumNotMet or MalformedText.

        A cosignature stated to be later than ``now`` does not count; ``now=None`` leaves times unjudged, which is for
        a reader without a clock of its own.
        """
        note = Note.parse(note_text)
        checkpoint = Checkpoint.parse(note.text)
        log_keys = [log.key for log in self.logs if log.key.name == checkpoint.origin]
        log_key = verified(note, log_keys)[0].key
        times, future = self._cosignature_times(note, now)
        met, quorum_at = self._quorum_time(times)
        if not met:
            raise QuorumNotMet(quorum=self.quorum, cosigned=sorted(times), future=sorted(future))
        return VerifiedCheckpoint(checkpoint, log_key, tuple(sorted(times)), quorum_at)

    def overlaps(self) -> tuple[str, ...]:
        """Cosigners that hold a log's own key: they vouch for themselves, so a verifier warns."""
        own = {log.key.public_key for log in self.logs}
        return tuple(one.name for one in self.cosigners if one.key.public_key in own)

    def _cosignature_times(self, note: Note, now: datetime | None) -> tuple[dict[str, datetime], set[str]]:
        names = {one.key: one.name for one in self.cosigners}
        if not any(line.is_by(key) for line in note.signatures for key in names):
            return {}, set()
        times: dict[str, datetime] = {}
        future: set[str] = set()
        for signer in verified(note, names):
            if signer.at is None:
                raise BadSignature(key=signer.key.name, reason="no_time")
            if is_future(signer.at, now):
                future.add(names[signer.key])
            else:
                times[names[signer.key]] = signer.at
        return times, future

    def _quorum_time(self, times: Mapping[str, datetime]) -> tuple[bool, datetime | None]:
        if self.quorum == NO_QUORUM:
            return True, None
        reached = dict(times)
        for group in self.groups:
            member_times = sorted(reached[name] for name in group.members if name in reached)
            if len(member_times) >= group.threshold:
                reached[group.name] = member_times[group.threshold - 1]
        return self.quorum in reached, reached.get(self.quorum)

    def __str__(self) -> str:
        lines = [f"log {one.key} {one.url}".rstrip() for one in self.logs]
        lines += [f"witness {one.name} {one.key} {one.url}".rstrip() for one in self.cosigners]
        lines += [f"group {one.name} {one.threshold} {' '.join(one.members)}" for one in self.groups]
        return "".join(f"{line}\n" for line in (*lines, f"quorum {self.quorum}"))


@dataclass(slots=True)
class _Reader:
    """Reads a policy line by line: what a line may name depends on the lines before it."""

    logs: list[LogKey] = field(default_factory=list)
    cosigners: list[PolicyCosigner] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    defined: set[str] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)

    def read(self, text: str) -> Policy:
        if len(utf8(text, "policy")) > MAX_POLICY_BYTES or _FORBIDDEN.search(text):
            raise MalformedText(what="policy", reason="characters")
        if not text.endswith("\n"):
            raise MalformedText(what="policy", reason="no_final_newline")
        for line in text.split("\n"):
            words = _BLANKS.split(line.strip(" \t"))
            if words[0] and not words[0].startswith("#"):
                self._line(words[0], words[1:])
        if self.quorum is None:
            raise MalformedText(what="policy", reason="no_quorum")
        return Policy(tuple(self.logs), tuple(self.cosigners), tuple(self.groups), self.quorum)

    def _line(self, keyword: str, words: list[str]) -> None:
        match keyword, words:
            case "log", [vkey, *url] if len(url) <= 1:
                key = _key(vkey, Algorithm.ED25519, [one.key for one in self.logs])
                self.logs.append(LogKey(key, "".join(url)))
            case "witness", [name, vkey, *url] if len(url) <= 1:
                key = _key(vkey, Algorithm.COSIGNATURE, [one.key for one in self.cosigners])
                self._define(name)
                self.cosigners.append(PolicyCosigner(name, key, "".join(url)))
            case "group", [name, threshold, *members] if members:
                for member in members:
                    self._join(member)
                self._define(name)
                self.groups.append(Group(name, _threshold(threshold, len(members)), tuple(members)))
            case "quorum", [name] if self.quorum is None and name in {NO_QUORUM, *self.defined}:
                self.quorum = name
            case _:
                raise MalformedText(what="policy", reason=f"line_{keyword}"[:40])

    def _define(self, name: str) -> None:
        if name == NO_QUORUM or name in self.defined:
            raise MalformedText(what="policy", reason="name_taken")
        self.defined.add(name)

    def _join(self, member: str) -> None:
        # Once only: otherwise one cosigner could fill two seats of the quorum.
        if member not in self.defined or member in self.grouped:
            raise MalformedText(what="policy", reason="member")
        self.grouped.add(member)


def _key(vkey: str, algorithm: Algorithm, others: list[VerifierKey]) -> VerifierKey:
    key = VerifierKey.parse(vkey)
    if key.algorithm is not algorithm:
        raise MalformedText(what="policy", reason="algorithm")
    if any(other.public_key == key.public_key for other in others):
        raise MalformedText(what="policy", reason="key_repeated")
    return key


def _threshold(word: str, members: int) -> int:
    if word in {"any", "all"}:
        return 1 if word == "any" else members
    if not re.fullmatch(r"[1-9][0-9]{0,3}", word) or int(word) > members:
        raise MalformedText(what="policy", reason="threshold")
    return int(word)
