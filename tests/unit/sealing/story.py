"""One lot with its holders, one bidder, and their sealed bid: what the sealing tests tell their stories with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from foundation.entropy import SeededEntropy
from foundation.sealing import (
    NO_ESCROW,
    NO_PREVIOUS,
    S1,
    Binding,
    Expectations,
    Group,
    Holder,
    Keyset,
    Part,
    PartSource,
    Role,
    Sealed,
    Suite,
    prove_possession,
    seal,
    write_binding,
)
from foundation.sealing.suite import PrivateKey, public_bytes

TENDER, LOT, STAGE, BIDDER_ID = "T2026-001", "T2026-001.L1", "single", "bidder-a"
CREATED = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
SCHEDULE = (
    '{"v":1,"currency":"CNY","total":"91500000.00","duration_days":365,"quality":"合格","project_manager":"张三"}'
).encode()
TECHNICAL = bytes(range(256)) * 100


def fixed_key(seed: str, suite: Suite = S1) -> PrivateKey:
    """The same key for the same words, in every run and on every machine."""
    number = int.from_bytes(SeededEntropy(seed).token(31), "big") + 1
    return suite.private_key(number.to_bytes(32, "big"))


def holders(role: Role, keys: list[PrivateKey], lot: str = LOT) -> tuple[Holder, ...]:
    sides = ("tenderee", "regulator", "discipline")
    return tuple(
        Holder(
            id=f"{role.value}-holder-{i}",
            side=sides[i % 3],
            public_key=public_bytes(key.public_key()),
            proof=prove_possession(key, TENDER, lot, role),
        )
        for i, key in enumerate(keys)
    )


class Store:
    """Keeps ciphertext parts in memory; a part is there only once its file was closed."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}

    @contextmanager
    def sink(self, part_id: str) -> Iterator[io.BytesIO]:
        out = io.BytesIO()
        yield out
        self.parts[part_id] = out.getvalue()


@dataclass(frozen=True)
class Story:
    keyset: Keyset
    gate_keys: list[PrivateKey]
    escrow_keys: list[PrivateKey]
    bidder_keys: list[PrivateKey]
    signing_key: PrivateKey
    contents: dict[str, bytes]
    binding: Binding
    sealed: Sealed
    parts: dict[str, bytes] = field(repr=False)
    r_bid: bytes = field(repr=False)
    r_gate: bytes = field(repr=False)

    @property
    def suite(self) -> Suite:
        return self.keyset.suite

    @property
    def expected(self) -> Expectations:
        return Expectations(
            tender=TENDER,
            lot=LOT,
            stage=STAGE,
            bidder=BIDDER_ID,
            keyset=self.keyset,
            signing_key=public_bytes(self.signing_key.public_key()),
            last=None,
            required_parts=frozenset({"price_schedule"}),
            optional_parts=frozenset({"technical", "commercial"}),
            max_bytes=10_000_000,
        )

    def stream(self, part_id: str) -> io.BytesIO:
        return io.BytesIO(self.parts[part_id])


def make_keyset(gate_keys: list[PrivateKey], escrow_keys: list[PrivateKey], suite: Suite = S1) -> Keyset:
    escrow = Group(2, holders(Role.ESCROW, escrow_keys)) if escrow_keys else NO_ESCROW
    gate = Group(2, holders(Role.GATE, gate_keys))
    return Keyset(tender=TENDER, lot=LOT, number=1, gate=gate, escrow=escrow, suite=suite)


def make_binding(keyset: Keyset, part_ids: list[str], **changes: object) -> Binding:
    facts: dict[str, object] = {
        "tender": TENDER,
        "lot": LOT,
        "stage": STAGE,
        "bidder": BIDDER_ID,
        "bid": SeededEntropy("bid").token(16).hex(),
        "rev": 1,
        "prev": NO_PREVIOUS,
        "keyset": keyset.hash,
        "parts": tuple(Part(part_id, f"文件 {part_id}") for part_id in part_ids),
        "created": CREATED,
        "suite": keyset.suite,
    }
    return write_binding(**(facts | changes))  # type: ignore[arg-type]


def seal_story(
    seed: str = "story",
    *,
    contents: dict[str, bytes] | None = None,
    has_escrow: bool = True,
    bidder_key_count: int = 2,
    suite: Suite = S1,
    **binding_changes: object,
) -> Story:
    """Seal one bid: 2-of-3 gate, 2-of-3 escrow or none, fixed keys and halves."""
    gate_keys = [fixed_key(f"{seed} gate {i}", suite) for i in range(3)]
    escrow_keys = [fixed_key(f"{seed} escrow {i}", suite) for i in range(3)] if has_escrow else []
    bidder_keys = [fixed_key(f"{seed} bidder {i}", suite) for i in range(bidder_key_count)]
    signing_key = fixed_key(f"{seed} signing", suite)
    contents = contents if contents is not None else {"price_schedule": SCHEDULE, "technical": TECHNICAL}
    keyset = make_keyset(gate_keys, escrow_keys, suite)
    binding = make_binding(keyset, list(contents), **binding_changes)
    store = Store()
    sealed = seal(
        binding,
        keyset,
        [public_bytes(key.public_key()) for key in bidder_keys],
        [PartSource(name, io.BytesIO(content), len(content)) for name, content in contents.items()],
        store.sink,
        signing_key,
        SeededEntropy(f"{seed} halves"),
    )
    halves = SeededEntropy(f"{seed} halves")
    return Story(
        keyset=keyset,
        gate_keys=gate_keys,
        escrow_keys=escrow_keys,
        bidder_keys=bidder_keys,
        signing_key=signing_key,
        contents=contents,
        binding=binding,
        sealed=sealed,
        parts=store.parts,
        r_bid=halves.token(32),
        r_gate=halves.token(32),
    )


__all__ = [
    "SCHEDULE",
    "TECHNICAL",
    "Store",
    "Story",
    "fixed_key",
    "make_binding",
    "make_keyset",
    "replace",
    "seal_story",
]
