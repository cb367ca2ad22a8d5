"""A receiving process is killed (−9) at every moment that matters: nothing half is left, and asking again goes on."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from foundation.clock import machine_now
from foundation.journal import read_stream, verify_stream
from foundation.sealing import parse_receipt
from foundation.transparency.notes import Note
from tendering import bid_access, intake
from tendering.intake import Closing
from tendering.models import Receiver, SealedBid, Segment
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, NOW, TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, make_bidder

CHILD = Path(__file__).with_name("bids_child.py")


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


def order(world: TenderWorld, lot: OpenLot, bidder: Bidder, made: SealedFiles) -> Path:
    """What the child hands in; its upload is announced and empty."""
    from tendering.services import uploads

    with world.units.begin(bidder.actor) as unit:
        upload_id = uploads.start_upload(unit, lot.id, made.announced())
    content = {
        "user": bidder.actor.user_id,
        "org": bidder.actor.org_id,
        "lot": lot.id,
        "upload_id": upload_id,
        "segments": [
            [part, segment.number, segment.size_bytes, segment.sha256, base64.b64encode(block).decode()]
            for part, segment, block in made.segments()
        ],
        "header": base64.b64encode(made.sealed.header.raw).decode(),
        "manifest": base64.b64encode(made.sealed.manifest.raw).decode(),
        "signature": base64.b64encode(made.sealed.signature).decode(),
    }
    path = world.folder / "order.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def child(world: TenderWorld, path: Path, moment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHILD), str(world.folder), str(path), moment]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def sealed_events(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> int:
    stream = bid_access.bid_stream(lot.id, str(bidder.actor.org_id))
    with world.units.read() as unit:
        verify_stream(unit.session, stream)
        return sum(entry.event.TYPE == "tendering.bid_sealed" for entry in read_stream(unit.session, stream))


@pytest.mark.parametrize(
    ("moment", "bids_left", "segments_left"), [("stored", 0, 0), ("decided", 0, 3), ("committed", 1, 3)]
)
def test_a_killed_receiver_leaves_nothing_half_and_the_same_bid_is_taken_again(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, moment: str, bids_left: int, segments_left: int
) -> None:
    made = bidder.seal(lot)
    path = order(world, lot, bidder, made)
    killed = child(world, path, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with world.units.read() as unit:
        assert unit.session.scalar(select(func.count()).select_from(SealedBid)) == bids_left
        assert unit.session.scalar(select(func.count()).select_from(Segment)) == segments_left
    assert sealed_events(world, lot, bidder) == bids_left

    again = child(world, path, "")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert told["is_new"] is (bids_left == 0)
    assert parse_receipt(Note.parse(told["receipt"]).text).envelope_hash == made.envelope_hash
    assert sealed_events(world, lot, bidder) == 1


def test_a_killed_receiver_holds_a_closing_up_until_its_lease_is_over(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    assert child(world, order(world, lot, bidder, bidder.seal(lot)), "decided").returncode == -signal.SIGKILL
    world.clock.set(DEADLINE)
    with world.units.read() as unit:
        left = unit.session.scalars(select(Receiver)).one()
        assert left.drained_through == NOW
    assert _close(world, lot) is Closing.WAITING
    with world.units.begin(TESTS) as unit:  # time passes on the machine's clock
        unit.session.execute(update(Receiver).values(lease_until=machine_now()))
    assert _close(world, lot) is Closing.CLOSED
    assert world.lot_state(lot) is LotState.CLOSED


def _close(world: TenderWorld, lot: OpenLot) -> Closing:
    machine = machine_now()
    with world.units.begin(TESTS) as unit:
        return intake.close_bids(unit, lot.id, DEADLINE, machine=machine, is_grace_over=False)
