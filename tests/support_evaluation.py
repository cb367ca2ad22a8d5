"""A lot whose bids were really opened, an expert library, and the way through its evaluation act by act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

import evaluation.tasks
from evaluation.models import CommitteeSeat, EvaluationCase
from evaluation.services import award, cases, committee, library, papers, report, review, seats, sheets
from evaluation.states import SeatState
from foundation.actor import Actor
from foundation.clock import SteppingClock
from foundation.money import Money
from foundation.store.engine import open_engine
from tendering.models import Lot
from tests.support.tender_world import DEADLINE, NOW, TESTS, TenderWorld
from tests.support_bids import FILES, make_bidder
from tests.support_opening import Opening, _seat_holders, price_schedule

S10 = (9480000, 9350000, 9210000, 9120000, 9050000, 8960000, 8880000, 8740000, 8590000, 8120000)
CEILING = Money.yuan("10000000.00")
USUAL_CEILING = Money.yuan("12860000.00")
EXPERTS = 16


@dataclass
class Evaluation:
    """``experts`` by user id. ``opening.bidders`` are in the order of their prices in ``totals``."""

    opening: Opening
    tenderee: Actor
    totals: Sequence[str]
    experts: dict[str, Actor] = field(default_factory=dict)

    @property
    def world(self) -> TenderWorld:
        return self.opening.world

    @property
    def lot_id(self) -> str:
        return self.opening.lot.id

    @property
    def host(self) -> Actor:
        return self.opening.host

    @property
    def supervisor(self) -> Actor:
        return self.opening.supervisor

    def act(self, actor: Actor, act: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One use case in its own Unit, as a view does it."""
        self.world.clock.step(timedelta(milliseconds=10))
        with self.world.units.begin(actor) as unit:
            return act(unit, self.lot_id, *args, **kwargs)

    def run_jobs(self) -> list[str]:
        return self.opening.run_jobs()

    def case(self) -> EvaluationCase:
        with self.world.units.read() as unit:
            return unit.session.get_one(EvaluationCase, self.lot_id)

    def seats(self, *states: SeatState) -> list[CommitteeSeat]:
        with self.world.units.read() as unit:
            return committee.seats_of(unit, self.lot_id, *states)

    def members(self) -> list[Actor]:
        return [self.experts[seat.user_id] for seat in self.seats(SeatState.ACCEPTED)]

    # --- the way ---

    def add_experts(self, count: int = EXPERTS, **changes: Any) -> list[Actor]:
        """Experts of as many employers, entered by the centre."""
        made = []
        for _ in range(count):
            number = len(self.experts) + 1
            actor = self.world.organisation(f"设计院{number:02d}", "expert", login=f"expert{number:02d}")
            values = {
                "employer": actor.org_name,
                "specialities": ("A08",),
                "title": "高级工程师",
                "years": 12,
                **changes,
            }
            with self.world.units.begin(self.opening.staff) as unit:
                library.enter_expert(unit, library.NewExpert(user_id=str(actor.user_id), **values))
            self.experts[str(actor.user_id)] = actor
            made.append(actor)
        return made

    def to_drawn(self, size: int = 5) -> None:
        self.act(self.host, committee.request_committee, size)
        self.act(self.tenderee, committee.contribute, "春江潮水连海平")
        self.act(self.supervisor, committee.contribute, "海上明月共潮生")
        self.opening.publish()
        evaluation.tasks.look(self.world.runtime)

    def accept_all(self) -> None:
        for seat in self.seats(SeatState.INVITED):
            self.act(self.experts[seat.user_id], seats.accept, is_sworn=True, is_free=True)

    def to_review(self) -> None:
        self.to_drawn()
        self.accept_all()
        self.act(self.host, review.start_review)

    def codes(self) -> dict[str, str]:
        """Bid → code, as nobody but the platform may read it."""
        from evaluation.models import BidCode

        with self.world.units.read() as unit:
            rows = unit.session.scalars(select(BidCode).where(BidCode.lot_id == self.lot_id))
            return {row.bid: row.code for row in rows}

    def passes(self, failed: Iterable[str] = (), points: Mapping[str, str] | None = None) -> list[sheets.Given]:
        """A complete sheet: every bid passes but those under the codes ``failed``; scored items get ``points``."""
        given = []
        with self.world.units.read() as unit:
            chosen = sheets.rubric_of(unit.session.get_one(EvaluationCase, self.lot_id))
        for code in sorted(self.codes().values()):
            for item in chosen.items:
                if item.is_scored:
                    value = Decimal((points or {}).get(item.key, str(item.most)))
                    given.append(sheets.Given(code, item.key, points=value))
                elif code in set(failed) and item.key == "compliance":
                    given.append(sheets.Given(code, item.key, verdict="fail", clause="3.2.4", reason="工期超过规定"))
                else:
                    given.append(sheets.Given(code, item.key, verdict="pass"))
        return given

    def to_signing(self, failed: Iterable[str] = ()) -> None:
        self.to_review()
        for member in self.members():
            self.act(member, sheets.submit, self.passes(failed))

    def to_reported(self, failed: Iterable[str] = ()) -> None:
        self.to_signing(failed)
        for member in self.members():
            self.act(member, report.sign)
        assert self.run_jobs() == []

    def to_publicity(self, failed: Iterable[str] = ()) -> None:
        self.to_reported(failed)
        self.act(self.host, award.publish_candidates)
        assert self.run_jobs() == []

    def pass_publicity(self) -> None:
        until = self.case().publicity_until
        assert until is not None
        self.world.clock.set(until)
        assert self.run_jobs() == []

    def to_awarded(self, failed: Iterable[str] = ()) -> None:
        self.to_publicity(failed)
        self.pass_publicity()
        self.act(self.tenderee, award.award)
        assert self.run_jobs() == []

    def winner(self) -> Actor:
        with self.world.units.read() as unit:
            row = next(row for row in review.ranked_rows(unit, self.lot_id) if row.rank == 1)
        return next(one.actor for one in self.opening.bidders if one.actor.org_id == row.org_id)

    def contract_digest(self) -> str:
        with self.world.units.read() as unit:
            paper = papers.paper(unit, self.lot_id, papers.CONTRACT)
            assert paper is not None
            return paper.sha256

    def to_contracted(self) -> None:
        self.to_awarded()
        for actor in (self.tenderee, self.winner()):
            self.act(actor, award.sign_contract, self.contract_digest())


