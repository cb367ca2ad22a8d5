"""From the opened lot to alerts: real PDFs, a real bank, hostile files; each thing is told once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import delete

from foundation.events import oversight as e
from foundation.events import public_projection
from foundation.jobs.models import Job
from foundation.journal import read_stream, verify_stream
from foundation.machine import WrongState
from foundation.storage.errors import StorageFailed
from oversight import detectors, facade, tasks
from oversight.models import CollusionScan
from oversight.services import alerts, comparison, scans
from oversight.severity import Severity
from oversight.states import AlertState
from tests.support.oversight_world import (
    COPYIST,
    HONEST,
    OTHER_COPYIST,
    OversightWorld,
    add_document,
    make_oversight,
    passage,
    picture,
    technical,
)
from tests.support.tender_world import TESTS
from tests.support_opening import NAMES
from tests.unit.documents.test_reading import bomb, encrypted, one_page

GARBAGE = bytes(range(256)) * 500


def events_of(made: OversightWorld, stream: str) -> list[object]:
    with made.world.units.read() as unit:
        verify_stream(unit.session, stream)
        return [entry.event for entry in read_stream(unit.session, stream)]


def test_a_copied_passage_and_a_shared_account_are_found_and_nobody_else_is_named(tmp_path: Path) -> None:
    """The two copyists, the twin without a copy, and a file that can not be read, in one lot."""
    bids = [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST), GARBAGE]
    made = make_oversight(tmp_path, bids, payers={1: NAMES[0]})
    made.open()
    by_detector = {one.detector: one for one in made.alerts()}
    assert [one.detector for one in made.alerts()] == ["D12", "D01"]
    named = [one.actor.org_id for one in made.opening.bidders[:2]]
    for one in by_detector.values():
        assert sorted(row["org_id"] for row in one.bidders) == sorted(named)
    account, text = by_detector["D12"], by_detector["D01"]
    assert (account.severity, text.severity) == (Severity.RED, Severity.ORANGE)
    assert {row["holder"] for row in account.evidence["payments"]} == {NAMES[0]}
    assert len({row["account_tail"] for row in account.evidence["payments"]}) == 1
    copied = passage()
    shown = "".join(one["first"]["text"] for one in text.evidence["shown"])
    for phrase in ("用小锤轻击划定范围", "覆盖塑料薄膜养护七日", "竹销锁紧", "每日十九时后停止产生噪声的作业"):
        assert phrase in copied
        assert phrase in shown.replace("\n", "")
    assert text.evidence["matched"] > 1_000
    assert text.evidence["taken"]["tender"][0] > 100
    assert text.evidence["taken"]["public"][0] > 1_000
    readings = list(made.readings().values())
    assert [one.fault for one in readings] == ["", "", "", "documents.broken"]
    assert made.scans()["D01"].summary["read"] == 3
    with made.world.units.read() as unit:
        assert [card.detector for card in facade.alerts_of(unit, made.lot_id)] == ["D12", "D01"]


def test_alerts_are_private_facts_and_bidders_are_told_nothing(tmp_path: Path) -> None:
    from accounts.models import InboxItem

    bids = [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)]
    made = make_oversight(tmp_path, bids)
    made.open()
    (alert,) = made.alerts()
    (raised,) = events_of(made, f"alert:{alert.id}")
    assert isinstance(raised, e.AlertRaised)
    assert public_projection(raised) is None
    scanned = [one for one in events_of(made, f"oversight:{made.lot_id}") if isinstance(one, e.CollusionScanned)]
    assert [(one.detector, one.bids, one.unread, one.alerts) for one in scanned] == [("D12", 3, 0, 0), ("D01", 3, 0, 1)]
    with made.world.units.read() as unit:
        told = [(one.code, one.user_id, one.org_id) for one in unit.session.query(InboxItem)]
    assert ("inbox.collusion_alert", made.opening.supervisor.user_id, None) in told
    bidders = {one.actor.user_id for one in made.opening.bidders} | {one.actor.org_id for one in made.opening.bidders}
    assert not [one for one in told if one[0] == "inbox.collusion_alert" and ({one[1], one[2]} & bidders)]


def test_honest_bidders_of_one_template_are_not_named(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [technical(variant) for variant in (1, 2, 3, 5)], payers={})
    made.open()
    assert made.alerts() == []
    assert set(made.scans()) == {"D01", "D12"}
    assert all(one.finished_at is not None for one in made.scans().values())


def test_text_of_the_tender_in_every_bid_names_nobody(tmp_path: Path) -> None:
    """Three bids that are the tender document itself, word for word."""
    from tests.support.oversight_world import tender_document

    made = make_oversight(tmp_path, [tender_document()] * 3)
    made.open()
    assert made.alerts() == []
    assert all(one.signs > 1_000 for one in made.readings().values())


@pytest.mark.parametrize(
    ("hostile", "faults"),
    [
        (encrypted(), {"documents.encrypted"}),
        (bomb(1_500), {"documents.too_large", "documents.timed_out", "documents.broken"}),
        (one_page(b"", count=5_001, kids=b"3 0 R " * 5_001), {"documents.too_large"}),
        (b"", {"documents.broken", "oversight.part_missing"}),
    ],
    ids=["encrypted", "bomb", "endless pages", "empty"],
)
def test_a_hostile_file_gets_a_name_and_the_others_are_compared(
    tmp_path: Path, hostile: bytes, faults: set[str]
) -> None:
    made = make_oversight(tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), hostile])
    made.open()
    assert list(made.readings().values())[2].fault in faults
    assert [one.detector for one in made.alerts()] == ["D01"]


def test_pages_without_text_and_invisible_signs_are_told(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [picture(), technical(HONEST), technical(2)])
    made.open()
    first, second, _ = made.readings().values()
    assert (first.fault, first.image_pages, first.signs) == ("", [1], 0)
    assert second.image_pages == []


def test_running_again_tells_nothing_twice(tmp_path: Path) -> None:
    made = make_oversight(
        tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)], payers={1: NAMES[0]}
    )
    made.open()
    before = [(one.id, one.number) for one in made.alerts()]
    told = events_of(made, f"oversight:{made.lot_id}")
    comparison.compare_lot(made.world.runtime, made.lot_id)
    with made.world.units.begin(TESTS) as unit:
        scans.scan_payers(unit, made.lot_id)
        scans.order(unit, made.lot_id)
    assert made.opening.run_jobs() == []
    assert [(one.id, one.number) for one in made.alerts()] == before
    assert events_of(made, f"oversight:{made.lot_id}") == told


def test_a_job_that_dies_before_it_tells_does_everything_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the last bid was read: nothing is half told, and the next attempt tells all."""
    made = make_oversight(tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)])
    made.opening.to_closed()
    with monkeypatch.context() as patch:
        patch.setattr(scans, "finish", lambda *_, **__: (_ for _ in ()).throw(StorageFailed(what="disk")))
        assert made.opening.run_jobs() != []
    assert made.alerts() == []
    assert made.readings() == {}
    comparison.compare_lot(made.world.runtime, made.lot_id)
    assert len(made.alerts()) == 1


