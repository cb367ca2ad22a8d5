"""Records of decided acts: two persons, the organisation's word, annulment, repair, standing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts import facade as accounts
from credit import consumers, record_queries, record_services, remedies, standing_queries
from credit.acts import Act
from credit.errors import (
    NoOpenObjection,
    NothingToObject,
    NothingToRepair,
    ObjectionLate,
    RecordKnown,
    RecordOver,
    RecordRefused,
    RepairByOther,
    RepairEarly,
    SecondPersonNeeded,
)
from credit.facade import Level, bans_in_force, records_of, standing_of
from credit.models import CreditRecord
from credit.record_services import NewRecord
from credit.remedies import NewRuling
from credit.rules import months_later
from credit.states import RecordState
from credit.worklist import work
from foundation.actor import Actor, system
from foundation.codes import UsccMalformed, synthetic_uscc
from foundation.errors import NotFound, NotPermitted
from foundation.events import load, public_projection
from foundation.events.evaluation import ContractSigned
from foundation.events.tendering import LotPublished
from foundation.jobs.models import Job
from foundation.jobs.registry import JobContext
from foundation.journal import read_stream
from foundation.machine import WrongState
from tests.integration.support_claims import NAME, NOW, USCC, make_town

TICK = timedelta(microseconds=1)
LOT_CODE = "E3204120001000001001001"
NEW = NewRecord(
    uscc=USCC,
    name="写错的名字",
    act=Act.CONTRACT_REFUSED,
    authority="武进区住房和城乡建设局",
    decision_no="武住建决〔2026〕31 号",
    clause="",
    facts="收到中标通知书后三十日内未与招标人签订合同，且未说明理由。",
    lot_code="",
    effective_at=NOW - timedelta(days=3),
    months=12,
    document_reference="https://example.invalid/31",
)
RULING = NewRuling("常州市中级人民法院", "（2026）苏04行终9号", "认定事实不清，撤销原决定", "https://example.invalid/9")


class Office:
    """A town with a bidder, the centre's staff and two supervisors."""

    def __init__(self, folder: Path) -> None:
        self.town = make_town(folder)
        self.bidder = self.town.organisation()
        with self.town.units.begin(system("seed")) as unit:
            accounts.vouch_for(unit, str(self.bidder.org_id), "register")
        bureau = str(self.town.organisation("住建局", synthetic_uscc(50)).org_id)
        self.supervisor, self.other = (self.town.person(bureau, "supervisor") for _ in range(2))
        self.staff = self.town.officers()[0]

    def enter(self, new: NewRecord = NEW, actor: Actor | None = None) -> str:
        with self.town.units.begin(actor or self.staff) as unit:
            return record_services.enter_record(unit, new)

    def publish(self, record_id: str, actor: Actor | None = None) -> str:
        with self.town.units.begin(actor or self.supervisor) as unit:
            record_services.publish_record(unit, record_id)
        return record_id

    def record(self, new: NewRecord = NEW) -> str:
        return self.publish(self.enter(new))

    def object(self, record_id: str, actor: Actor | None = None) -> None:
        with self.town.units.begin(actor or self.bidder) as unit:
            remedies.file_objection(unit, record_id, "已书面说明不可抗力")

    def answer(self, record_id: str, *, is_right: bool, actor: Actor | None = None) -> None:
        with self.town.units.begin(actor or self.supervisor) as unit:
            remedies.answer_objection(unit, record_id, is_right=is_right, answer="经查属实")

    def annul(self, record_id: str, ruling: NewRuling = RULING) -> None:
        with self.town.units.begin(self.supervisor) as unit:
            remedies.annul_record(unit, record_id, ruling)

    def repair(self, record_id: str, ruling: NewRuling = RULING) -> None:
        with self.town.units.begin(self.supervisor) as unit:
            remedies.repair_record(unit, record_id, ruling)

    def level(self, at: datetime) -> Level:
        with self.town.units.read() as unit:
            return standing_of(unit, str(self.bidder.org_id), at).level

    def state(self, record_id: str) -> RecordState:
        with self.town.units.read() as unit:
            return unit.session.get_one(CreditRecord, record_id).state

    def shown(self) -> list[str]:
        """What anybody sees on the public page of records."""
        with self.town.units.read() as unit:
            return [line.id for line in record_queries.public_records(unit)]

    def told(self) -> list[str]:
        with self.town.units.read() as unit:
            return [entry.event.TYPE for entry in read_stream(unit.session, f"credit:{USCC}")]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_an_entry_changes_nothing_until_another_person_has_published_it(office: Office) -> None:
    record_id = office.enter()
    assert office.level(NOW) is Level.GOOD
    assert office.shown() == []
    assert "inbox.record_published" not in office.town.inbox(office.bidder)
    with office.town.units.read(office.bidder) as unit, pytest.raises(NotFound):
        record_queries.own_page(unit, record_id)
    office.publish(record_id)
    assert office.level(NOW) is Level.NOTED
    assert office.shown() == [record_id]
    assert office.town.inbox(office.bidder).count("inbox.record_published") == 1
    assert office.told() == ["credit.record_entered", "credit.record_published"]
    with office.town.units.read(office.bidder) as unit:
        assert record_queries.own_page(unit, record_id).may_object


