"""A lot with sealed bids and everything an opening needs: real holders' rows, a real log, jobs that are really run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

import bid_opening.consumers
import bid_opening.tasks  # noqa: F401 - registers the jobs of the opening
from bid_opening.ceremony import RoomState
from bid_opening.confirming import note_for
from bid_opening.models import OpeningRoom, RoomFrame, RoomHead
from bid_opening.services import acts, clock, rooms, schedule
from foundation.actor import Actor
from foundation.clock import SteppingClock, machine_now
from foundation.entropy import url_token
from foundation.events.tendering import BidsClosed
from foundation.jobs import queue
from foundation.jobs.execute import execute
from foundation.jobs.models import Job
from foundation.journal import verify_stream
from foundation.publication.publisher import Publisher
from foundation.sealing import S1, Role, Suite, generate_key, public_hex, recover_r_bid, unwrap_share
from foundation.sealing.header import write_header
from foundation.sealing.manifest import write_manifest
from foundation.sealing.suite import scalar_of, sign
from foundation.store.engine import open_engine
from keyholding.models import EscrowBid, GateRequest, HolderSeat, KeysetMember, LotKeyset
from keyholding.services.escrow import GivenShare, release_shares
from keyholding.services.gate import release_gate_key
from keyholding.states import Side
from tendering.models import Lot
from tendering.states import LotTrigger
from tests.support.tender_world import DEADLINE, NOW, TESTS, OpenLot, TenderWorld
from tests.support_bids import FILES, Bidder, SealedFiles, make_bidder

NAMES = ("常州澄岳建设工程有限公司", "江苏恒筑建工集团有限公司", "无锡梁溪建筑安装工程有限公司", "苏州东吴营造有限公司")
TOTALS = ("11402318.00", "11530077.50", "12001999.00", "11111111.11")
SIDES = (Side.TENDEREE_SIDE, Side.REGULATOR, Side.AUDIT)


def price_schedule(total: str, manager: str = "周予安") -> bytes:
    return json.dumps(
        {
            "v": 1,
            "currency": "CNY",
            "total": total,
            "duration_days": 178,
            "quality": "合格",
            "project_manager": manager,
        },
        ensure_ascii=False,
    ).encode()


class Machine:
    """The publisher's machine clock: a tick goes by whenever it is asked to publish."""

    def __init__(self) -> None:
        self.now = machine_now()

    def __call__(self) -> datetime:
        return self.now

    def step(self) -> None:
        self.now += timedelta(seconds=11)