def test_a_lot_opened_before_there_were_detectors_is_looked_at_by_the_round(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)])
    made.opening.to_closed()
    with made.world.units.begin(TESTS) as unit:
        unit.session.execute(delete(Job).where(Job.task.startswith("oversight.")))
        unit.session.execute(delete(CollusionScan))
    assert made.opening.run_jobs() == []
    assert made.alerts() == []
    tasks.look(made.world.runtime)
    assert made.opening.run_jobs() == []
    assert len(made.alerts()) == 1
    tasks.look(made.world.runtime)
    assert made.opening.run_jobs() == []
    assert len(made.alerts()) == 1


def test_plaintext_of_bids_is_gone_when_the_job_is_done(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)])
    made.open()
    assert list((tmp_path / "scratch").iterdir()) == []
    names = [entry.name for entry in made.world.runtime.objects.list("oversight")]
    assert len(names) == 3
    assert all(name.startswith("oversight/prints/") for name in names)


def test_earlier_lots_are_background_for_third_organisations(tmp_path: Path) -> None:
    """What two bidders of this lot share stood in a third one's bid of an earlier lot: a known text, not a trace."""
    made = make_oversight(tmp_path, [technical(COPYIST), technical(HONEST), technical(2)])
    made.open()
    assert made.alerts() == []
    with made.world.units.read() as unit:
        earlier = comparison._earlier(unit, "another lot")
    owner = str(made.opening.bidders[0].actor.org_id)
    read = comparison._background(made.world.runtime, earlier, {1, 2, 3})
    assert {org for org, _ in earlier} == {str(one.actor.org_id) for one in made.opening.bidders}
    assert read == {}
    from array import array

    name = next(name for org, name in earlier if org == owner)
    prints = array("Q")
    prints.frombytes(made.world.runtime.objects.get(name))
    known = comparison._background(made.world.runtime, earlier, list(prints)[:50])
    assert all(owner in orgs for orgs in known.values())
    assert len(known) == 50