def test_whoever_entered_it_does_not_publish_it(office: Office) -> None:
    record_id = office.enter(actor=office.supervisor)
    with pytest.raises(SecondPersonNeeded):
        office.publish(record_id)
    assert office.state(record_id) is RecordState.ENTERED
    office.publish(record_id, office.other)
    with pytest.raises(WrongState):
        office.publish(record_id, office.other)


@pytest.mark.parametrize("role", ["bidder", "tenderee", "agency", "expert", "administrator", "witness"])
def test_nobody_else_enters_and_only_supervisors_decide(office: Office, role: str) -> None:
    actor = replace(office.supervisor, roles=frozenset({role}), role=role)
    with pytest.raises(NotPermitted):
        office.enter(actor=actor)
    with pytest.raises(NotPermitted):
        office.enter(actor=system("worker"))
    record_id = office.enter()
    for person in (actor, office.staff):
        with pytest.raises(NotPermitted):
            office.publish(record_id, person)
        with pytest.raises(NotPermitted), office.town.units.begin(person) as unit:
            remedies.annul_record(unit, record_id, RULING)
        with pytest.raises(NotPermitted), office.town.units.begin(person) as unit:
            record_services.drop_record(unit, record_id, "误登")
    assert office.state(record_id) is RecordState.ENTERED


def test_every_fault_of_an_entry_is_named_together(office: Office) -> None:
    with pytest.raises(RecordRefused) as refused:
        office.enter(replace(NEW, act=Act.CONTRACT_SIGNED_IN_TIME, months=37, lot_code="no such lot"))
    assert {one.field for one in refused.value.objections} == {"act", "months", "lot_code"}
    with pytest.raises(UsccMalformed):
        office.enter(replace(NEW, uscc="91"))
    assert office.told() == []


def test_an_act_of_a_decision_is_recorded_once_unless_the_entry_was_dropped(office: Office) -> None:
    record_id = office.enter()
    with pytest.raises(RecordKnown):
        office.enter()
    assert office.enter(replace(NEW, act=Act.BOND_NOT_GIVEN))
    with office.town.units.begin(office.supervisor) as unit:
        record_services.drop_record(unit, record_id, "文号写错")
    again = office.enter()
    with pytest.raises(WrongState):
        office.publish(record_id)
    assert office.publish(again)


def test_a_record_whose_term_ends_while_it_waits_is_not_published(office: Office) -> None:
    record_id = office.enter(replace(NEW, effective_at=months_later(NOW, -12) + TICK))
    office.town.clock.step(TICK)
    with pytest.raises(RecordOver):
        office.publish(record_id)
    assert office.level(NOW) is Level.GOOD


