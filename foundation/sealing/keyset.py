"""The public keys of a lot's gate holders and custodians; its hash goes into every envelope."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from foundation import canonical
from foundation.sealing.errors import KeysetMalformed
from foundation.sealing.strict import Fields, encode_base64, load_object
from foundation.sealing.suite import (
    DEFAULT,
    SIGNATURE_BYTES,
    PrivateKey,
    Suite,
    public_bytes,
    suite_named,
    suite_of,
)
from foundation.sealing.text import PUBLIC_HEX, TOKEN, WORD, note

MAX_KEYSET_BYTES: Final = 32 * 1024
MAX_HOLDERS: Final = 16
MIN_THRESHOLD: Final = 2
MAX_NUMBER: Final = 9999


class Role(StrEnum):
    """Which half of the content key a holder guards."""

    GATE = "gate"
    ESCROW = "escrow"


def possession_note(tender: str, lot: str, role: Role, public_key: bytes) -> bytes:
    """What a holder signs to show that it holds the private key, and for which lot and role."""
    return note("etender-holder/v1", tender, lot, role, public_key.hex())


def prove_possession(key: PrivateKey, tender: str, lot: str, role: Role) -> bytes:
    """The 64-byte proof a holder publishes with its public key, in the key's own suite."""
    public = public_bytes(key.public_key())
    return suite_of(key).sign(key, possession_note(tender, lot, role, public))


def is_possession(proof: bytes, tender: str, lot: str, role: Role, public_key: bytes, suite: Suite = DEFAULT) -> bool:
    """Whether the proof shows possession of this key for this lot and role.

    False also for an impossible key and for a key of another suite than the key set's.
    """
    try:
        public = suite.load_public(public_key)
    except ValueError:
        return False
    return suite.verifies(public, proof, possession_note(tender, lot, role, public_key))


@dataclass(frozen=True, slots=True)
class Holder:
    """One seat. ``side`` says whom it speaks for (tenderee, regulator, discipline …; for custodians the kind)."""

    id: str
    side: str
    public_key: bytes
    proof: bytes

    def as_json(self) -> dict[str, str]:
        return {
            "id": self.id,
            "side": self.side,
            "public_key": self.public_key.hex(),
            "proof": encode_base64(self.proof),
        }


@dataclass(frozen=True, slots=True)
class Group:
    """Holders of one role, any ``threshold`` of whom suffice. Seats are counted from 0 in this order."""

    threshold: int
    holders: tuple[Holder, ...]


NO_ESCROW: Final = Group(threshold=0, holders=())


@dataclass(frozen=True, slots=True)
class Keyset:
    """All holders of one lot. Always valid once it exists (sizes, distinct ids and keys, points on the curve).

    Proofs are checked by :meth:`check_proofs`, apart, because a verifier reports a bad proof by name.
    """

    tender: str
    lot: str
    number: int
    gate: Group
    escrow: Group
    suite: Suite = DEFAULT

    def __post_init__(self) -> None:
        _check_group(self.gate, "gate", may_be_empty=False)
        _check_group(self.escrow, "escrow", may_be_empty=True)
        everyone = (*self.gate.holders, *self.escrow.holders)
        if len({holder.id for holder in everyone}) != len(everyone):
            raise KeysetMalformed(reason="duplicate_holder", path="")
        if len({holder.public_key for holder in everyone}) != len(everyone):
            raise KeysetMalformed(reason="duplicate_key", path="")
        for holder in everyone:
            _check_holder(holder, self.suite)
        if not (TOKEN.fullmatch(self.tender) and TOKEN.fullmatch(self.lot) and 1 <= self.number <= MAX_NUMBER):
            raise KeysetMalformed(reason="form", path="")

    def to_bytes(self) -> bytes:
        """The canonical JSON whose digest, in the key set's suite, is :attr:`hash`."""
        value: dict[str, Any] = {
            "v": 1,
            "tender": self.tender,
            "lot": self.lot,
            "suite": self.suite.name,
            "number": self.number,
            "gate": {"t": self.gate.threshold, "holders": [holder.as_json() for holder in self.gate.holders]},
            "escrow": {"k": self.escrow.threshold, "holders": [holder.as_json() for holder in self.escrow.holders]},
        }
        return canonical.dumps(value).encode()

    @property
    def hash(self) -> str:
        return self.suite.digest(self.to_bytes()).hex()

    @classmethod
    def parse(cls, data: bytes) -> Keyset:
        """Read canonical bytes; raises :class:`KeysetMalformed` for anything else, other serialisations included."""
        fail = KeysetMalformed
        value = load_object(data, limit_bytes=MAX_KEYSET_BYTES, fail=fail)
        top = Fields(value, "", fail, required={"v", "tender", "lot", "suite", "number", "gate", "escrow"})
        top.integer("v", 1, 1)
        suite = read_suite(top)
        gate = top.inner("gate", required={"t", "holders"})
        escrow = top.inner("escrow", required={"k", "holders"})
        keyset = cls(
            tender=top.string("tender", TOKEN),
            lot=top.string("lot", TOKEN),
            number=top.integer("number", 1, MAX_NUMBER),
            gate=Group(gate.integer("t", MIN_THRESHOLD, MAX_HOLDERS), _read_holders(gate)),
            escrow=Group(escrow.integer("k", 0, MAX_HOLDERS), _read_holders(escrow)),
            suite=suite,
        )
        if keyset.to_bytes() != data:
            raise fail(reason="not_canonical", path="")
        return keyset

    def group(self, role: Role) -> Group:
        return self.gate if role is Role.GATE else self.escrow

    def check_proofs(self) -> None:
        """Raises :class:`KeysetMalformed` (reason ``proof``) naming the first holder whose proof does not verify."""
        for role in Role:
            for holder in self.group(role).holders:
                if not is_possession(holder.proof, self.tender, self.lot, role, holder.public_key, self.suite):
                    raise KeysetMalformed(reason="proof", path=role.value, holder=holder.id)


def read_suite(fields: Fields) -> Suite:
    """The ``suite`` of a key set or binding."""
    try:
        return suite_named(fields.string("suite", TOKEN))
    except ValueError:
        fields.refuse("suite", "suite")


def _read_holders(group: Fields) -> tuple[Holder, ...]:
    fields = group.inners("holders", 0, MAX_HOLDERS, required={"id", "side", "public_key", "proof"})
    return tuple(
        Holder(
            id=holder.string("id", TOKEN),
            side=holder.string("side", WORD),
            public_key=bytes.fromhex(holder.string("public_key", PUBLIC_HEX)),
            proof=holder.binary("proof", SIGNATURE_BYTES),
        )
        for holder in fields
    )


def _check_group(group: Group, path: str, *, may_be_empty: bool) -> None:
    if may_be_empty and group == NO_ESCROW:
        return
    if not MIN_THRESHOLD <= group.threshold <= len(group.holders) <= MAX_HOLDERS:
        raise KeysetMalformed(reason="threshold", path=path)


def _check_holder(holder: Holder, suite: Suite) -> None:
    if not (TOKEN.fullmatch(holder.id) and WORD.fullmatch(holder.side)):
        raise KeysetMalformed(reason="form", path=holder.id[:64])
    if len(holder.proof) != SIGNATURE_BYTES:
        raise KeysetMalformed(reason="proof", path=holder.id)
    try:
        suite.load_public(holder.public_key)
    except ValueError as error:
        raise KeysetMalformed(reason="public_key", path=holder.id) from error