@dataclass
class Opening:
    """One lot's opening, told act by act."""

    world: TenderWorld
    lot: OpenLot
    host: Actor
    supervisor: Actor
    staff: Actor
    bidders: list[Bidder]
    sealed: list[SealedFiles]
    seats: dict[str, HolderSeat]
    machine: Machine = field(default_factory=Machine)

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.world.runtime, machine=self.machine)

    # The platform's own steps

    def publish(self) -> None:
        """Bring the log up to the journal."""
        self.machine.step()
        while self.publisher.round():
            pass

    def look(self, *, times: int = 12) -> None:
        for _ in range(times):
            if not clock.step(self.world.units, self.lot.id):
                break

    def run_jobs(self) -> list[str]:
        """Run every due job to its end; the names of those that failed for good."""
        runtime = self.world.runtime
        while claimed := queue.claim(
            self.world.engine,
            civil=self.world.clock.now(),
            machine=machine_now(),
            tokens=[url_token(self.world.units.entropy, 16) for _ in range(16)],
        ):
            for job_id, token in claimed:
                execute(runtime, job_id, token)
        with self.world.units.read() as unit:
            return [f"{job.task} {job.last_error}" for job in unit.session.scalars(select(Job)) if job.last_error]

    # The story

    def to_check_in(self) -> None:
        with self.world.units.begin(TESTS) as unit:
            schedule.schedule_room(unit, self.lot.id)
        self.at(self.lot.deadline_at - timedelta(hours=1))
        self.run_jobs()

    def close_bids(self) -> None:
        self.at(self.lot.deadline_at)
        with self.world.units.begin(TESTS) as unit:
            lot = unit.session.get_one(Lot, self.lot.id)
            closed = BidsClosed(lot=self.lot.id, deadline_at=self.lot.deadline_at)
            unit.transition(lot, LotTrigger.CLOSE_BIDS, f"lot:{self.lot.id}", closed)
        self.run_jobs()

    def to_list(self) -> None:
        self.to_check_in()
        self.close_bids()
        self.publish()
        self.look()

    def to_window(self) -> None:
        self.to_list()
        self.publish()
        self.act(self.host, acts.start_decryption)

    def to_window_closed(self, *, released: Iterable[int] | None = None) -> None:
        self.to_window()
        for index in range(len(self.bidders)) if released is None else released:
            assert self.release(index).is_accepted
        if released is not None and len(list(released)) < len(self.bidders):
            self.pass_window()
        self.look()

    def to_gate(self) -> None:
        self.publish()
        self.look()
        self.give_gate_keys(0, 2)
        self.look()

    def to_reading(self) -> None:
        self.to_window_closed()
        self.to_gate()
        self.act(self.host, acts.draw)
        assert self.run_jobs() == []
        self.act(self.host, acts.start_reading)

    def to_closed(self) -> None:
        self.to_reading()
        self.act(self.host, acts.open_query)
        for bidder in self.bidders:
            self.act(bidder.actor, acts.no_objection)
        self.look(times=1)
        for index in range(len(self.bidders)):
            self.confirm(index)
        self.look()

    # Single acts

    def at(self, moment: datetime) -> None:
        self.world.clock.set(moment)

    def pass_window(self) -> None:
        until = self.state.until
        assert until is not None
        self.at(until)
        self.look()

    def act(self, actor: Actor, act: Any, *args: Any, **kwargs: Any) -> Any:
        """One use case in its own Unit, as a view does it."""
        self.world.clock.step(timedelta(milliseconds=10))
        with self.world.units.begin(actor) as unit:
            return act(unit, self.lot.id, *args, **kwargs)

    def r_bid(self, index: int) -> bytes:
        return recover_r_bid(self.sealed[index].sealed.header, self.bidders[index].opening)

    def release(self, index: int, secret: bytes | None = None) -> acts.Release:
        text = (self.r_bid(index) if secret is None else secret).hex()
        outcome: acts.Release = self.act(self.bidders[index].actor, acts.release, text)
        return outcome

    def confirm(self, index: int, *, signed: bool = True) -> None:
        seat = self.seat(index)
        message = note_for(self.lot.lot_code, self.state, seat)
        signature = sign(self.bidders[index].signing, message).hex() if signed else ""
        self.act(self.bidders[index].actor, acts.confirm, signature)

    def give_gate_keys(self, *indexes: int) -> None:
        for index in indexes:
            digits = scalar_of(self.lot.gate[index]).hex()
            with self.world.units.begin(TESTS) as unit:
                release_gate_key(unit, self.seats[f"gate/{index}"], self.lot.id, digits)

    def give_escrow_shares(self, *indexes: int, spoil: Sequence[int] = ()) -> None:
        """Custodians hand in shares of every bid they are asked for; those in ``spoil`` a false one."""
        headers = {made.bid: made.sealed.header for made in self.sealed}
        with self.world.units.read() as unit:
            asked = list(unit.session.scalars(select(EscrowBid.bid).where(EscrowBid.lot_id == self.lot.id)))
        for index in indexes:
            given = []
            for bid in asked:
                share = unwrap_share(headers[bid], self.lot.keyset, Role.ESCROW, index, self.lot.escrow[index])
                given.append(GivenShare(bid, bytes(33) if index in spoil else share))
            with self.world.units.begin(TESTS) as unit:
                release_shares(unit, self.seats[f"escrow/{index}"], self.lot.id, given)

    # What is known

    @property
    def state(self) -> RoomState:
        with self.world.units.read() as unit:
            return rooms.state_of(unit, self.lot.id)

    def seat(self, index: int) -> Any:
        found = self.state.seat_of_bid(self.sealed[index].bid)
        assert found is not None
        return found

    def frames(self, audience: str = "") -> list[dict[str, Any]]:
        """Every frame told so far, in order; all audiences or one."""
        with self.world.units.read() as unit:
            rows = unit.session.scalars(
                select(RoomFrame).where(RoomFrame.lot_id == self.lot.id).order_by(RoomFrame.audience, RoomFrame.seq)
            ).all()
        return [json.loads(row.frame) for row in rows if audience in {"", row.audience}]

    def gate_is_asked(self) -> bool:
        with self.world.units.read() as unit:
            return unit.session.get(GateRequest, self.lot.id) is not None

    def assert_story_holds(self) -> None:
        """Fold equals live, the chain verifies, numbers are dense, snapshots do not differ from the journal."""
        with self.world.units.read() as unit:
            live, again = rooms.state_of(unit, self.lot.id), rooms.rebuilt(unit, self.lot.id)
            row = unit.session.get_one(OpeningRoom, self.lot.id)
            assert live == again
            assert (row.state, row.until, row.opens_at) == (again.phase, again.until, again.opens_at)
            verify_stream(unit.session, rooms.stream_of(self.lot.id))
            heads = {
                head.audience: head.head_seq
                for head in unit.session.scalars(select(RoomHead).where(RoomHead.lot_id == self.lot.id))
            }
            numbers: dict[str, list[int]] = {}
            rows = unit.session.execute(
                select(RoomFrame.audience, RoomFrame.seq)
                .where(RoomFrame.lot_id == self.lot.id)
                .order_by(RoomFrame.audience, RoomFrame.seq)
            )
            for audience, seq in rows:
                numbers.setdefault(audience, []).append(seq)
        assert numbers == {audience: list(range(1, head + 1)) for audience, head in heads.items()}