def test_the_registered_name_and_the_published_lot_stand_in_the_record(office: Office) -> None:
    publish_lot(office)
    record_id = office.record(replace(NEW, lot_code=LOT_CODE))
    with office.town.units.read() as unit:
        (line,) = records_of(unit, str(office.bidder.org_id), NOW)
        entry = read_stream(unit.session, f"credit:{USCC}")[-1]
        projection = public_projection(load(entry.event.TYPE, vars(entry.event)))
    assert (line.id, line.name, line.lot_name, line.clause) == (
        record_id, NAME, "校区修缮", "招标投标法实施条例第七十四条",
    )  # fmt: skip
    assert projection is not None
    assert (projection["lot"], projection["decision_no"]) == ("lot-1", NEW.decision_no)
    assert "entered_by" not in projection


def test_it_counts_from_its_publication_to_just_before_its_end(office: Office) -> None:
    office.record()
    ends = months_later(NEW.effective_at, 12)
    wanted = {
        NOW - TICK: Level.GOOD,
        NOW: Level.NOTED,
        ends - TICK: Level.NOTED,
        ends: Level.GOOD,
    }
    assert {at: office.level(at) for at in wanted} == wanted
    with office.town.units.read() as unit:
        (change,) = standing_of(unit, str(office.bidder.org_id), NOW).changes
        assert (change.at, change.level) == (ends, Level.GOOD)
    office.town.clock.set(ends)
    assert office.shown() == []
    with office.town.units.read(office.bidder) as unit:
        assert [one.line.phase for one in standing_queries.own_page(unit).records] == ["over"]


@pytest.mark.parametrize(
    ("is_right", "state", "level", "message"),
    [
        (False, RecordState.UPHELD, Level.NOTED, "inbox.record_upheld"),
        (True, RecordState.ANNULLED, Level.GOOD, "inbox.record_annulled"),
    ],
)
def test_an_objection_is_answered_with_a_reason(
    office: Office, is_right: bool, state: RecordState, level: Level, message: str
) -> None:
    record_id = office.record()
    with pytest.raises(NoOpenObjection):
        office.answer(record_id, is_right=True)
    office.object(record_id)
    assert office.level(NOW) is Level.NOTED  # an objection does not suspend
    with office.town.units.read(office.supervisor) as unit:
        (waiting,) = record_queries.desk(unit).objections
        assert waiting.objection.answer_until > NOW
        assert standing_of(unit, str(office.bidder.org_id), NOW).reasons[0].is_objected
    with pytest.raises(NotPermitted):
        office.answer(record_id, is_right=True, actor=office.staff)
    with pytest.raises(WrongState):
        office.object(record_id)
    office.answer(record_id, is_right=is_right)
    assert office.state(record_id) is state
    assert office.level(NOW) is level
    assert message in office.town.inbox(office.bidder)
    with office.town.units.read(office.bidder) as unit:
        page = record_queries.own_page(unit, record_id)
        assert page.objection is not None
        assert page.objection.answer == "经查属实"
    for again in (False, True):
        with pytest.raises(NoOpenObjection):
            office.answer(record_id, is_right=again)


def test_what_an_objection_says_is_in_no_public_projection(office: Office) -> None:
    office.object(office.record())
    with office.town.units.read() as unit:
        entry = read_stream(unit.session, f"credit:{USCC}")[-1]
        projection = public_projection(load(entry.event.TYPE, vars(entry.event)))
    assert projection is not None
    assert set(projection) == {"record", "uscc", "answer_until"}


def test_objecting_ends_with_the_tenth_working_day(office: Office) -> None:
    record_id = office.record()
    with office.town.units.read(office.bidder) as unit:
        until = record_queries.own_page(unit, record_id).object_until
    assert until is not None
    office.town.clock.set(until)
    with pytest.raises(ObjectionLate):
        office.object(record_id)
    office.town.clock.set(until - TICK)
    office.object(record_id)
    assert office.state(record_id) is RecordState.OBJECTED


def test_only_the_organisation_with_the_proved_code_objects(office: Office) -> None:
    record_id = office.record()
    stranger = office.town.organisation("无关公司", synthetic_uscc(7))
    claimant = office.town.organisation("冒用代码的公司", USCC)  # says it has the code and has not proved it
    for actor in (stranger, claimant):
        with pytest.raises(NotFound):
            office.object(record_id, actor)
        with office.town.units.read(actor) as unit, pytest.raises(NotFound):
            record_queries.own_page(unit, record_id)
    with office.town.units.read(claimant) as unit:
        assert standing_queries.own_page(unit).records == ()
    assert office.state(record_id) is RecordState.PUBLISHED


