"""Make the stored envelopes of one suite: ``python -m tests.unit.sealing.make_vectors S2`` from the project root.

``tests/vectors/sealing.json`` is S1's, ``tests/vectors/sealing_s2.json`` S2's.

Keys, halves and contents are fixed. HPKE, Shamir and Cobblestone draw their own randomness, so every run gives other
bytes that open to the same contents: the stored file is the vector, and is made again only when the format changes.
"""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from foundation.sealing import (
    Header,
    Role,
    SealedPart,
    Suite,
    content_key,
    padding,
    part_key,
    public_hex,
    root_of_digests,
    seat,
    suite_named,
    unwrap_share,
)
from foundation.sealing.keys import KeyFile, KeyUse, jwk_of
from tests.unit.sealing import forgeries
from tests.unit.sealing.cases import parse_cases
from tests.unit.sealing.story import CREATED, SCHEDULE, Story, fixed_key, seal_story

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
FILES = {"S1": "sealing.json", "S2": "sealing_s2.json"}
PASSPHRASE = "correct horse 电池"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def envelope(name: str, story: Story) -> dict[str, Any]:
    sealed = story.sealed
    cek = content_key(sealed.header, story.r_bid, story.r_gate)
    return {
        "name": name,
        "keyset": story.keyset.to_bytes().decode(),
        "keyset_hash": story.keyset.hash,
        "binding": b64(story.binding.raw),
        "b": story.binding.hash.hex(),
        "header": b64(sealed.header.raw),
        "hh": sealed.header.hash.hex(),
        "manifest": sealed.manifest.raw.decode(),
        "signature": b64(sealed.signature),
        "envelope_hash": sealed.manifest.envelope_hash,
        "signing_public_key": public_hex(story.signing_key),
        "private_keys": {
            "signing": jwk_of(story.signing_key),
            "bidder": [jwk_of(key) for key in story.bidder_keys],
            "gate": [jwk_of(key) for key in story.gate_keys],
            "escrow": [jwk_of(key) for key in story.escrow_keys],
        },
        "r_bid": story.r_bid.hex(),
        "r_gate": story.r_gate.hex(),
        "gate_shares": [
            unwrap_share(sealed.header, story.keyset, Role.GATE, i, key).hex() for i, key in enumerate(story.gate_keys)
        ],
        "escrow_shares": [
            unwrap_share(sealed.header, story.keyset, Role.ESCROW, i, key).hex()
            for i, key in enumerate(story.escrow_keys)
        ],
        "cek": cek.raw.hex(),
        "parts": [
            {
                "id": part.id,
                "part_key": part_key(cek, part.id).hex(),
                "content": b64(story.contents[part.id]),
                "ciphertext": b64(story.parts[part.id]),
                "size_bytes": part.size_bytes,
                "root": part.root,
            }
            for part in sealed.manifest.parts
        ],
    }


def bad_parts(story: Story) -> list[dict[str, Any]]:
    """Ciphertexts of ``price_schedule`` that must not open under the first envelope's header and keys."""
    header = story.sealed.header
    suite = story.suite
    key = part_key(content_key(header, story.r_bid, story.r_gate), "price_schedule")
    good = story.parts["price_schedule"]
    padded = forgeries.padded(SCHEDULE)
    changed = bytearray(good)
    changed[3000] ^= 1

    def case(
        name: str, data: bytes, expect: str, culprit: str, reason: str, signed: bytes | None = None
    ) -> dict[str, Any]:
        part: SealedPart = forgeries.sealed_part("price_schedule", data if signed is None else signed, suite)
        return {
            "name": name,
            "ciphertext": b64(data),
            "signed_size_bytes": part.size_bytes,
            "signed_root": part.root,
            "expect": expect,
            "culprit": culprit,
            "reason": reason,
        }

    def under(
        name: str, plaintext: bytes, reason: str, key: bytes = key, part_id: str = "price_schedule"
    ) -> dict[str, Any]:
        data = forgeries.encrypt(key, part_id, header.hash, plaintext, suite)
        return case(name, data, "sealing.bad_payload", "bidder", reason)

    return [
        case("cut by one byte", good[:-1], "sealing.truncated", "store", "", signed=good),
        case("cut before the header ends", good[:40], "sealing.truncated", "store", "", signed=good),
        case("nothing at all", b"", "sealing.truncated", "store", "", signed=good),
        case("a byte behind it", good + b"\0", "sealing.bad_payload", "store", "longer", signed=good),
        case("a bit changed after signing", bytes(changed), "sealing.bad_payload", "store", "root", signed=good),
        case("a bit changed before signing", bytes(changed), "sealing.bad_payload", "bidder", "decryption"),
        case("cut before signing", good[:-1], "sealing.bad_payload", "bidder", "decryption"),
        under("sealed under another key", padded, "key", key=bytes(32)),
        under("sealed as another part", padded, "key", part_id="technical"),
        under("padding that is not zero", padded[:-1] + b"\1", "padding"),
        under("padded too much", padded + bytes(4096), "padding"),
        under("not padded", padded[: 8 + len(SCHEDULE)], "padding"),
        under("a length beyond the content", (1 << 40).to_bytes(8, "big") + padded[8:], "padding"),
        under("shorter than the length prefix", b"abc", "padding"),
    ]