def make_opening(
    folder: Path,
    *,
    bids: int = 3,
    escrow_rule: str = "compulsory",
    method: str = "jiangsu-1",
    totals: Sequence[str] = TOTALS,
    files: Mapping[int, Mapping[str, bytes]] | None = None,
    bad_gate_wraps: Mapping[int, Sequence[int]] | None = None,
    url: str = "",
    suite: Suite = S1,
    now: datetime = NOW,
    deadline_at: datetime = DEADLINE,
    beacon: str = "",
) -> Opening:
    """A published lot with ``bids`` sealed bids, the room not yet scheduled.

    ``files``: what some seal instead; ``bad_gate_wraps``: bidders who wrapped these holders' shares to a stranger.
    """
    engine = open_engine(url or f"sqlite:///{folder / 'world.db'}", pool_size=40)
    world = TenderWorld(engine, folder, SteppingClock(now))
    host = world.organisation("江苏衡澄工程咨询有限公司", "agency")
    lot = world.open_lot(escrow=escrow_rule != "none", agency=host, deadline_at=deadline_at, suite=suite)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(
            update(Lot)
            .where(Lot.id == lot.id)
            .values(
                rulebook_id="works-mandatory-2022+0123abcd", escrow_rule=escrow_rule, method_id=method, beacon=beacon
            )
        )
    supervisor = world.organisation("武进区住房和城乡建设局", "supervisor")
    staff = world.organisation("武进区公共资源交易中心", "centre_staff")
    made = [make_bidder(world, NAMES[index], suite) for index in range(bids)]
    sealed = []
    for index, bidder in enumerate(made):
        default = {**FILES, "price_schedule": price_schedule(totals[index], f"经理{index}")}
        one = bidder.seal(lot, files=(files or {}).get(index, default))
        if bad := (bad_gate_wraps or {}).get(index):
            one = with_bad_gate_wraps(bidder, one, bad)
        bidder.hand_in(lot, one)
        sealed.append(one)
    seats = _seat_holders(world, lot, staff)
    return Opening(world, lot, host, supervisor, staff, made, sealed, seats)


def with_bad_gate_wraps(bidder: Bidder, made: SealedFiles, indexes: Sequence[int]) -> SealedFiles:
    """The same bid with shares that no holder can unwrap; signed, so that it is the bidder's own doing."""
    old = made.sealed.header
    b = old.binding.hash
    suite = old.suite
    stranger = generate_key(suite).public_key()
    gate = tuple(
        suite.wrap(stranger, b, f"gate/{i}", bytes(33)) if i in indexes else good
        for i, good in enumerate(old.wraps.gate)
    )
    header = write_header(old.binding, old.commit, replace(old.wraps, gate=gate))
    manifest = write_manifest(
        binding_hash=b, header_hash=header.hash, rev=1, prev="-", parts=made.sealed.manifest.parts, suite=suite
    )
    signature = sign(bidder.signing, manifest.raw)
    return replace(made, sealed=replace(made.sealed, header=header, manifest=manifest, signature=signature))


def _seat_holders(world: TenderWorld, lot: OpenLot, office: Actor) -> dict[str, HolderSeat]:
    """Seats and members for the keys the lot's key set was made of, so that the real releases can be used."""
    seats: dict[str, HolderSeat] = {}
    with world.units.begin(TESTS) as unit:
        keyset = unit.session.scalars(select(LotKeyset).where(LotKeyset.lot_id == lot.id)).one()
        for role, keys in ((Role.GATE, lot.gate), (Role.ESCROW, lot.escrow)):
            for index, key in enumerate(keys):
                side = SIDES[index] if role is Role.GATE else Side.CUSTODIAN
                seat = HolderSeat(
                    id=unit.new_id(),
                    side=side,
                    org_id=office.org_id,
                    org_name=office.org_name,
                    user_id=None,
                    holder_name=f"{role.value}-{index}",
                    operator="tests",
                    agent_token_hash=None,
                    last_seen_at=None,
                    is_active=True,
                    appointed_at=unit.at,
                )
                unit.session.add(seat)
                unit.session.flush()
                unit.session.add(
                    KeysetMember(
                        keyset_id=keyset.id,
                        seat_id=seat.id,
                        role=role,
                        index=index,
                        side=side,
                        org_name=office.org_name,
                        holder_name=f"{role.value}-{index}",
                        operator="tests",
                        public_key=public_hex(key),
                        proof="",
                        ready_at=unit.at,
                    )
                )
                unit.session.flush()
                seats[f"{role.value}/{index}"] = seat
    return seats