def test_a_clarification_is_taken_away_like_the_document(tmp_path: Path) -> None:
    """The copied passage was published by the tenderee itself: nobody is named."""
    made = make_oversight(tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)])
    with made.world.units.begin(TESTS) as unit:
        add_document(unit, made.world, made.opening.lot, technical(COPYIST), version=2)
    made.open()
    assert made.alerts() == []
    assert made.scans()["D01"].summary["tender_files"] == 2


def test_the_way_of_an_alert_through_the_hands_of_a_supervisor(tmp_path: Path) -> None:
    from foundation.errors import NotPermitted
    from oversight.errors import ExplanationUnknown

    made = make_oversight(
        tmp_path, [technical(COPYIST), technical(OTHER_COPYIST), technical(HONEST)], payers={1: NAMES[0]}
    )
    made.open()
    account, text = made.alerts()
    units, supervisor = made.world.units, made.opening.supervisor
    for actor in (made.opening.host, made.opening.staff, made.opening.bidders[0].actor, scans.PLATFORM):
        with pytest.raises(NotPermitted), units.begin(actor) as unit:
            alerts.take_up(unit, text.id)
    with pytest.raises(WrongState), units.begin(supervisor) as unit:
        alerts.explain(unit, text.id, "maker_sheet", "厂家资料")
    for one in (account, text):
        with units.begin(supervisor) as unit:
            alerts.take_up(unit, one.id)
    with pytest.raises(ExplanationUnknown), units.begin(supervisor) as unit:
        alerts.explain(unit, text.id, "group_cashier", "理由")
    with units.begin(supervisor) as unit:
        alerts.explain(unit, text.id, "writing_service", "两家委托同一家代写机构，已核对合同")
        alerts.refer(unit, account.id, "武进区公安分局", "武住建移〔2026〕7 号", "一方代另一方交纳保证金")
    assert [one.state for one in made.alerts()] == [AlertState.REFERRED, AlertState.EXPLAINED]
    with pytest.raises(WrongState), units.begin(supervisor) as unit:
        alerts.refer(unit, text.id, "武进区公安分局", "7", "再移送")
    told = [type(one) for one in events_of(made, f"alert:{account.id}")]
    assert told == [e.AlertRaised, e.AlertTakenUp, e.AlertReferred]
    explained = events_of(made, f"alert:{text.id}")[-1]
    assert explained == e.AlertExplained(text.id, "writing_service")


def test_every_detector_has_its_rule_and_explanations() -> None:
    for one in detectors.CATALOGUE:
        assert one.innocent
        assert one.thresholds
        assert one.clause == "REG 40"
