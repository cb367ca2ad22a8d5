"""Envelopes a dishonest bidder could make: sealed by hand from the formulas, each wrong in one way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foundation.sealing import S1, Header, Manifest, Role, SealedPart, Suite, seat, shares
from foundation.sealing.header import BIDDER, Commitments, Wraps, write_header
from foundation.sealing.manifest import write_manifest
from foundation.sealing.padding import padded_size
from foundation.sealing.segments import RootBuilder
from foundation.sealing.suite import PrivateKey
from tests.unit.sealing.story import Story

OTHER = b"\x5a" * 32


@dataclass(frozen=True)
class Plan:
    """What goes where. The honest plan has one r_bid and one r_gate everywhere."""

    r_bid: bytes
    r_gate: bytes
    wrapped_r_bid: bytes
    gate_shares: list[bytes]
    wrapped_gate_shares: list[bytes]
    escrow_shares: list[bytes]
    wrapped_escrow_shares: list[bytes]


def honest_plan(r_bid: bytes = b"\x11" * 32, r_gate: bytes = b"\x22" * 32) -> Plan:
    gate = shares.split(r_gate, threshold=2, holders=3)
    escrow = shares.split(r_bid, threshold=2, holders=3)
    return Plan(r_bid, r_gate, r_bid, gate, gate, escrow, escrow)


def forge_header(story: Story, plan: Plan) -> Header:
    b, suite = story.binding.hash, story.suite

    def commits(role: Role, values: list[bytes]) -> tuple[str, ...]:
        return tuple(suite.commitment(b, seat(role, i), value) for i, value in enumerate(values))

    def wraps(role: Role, keys: list[PrivateKey], values: list[bytes]) -> tuple[bytes, ...]:
        pairs = enumerate(zip(keys, values, strict=True))
        return tuple(suite.wrap(key.public_key(), b, seat(role, i), value) for i, (key, value) in pairs)

    return write_header(
        story.binding,
        Commitments(
            bidder=suite.commitment(b, BIDDER, plan.r_bid),
            gate=suite.commitment(b, Role.GATE, plan.r_gate),
            gate_shares=commits(Role.GATE, plan.gate_shares),
            escrow_shares=commits(Role.ESCROW, plan.escrow_shares),
        ),
        Wraps(
            bidder=(suite.wrap(story.bidder_keys[0].public_key(), b, BIDDER, plan.wrapped_r_bid),),
            gate=wraps(Role.GATE, story.gate_keys, plan.wrapped_gate_shares),
            escrow=wraps(Role.ESCROW, story.escrow_keys, plan.wrapped_escrow_shares),
        ),
    )


def padded(content: bytes) -> bytes:
    framed = len(content).to_bytes(8, "big") + content
    return framed + bytes(padded_size(len(content)) - len(framed))


def encrypt(key: bytes, part_id: str, hh: bytes, plaintext: bytes, suite: Suite = S1) -> bytes:
    encryptor = suite.encryptor(key, suite.part_context(part_id, hh))
    out = bytearray(len(plaintext) + 64 * 1024)
    size = encryptor.update_into(plaintext, out)
    return bytes(out[:size]) + encryptor.finalize()


def sealed_part(part_id: str, ciphertext: bytes, suite: Suite = S1) -> SealedPart:
    root = RootBuilder(suite)
    root.update(ciphertext)
    return SealedPart(part_id, root.size_bytes, root.root())


def sign_over(story: Story, header: Header, ciphertexts: dict[str, bytes]) -> tuple[Manifest, bytes]:
    manifest = write_manifest(
        binding_hash=story.binding.hash,
        header_hash=header.hash,
        rev=1,
        prev="-",
        suite=story.suite,
        parts=tuple(sealed_part(name, data, story.suite) for name, data in ciphertexts.items()),
    )
    return manifest, story.suite.sign(story.signing_key, manifest.raw)


__all__ = ["OTHER", "Plan", "encrypt", "forge_header", "honest_plan", "padded", "replace", "sealed_part", "sign_over"]
