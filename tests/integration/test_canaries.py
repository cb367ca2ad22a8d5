"""No key and no price shows before its time, anywhere a centre leaves a byte (docs/threat-model.md §1 and §4).

A whole tender is played from outside. Before every stage everything is searched: every row of every table (so also
the arguments of jobs), every file left in the data folder, in scratch and in the processes' temporary folder, the
output of every process, and every byte that passed a socket of any process, the holders' agents and the bank included.
Each secret is looked for as bytes, hex, and base64 of both alphabets.

When each may first show:

===================================================  ==================================================
a bidder's and a custodian's private key             never
a half of a bid that was replaced or withdrawn       never
a custodian's share of a bid that was released       never
a half of a live bid, a custodian's share of the     in ``release``: the window is open
bid whose key is lost
a gate holder's key, its shares, the gate's halves   after ``release``: the closed window is in the log
plaintext: prices, schedules, files                  in ``draw``: coefficients are drawn first
===================================================  ==================================================
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client

from foundation.sealing import Header, KeyFile, Keyset, KeyUse, Role, recover_r_bid, recover_r_gate, unwrap_share
from foundation.sealing.suite import PrivateKey, public_bytes, scalar_of
from foundation.transparency.keys import load_key
from sandbox.clients.bidder import BidderClient, Envelope, LotTerms
from sandbox.story import StoryOptions, begin, leave, stages
from sandbox.story_centre import started_centre
from tests.support.canaries import Canary, Places, number
from tests.support.thief import loot_of, rob

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BIDDERS = 4
WIRE = Path(__file__).parents[1] / "support" / "wire"
ORDER = [name for name, _ in stages()]
FIRST = {
    "bidder's key": "",
    "custodian's key": "",
    "half never opened": "",
    "share never asked for": "",
    "half": "release",
    "custodian's share": "release",
    "gate key": "release",
    "gate share": "release",
    "gate half": "release",
    "plaintext": "draw",
}
"""By kind, the stage in which it may first show; "" is never."""
MUST = {"half": "gate", "custodian's share": "gate", "gate key": "draw", "gate half": "read", "plaintext": "query"}
"""By kind, the stage before which it has shown, or this test looks at the wrong places."""


class Secrets:
    """What the people of the story keep on their own machines, read there as soon as it exists."""

    def __init__(self, home: Path, agents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home, self._agents = home, agents
        self._sealed: list[tuple[LotTerms, Envelope, dict[str, bytes], PrivateKey]] = []
        self._parts: dict[str, dict[str, bytes]] = {}
        self._keys: dict[str, tuple[KeyUse, PrivateKey]] = {}
        original = BidderClient.seal

        def seal(client: BidderClient, lot: LotTerms, files: Mapping[str, bytes]) -> Envelope:
            made = original(client, lot, files)
            self._sealed.append((lot, made, dict(files), client.keys.opening))
            self._parts[made.sealed.manifest.envelope_hash] = {one.id: one.path.read_bytes() for one in made.parts}
            return made

        monkeypatch.setattr(BidderClient, "seal", seal)

    def canaries(self, lot_id: str, live: set[str], lost: str) -> list[Canary]:
        """Everything known by now. ``live``: envelope hashes that count; ``lost``: that of the bidder without key."""
        self._read_keys(lot_id)
        found = [self._key(name, use, key) for name, (use, key) in self._keys.items()]
        for lot, envelope, files, opening in self._sealed:
            found += self._of_bid(lot.keyset, envelope, files, opening, live, lost)
        return found

    def envelopes(self) -> list[tuple[Header, dict[str, bytes], PrivateKey, list[PrivateKey]]]:
        """Of everything sealed: header, ciphertexts, the bidder's key, the gate's."""
        return [
            (
                Header.parse(made.sealed.header.raw),
                self._parts[made.sealed.manifest.envelope_hash],
                opening,
                list(self._holders(lot.keyset, KeyUse.GATE).values()),
            )
            for lot, made, _, opening in self._sealed
        ]

    def _read_keys(self, lot_id: str) -> None:
        paths = [*self._home.glob("*/keys/*.json"), *self._agents.glob(f"*/lots/{lot_id}/*.key")]
        for path in paths:
            kept = KeyFile.parse_payload(path.read_bytes())
            self._keys[str(path)] = (kept.use, kept.private_key)

    @staticmethod
    def _key(name: str, use: KeyUse, key: PrivateKey) -> Canary:
        scalar = scalar_of(key)
        kinds = {KeyUse.GATE: "gate key", KeyUse.ESCROW: "custodian's key"}
        return Canary(kinds.get(use, "bidder's key"), name, scalar, number(scalar))

    def _holders(self, keyset: Keyset, use: KeyUse) -> dict[int, PrivateKey]:
        """By seat; several keys of a seat's folder are told apart by their public half."""
        group = keyset.gate if use is KeyUse.GATE else keyset.escrow
        points = {holder.public_key: index for index, holder in enumerate(group.holders)}
        own = [key for kind, key in self._keys.values() if kind is use]
        return {points[point]: key for key in own if (point := public_bytes(key.public_key())) in points}

    def _of_bid(
        self,
        keyset: Keyset,
        envelope: Envelope,
        files: dict[str, bytes],
        opening: PrivateKey,
        live: set[str],
        lost: str,
    ) -> Iterator[Canary]:
        header, digest = Header.parse(envelope.sealed.header.raw), envelope.sealed.manifest.envelope_hash
        owner = f"{envelope.binding.bid} rev {envelope.binding.rev}"
        yield Canary("half" if digest in live else "half never opened", owner, recover_r_bid(header, opening))
        for index, key in self._holders(keyset, KeyUse.ESCROW).items():
            kind = "custodian's share" if digest == lost else "share never asked for"
            yield Canary(kind, f"{owner} seat {index}", unwrap_share(header, keyset, Role.ESCROW, index, key))
        gate = self._holders(keyset, KeyUse.GATE)
        for index, key in gate.items():
            share = unwrap_share(header, keyset, Role.GATE, index, key)
            yield Canary("gate share", f"{owner} seat {index}", share)
        yield Canary("gate half", owner, recover_r_gate(header, keyset, gate).r_gate)
        # A revision that was replaced says the same price as the live one, so it shows when that does.
        for name, content in files.items():
            middle = content[len(content) // 2 :][:64]
            yield Canary("plaintext", f"{owner} {name}", middle)


def prices_of(bidders: list[Any]) -> list[Canary]:
    """The totals as they are written: with cents, in fen, in groups of three."""
    found = []
    for bidder in bidders:
        price: Decimal = bidder.part.price
        spellings = (f"{price * 100:.0f}".encode(), f"{price:,.2f}".encode())
        found.append(Canary("plaintext", f"price of {bidder.part.company.zh}", f"{price:.2f}".encode(), spellings))
    return found


@contextmanager
def messages_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What clients send by websocket is masked on its way; it is written down before."""
    original = websockets.sync.client.ClientConnection.send
    out = (folder / "messages").open("ab", buffering=0)

    def send(connection: Any, message: Any, *args: Any, **kwargs: Any) -> None:
        out.write(message.encode() if isinstance(message, str) else bytes(message))
        original(connection, message, *args, **kwargs)

    monkeypatch.setattr(websockets.sync.client.ClientConnection, "send", send)
    try:
        yield
    finally:
        out.close()


def may_show(kind: str, before: str) -> bool:
    """Whether a secret of this kind may be there when stage ``before`` has not begun yet."""
    return bool(FIRST[kind]) and ORDER.index(FIRST[kind]) < ORDER.index(before)


def test_no_secret_shows_before_its_time_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, wire, temporary = tmp_path / "home", tmp_path / "wire", tmp_path / "temporary"
    for folder in (home, wire, temporary):
        folder.mkdir()
    with monkeypatch.context() as environment:
        environment.setenv("WIRE_RECORD", str(wire))
        environment.setenv("TMPDIR", str(temporary))
        environment.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(WIRE), os.environ.get("PYTHONPATH", "")])))
        with started_centre(tmp_path, print) as centre, messages_kept(wire, monkeypatch):
            agents = centre.data_dir / "demo" / "agents"
            secrets = Secrets(home, agents, monkeypatch)
            places = Places(centre.data_dir, beside=(wire, temporary, tmp_path / "up.log"), not_in=(agents,))
            tell(centre.url, home, centre.data_dir, secrets, places)
        assert places.bytes_read > 10_000_000


def rob_the_centre(data: Path, agents: Path, secrets: Secrets) -> None:
    """Database, disks and every key of every server: all of it, tried on a bid, opens no wrap and no part of it.

    The demonstration's agents lie in the same folder; they stand for machines of others and are left out.
    """
    loot = loot_of(data, but=[agents])
    assert len(loot) > 300
    servers = {load_key(path).seed for path in data.rglob("*.key") if b"PRIVATE+KEY+" in path.read_bytes()}
    assert len(servers) >= 3  # of the log, of receipts, of the cosigner, who is in the plot here
    assert servers <= loot
    for header, parts, opening, gate in secrets.envelopes()[:2]:
        assert not rob(header, parts, loot)
        # The same thief with the keys that it lacks, so that nothing above failed for another reason.
        assert rob(header, parts, {scalar_of(opening)}).r_bids
        assert rob(header, parts, {scalar_of(key) for key in (opening, *gate)}).parts == set(parts)


def tell(url: str, home: Path, data: Path, secrets: Secrets, places: Places) -> None:
    story = begin(StoryOptions(url, bidders=BIDDERS), home, print)
    agents = data / "demo" / "agents"
    for nth, bidder in enumerate(story.bidders):
        # A price nobody else in the demonstration has.
        bidder.part = dataclasses.replace(bidder.part, price=bidder.part.price + Decimal(f"{nth + 1}.37"))
    shown: dict[str, str] = {}
    early: list[str] = []
    try:
        for name, stage in stages():
            live = {one.sealed.envelope_hash for one in story.bidders if one.sealed is not None}
            last = story.bidders[-1].sealed
            known = secrets.canaries(story.lot_id, live, last.envelope_hash if last else "")
            for canary, where in places.sightings([*known, *prices_of(story.bidders)]).items():
                shown.setdefault(canary.kind, name)
                if not may_show(canary.kind, name):
                    early.append(f"before {name}: {canary} in {where[:5]}")
            assert early == []
            if name in {"freeze", "release"}:
                rob_the_centre(data, agents, secrets)
            stage(story)
            print(name)
    finally:
        leave(story)
    print(shown)
    late = {kind for kind, stage in MUST.items() if ORDER.index(shown.get(kind, ORDER[-1])) > ORDER.index(stage)}
    assert late == set(), shown
