"""A room with named bidders whose ceremony is told event by event: for pages and lines, where no key need be real."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update

import bid_opening.identity_models
import bid_opening.models
import bid_opening.presence
import bid_opening.talk_models
import credit.models
from accounts.facade import actor_of_token
from accounts.sessions import open_session
from bid_opening.services import rooms
from foundation.actor import Actor, system
from foundation.draws import FrozenBid, build, rank
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.hints import UnixHints
from foundation.sealing import Role
from foundation.store.unit import Units
from keyholding.models import HolderSeat, KeysetMember, LotKeyset
from keyholding.states import Side
from tendering.models import Lot
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world

REGISTERED = (
    bid_opening.identity_models,
    bid_opening.models,
    bid_opening.presence,
    bid_opening.talk_models,
    credit.models,
)
"""Imported for their tables."""
NAMES = (
    "江苏屹川建设集团有限公司",
    "常州明塬建筑工程有限公司",
    "江苏淳和建工有限公司",
    "无锡梁砚建设有限公司",
    "常州渰里建筑有限公司",
    "江苏朴筑修缮工程有限公司",
    "常州澄岳建设工程有限公司",
    "南京栖梧建设工程有限公司",
    "江苏凌汀建设有限公司",
    "镇江云簏建筑工程有限公司",
    "常州禾嵘装饰工程有限公司",
    "苏州沧屿建工集团有限公司",
)
PRICES = ("11,842,300.00", "11,905,118.40", "12,010,550.00", "12,340,000.00", "11,624,944.88", "11,733,200.00")
POOL = ("0.950", "0.955", "0.960", "0.965", "0.970", "0.975", "0.980")
TEST = system("tests")


@dataclass
class RoomWorld:
    """One lot, its people, and a hand that lets things happen."""

    world: TenderWorld
    lot: OpenLot
    host: Actor
    supervisor: Actor
    bidders: tuple[Actor, ...]
    hints: UnixHints
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def units(self) -> Units:
        return self.world.units

    def happen(self, *events: Event, seconds: float = 1.0) -> None:
        """Each event a little later than the one before."""
        for event in events:
            self.world.clock.step(timedelta(seconds=seconds))
            with self.units.begin(TEST) as unit:
                rooms.apply(unit, self.lot.id, (event,))

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def token(self, actor: Actor) -> str:
        """A session of this person."""
        key = str(actor.user_id)
        if key not in self.tokens:
            with self.units.begin(TEST) as unit:
                _, self.tokens[key] = open_session(unit, key, source="test", user_agent="test")
                assert actor_of_token(unit, self.tokens[key]) is not None
        return self.tokens[key]

    def bid(self, number: int) -> str:
        return f"{number:032x}"

    # --- the ceremony, step by step -----------------------------------------------------------------------------------

    def schedule(self) -> None:
        with self.units.begin(TEST) as unit:
            rooms.add_room(unit, self.lot.id)
        self.happen(
            e.RoomScheduled(
                self.lot.id, "武进高级中学新校区修缮工程（施工）", DEADLINE, 30, 10, 10, 3, 3, "compulsory"
            ),
            e.CheckInOpened(self.lot.id),
        )

    def publish_list(self) -> None:
        self.world.clock.set(DEADLINE)
        with self.units.begin(TEST) as unit:
            unit.session.execute(update(Lot).where(Lot.id == self.lot.id).values(state=LotState.CLOSED))
        frozen = tuple(e.FrozenBid(self.bid(n), 1, 100 + n, f"{n:064x}") for n in self.seats)
        listed = tuple(
            e.ListedBidder(n, str(who.org_id), who.org_name, f"9132041200000000{n:02d}", self.bid(n), n % 2 == 0)
            for n, who in enumerate(self.bidders, 1)
        )
        self.happen(
            e.IntakeClosed(self.lot.id), e.BidsFrozen(self.lot.id, frozen, 240), e.ListPublished(self.lot.id, listed)
        )

    @property
    def seats(self) -> Iterable[int]:
        return range(1, len(self.bidders) + 1)

    def open_window(self) -> None:
        self.happen(e.WindowOpened(self.lot.id, self.now + timedelta(minutes=30, seconds=80)), seconds=80)

    def release(self, *seats: int) -> None:
        for seat in seats:
            org = str(self.bidders[seat - 1].org_id)
            self.happen(
                e.SealChecked(self.lot.id, seat, org, is_equal=True),
                e.ShareReleased(self.lot.id, seat, org, self.bid(seat)),
                seconds=11,
            )

    def close_window(self) -> None:
        released = tuple(self.bid(n) for n in self.seats)
        self.happen(
            e.WindowEnded(self.lot.id, len(released), (), None),
            e.WindowClosed(self.lot.id, self.lot.tender_code, self.lot.lot_code, released, (), ()),
            e.GateReleased(self.lot.id, (1, 2)),
        )

    def draw(self) -> None:
        transcript = build(
            draw_id=f"{self.lot.tender_code}/{self.lot.lot_code}/K",
            first=1,
            pool=POOL,
            contributions={self.bid(n): f"{n:064x}" for n in self.seats},
            beacon=None,
            is_beacon_waived_by_notice=True,
            frozen=[FrozenBid(self.bid(n), 1, 100 + n, f"{n:064x}") for n in self.seats],
        )
        (value,) = rank(transcript, POOL).drawn
        self.happen(e.CoefficientDrawn(self.lot.id, "K", value, POOL, transcript.text, transcript.seed))

    def read_out(self) -> None:
        lines = [
            (n, who.org_name, PRICES[(n - 1) % len(PRICES)].replace(",", "")) for n, who in enumerate(self.bidders, 1)
        ]
        self.happen(
            *(
                e.PriceDecrypted(
                    self.lot.id,
                    n,
                    str(self.bidders[n - 1].org_id),
                    self.bid(n),
                    total,
                    180,
                    "合格",
                    "周明远",
                    "00" * 32,
                    (),
                )
                for n, _, total in lines
            ),
            e.ReadingStarted(self.lot.id),
            *(e.LineRead(self.lot.id, n, name, total, 180, "合格", "周明远") for n, name, total in lines),
        )

    def open_query(self) -> None:
        self.happen(e.QueryOpened(self.lot.id, self.now + timedelta(minutes=10, seconds=1)))

    def open_confirmation(self) -> None:
        self.happen(e.ConfirmationOpened(self.lot.id, self.now + timedelta(minutes=10, seconds=1)))


def make_room_world(folder: Path, *, bidders: int = 12) -> RoomWorld:
    """Scheduled, with sign-in open."""
    world = make_world(folder)
    host = world.organisation("江苏恒筑工程咨询有限公司", "agency")
    supervisor = world.organisation("武进区住房和城乡建设局", "supervisor")
    lot = world.open_lot(agency=host)
    hints = UnixHints(world.runtime.settings.run_dir)
    world.units.hints = hints
    people = tuple(world.organisation(name, "bidder") for name in NAMES[:bidders])
    seat_holders(world, lot)
    found = RoomWorld(world, lot, host, supervisor, people, hints)
    found.schedule()
    return found


def seat_holders(world: TenderWorld, lot: OpenLot) -> None:
    """Three gate holders and three custodians, as rows of the key set."""
    named = [*((Role.GATE, side) for side in list(Side)[:3]), *((Role.ESCROW, Side.CUSTODIAN) for _ in range(3))]
    holder = world.organisation("武进区公证处", "gate_holder")
    with world.units.begin(TEST) as unit:
        keyset_id = unit.session.scalar(select(LotKeyset.id).where(LotKeyset.lot_id == lot.id))
        for number, (role, side) in enumerate(named):
            seat_id = unit.new_id()
            unit.session.add(
                HolderSeat(
                    id=seat_id,
                    side=side,
                    org_id=holder.org_id,
                    org_name=holder.org_name,
                    user_id=None,
                    holder_name=f"持钥人{number}",
                    operator=f"机房{number}",
                    agent_token_hash=None,
                    is_active=True,
                    last_seen_at=None,
                    warned_at=None,
                    appointed_at=unit.at,
                )
            )
            unit.session.flush()
            unit.session.add(
                KeysetMember(
                    keyset_id=keyset_id,
                    seat_id=seat_id,
                    role=role,
                    index=number % 3 + 1,
                    side=side,
                    org_name=holder.org_name,
                    holder_name=f"持钥人{number}",
                    operator=f"机房{number}",
                    public_key=f"04{number:0128x}",
                    ready_at=unit.at,
                )
            )


def make_app(found: RoomWorld, *, room_port: int = 0, **settings: Any) -> Flask:
    """The web application with the packages these pages need."""
    import accounts.web
    import bid_opening.web
    import foundation.publication.web
    import keyholding.web
    import tendering.web
    from foundation.web.kit import WebSettings, complete, create_web

    app = create_web("rooms", WebSettings(secret_key="k" * 32, room_port=room_port, rates_on=False, **settings))
    app.extensions["runtime"] = found.world.runtime
    app.extensions["civil_now"] = found.world.clock.now
    for package in (accounts, keyholding, tendering, bid_opening):
        package.web.register(app)  # type: ignore[attr-defined]
    foundation.publication.web.register(app)
    return complete(app)
