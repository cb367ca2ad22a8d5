"""Receiving sealed bids: the deadline to the millisecond, reasons of refusal, replace and withdraw, the receipt."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts.models import Claim
from accounts.states import ClaimState
from credit.models import Ban
from foundation.clock import machine_now
from foundation.errors import NotFound, NotPermitted
from foundation.journal import JournalEntry, read_stream, verify_stream
from foundation.money import Money
from foundation.sealing import (
    BadPayload,
    Header,
    Manifest,
    content_key,
    generate_key,
    open_part_bytes,
    parse_receipt,
    part_key,
    recover_r_bid,
    recover_r_gate,
    root_of_digests,
)
from foundation.sealing.padding import ciphertext_size, padded_size
from foundation.sealing.suite import sign
from foundation.transparency.notes import Note, verified
from tendering import bid_access, facade, intake
from tendering.bid_errors import (
    NothingToWithdraw,
    NotSealedYet,
    SealRefused,
    TooManyUploads,
    UploadRefused,
    UploadUnverified,
    WithdrawalLate,
)
from tendering.bid_rules import AnnouncedPart
from tendering.facade import SegmentReader
from tendering.models import SealedBid
from tendering.queries import bids as queries
from tendering.services import seals, uploads
from tendering.services.receipts import receipt_number
from tendering.states import BidState
from tests.support.tender_world import DEADLINE, TESTS, OpenLot, TenderWorld, make_keyset, make_world
from tests.support_bids import FILES, Bidder, SealedFiles, codes_of, make_bidder

MS = timedelta(milliseconds=1)


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


def count(world: TenderWorld) -> int:
    with world.units.read() as unit:
        return unit.session.scalar(select(func.count()).select_from(SealedBid)) or 0


def refused_events(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> list[tuple[str, ...]]:
    with world.units.read() as unit:
        entries = read_stream(unit.session, bid_access.bid_stream(lot.id, str(bidder.actor.org_id)))
    return [entry.event.codes for entry in entries if entry.event.TYPE == "tendering.seal_refused"]


def test_a_sealed_bid_is_received_and_acknowledged_with_a_receipt_anybody_can_verify(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    answer = bidder.hand_in(lot, made)
    signed = verified(Note.parse(answer.receipt), [world.runtime.receipt_key.verifier])
    receipt = parse_receipt(Note.parse(answer.receipt).text)
    assert len(signed) == 1
    assert (receipt.tender, receipt.lot, receipt.bid, receipt.rev) == (lot.tender_code, lot.lot_code, made.bid, 1)
    assert receipt.envelope_hash == made.envelope_hash == hashlib.sha256(made.sealed.manifest.raw).hexdigest()
    assert receipt.received_at == world.clock.now()
    assert receipt.log_by - receipt.received_at == timedelta(seconds=60)
    assert receipt.size_bytes == sum(map(len, made.parts.values()))
    assert not receipt.is_demo_clock
    assert answer.warnings == ("tendering.deposit_not_seen",)
    assert answer.receipt_number == receipt_number(made.envelope_hash)


@pytest.mark.parametrize(("offset", "is_received"), [(-MS, True), (timedelta(0), False), (MS, False)])
def test_the_deadline_is_half_open_to_the_millisecond(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, offset: timedelta, is_received: bool
) -> None:
    made = bidder.seal(lot)
    command = bidder.command(lot, made, bidder.upload(lot, made))
    outcome = bidder.submit(command, DEADLINE + offset)
    assert count(world) == int(is_received)
    if not is_received:
        assert codes_of(outcome) == {"tendering.seal_late"}
        assert isinstance(outcome, SealRefused)
        params = outcome.objections[0].params
        assert (params["deadline"], params["received_at"]) == (DEADLINE, DEADLINE + offset)
        assert refused_events(world, lot, bidder) == [("tendering.seal_late",)]


def test_the_same_manifest_again_gives_the_same_receipt_even_after_the_deadline(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    command = bidder.command(lot, made, bidder.upload(lot, made))
    first = bidder.submit(command)
    again = bidder.submit(command, DEADLINE + timedelta(hours=1))
    assert isinstance(first, seals.Acknowledged)
    assert isinstance(again, seals.Acknowledged)
    assert (first.is_new, again.is_new) == (True, False)
    assert first.receipt == again.receipt
    assert count(world) == 1


def test_replacing_keeps_one_live_revision_and_the_chain(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    second = bidder.seal(lot, after=first)
    bidder.hand_in(lot, second)
    with world.units.read(bidder.actor) as unit:
        rows = bid_access.own_revisions(unit, lot.id)
        assert [(row.rev, row.state) for row in rows] == [(2, BidState.SEALED), (1, BidState.REPLACED)]
        stream = bid_access.bid_stream(lot.id, str(bidder.actor.org_id))
        assert verify_stream(unit.session, stream) >= 4
        entry = unit.session.get_one(JournalEntry, rows[0].entry_id)
        assert second.envelope_hash in entry.data
        own = facade.own_bid(unit, lot.id, str(bidder.actor.org_id))
    assert own is not None
    assert (own.rev, own.envelope_hash) == (2, second.envelope_hash)


def test_a_replacement_that_is_not_finished_leaves_the_older_revision_in_force(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    second = bidder.seal(lot, after=first)
    command = bidder.command(lot, second, bidder.upload(lot, second, leave_out="technical"))
    assert codes_of(bidder.submit(command)) == {"tendering.seal_bytes_missing"}
    with world.units.read(bidder.actor) as unit:
        assert bid_access.own_revision(unit, lot.id).rev == 1


def test_withdrawing_ends_at_the_deadline_and_sealing_again_goes_on_with_the_chain(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    with pytest.raises(WithdrawalLate), world.units.begin(bidder.actor) as unit:
        seals.withdraw_bid(unit, lot.id, DEADLINE)
    with world.units.begin(bidder.actor) as unit:
        seals.withdraw_bid(unit, lot.id, DEADLINE - MS)
    with world.units.begin(bidder.actor) as unit:
        assert seals.withdraw_bid(unit, lot.id, DEADLINE + MS).withdrawn_at == DEADLINE - MS  # twice is once
        assert facade.own_bid(unit, lot.id, str(bidder.actor.org_id)) is None
    again = bidder.seal(lot, after=first)
    bidder.hand_in(lot, again, DEADLINE - MS)
    with world.units.read(bidder.actor) as unit:
        assert [row.state for row in bid_access.own_revisions(unit, lot.id)] == [BidState.SEALED, BidState.WITHDRAWN]


def test_there_is_nothing_to_withdraw_without_a_bid(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    with pytest.raises(NothingToWithdraw), world.units.begin(bidder.actor) as unit:
        seals.withdraw_bid(unit, lot.id, world.clock.now())


# --- refusals ---------------------------------------------------------------------------------------------------------


def of_another_tender(lot: OpenLot) -> OpenLot:
    keyset = make_keyset("another-tender", lot.lot_code, lot.gate, lot.escrow)
    return replace(lot, tender_code="another-tender", keyset=keyset)


def ban(world: TenderWorld, bidder: Bidder, **changes: object) -> None:
    with world.units.begin(bidder.actor) as unit:
        values: dict[str, object] = {
            "id": unit.new_id(),
            "uscc": bidder.uscc,
            "name": "x",
            "authority": "常州市住房和城乡建设局",
            "decision_no": "常住建罚〔2026〕7 号",
            "clause": "招标投标法 53",
            "starts_at": unit.at - timedelta(days=1),
            "ends_at": DEADLINE + timedelta(days=300),
            "document_reference": "x",
            "entered_by": "x",
            "entered_at": unit.at,
        }
        unit.session.add(Ban(**(values | changes)))


def unverify(world: TenderWorld, bidder: Bidder) -> None:
    with world.units.begin(bidder.actor) as unit:
        claim = unit.session.scalar(select(Claim).where(Claim.org_id == bidder.actor.org_id))
        assert claim is not None
        claim.state = ClaimState.REJECTED


def test_every_reason_is_listed_together_and_nothing_is_kept(world: TenderWorld, lot: OpenLot) -> None:
    bidder = Bidder(world, world.organisation("无锡梁溪建筑有限公司", "bidder"))
    made = bidder.seal(of_another_tender(lot))
    ban(world, bidder)
    unverify(world, bidder)
    codes = codes_of(bidder.submit(bidder.command(lot, made, "no such upload"), DEADLINE))
    assert codes == {
        "tendering.seal_late",
        "tendering.seal_unverified",
        "tendering.seal_banned",
        "tendering.seal_no_signing_key",
        "tendering.seal_no_upload",
        "sealing.keyset_mismatch",
        "sealing.tender_mismatch",
    }
    assert count(world) == 0
    assert {code for event in refused_events(world, lot, bidder) for code in event} == codes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"header": b"{}"}, "sealing.header_malformed"),
        ({"header": b""}, "sealing.header_malformed"),
        ({"manifest": b"plain text of a bid\n"}, "sealing.manifest_malformed"),
        ({"signature": b""}, "sealing.bad_signature"),
        ({"signature": bytes(64)}, "sealing.bad_signature"),
    ],
)
def test_what_is_not_encrypted_and_signed_as_required_is_refused_with_its_clause(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, changes: dict[str, bytes], code: str
) -> None:
    made = bidder.seal(lot)
    outcome = bidder.submit(bidder.command(lot, made, bidder.upload(lot, made), **changes))
    assert codes_of(outcome) == {code}
    assert isinstance(outcome, SealRefused)
    assert outcome.objections[0].clause == "EB20 26"
    assert count(world) == 0


def test_a_signature_by_a_key_nobody_registered_is_refused(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot, signing=generate_key())
    assert codes_of(bidder.submit(bidder.command(lot, made, bidder.upload(lot, made)))) == {"sealing.bad_signature"}


def test_any_registered_key_of_the_organisation_signs(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    second = Bidder(world, bidder.actor)
    second.register_keys()
    second.hand_in(lot, second.seal(lot))
    assert count(world) == 1


def test_ciphertext_of_another_bidder_is_refused(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    copier = make_bidder(world, "苏州东吴营造有限公司")
    stolen = replace(made, sealed=replace(made.sealed, signature=_signed(copier, made)))
    codes = codes_of(copier.submit(copier.command(lot, stolen, copier.upload(lot, stolen))))
    assert codes == {"tendering.seal_copied", "sealing.bidder_mismatch"}


def _signed(bidder: Bidder, made: SealedFiles) -> bytes:
    return sign(bidder.signing, made.sealed.manifest.raw)


def test_a_revision_must_follow_the_last_one(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    fresh = bidder.seal(lot)  # as if nothing had been sealed before
    codes = codes_of(bidder.submit(bidder.command(lot, fresh, bidder.upload(lot, fresh))))
    assert codes == {"sealing.bid_mismatch", "sealing.rev_mismatch", "sealing.prev_mismatch"}


@pytest.mark.parametrize("what", ["other_bytes", "missing", "reused"])
def test_a_bid_counts_only_with_every_byte_it_was_signed_over(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, what: str
) -> None:
    made = bidder.seal(lot)
    if what == "other_bytes":
        flipped = bytearray(made.parts["technical"])
        flipped[1000] ^= 1
        upload = bidder.upload(lot, replace(made, parts={**made.parts, "technical": bytes(flipped)}))
        code = "tendering.seal_bytes_differ"
    elif what == "missing":
        upload, code = bidder.upload(lot, made, leave_out="commercial"), "tendering.seal_bytes_missing"
    else:
        upload = bidder.upload(lot, made)
        assert isinstance(bidder.submit(bidder.command(lot, made, upload)), seals.Acknowledged)
        made, code = bidder.seal(lot, after=made), "tendering.seal_upload_used"
    assert code in codes_of(bidder.submit(bidder.command(lot, made, upload)))


def test_a_ban_counts_at_the_instant_of_receipt_only(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    starts = world.clock.now() + timedelta(hours=1)
    ban(world, bidder, starts_at=starts)
    made = bidder.seal(lot)
    command = bidder.command(lot, made, bidder.upload(lot, made))
    refused = bidder.submit(command, starts)
    assert codes_of(refused) == {"tendering.seal_banned"}
    assert isinstance(refused, SealRefused)
    assert refused.objections[0].clause == "招标投标法 53"
    assert isinstance(bidder.submit(command, starts - MS), seals.Acknowledged)


def test_a_lot_without_deposit_warns_of_none(world: TenderWorld, bidder: Bidder) -> None:
    lot = world.open_lot(deposit=Money(0))
    assert bidder.hand_in(lot, bidder.seal(lot)).warnings == ()


# --- uploads ----------------------------------------------------------------------------------------------------------


def announce(world: TenderWorld, bidder: Bidder, lot: OpenLot, parts: list[AnnouncedPart]) -> str:
    with world.units.begin(bidder.actor) as unit:
        return uploads.start_upload(unit, lot.id, parts)


def test_an_upload_says_what_is_wrong_with_its_parts_before_a_byte_is_taken(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    too_large = ciphertext_size(padded_size(1 << 21))
    parts = [AnnouncedPart("price_schedule", too_large, 1), AnnouncedPart("cover", 5000, 1)]
    parts += [AnnouncedPart("technical", 5001, 1)]
    with pytest.raises(UploadRefused) as refused:
        announce(world, bidder, lot, parts)
    assert [objection.code for objection in refused.value.objections] == [
        "tendering.upload_part_too_large",
        "tendering.upload_part_unknown",
        "tendering.upload_part_length",
        "tendering.upload_part_missing",
    ]


def test_unfinished_uploads_are_limited(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    parts = bidder.seal(lot).announced()
    for _ in range(uploads.UNFINISHED_MAX):
        announce(world, bidder, lot, parts)
    with pytest.raises(TooManyUploads):
        announce(world, bidder, lot, parts)


def test_an_unverified_organisation_uploads_nothing(world: TenderWorld, lot: OpenLot) -> None:
    bidder = make_bidder(world, verified=False)
    with pytest.raises(UploadUnverified):
        announce(world, bidder, lot, bidder.seal(lot).announced())


def test_another_organisations_upload_and_bid_do_not_exist(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    upload = bidder.upload(lot, made)
    other = make_bidder(world, "南京钟山建设发展有限公司")
    with pytest.raises(NotFound), world.units.read(other.actor) as unit:
        uploads.held(unit, upload)
    assert "tendering.seal_no_upload" in codes_of(other.submit(other.command(lot, made, upload)))
    with pytest.raises(NotSealedYet), world.units.read(other.actor) as unit:
        queries.own_receipt(unit, lot.id)
    with world.units.read(other.actor) as unit:
        assert queries.workbench(unit, lot.id).revisions == ()


def test_nobody_learns_of_live_bids_before_receiving_has_ended(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    bidder.hand_in(lot, bidder.seal(lot))
    with world.units.read() as unit, pytest.raises(NotPermitted):
        facade.live_bids(unit, lot.id)
    world.clock.set(DEADLINE)
    with world.units.begin(TESTS) as unit:
        closing = intake.close_bids(unit, lot.id, DEADLINE, machine=machine_now(), is_grace_over=False)
    assert closing is intake.Closing.CLOSED
    with world.units.read() as unit:
        assert [bid.uscc for bid in facade.live_bids(unit, lot.id)] == [bidder.uscc]


# --- what is stored stays what was acknowledged -----------------------------------------------------------------------


def stored(world: TenderWorld, lot: OpenLot, bidder: Bidder, part: str) -> SegmentReader:
    with world.units.read(bidder.actor) as unit:
        row = bid_access.own_revision(unit, lot.id)
    return SegmentReader(world.runtime.objects, row.upload_id, part, 1)


def test_the_receipts_hash_is_that_of_the_stored_ciphertext_and_a_changed_byte_shows(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    answer = bidder.hand_in(lot, made)
    with world.units.read(bidder.actor) as unit:
        row = bid_access.own_revision(unit, lot.id)
    assert hashlib.sha256(row.manifest).hexdigest() == answer.envelope_hash
    for part in Manifest.parse(row.manifest).parts:
        content = stored(world, lot, bidder, part.id).read(1 << 30)
        assert root_of_digests([hashlib.sha256(content).digest()]) == part.root
    header = Header.parse(row.header)
    key = price_key(header, bidder, lot)
    part = Manifest.parse(row.manifest).part("price_schedule")
    opened = open_part_bytes(stored(world, lot, bidder, "price_schedule"), part, key, header, limit_bytes=1 << 20)
    assert opened == FILES["price_schedule"]

    path = world.folder / "objects" / facade.segment_name(row.upload_id, "price_schedule", 0)
    damaged = bytearray(path.read_bytes())
    damaged[200] ^= 1
    path.chmod(0o600)
    path.write_bytes(damaged)
    with pytest.raises(BadPayload):
        open_part_bytes(stored(world, lot, bidder, "price_schedule"), part, key, header, limit_bytes=1 << 20)


def price_key(header: Header, bidder: Bidder, lot: OpenLot) -> bytes:
    """The key of the price schedule by both halves: the bidder's own, and two gate holders'."""
    r_gate = recover_r_gate(header, lot.keyset, {0: lot.gate[0], 2: lot.gate[2]}).r_gate
    return part_key(content_key(header, recover_r_bid(header, bidder.opening), r_gate), "price_schedule")