def test_an_annulment_ends_a_record_at_its_instant_and_keeps_it_on_file(office: Office) -> None:
    record_id = office.record()
    office.object(record_id)
    office.town.clock.step(timedelta(days=5))
    at = NOW + timedelta(days=5)
    office.annul(record_id)
    assert [office.level(one) for one in (at - TICK, at)] == [Level.NOTED, Level.GOOD]
    assert office.shown() == []
    with office.town.units.read(office.supervisor) as unit:
        found = record_queries.desk_record(unit, record_id)
        assert [one.decision_no for one in found.page.rulings] == [RULING.decision_no]
        assert found.page.objection is not None
        assert found.page.objection.answer == RULING.ground
        assert record_queries.desk(unit).objections == ()
    with pytest.raises(WrongState):
        office.annul(record_id)


def test_repair_after_three_months(office: Office) -> None:
    record_id = office.record()
    earliest = months_later(NOW, 3)
    office.town.clock.set(earliest - TICK)
    with pytest.raises(RepairEarly):
        office.repair(record_id)
    office.town.clock.set(earliest)
    office.repair(record_id)
    assert [office.level(one) for one in (earliest - TICK, earliest)] == [Level.NOTED, Level.GOOD]
    assert "inbox.record_repaired" in office.town.inbox(office.bidder)
    office.town.clock.step(timedelta(days=30))
    office.annul(record_id)  # a court may still say that there was nothing to repair; the end does not move
    assert office.level(earliest) is Level.GOOD


def test_only_the_body_that_listed_takes_off_its_list(office: Office) -> None:
    record_id = office.record(replace(NEW, act=Act.TAX_VIOLATION, authority="国家税务总局常州市税务局"))
    assert office.level(NOW) is Level.RESTRICTED
    office.town.clock.set(months_later(NOW, 3))
    with pytest.raises(RepairByOther):
        office.repair(record_id)
    office.repair(record_id, replace(RULING, authority="国家税务总局常州市税务局"))
    assert office.state(record_id) is RecordState.REPAIRED


def test_no_record_stops_a_bid_and_no_centre_invents_a_ban(office: Office) -> None:
    for act in (Act.COLLUSION, Act.PROCUREMENT_BREACH):
        office.record(replace(NEW, act=act, months=36))
    with office.town.units.read() as unit:
        assert bans_in_force(unit, str(office.bidder.org_id), NOW) == ()
        assert standing_of(unit, str(office.bidder.org_id), NOW).level is Level.RESTRICTED


# --- commitments kept ----------------------------------------------------------------


def publish_lot(office: Office) -> None:
    event = LotPublished(
        lot="lot-1",
        tender=LOT_CODE[:20],
        lot_code=LOT_CODE,
        unified_deal_code="",
        name="校区修缮",
        deadline_at=NOW,
        ceiling="1.00",
        deposit="0.00",
        rulebook="",
        method="",
        escrow_rule="none",
        keyset="",
        documents=(),
    )
    with office.town.units.begin(system("seed")) as unit:
        unit.append("lot:lot-1", event)


def sign(office: Office, *, is_late: bool) -> JobContext:
    event = ContractSigned(
        lot="lot-1", awardee_org_id=str(office.bidder.org_id), signed_at=NOW, amount="1.00", is_late=is_late
    )
    with office.town.units.begin(system("seed")) as unit:
        unit.append("lot:lot-1", event)
    with office.town.units.read() as unit:
        job = unit.session.scalars(
            select(Job).where(Job.task == "credit.record_contract").order_by(Job.id.desc())
        ).first()
        assert job is not None

    class Only:
        units = office.town.units

    return JobContext(Only(), job.id, job.key, job.payload, 1)  # type: ignore[arg-type]


