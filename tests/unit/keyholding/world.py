"""A centre in one process: holders with agents, a log with cosigners, bids sealed for real."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

import accounts.models
import keyholding.web
from accounts import facade as accounts_facade
from foundation.actor import Actor, system
from foundation.clock import SteppingClock
from foundation.codes import synthetic_uscc
from foundation.entropy import SeededEntropy, SystemEntropy
from foundation.events import Event
from foundation.events import bid_opening as opening
from foundation.events.tendering import LotPublished
from foundation.ids import OrgId, UserId, new_id
from foundation.journal import JournalEntry
from foundation.publication.entries import public_leaf
from foundation.sealing import (
    NO_PREVIOUS,
    Keyset,
    Part,
    PartSource,
    Sealed,
    generate_key,
    matches_commit,
    seal,
    write_binding,
)
from foundation.sealing.suite import public_bytes
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Unit, Units
from foundation.web.access import PUBLIC, allow
from foundation.web.kit import WebSettings, complete, create_web
from keyholding import facade
from keyholding.agent import HolderAgent
from keyholding.facade import KeysetCard, NewSeat, Side
from tests.unit.transparency.logbook import NOON, Logbook, policy_of

WORKER = system("test")
LOT = "019ac000-0000-7000-8000-00000000000a"
OTHER_LOT = "019ac000-0000-7000-8000-00000000000b"
TENDER, LOT_CODE = "E3204120001202611001", "E3204120001202611001001"
POLICY = str(policy_of("a"))
LATER = NOON + timedelta(minutes=1)
SIDES = (Side.TENDEREE_SIDE, Side.REGULATOR, Side.AUDIT)


@dataclass
class World:
    """One database, one application, one log."""

    folder: Path
    units: Units
    clock: SteppingClock
    app: Flask
    book: Logbook
    tokens: dict[str, str] = field(default_factory=dict)
    orgs: dict[str, str] = field(default_factory=dict)
    leaves: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    cosigners: tuple[str, ...] = ("a",)
    who: dict[str, Actor] = field(default_factory=dict)
    serial: int = 0
    opened: list[HolderAgent] = field(default_factory=list)

    def org(self, name: str, *roles: str) -> str:
        """An organisation with one person in these roles."""
        if name not in self.orgs:
            self.serial += 1
            with self.units.begin(WORKER) as unit:
                new = accounts_facade.NewOrganisation(name, str(synthetic_uscc(self.serial)))
                org_id = accounts_facade.enrol_organisation(unit, new)
                person = accounts_facade.NewPerson(f"login{self.serial}", f"{name}的人", "x")
                user_id = accounts_facade.enrol_person(unit, org_id, person, roles)
            self.orgs[name] = org_id
            self.who[name] = Actor(
                UserId(user_id), OrgId(org_id), frozenset(roles), roles[0] if roles else "public", name, name
            )
        return self.orgs[name]

    def seat(self, side: Side, org: str, *, operator: str = "", user_id: str | None = None) -> str:
        roles = {Side.TENDEREE_SIDE: ("tenderee",), Side.CUSTODIAN: ("custodian",)}.get(side, ("gate_holder",))
        org_id = self.org(org, *roles)
        self.clock.step(timedelta(seconds=1))
        with self.units.begin(WORKER) as unit:
            new = NewSeat(side, org_id, f"{org}席位", operator or f"{org}机房", user_id)
            seat_id = facade.appoint_seat(unit, new)
            self.tokens[org] = facade.enrol_agent(unit, seat_id)
        return seat_id

    def usual_seats(self, *, custodians: int = 3) -> None:
        """住建局招标, three sides, and three custodians."""
        for side, org in zip(SIDES, ("建设单位", "住建局", "审计局"), strict=True):
            self.seat(side, org)
        for number in range(custodians):
            self.seat(Side.CUSTODIAN, f"公证处{number}")

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.WSGITransport(app=self.app), base_url="http://localhost")

    def agent(self, org: str, **more: Any) -> HolderAgent:
        given = {"policy_text": POLICY, "client": self.client(), "now": lambda: LATER} | more
        agent = HolderAgent("http://localhost", self.tokens[org], self.folder / org, **given)
        self.opened.append(agent)
        return agent

    def create(self, *, custodians: bool = True, lot: str = LOT, agency: str | None = None, suite: str = "S1") -> None:
        with self.units.begin(WORKER) as unit:
            tenderee = self.orgs.get("建设单位", "")
            facade.create_keyset(unit, lot, TENDER, LOT_CODE, tenderee, agency, custodians, suite)

    def card(self, lot: str = LOT) -> KeysetCard:
        with self.units.read() as unit:
            found = facade.keyset_of(unit, lot)
        assert found is not None
        return found

    def rehearsed(self, *, custodians: bool = True, suite: str = "S1") -> dict[str, HolderAgent]:
        """A key set that is ready for bids, and its agents by organisation."""
        self.usual_seats(custodians=3 if custodians else 0)
        self.create(custodians=custodians, suite=suite)
        agents = {org: self.agent(org) for org in self.tokens}
        for _ in range(2):  # first round: keys; second: shares of the dummy
            for agent in agents.values():
                agent.poll()
        assert self.card().state == "rehearsed"
        return agents

    def append(self, event: Event, *, lot: str = LOT, stream: str = "", published: bool = True) -> str:
        """Journal an event, of the room where no stream is named, and log it unless told otherwise."""
        with self.units.begin(WORKER) as unit:
            row = unit.append(stream or f"room:{lot}", event)
        if published:
            self.publish(row)
        return row.id

    def publish(self, row: JournalEntry) -> None:
        self.log_leaf(row.id, public_leaf(row))

    def log_leaf(self, entry_id: str, leaf: bytes) -> None:
        index = self.book.edge.size
        self.book.append([leaf])
        self.leaves[entry_id] = (index, leaf)

    def close_window(self, *, lot: str = LOT, tender: str = TENDER, lot_code: str = LOT_CODE) -> str:
        return self.append(opening.WindowClosed(lot, tender, lot_code, ("ab" * 16,), (), ()))

    def ask_gate(self, entry_id: str) -> None:
        with self.units.begin(WORKER) as unit:
            facade.request_gate(unit, LOT, entry_id)

    def gate_keys(self) -> dict[int, str]:
        with self.units.read() as unit:
            return dict(facade.gate_keys(unit, LOT))

    def events(self, kind: type[Event]) -> list[Event]:
        from foundation.journal.read import entry_of

        with self.units.read() as unit:
            rows = unit.session.query(JournalEntry).filter(JournalEntry.type == kind.TYPE).order_by(JournalEntry.seq)
            return [entry_of(row).event for row in rows]

    def post(self, org: str, path: str, body: dict[str, Any]) -> httpx.Response:
        """Speak as an agent that does not think for itself."""
        with self.client() as client:
            return client.post(path, json=body, headers={"Authorization": f"Bearer {self.tokens[org]}"})

    def tasks(self, org: str) -> list[dict[str, Any]]:
        with self.client() as client:
            answer = client.get("/agent/tasks", headers={"Authorization": f"Bearer {self.tokens[org]}"})
        assert answer.status_code == 200
        return list(answer.json()["tasks"])

    def close(self) -> None:
        for agent in self.opened:
            agent.close()
        self.units.engine.dispose()


def make_app(units: Units, who: dict[str, Actor], show_entry: Any) -> Flask:
    app = create_web("centre", WebSettings(secret_key="k" * 32, rates_on=False))
    app.extensions["runtime"] = SimpleNamespace(units=units)
    app.extensions["identify"] = lambda request: who.get(request.headers.get("X-Who", ""))
    keyholding.web.register(app)

    @app.get("/log/entries/<entry_id>")
    @allow(PUBLIC)
    def entry(entry_id: str) -> ResponseReturnValue:
        return show_entry(entry_id)

    @app.get("/log/policy")
    @allow(PUBLIC)
    def policy() -> ResponseReturnValue:
        return POLICY, 200, {"Content-Type": "text/plain; charset=utf-8"}

    return complete(app)


def build(folder: Path, url: str = "") -> World:
    assert accounts.models.Organisation.metadata is Base.metadata
    engine = open_engine(url or f"sqlite:///{folder / 'centre.db'}")
    Base.metadata.create_all(engine)
    clock = SteppingClock(datetime(2026, 11, 25, 3, 0, tzinfo=UTC))
    units = Units(engine, clock, SystemEntropy())
    who: dict[str, Actor] = {}
    world = World(folder, units, clock, Flask("none"), Logbook([b"first leaf"]), who=who)

    def show_entry(entry_id: str) -> ResponseReturnValue:
        if entry_id not in world.leaves:
            return jsonify(code="publication.not_yet_proved"), 503
        index, leaf = world.leaves[entry_id]
        proof = world.book.proof(index, *world.cosigners)
        return jsonify(entry_text=leaf.decode(), leaf_index=index, tlog_proof=str(proof))

    world.app = make_app(units, who, show_entry)
    return world


def entry_id_of(word: str) -> str:
    return new_id(NOON, SeededEntropy(word))


@dataclass(frozen=True)
class SealedBid:
    """A bid sealed by a real client, and what only its bidder knows."""

    bid: str
    sealed: Sealed
    r_bid: bytes

    def wrap_set(self) -> facade.EscrowWrapSet:
        header = base64.b64encode(self.sealed.header.raw).decode()
        return facade.EscrowWrapSet(self.bid, header, self.sealed.manifest.raw.decode())

    def frozen(self, leaf_index: int = 5) -> opening.FrozenBid:
        return opening.FrozenBid(self.bid, 1, leaf_index, self.sealed.manifest.envelope_hash)


def seal_bid(card: KeysetCard, word: str, *, stage: str = "1", bidder: str = "91320412MA1MT5G11A") -> SealedBid:
    keyset = Keyset.parse(card.json_text.encode())
    bid = SeededEntropy(word).token(16).hex()
    binding = write_binding(
        tender=keyset.tender,
        lot=keyset.lot,
        stage=stage,
        bidder=bidder,
        bid=bid,
        rev=1,
        prev=NO_PREVIOUS,
        keyset=keyset.hash,
        parts=(Part("price_schedule", "开标一览表"),),
        created=NOON,
        suite=keyset.suite,
    )
    key = generate_key(keyset.suite)

    @contextmanager
    def sink(_part: str) -> Iterator[io.BytesIO]:
        yield io.BytesIO()

    own = [public_bytes(key.public_key())]
    parts = [PartSource("price_schedule", io.BytesIO(b"{}"), 2)]
    sealed = seal(binding, keyset, own, parts, sink, generate_key(keyset.suite), SystemEntropy())
    r_bid = sealed.header.suite.unwrap(key, sealed.header.binding.hash, "bidder", sealed.header.wraps.bidder[0])
    assert r_bid is not None
    assert matches_commit(sealed.header, "bidder", r_bid)
    return SealedBid(bid, sealed, r_bid)


def publish_lot(world: World, escrow_rule: str = "compulsory", *, published: bool = True) -> str:
    """The lot's public notice, as the log has it; returns its entry."""
    notice = LotPublished(
        lot=LOT,
        tender=TENDER,
        lot_code=LOT_CODE,
        unified_deal_code="",
        name="校舍修缮",
        deadline_at=world.clock.now(),
        ceiling="1.00",
        deposit="0.00",
        rulebook="r",
        method="",
        escrow_rule=escrow_rule,
        keyset=world.card().hash,
        documents=(),
    )
    return world.append(notice, stream=f"lot:{LOT}", published=published)


def open_and_end(
    world: World, bids: list[SealedBid], missing: tuple[int, ...], *, escrow_rule: str = "compulsory"
) -> str:
    """Publish the lot, freeze these bids, publish the list, end the window; returns the frozen list's entry."""
    publish_lot(world, escrow_rule)
    frozen = world.append(opening.BidsFrozen(LOT, tuple(one.frozen() for one in bids), 9))
    listed = tuple(
        opening.ListedBidder(number, "o", "n", "u", one.bid, is_checked_in=True) for number, one in enumerate(bids, 1)
    )
    world.append(opening.ListPublished(LOT, listed))
    world.append(opening.WindowEnded(LOT, len(bids) - len(missing), missing, None))
    return frozen


def ask_escrow(world: World, frozen_entry: str, bids: list[SealedBid]) -> None:
    with world.units.begin(WORKER) as unit:
        facade.request_escrow(unit, LOT, frozen_entry, tuple(one.wrap_set() for one in bids))


def unit_of(world: World) -> Any:
    """A reading Unit."""
    return world.units.read()


__all__ = ["LATER", "LOT", "LOT_CODE", "OTHER_LOT", "POLICY", "TENDER", "WORKER", "Unit", "World", "build"]
