"""Everybody who prepares a tender, with real key holders: for tests of the way to publication.

Jobs run when the test says so (``work``), by the registered handlers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, Request
from flask.testing import FlaskClient
from sqlalchemy import select

import tendering.consumers
import tendering.tasks
import tendering.web
from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.jobs import queue
from foundation.jobs.execute import execute
from foundation.jobs.models import Job, JobState
from foundation.money import Money
from foundation.sealing import Keyset, Role, generate_key, prove_possession, suite_named
from foundation.sealing.suite import PrivateKey, public_bytes
from foundation.web.kit import WebSettings, complete, create_web
from keyholding import evidence
from keyholding import facade as keyholding
from keyholding.models import HolderSeat, KeysetMember, LotKeyset, Rehearsal
from keyholding.services import keysets, rehearsals
from tendering.models import Lot, PaperOrder
from tendering.rules import LotDraft
from tendering.services import clarifications, lots, projects, publication
from tendering.services.codes import CodeSource
from tests.support.tender_world import TESTS, TenderWorld, make_world

START = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)
"""09:00 of Tuesday 3 November 2026 in Beijing."""
DEADLINE = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
"""21 days later, 09:30: the earliest working day the law allows would be the 23rd."""
CODES = CodeSource("320412", "12320412466011756K")

DRAFT = LotDraft(
    name="武进高级中学新校区修缮工程（施工）",
    scope="教学楼、宿舍楼屋面及外立面修缮，建筑面积约 18,600 平方米。",
    qualification="具备有效的营业执照和安全生产许可证；\n具备建筑工程施工总承包二级及以上资质。",
    quality="合格",
    contract_estimate=Money.yuan("13000000.00"),
    ceiling_price=Money.yuan("12860000.00"),
    bid_deposit=Money.yuan("250000.00"),
    duration_days=180,
    bid_deadline=DEADLINE,
)
PROJECT = projects.NewProject(
    name="武进高级中学新校区修缮工程",
    location="常州市武进区湖塘镇",
    fund_source="财政资金 100%",
    approval="武行审投〔2026〕118 号",
    is_state_funded=True,
)


class Office:
    """A centre with a tenderee, its agency, bidders, officers, and standing holders with keys."""

    def __init__(self, folder: Path, *, demo: bool = False) -> None:
        self.world: TenderWorld = make_world(folder, at=START, demo=demo)
        self.units, self.runtime, self.clock = self.world.units, self.world.runtime, self.world.clock
        make = self.world.organisation
        self.tenderee = make("常州市武进区教育局", "tenderee", login="tenderee")
        self.agency = make("江苏衡澄工程咨询有限公司", "agency", login="agency")
        self.bidder = make("常州澄岳建设工程有限公司", "bidder", login="bidder")
        self.rival = make("无锡梁溪建筑安装工程有限公司", "bidder", login="rival")
        self.centre = make("武进区公共资源交易中心", "centre_staff", login="centre")
        self.supervisor = make("武进区行政审批局", "supervisor", login="supervisor")
        self.admin = self.world.person(
            str(self.centre.org_id), self.centre.org_name, ["administrator"], login="administrator"
        )
        self.keys: dict[str, PrivateKey] = {}
        regulator = make("常州市武进区住房和城乡建设局", "gate_holder", login="regulator")
        audit = make("武进区审计局", "gate_holder", login="audit")
        holders = [
            (keyholding.Side.TENDEREE_SIDE, self.tenderee),
            (keyholding.Side.REGULATOR, regulator),
            (keyholding.Side.AUDIT, audit),
        ]
        for number, name in enumerate(("常州市武进公证处", "常州市建筑行业协会", "新北区公共资源交易中心")):
            holders.append((keyholding.Side.CUSTODIAN, make(name, "custodian", login=f"custodian{number}")))
        with self.units.begin(TESTS) as unit:
            for side, actor in holders:
                seat = keyholding.NewSeat(side, str(actor.org_id), f"{actor.org_name}席位", f"{actor.org_name}机房")
                keyholding.enrol_agent(unit, keyholding.appoint_seat(unit, seat))

    def everybody(self) -> Mapping[str, Actor]:
        """Who may look at a page, by role; "public" has not signed in."""
        return {
            "public": Actor(),
            "tenderee": self.tenderee,
            "agency": self.agency,
            "bidder": self.bidder,
            "rival": self.rival,
            "centre_staff": self.centre,
            "supervisor": self.supervisor,
            "administrator": self.admin,
        }

    # --- the steps ---

    def project(self, *, with_agency: bool = True) -> str:
        uscc = self._uscc(self.tenderee)
        actor = self.agency if with_agency else self.tenderee
        new = projects.NewProject(
            name=PROJECT.name,
            location=PROJECT.location,
            fund_source=PROJECT.fund_source,
            approval=PROJECT.approval,
            is_state_funded=True,
            tenderee_uscc=uscc if with_agency else "",
        )
        with self.units.begin(actor) as unit:
            return projects.create_project(unit, new, CODES)

    def _uscc(self, actor: Actor) -> str:
        from accounts import facade

        with self.units.read() as unit:
            return facade.organisation(unit, str(actor.org_id)).uscc

    def drafted(self, draft: LotDraft = DRAFT, *, with_agency: bool = True) -> str:
        project_id = self.project(with_agency=with_agency)
        with self.units.begin(self.agency if with_agency else self.tenderee) as unit:
            return lots.add_lot(unit, project_id, draft, CODES)

    def rehearsed(self, draft: LotDraft = DRAFT, *, with_agency: bool = True) -> str:
        lot_id = self.drafted(draft, with_agency=with_agency)
        with self.units.begin(self.agency if with_agency else self.tenderee) as unit:
            publication.request_keyset(unit, lot_id)
        self.make_keys(lot_id)
        self.rehearse(lot_id)
        self.work()
        return lot_id

    def approved(self, draft: LotDraft = DRAFT) -> str:
        lot_id = self.rehearsed(draft)
        with self.units.begin(self.agency) as unit:
            publication.submit(unit, lot_id)
        with self.units.begin(self.tenderee) as unit:
            publication.approve(unit, lot_id)
        return lot_id

    def published(self, draft: LotDraft = DRAFT) -> str:
        lot_id = self.approved(draft)
        with self.units.begin(self.centre) as unit:
            publication.order_publication(unit, lot_id)
        self.work()
        return lot_id

    # --- holders ---

    def make_keys(self, lot_id: str, *, leave_out: int = 0) -> None:
        """The holders' agents give their public keys, except the last ``leave_out``."""
        with self.units.begin(TESTS) as unit:
            row, members = self._members(unit.session, lot_id)
            for member in members[: len(members) - leave_out]:
                key = self.keys[f"{lot_id}/{member.seat_id}"] = generate_key(suite_named(row.suite))
                public = public_bytes(key.public_key())
                proof = prove_possession(key, row.tender, row.lot_code, member.role)
                seat = unit.session.get_one(HolderSeat, member.seat_id)
                keysets.give_key(unit, seat, row.id, public, proof)

    def rehearse(self, lot_id: str) -> None:
        """Every holder opens its share of the dummy."""
        with self.units.begin(TESTS) as unit:
            row, members = self._members(unit.session, lot_id)
            running = unit.session.scalars(select(Rehearsal).where(Rehearsal.keyset_id == row.id)).one()
            assert Keyset.parse(row.json_text.encode()).hash == row.hash
            header = running.header or b""
            for member in members:
                share = evidence.rehearsal_share_of(
                    header,
                    lot=evidence.LotNames(lot_id, row.tender, row.lot_code),
                    keyset_json=row.json_text,
                    role=Role(member.role),
                    index=member.index,
                    key=self.keys[f"{lot_id}/{member.seat_id}"],
                )
                seat = unit.session.get_one(HolderSeat, member.seat_id)
                rehearsals.give_rehearsal_share(unit, seat, running.id, share)

    @staticmethod
    def _members(session: Any, lot_id: str) -> tuple[LotKeyset, list[KeysetMember]]:
        row = session.scalars(select(LotKeyset).where(LotKeyset.lot_id == lot_id)).one()
        members = session.scalars(select(KeysetMember).where(KeysetMember.keyset_id == row.id)).all()
        return row, list(members)

    # --- jobs and rows ---

    def work(self) -> list[str]:
        """Run every job that is due, and what they cause, as the worker does; the tasks that ran."""
        ran: list[str] = []
        while True:
            tokens = [self.units.entropy.token(8).hex() for _ in range(10)]
            claimed = queue.claim(self.units.engine, civil=self.clock.now(), machine=machine_now(), tokens=tokens)
            if not claimed:
                return ran
            for job_id, token in claimed:
                with self.units.read() as unit:
                    ran.append(unit.session.get_one(Job, job_id).task)
                execute(self.runtime, job_id, token)
                with self.units.read() as unit:
                    job = unit.session.get_one(Job, job_id)
                    assert job.state is JobState.DONE, (job.task, job.last_error)

    def lot(self, lot_id: str) -> Lot:
        with self.units.read() as unit:
            return unit.session.get_one(Lot, lot_id)

    def orders(self, lot_id: str) -> list[PaperOrder]:
        with self.units.read() as unit:
            rows = unit.session.scalars(
                select(PaperOrder).where(PaperOrder.lot_id == lot_id).order_by(PaperOrder.ordered_at)
            )
            return list(rows)

    def ask(self, lot_id: str, text: str, *, by: Actor | None = None) -> str:
        with self.units.begin(by or self.bidder) as unit:
            return clarifications.ask(unit, lot_id, text)

    def clarify(self, lot_id: str, new: clarifications.NewClarification) -> str:
        with self.units.begin(self.agency) as unit:
            order_id = clarifications.order_clarification(unit, lot_id, new)
        self.work()
        return order_id

    def step(self, **by: float) -> None:
        self.clock.step(timedelta(**by))

    # --- web ---

    def app(self) -> Flask:
        """The pages of tendering alone; the header ``X-Test-Login`` says who asks."""
        people = {name: actor for name, actor in self.everybody().items() if actor.is_signed_in}
        app = create_web(
            "tendering-test", WebSettings(secret_key="k" * 32, rates_on=False, demo=self.runtime.settings.demo)
        )
        app.extensions["runtime"] = self.runtime
        app.extensions["civil_now"] = self.clock.now

        def identify(request: Request) -> Actor | None:
            return people.get(request.headers.get("X-Test-Login") or request.cookies.get("who", ""))

        app.extensions["identify"] = identify
        tendering.web.register(app)
        return complete(app)

    @staticmethod
    def client(app: Flask, login: str = "", *, json: bool = True, lang: str = "zh") -> FlaskClient:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "application/json" if json else "text/html"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        client.environ_base["HTTP_AUTHORIZATION"] = "Bearer test"  # a caller with a token needs no CSRF token
        if login:
            client.environ_base["HTTP_X_TEST_LOGIN"] = login
        return client


__all__ = ["CODES", "DEADLINE", "DRAFT", "START", "Office", "tendering"]