def test_a_contract_signed_in_time_is_a_commitment_kept_and_recorded_once(office: Office) -> None:
    publish_lot(office)
    job = sign(office, is_late=False)
    consumers.record_contract(job)
    consumers.record_contract(job)
    with office.town.units.read() as unit:
        standing = standing_of(unit, str(office.bidder.org_id), NOW)
        (line,) = records_of(unit, str(office.bidder.org_id), NOW)
    assert (standing.level, standing.reasons) == (Level.GOOD, ())
    assert [one.kind for one in standing.kept] == [Act.CONTRACT_SIGNED_IN_TIME]
    assert (line.lot_name, line.source) == ("校区修缮", "event")
    assert line.document_reference == f"/log/entries/{line.entry_id}"
    assert office.town.inbox(office.bidder).count("inbox.record_kept") == 1
    with pytest.raises(NothingToObject):
        office.object(line.id)
    office.town.clock.set(months_later(NOW, 4))
    with pytest.raises(NothingToRepair):
        office.repair(line.id)


def test_a_late_contract_is_no_record_of_anybody(office: Office) -> None:
    publish_lot(office)
    consumers.record_contract(sign(office, is_late=True))
    with office.town.units.read() as unit:
        assert records_of(unit, str(office.bidder.org_id), NOW) == ()


def test_a_record_of_the_former_system_is_taken_over_once_and_only_by_the_centre(office: Office) -> None:
    old = replace(NEW, effective_at=months_later(NOW, -20))
    with pytest.raises(NotPermitted), office.town.units.begin(office.supervisor) as unit:
        record_services.import_record(unit, old, months_later(NOW, -20))
    for _ in range(2):
        with office.town.units.begin(system("seed")) as unit:
            record_services.import_record(unit, old, months_later(NOW, -20))
    assert [office.level(months_later(NOW, -months)) for months in (21, 20, 9, 8, 0)] == [
        Level.GOOD, Level.NOTED, Level.NOTED, Level.GOOD, Level.GOOD,
    ]  # fmt: skip
    with office.town.units.read(office.bidder) as unit:
        assert len(standing_queries.own_page(unit).records) == 1
    assert office.shown() == []


# --- work lists ------------------------------------------------------------------------


def waiting(office: Office, actor: Actor) -> list[tuple[str, str]]:
    """What waits for somebody: address and rule."""
    with office.town.units.read(actor) as unit:
        return [(item.url, item.rule_id) for item in work(unit, actor)]


def test_each_is_told_what_waits_for_it_and_no_longer(office: Office) -> None:
    record_id = office.enter(actor=office.supervisor)
    desk, own = f"/credit/records/{record_id}", f"/credit/mine/{record_id}"
    people = (office.supervisor, office.other, office.bidder, office.staff)

    def lists() -> list[list[tuple[str, str]]]:
        return [waiting(office, actor) for actor in people]

    assert lists() == [[], [(desk, "R7.16")], [], []]
    office.publish(record_id, office.other)
    assert lists() == [[], [], [(own, "R7.16")], []]
    office.object(record_id)
    assert lists() == [[(desk, "R7.16")], [(desk, "R7.16")], [], []]
    office.answer(record_id, is_right=False)
    assert lists() == [[], [], [], []]


# --- finding ---------------------------------------------------------------------------


def test_organisations_are_found_by_name_and_code_and_unproved_claims_are_not(office: Office) -> None:
    office.town.organisation("未核验建设有限公司", synthetic_uscc(8))
    unregistered = synthetic_uscc(77)
    office.record(replace(NEW, uscc=unregistered, name="未注册建设有限公司"))
    with office.town.units.read() as unit:
        assert [one.name for one in standing_queries.search(unit, "建设有限公司")] == [NAME, "未注册建设有限公司"]
        assert [one.level for one in standing_queries.search(unit, unregistered)] == [Level.NOTED]
        assert standing_queries.search(unit, "100%") == ()
        assert standing_queries.standing_page(unit, unregistered).name == "未注册建设有限公司"
        with pytest.raises(NotFound):
            standing_queries.standing_page(unit, synthetic_uscc(8))
