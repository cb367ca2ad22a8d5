"""A bidder for tests: keys, files, a sealed envelope, and the ways to hand it in."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from flask import Flask
from flask.testing import FlaskClient

from accounts import facade as accounts
from accounts.sessions import open_session
from foundation.actor import Actor
from foundation.entropy import SystemEntropy
from foundation.sealing import (
    NO_PREVIOUS,
    S1,
    SEGMENT_BYTES,
    Part,
    PartSource,
    Sealed,
    Suite,
    generate_key,
    public_hex,
    seal,
    write_binding,
)
from foundation.sealing.strict import encode_base64
from foundation.sealing.suite import PrivateKey, public_bytes
from foundation.web.access import PUBLIC, allow
from foundation.web.kit import WebSettings, complete, create_web
from tendering import receiver
from tendering.bid_errors import SealContested, SealRefused
from tendering.bid_rules import AnnouncedPart, HeldSegment
from tendering.facade import segment_name
from tendering.services import seals, uploads
from tests.support.tender_world import TESTS, OpenLot, TenderWorld

PRICE = (
    '{"v":1,"currency":"CNY","total":"11402318.00","duration_days":178,"quality":"合格","project_manager":"周予安"}'
).encode()
FILES: Mapping[str, bytes] = {
    "price_schedule": PRICE,
    "technical": b"%PDF-1.7 technical" * 900,
    "commercial": b"%PDF-1.7 c" * 9,
}
NAMES = {"price_schedule": "开标一览表", "technical": "技术标", "commercial": "商务标", "boq": "已标价工程量清单"}


@dataclass(frozen=True)
class SealedFiles:
    """What a sealing client holds before it uploads: the envelope and its ciphertext parts."""

    sealed: Sealed
    bid: str
    rev: int
    parts: Mapping[str, bytes]

    @property
    def envelope_hash(self) -> str:
        return self.sealed.manifest.envelope_hash

    def announced(self) -> list[AnnouncedPart]:
        return [AnnouncedPart(name, len(raw), -(-len(raw) // SEGMENT_BYTES)) for name, raw in self.parts.items()]

    def segments(self) -> Iterator[tuple[str, HeldSegment, bytes]]:
        for name, raw in self.parts.items():
            for number, at in enumerate(range(0, len(raw), SEGMENT_BYTES)):
                block = raw[at : at + SEGMENT_BYTES]
                leaf = self.sealed.header.suite.digest(block).hex()
                yield name, HeldSegment(number, len(block), hashlib.sha256(block).hexdigest(), leaf), block


@dataclass
class Bidder:
    """One bidder with its own keys."""

    world: TenderWorld
    actor: Actor
    signing: PrivateKey = field(default_factory=generate_key)
    opening: PrivateKey = field(default_factory=generate_key)

    def register_keys(self) -> None:
        with self.world.units.begin(self.actor) as unit:
            accounts.register_signing_key(unit, str(self.actor.org_id), public_hex(self.signing), "test")
            accounts.register_decryption_key(unit, str(self.actor.org_id), public_hex(self.opening), "test")

    @property
    def uscc(self) -> str:
        with self.world.units.read(self.actor) as unit:
            return accounts.organisation(unit, str(self.actor.org_id)).uscc

    def seal(
        self,
        lot: OpenLot,
        *,
        after: SealedFiles | None = None,
        files: Mapping[str, bytes] = FILES,
        signing: PrivateKey | None = None,
        devices: Sequence[PrivateKey] = (),
        **changes: object,
    ) -> SealedFiles:
        """Seal files for a lot.

        ``after``: the revision this one replaces; ``devices``: keys of further devices it is sealed to; ``changes``:
        other values of the binding.
        """
        facts: dict[str, object] = {
            "tender": lot.tender_code,
            "lot": lot.lot_code,
            "stage": "1",
            "bidder": self.uscc,
            "bid": after.bid if after else SystemEntropy().token(16).hex(),
            "rev": after.rev + 1 if after else 1,
            "prev": after.envelope_hash if after else NO_PREVIOUS,
            "keyset": lot.keyset.hash,
            "parts": tuple(Part(name, NAMES.get(name, name)) for name in files),
            "created": self.world.clock.now(),
            "suite": lot.keyset.suite,
        }
        binding = write_binding(**(facts | changes))  # type: ignore[arg-type]
        store: dict[str, bytes] = {}

        @contextmanager
        def sink(name: str) -> Iterator[io.BytesIO]:
            out = io.BytesIO()
            yield out
            store[name] = out.getvalue()

        sealed = seal(
            binding,
            lot.keyset,
            [public_bytes(key.public_key()) for key in (self.opening, *devices)],
            [PartSource(name, io.BytesIO(content), len(content)) for name, content in files.items()],
            sink,
            signing or self.signing,
            SystemEntropy(),
        )
        return SealedFiles(sealed, binding.bid, binding.rev, store)

    def upload(self, lot: OpenLot, made: SealedFiles, *, leave_out: str = "") -> str:
        """Announce and store the ciphertext, as the receivers do. ``leave_out``: a part of which nothing is sent."""
        runtime = self.world.runtime
        with self.world.units.begin(self.actor) as unit:
            upload_id = uploads.start_upload(unit, lot.id, made.announced())
        for name, segment, block in made.segments():
            if name != leave_out:
                stored = segment_name(upload_id, name, segment.number)
                runtime.objects.put_once(stored, block)
                receiver.record(runtime, self.actor, upload_id, name, segment, stored)
        return upload_id

    def command(self, lot: OpenLot, made: SealedFiles, upload_id: str, **changes: bytes) -> seals.SealCommand:
        facts = {
            "header": made.sealed.header.raw,
            "manifest": made.sealed.manifest.raw,
            "signature": made.sealed.signature,
        }
        return seals.SealCommand(lot.id, upload_id, **(facts | changes))

    def submit(
        self, command: seals.SealCommand, received_at: datetime | None = None
    ) -> seals.Acknowledged | SealRefused:
        """Hand in at an instant (now, unless told), as the view does."""
        at = received_at or self.world.clock.now()
        for _ in range(2):
            try:
                with self.world.units.begin(self.actor) as unit:
                    return seals.submit_seal(unit, self.world.runtime, command, at)
            except SealContested:
                continue
        raise AssertionError("contested twice")

    def hand_in(self, lot: OpenLot, made: SealedFiles, received_at: datetime | None = None) -> seals.Acknowledged:
        """Upload and submit; the bid must be received."""
        outcome = self.submit(self.command(lot, made, self.upload(lot, made)), received_at)
        assert isinstance(outcome, seals.Acknowledged), outcome
        return outcome


def codes_of(outcome: seals.Acknowledged | SealRefused) -> set[str]:
    """The codes of a refusal; fails when the bid was received."""
    assert isinstance(outcome, SealRefused), "the bid was received"
    return {objection.code for objection in outcome.objections}


def make_bidder(
    world: TenderWorld, name: str = "常州澄岳建设工程有限公司", suite: Suite = S1, *, verified: bool = True
) -> Bidder:
    """A verified bidder with registered keys of one suite."""
    actor = world.organisation(name, "bidder", verified=verified)
    bidder = Bidder(world, actor, generate_key(suite), generate_key(suite))
    bidder.register_keys()
    return bidder


def make_app(world: TenderWorld, *, room_port: int = 0, demo: bool = False) -> Flask:
    """The pages of accounts, credit and tendering over this world."""
    import accounts.web
    import credit.web
    import tendering.web

    app = create_web("bids-test", WebSettings(secret_key="k" * 32, room_port=room_port, demo=demo, rates_on=False))
    app.extensions["runtime"] = world.runtime
    app.extensions["civil_now"] = world.runtime.clock.now
    for package in (accounts, credit, tendering):
        package.web.register(app)

    @app.get("/")
    @allow(PUBLIC)
    def home() -> str:
        return "home"

    return complete(app)


def token_of(world: TenderWorld, actor: Actor) -> str:
    """A session of this person, as signing in would open it."""
    with world.units.begin(TESTS) as unit:
        return open_session(unit, str(actor.user_id), source="test", user_agent="test")[1]


def client_of(app: Flask, world: TenderWorld, actor: Actor | None, *, accept: str = "application/json") -> FlaskClient:
    """A client with a bearer token for the actor."""
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT"] = accept
    if actor is not None:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(world, actor)}"
    return client


def seal_body(made: SealedFiles, upload_id: str) -> dict[str, str]:
    """The JSON a client sends to ``/lots/<lot>/seals``."""
    return {
        "upload_id": upload_id,
        "header": encode_base64(made.sealed.header.raw),
        "manifest": made.sealed.manifest.raw.decode(),
        "signature": encode_base64(made.sealed.signature),
    }
