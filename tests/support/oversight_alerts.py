"""Two alerts about two bidders of a lot, raised as the detectors raise them, for tests of pages."""

from __future__ import annotations

from collections.abc import Sequence

from foundation.actor import Actor
from foundation.store.unit import Units
from oversight import copied_text, detectors, evidence, shared_payer
from oversight.models import Alert, BidReading
from oversight.services import alerts, comparison, scans
from oversight.severity import Severity
from oversight.winnowing import read
from tests.support.oversight_world import passage


def add_alerts(units: Units, lot_id: str, bidders: Sequence[Actor], supervisor: Actor) -> tuple[str, str]:
    """(copied text, new; shared account, under review), and a file that can not be read."""
    first, second = (
        {"org_id": str(one.org_id), "name": one.org_name, "bid": f"{number:032x}", "seat": str(number)}
        for number, one in enumerate(bidders[:2], 1)
    )
    texts = [
        copied_text.BidText(one["bid"], one["org_id"], read([f"施工组织设计 {one['name']}", passage(), "结束"]))
        for one in (first, second)
    ]
    (pair,) = copied_text.compare(texts, set(), set(), lambda _: {})
    rows = [{"cells": ["项目经理", "周予安", "一级注册建造师"], "pages": [1, 2]}]
    paid = [
        shared_payer.Payment(one["org_id"], f"B{one['seat']}", first["name"], "0101", "d" * 64)
        for one in (first, second)
    ]
    (account,) = shared_payer.find(paid, [first["org_id"], second["org_id"]])
    # Payers are compared before anybody has a seat.
    payers = [{name: value for name, value in one.items() if name != "seat"} for one in (first, second)]
    with units.begin(scans.PLATFORM) as unit:
        for detector, severity, who, told in (
            (detectors.COPIED_TEXT, Severity.ORANGE, [first, second], evidence.of_pair(pair, rows, comparison.TOOLS)),
            (detectors.SHARED_PAYER, Severity.RED, payers, evidence.of_account(account)),
        ):
            alerts.raise_alert(unit, lot_id, detector, "test", severity, who, told)
        unit.session.add(_unread(unit.new_id(), lot_id, first, unit.at))
        made = {row.detector: row.id for row in unit.session.query(Alert).filter_by(lot_id=lot_id, subject="test")}
    with units.begin(supervisor) as unit:
        alerts.take_up(unit, made["D12"])
    return made["D01"], made["D12"]


def _unread(row_id: str, lot_id: str, bidder: dict[str, str], at: object) -> BidReading:
    return BidReading(
        id=row_id,
        lot_id=lot_id,
        bid="f" * 32,
        org_id=bidder["org_id"],
        sha256="0" * 64,
        pages=12,
        signs=900,
        fault="",
        image_pages=[3, 4],
        hidden_marks=17,
        is_cut=True,
        read_at=at,
    )
