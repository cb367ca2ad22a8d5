"""The invariants that hold from publication to the read-out, one clearly named test each.

Invariant 1 has its comparison of every page in test_hidden.py. Number 11 is about the evaluation committee, of which
there is nothing yet.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, MetaData, event, func, select, update

from bid_opening.errors import NotNow
from bid_opening.models import ReleasedShare
from bid_opening.services import acts, clock
from bid_opening.states import Phase
from foundation.errors import NotPermitted, Tampering
from foundation.journal import JournalEntry, read_stream, verify_stream
from foundation.sealing import Manifest, root_of_digests
from foundation.sealing.manifest import write_manifest
from foundation.sealing.suite import sign
from foundation.transparency.notes import Note
from keyholding.models import GateKey
from tendering import bid_access, facade
from tendering.models import Lot, SealedBid, Segment
from tendering.services import seals
from tendering.states import BidState, LotState
from tests.support.tender_world import DEADLINE, TESTS, OpenLot, TenderWorld, make_world
from tests.support.whole_centre import make_whole_centre
from tests.support_bids import FILES, Bidder, SealedFiles, codes_of, make_bidder
from tests.support_opening import make_opening, price_schedule

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


def bids(world: TenderWorld, *states: BidState) -> list[SealedBid]:
    with world.units.read() as unit:
        wanted = select(SealedBid).order_by(SealedBid.rev)
        return list(unit.session.scalars(wanted.where(SealedBid.state.in_(states)) if states else wanted))


# --- 1 ----------------------------------------------------------------------------------------------------------------


def everything_kept(world: TenderWorld) -> bytes:
    """Every byte the centre has: the database as a dump of its values, and every file of the data folder."""
    kept = []
    found = MetaData()  # as it is in the database, not as the models read it
    found.reflect(world.engine)
    with world.engine.connect() as connection:
        for table in found.tables.values():
            for row in connection.execute(select(table)):
                kept += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    kept += [path.read_bytes() for path in world.folder.rglob("*") if path.is_file()]
    return b"\n".join(kept)


def test_invariant_1_nothing_the_centre_keeps_holds_a_bids_plaintext_or_price_before_the_deadline(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    total, secret = "11402318.77", "绝密施工组织设计"
    files = {**FILES, "price_schedule": price_schedule(total, "经理金丝雀"), "technical": (secret * 400).encode()}
    bidder.hand_in(lot, bidder.seal(lot, files=files))
    kept = everything_kept(world)
    assert bidder.uscc.encode() in kept  # the search finds what is there
    assert kept.count(lot.keyset.hash.encode()) > 0
    for words in (total, secret, "经理金丝雀"):
        assert words.encode() not in kept
        assert base64.b64encode(words.encode()).rstrip(b"=")[:-1] not in kept
    own_key = bidder.opening.private_numbers().private_value
    gate_keys = [key.private_numbers().private_value for key in lot.gate + lot.escrow]
    for number in (own_key, *gate_keys):
        assert f"{number:064x}".encode() not in kept
        assert number.to_bytes(32, "big") not in kept


def test_invariant_1_not_even_the_system_itself_lists_the_bids_of_an_open_lot(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    bidder.hand_in(lot, bidder.seal(lot))
    for actor in (TESTS, bidder.actor, world.organisation("交易中心", "administrator")):
        with pytest.raises(NotPermitted), world.units.read(actor) as unit:
            facade.live_bids(unit, lot.id)


# --- 2 ----------------------------------------------------------------------------------------------------------------


def without_layer(made: SealedFiles, layer: str, bidder: Bidder) -> SealedFiles:
    """The same envelope without one layer of its encryption, otherwise consistent and signed by its bidder."""
    header = json.loads(made.sealed.header.raw)
    header["wraps"][layer] = []
    if layer != "bidder":
        header["commit"][f"{layer}_shares"] = []
    raw = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    before = made.sealed.manifest
    manifest = write_manifest(
        binding_hash=bytes.fromhex(before.binding_hash),
        header_hash=hashlib.sha256(raw).digest(),
        rev=before.rev,
        prev=before.prev,
        parts=before.parts,
    )
    sealed = replace(
        made.sealed,
        header=replace(made.sealed.header, raw=raw),
        manifest=manifest,
        signature=sign(bidder.signing, manifest.raw),
    )
    return replace(made, sealed=sealed)


@pytest.mark.parametrize("layer", ["bidder", "gate", "escrow"])
def test_invariant_2_an_envelope_without_one_of_its_layers_is_refused_and_is_no_bid(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, layer: str
) -> None:
    whole = bidder.seal(lot)
    lacking = without_layer(whole, layer, bidder)
    refused = bidder.submit(bidder.command(lot, lacking, bidder.upload(lot, lacking)))
    assert {code.partition(".")[0] for code in codes_of(refused)} == {"sealing"}
    assert isinstance(refused, seals.SealRefused)
    assert all(objection.clause for objection in refused.objections)
    assert bids(world) == []
    bidder.hand_in(lot, whole)  # the twin: what was refused is the missing layer
    assert len(bids(world)) == 1


def test_invariant_2_a_bid_whose_signature_does_not_verify_is_refused_and_is_no_bid(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    flipped = bytearray(made.sealed.signature)
    flipped[5] ^= 1
    refused = bidder.submit(bidder.command(lot, made, bidder.upload(lot, made), signature=bytes(flipped)))
    assert codes_of(refused) == {"sealing.bad_signature"}
    assert bids(world) == []


# --- 3 ----------------------------------------------------------------------------------------------------------------


def test_invariant_3_one_millisecond_before_the_deadline_is_in_time_and_the_deadline_itself_is_not(
    world: TenderWorld, lot: OpenLot
) -> None:
    early, late = make_bidder(world), make_bidder(world, "江苏恒筑建工集团有限公司")
    for bidder, at in ((early, DEADLINE - MS), (late, DEADLINE)):
        made = bidder.seal(lot)
        outcome = bidder.submit(bidder.command(lot, made, bidder.upload(lot, made)), at)
        if bidder is early:
            assert isinstance(outcome, seals.Acknowledged)
        else:
            assert codes_of(outcome) == {"tendering.seal_late"}
    assert [row.org_id for row in bids(world)] == [early.actor.org_id]


def test_invariant_3_a_transfer_unfinished_at_the_deadline_is_no_bid(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    upload = bidder.upload(lot, made, leave_out="technical")
    assert codes_of(bidder.submit(bidder.command(lot, made, upload), DEADLINE - MS)) == {"tendering.seal_bytes_missing"}
    world.clock.set(DEADLINE)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=LotState.CLOSED))
    with world.units.read(TESTS) as unit:
        assert list(facade.live_bids(unit, lot.id)) == []


# --- 4 ----------------------------------------------------------------------------------------------------------------


def test_invariant_4_replacing_keeps_the_newest_active_and_every_older_one_as_sealed_evidence(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    """The refund after a withdrawal follows with deposits; here the withdrawal is on record with its instant."""
    chain = [bidder.seal(lot)]
    bidder.hand_in(lot, chain[0])
    for _ in range(2):
        chain.append(bidder.seal(lot, after=chain[-1]))
        bidder.hand_in(lot, chain[-1])
    assert [(row.rev, row.state) for row in bids(world)] == [
        (1, BidState.REPLACED),
        (2, BidState.REPLACED),
        (3, BidState.SEALED),
    ]
    for row, made in zip(bids(world), chain, strict=True):
        assert row.manifest == made.sealed.manifest.raw
        assert stored_roots(world, row) == [part.root for part in made.sealed.manifest.parts]
    with world.units.begin(bidder.actor) as unit:
        seals.withdraw_bid(unit, lot.id, DEADLINE - MS)
    assert bids(world, BidState.SEALED) == []
    assert len(bids(world)) == 3
    with world.units.read() as unit:
        entries = read_stream(unit.session, bid_access.bid_stream(lot.id, str(bidder.actor.org_id)))
    assert [entry.event.TYPE for entry in entries][-1] == "tendering.bid_withdrawn"


def stored_roots(world: TenderWorld, row: SealedBid) -> list[str]:
    """The roots of what lies in the store for one revision, computed anew."""
    found = []
    for part in Manifest.parse(row.manifest).parts:
        with world.units.read() as unit:
            count = unit.session.scalar(
                select(func.count())
                .select_from(Segment)
                .where(Segment.upload_id == row.upload_id, Segment.part == part.id)
            )
        names = [facade.segment_name(row.upload_id, part.id, number) for number in range(count or 0)]
        found.append(root_of_digests([hashlib.sha256(world.runtime.objects.get(name)).digest() for name in names]))
    return found


# --- 5 ----------------------------------------------------------------------------------------------------------------


def test_invariant_5_the_hash_on_the_receipt_stays_that_of_the_stored_ciphertext_and_a_changed_byte_is_found(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    answer = bidder.hand_in(lot, made)
    (row,) = bids(world)
    parts = Manifest.parse(row.manifest).parts
    assert answer.envelope_hash in Note.parse(answer.receipt).text
    assert hashlib.sha256(row.manifest).hexdigest() == answer.envelope_hash
    assert stored_roots(world, row) == [part.root for part in parts]
    world.clock.set(DEADLINE + timedelta(days=400))
    assert stored_roots(world, row) == [part.root for part in parts]

    for index, part in enumerate(parts):
        path = world.folder / "objects" / facade.segment_name(row.upload_id, part.id, 0)
        whole = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert [at for at, root in enumerate(stored_roots(world, row)) if root != parts[at].root] == [index]
        path.write_bytes(whole)


# --- 6 ----------------------------------------------------------------------------------------------------------------

HOST_ACTS = (acts.start_decryption, acts.draw, acts.start_reading, acts.open_query, acts.open_confirmation, acts.close)


def test_invariant_6_with_two_bids_the_room_goes_nowhere_but_to_failed_and_nobody_can_read_them(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=2)
    opening.to_check_in()
    opening.close_bids()
    opening.publish()
    for act in HOST_ACTS:
        with pytest.raises(NotNow):
            opening.act(opening.host, act)
    opening.look()
    assert opening.state.phase is Phase.FAILED
    assert opening.world.lot_state(opening.lot) is LotState.FAILED
    for act in HOST_ACTS:
        with pytest.raises(NotNow):
            opening.act(opening.host, act)
    for index in range(2):
        with pytest.raises(NotNow):
            opening.release(index)
    opening.at(DEADLINE + timedelta(days=365))
    opening.publish()
    assert not clock.step(opening.world.units, opening.lot.id)
    assert opening.state.phase is Phase.FAILED
    assert not opening.gate_is_asked()
    with opening.world.units.read() as unit:
        assert unit.session.scalars(select(GateKey)).all() == []
        assert unit.session.scalars(select(ReleasedShare)).all() == []


# --- 24 ---------------------------------------------------------------------------------------------------------------


@dataclass
class Watch:
    """Transactions that changed a state, and whether they wrote into the journal."""

    changes: int = 0
    silent: list[str] = field(default_factory=list)


@contextmanager
def watching(engine: Engine, *tables: str) -> Iterator[Watch]:
    """Look at every statement: a state that changes without a journal entry in its transaction is a silent one."""
    watch, changed, told = Watch(), set[str](), [False]

    def on_statement(_c: Connection, _cur: object, statement: str, *_rest: object) -> None:
        told[0] = told[0] or statement.startswith("INSERT INTO journal_entries")
        for table in tables:
            words = statement.partition(" WHERE ")[0].split(maxsplit=2)
            if words[:2] == ["UPDATE", table] and "state=" in words[2]:
                changed.add(table)

    def on_end(_connection: Connection) -> None:
        if changed and not told[0]:
            watch.silent += sorted(changed)
        watch.changes += len(changed)
        forget(_connection)

    def forget(_connection: Connection) -> None:
        changed.clear()
        told[0] = False

    listeners = (("before_cursor_execute", on_statement), ("commit", on_end), ("rollback", forget))
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield watch
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def test_invariant_24_no_state_changes_without_an_entry_in_the_journal(tmp_path: Path) -> None:
    """From three sealed bids to the closed room: every change of a state commits together with its entry."""
    opening = make_opening(tmp_path)
    with watching(opening.world.engine, "lots", "sealed_bids", "keysets", "rehearsals", "opening_rooms") as watch:
        opening.to_closed()
        assert opening.run_jobs() == []
    assert watch.changes >= 10
    assert watch.silent == []
    assert opening.world.lot_state(opening.lot) is LotState.OPENED


def test_invariant_24_an_entry_names_actor_role_time_source_and_reason_and_cannot_be_changed_unnoticed(
    tmp_path: Path,
) -> None:
    centre = make_whole_centre(tmp_path, with_bids=False)
    agency, lot_id = centre.people["agency1"], centre.objects["open_lot"][1]
    answer = centre.client(agency).post(
        f"/lots/{lot_id}/cancel", json={"reason": "项目规模调整"}, environ_base={"REMOTE_ADDR": "203.0.113.7"}
    )
    assert answer.status_code == 200, answer.get_data(as_text=True)
    stream = f"lot:{lot_id}"
    with centre.units.read() as unit:
        entry = unit.session.scalars(
            select(JournalEntry).where(JournalEntry.stream == stream).order_by(JournalEntry.seq.desc()).limit(1)
        ).one()
        assert verify_stream(unit.session, stream) == entry.seq
    assert entry.type == "tendering.lot_cancelled"
    assert (entry.actor_user_id, entry.actor_org_id, entry.actor_role) == (
        agency.actor.user_id,
        agency.actor.org_id,
        "agency",
    )
    assert entry.recorded_at == centre.world.clock.now()
    assert entry.source.startswith("203.0.113.7")
    assert entry.reason == "项目规模调整"

    changes = {"actor_role": "tenderee", "source": "198.51.100.1", "reason": "别的理由", "recorded_at": DEADLINE}
    for name, value in changes.items():
        kept = getattr(entry, name)
        set_column(centre.world.engine, entry.id, name, value)
        with pytest.raises(Tampering), centre.units.read() as unit:
            verify_stream(unit.session, stream)
        set_column(centre.world.engine, entry.id, name, kept)
    with centre.units.read() as unit:
        verify_stream(unit.session, stream)


def set_column(engine: Engine, entry_id: str, name: str, value: object) -> None:
    """As somebody with the database in its hands would."""
    with engine.begin() as connection:
        connection.execute(update(JournalEntry).where(JournalEntry.id == entry_id).values({name: value}))