def make_evaluation(
    folder: Path,
    *,
    totals: Sequence[str] = ("11402318.00", "11530077.50", "12001999.00"),
    ceiling: Money = USUAL_CEILING,
    params: Mapping[str, Any] | None = None,
    method: str = "jiangsu-1",
    open_bids: bool = True,
    experts: int = EXPERTS,
    demo: bool = False,
    url: str = "",
) -> Evaluation:
    """A lot with these bids, opened to the end unless ``open_bids`` is false, and ``experts`` in the library.

    ``url``: of another database than SQLite in ``folder``.
    """
    engine = open_engine(url or f"sqlite:///{folder / 'world.db'}", pool_size=40)
    world = TenderWorld(engine, folder, SteppingClock(NOW), demo=demo)
    host = world.organisation("江苏衡澄工程咨询有限公司", "agency", login="host")
    tenderee = world.organisation("常州市武进区教育局", "tenderee", login="tenderee")
    lot = world.open_lot(agency=host, tenderee=tenderee, deadline_at=DEADLINE)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(
            update(Lot)
            .where(Lot.id == lot.id)
            .values(
                rulebook_id="works-mandatory-2022+0123abcd",
                method_id=method,
                method_params=dict(params or {}),
                ceiling=ceiling,
                scope="教学楼修缮",
            )
        )
    supervisor = world.organisation("武进区住房和城乡建设局", "supervisor", login="supervisor")
    staff = world.organisation("武进区公共资源交易中心", "centre_staff", login="staff")
    bidders = [make_bidder(world, f"常州建设{number:02d}公司") for number in range(1, len(totals) + 1)]
    sealed = []
    for bidder, total in zip(bidders, totals, strict=True):
        one = bidder.seal(lot, files={**FILES, "price_schedule": price_schedule(total)})
        bidder.hand_in(lot, one)
        sealed.append(one)
    held = _seat_holders(world, lot, staff)
    opening = Opening(world, lot, host, supervisor, staff, bidders, sealed, held)
    made = Evaluation(opening, tenderee, totals)
    made.add_experts(experts)
    if open_bids:
        opening.to_closed()
        assert opening.run_jobs() == []
    return made


__all__ = ["CEILING", "S10", "Evaluation", "cases", "make_evaluation"]