def bad_headers(story: Story) -> list[dict[str, Any]]:
    """Headers a dishonest bidder could sign, with the verb that must fail and the keys to try it with."""
    plan = forgeries.honest_plan()
    other = forgeries.shares.split(forgeries.OTHER, threshold=2, holders=3)
    zero_place = [bytes([i]) * 33 for i in range(2)] + [bytes(33)]

    def case(name: str, header: Header, verb: str, seats: list[int], expect: str, reason: str) -> dict[str, Any]:
        return {
            "name": name,
            "header": b64(header.raw),
            "verb": verb,
            "seats": seats,
            "expect": expect,
            "culprit": "" if expect == "ok" else "bidder",
            "reason": reason,
        }

    def forged(**changes: Any) -> Header:
        return forgeries.forge_header(story, replace(plan, **changes))

    bad = "sealing.bad_share"
    return [
        case("an honest header, opened by the bidder", forged(), "recover_r_bid", [], "ok", ""),
        case("an honest header, opened by the gate", forged(), "recover_r_gate", [0, 2], "ok", ""),
        case("an honest header, opened by custodians", forged(), "recover_from_escrow", [1, 2], "ok", ""),
        case(
            "another half in the bidder's wrap",
            forged(wrapped_r_bid=forgeries.OTHER),
            "recover_r_bid",
            [],
            bad,
            "commitment",
        ),
        case(
            "another half shared to the custodians",
            forged(escrow_shares=other, wrapped_escrow_shares=other),
            "recover_from_escrow",
            [0, 1],
            bad,
            "combination",
        ),
        case(
            "a gate wrap that is not the committed share",
            forged(wrapped_gate_shares=[bytes(33), *plan.gate_shares[1:]]),
            "recover_r_gate",
            [0, 1],
            bad,
            "commitment",
        ),
        case(
            "the same, with enough others",
            forged(wrapped_gate_shares=[bytes(33), *plan.gate_shares[1:]]),
            "recover_r_gate",
            [0, 1, 2],
            "ok",
            "",
        ),
        case(
            "a share at place zero",
            forged(gate_shares=zero_place, wrapped_gate_shares=zero_place),
            "recover_r_gate",
            [0, 2],
            bad,
            "combination",
        ),
    ]


def formulas(story: Story) -> dict[str, Any]:
    b, suite = story.binding.hash, story.suite
    lengths = [0, 1, 4088, 4089, 5000, 65_536, 1_000_000, 1 << 30]
    digests = [suite.digest(bytes([i])) for i in range(9)]
    message = b"message"
    key = fixed_key("vectors signer", suite)
    return {
        "commitments": [
            {"b": b.hex(), "role": role, "secret": secret.hex(), "commit": suite.commitment(b, role, secret)}
            for role, secret in (("bidder", bytes(32)), ("gate", b"\1" * 32), (seat(Role.GATE, 0), b"\2" * 33))
        ],
        "wrap_info": [
            {"b": b.hex(), "role": role, "info": suite.wrap_info(b, role).hex()} for role in ("bidder", "gate/0")
        ],
        "padding": [
            {
                "content_bytes": size,
                "padded_bytes": padding.padded_size(size),
                "ciphertext_bytes": padding.ciphertext_size(padding.padded_size(size)),
            }
            for size in lengths
        ],
        "roots": [
            {"digests": [digest.hex() for digest in digests[:count]], "root": root_of_digests(digests[:count], suite)}
            for count in (1, 2, 3, 5, 8, 9)
        ],
        "signatures": [
            {
                "private_key": jwk_of(key),
                "public_key": public_hex(key),
                "message": message.hex(),
                "signature": b64(suite.sign(key, message)),
            }
        ],
    }


def key_file(suite: Suite) -> dict[str, Any]:
    file = KeyFile(
        KeyUse.OPENING, "T2026-001", "T2026-001.L1", "bidder-a", CREATED, fixed_key("vectors key file", suite)
    )
    return {
        "file": b64(file.to_bytes(PASSPHRASE)),
        "passphrase": PASSPHRASE,
        "payload": file.payload().decode(),
        "public_key": file.public_key.hex(),
    }


def main(name: str) -> None:
    suite = suite_named(name)
    story = seal_story("vectors", suite=suite)
    stories = {
        "2-of-3 gate, 2-of-3 escrow, two parts": story,
        "2-of-3 gate, no escrow, one bidder key": seal_story(
            "vectors n=0", suite=suite, has_escrow=False, bidder_key_count=1, contents={"price_schedule": SCHEDULE}
        ),
        "second revision, an empty part and one that ends with a chunk": seal_story(
            "vectors rev 2",
            suite=suite,
            rev=2,
            prev=story.sealed.manifest.envelope_hash,
            contents={"price_schedule": SCHEDULE, "commercial": b"", "technical": bytes(16 * 1024 - 8)},
        ),
    }
    value = {
        "about": "Made by tests/unit/sealing/make_vectors.py; the format is docs/sealed-bid-format.md.",
        "formulas": formulas(story),
        "key_file": key_file(suite),
        "envelopes": [envelope(name, told) for name, told in stories.items()],
        "bad_parts": bad_parts(story),
        "bad_headers": bad_headers(story),
        "parse": [
            {"name": case.name, "kind": case.kind, "data": b64(case.data), "expect": case.expect, "reason": case.reason}
            for case in parse_cases(story)
            if len(case.data) < 20_000
        ],
    }
    (VECTORS / FILES[name]).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
