"""Nothing is unlocked out of order: a failed opening's keys are neither asked for nor given, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.events import bid_opening as e
from foundation.events.keyholding import GateKeyReleased, GateKeysRequested
from foundation.journal import JournalEntry
from foundation.publication import proofs
from foundation.sealing.suite import scalar_of
from keyholding import facade as keyholding
from keyholding.errors import EvidenceMissing, EvidenceRefused, GateNotAsked
from keyholding.evidence import LotNames, ShownEntry, permit_gate_release, read_policy
from keyholding.services.gate import release_gate_key
from tests.support.tender_world import TESTS
from tests.support_bundle import bundled_opening, policy_of
from tests.support_opening import Opening, make_opening


def told(opening: Opening, *kinds: type) -> int:
    with opening.world.units.read() as unit:
        names = [kind.TYPE for kind in kinds]
        return len(unit.session.scalars(select(JournalEntry.id).where(JournalEntry.type.in_(names))).all())


def shown_window(opening: Opening) -> tuple[ShownEntry, datetime]:
    """What the server would show a gate holder's agent, with its proof from the real, cosigned log."""
    with opening.world.units.read() as unit:
        entry_id = rooms.entry_id_of(unit, opening.lot.id, e.WindowClosed)
        assert entry_id is not None
        proof = proofs.public_proof(unit, entry_id)
        assert proof is not None
        return ShownEntry(proof.entry_text.encode(), proof.tlog_proof), opening.machine()


def names_of(opening: Opening) -> LotNames:
    return LotNames(opening.lot.id, opening.lot.tender_code, opening.lot.lot_code)


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    with bundled_opening(tmp_path, bids=4, escrow_rule="none") as (made, _):
        yield made


def test_below_the_legal_minimum_no_key_is_asked_for_and_none_can_be_given(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=2)
    opening.to_list()
    opening.publish()
    for _ in range(5):
        opening.look()
    assert opening.state.phase is Phase.FAILED
    assert told(opening, GateKeysRequested, GateKeyReleased, e.WindowOpened, e.WindowClosed) == 0
    digits = scalar_of(opening.lot.gate[0]).hex()
    with pytest.raises(GateNotAsked), opening.world.units.begin(TESTS) as unit:
        release_gate_key(unit, opening.seats["gate/0"], opening.lot.id, digits)
    opening.publisher.close()
    opening.world.engine.dispose()


def test_below_the_lots_minimum_neither_the_server_asks_nor_would_an_agent_give(opening: Opening) -> None:
    opening.to_window_closed(released=[0, 1])
    opening.publish()
    for _ in range(5):
        opening.look()
    assert (opening.state.phase, opening.state.failure) == (Phase.FAILED, "too_few_released")
    assert told(opening, GateKeysRequested, GateKeyReleased) == 0
    shown, now = shown_window(opening)
    # The entry is true, cosigned and of this lot: an operator that asks all the same still gets nothing.
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown, names_of(opening), read_policy(policy_of(opening).decode()), now)
    assert refused.value.fields["reason"] == "too_few"
    with opening.world.units.read() as unit:
        entry_id = rooms.entry_id_of(unit, opening.lot.id, e.WindowClosed)
    assert entry_id is not None
    with pytest.raises(EvidenceMissing), opening.world.units.begin(TESTS) as unit:
        keyholding.request_gate(unit, opening.lot.id, entry_id)


def test_with_enough_bids_the_same_entry_opens_the_gate(opening: Opening) -> None:
    opening.to_window_closed(released=[0, 1, 2])
    opening.publish()
    opening.look()
    assert opening.gate_is_asked()
    shown, now = shown_window(opening)
    permit_gate_release(shown, names_of(opening), read_policy(policy_of(opening).decode()), now)
