"""An agent believes the log under its own policy, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from foundation.sealing import S1, Role, generate_key
from foundation.transparency.blinding import BLINDED_PREFIX, public_entry
from keyholding.agent_state import StateFolder
from keyholding.errors import EvidenceRefused, KeyMissing, PolicyRefused, StateFolderBusy
from keyholding.evidence import (
    BIDS_FROZEN,
    LIST_PUBLISHED,
    WINDOW_CLOSED,
    WINDOW_ENDED,
    LotNames,
    ShownEntry,
    establish_missing,
    permit_gate_release,
    read_policy,
    rehearsal_share_of,
)
from tests.unit.keyholding.world import LATER, LOT, LOT_CODE, OTHER_LOT, POLICY, TENDER, entry_id_of
from tests.unit.transparency.logbook import NOON, Logbook, log_key, policy_of

LOT_NAMES = LotNames(LOT, TENDER, LOT_CODE)
TRUST = read_policy(POLICY)
CLOSED = {"lot": LOT, "tender": TENDER, "lot_code": LOT_CODE, "released": [], "escrowed": [], "missing": []}


def leaf(type_name: str, data: dict[str, object], **more: object) -> bytes:
    return public_entry(json.dumps({"type": type_name, "data": data, **more}).encode())


def shown(entry: bytes, *cosigners: str, book: Logbook | None = None) -> ShownEntry:
    log = book or Logbook([b"first"])
    log.append([entry])
    return ShownEntry(entry, str(log.proof(log.edge.size - 1, *cosigners)))


def reason(of: pytest.ExceptionInfo[EvidenceRefused]) -> object:
    return of.value.fields["reason"]


def test_the_cosigned_window_of_ones_own_lot_opens_the_gate() -> None:
    permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED), "a"), LOT_NAMES, TRUST, LATER)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"lot": OTHER_LOT}, "other_lot"), ({"tender": "X"}, "other_lot"), ({"lot_code": "X"}, "other_lot")],
)
def test_another_lot_does_not(changes: dict[str, object], why: str) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED | changes), "a"), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == why


def test_another_event_does_not() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(BIDS_FROZEN, CLOSED), "a"), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "other_event"


def test_what_the_log_alone_signed_does_not() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED)), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "transparency.quorum_not_met"
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED), "stranger"), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "transparency.quorum_not_met"


def test_a_log_of_the_liars_own_does_not() -> None:
    class OtherBook(Logbook):
        def __init__(self) -> None:
            super().__init__([b"x"])
            self.key = log_key("liar")

    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED), "a", book=OtherBook()), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "transparency.bad_signature"


def test_another_entry_under_a_good_proof_does_not() -> None:
    true = shown(leaf("bid_opening.window_opened", CLOSED), "a")
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(replace(true, entry=leaf(WINDOW_CLOSED, CLOSED)), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "transparency.bad_proof"


def test_a_cosignature_from_the_future_does_not_count() -> None:
    with pytest.raises(EvidenceRefused):
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED), "a"), LOT_NAMES, TRUST, NOON - timedelta(minutes=5))


@pytest.mark.parametrize(
    "entry",
    [
        BLINDED_PREFIX + b"0" * 64,
        public_entry(b"[]"),
        public_entry(b'{"type":"bid_opening.window_closed"}'),
        public_entry(b'{"type":"bid_opening.window_closed","data":[]}'),
        public_entry(b'{"type":"x","type":"bid_opening.window_closed","data":{}}'),
        public_entry(b"not json"),
    ],
)
def test_malformed_entries_are_refused(entry: bytes) -> None:
    with pytest.raises(EvidenceRefused):
        permit_gate_release(shown(entry, "a"), LOT_NAMES, TRUST, LATER)


def test_a_proof_that_is_none_is_refused() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(ShownEntry(leaf(WINDOW_CLOSED, CLOSED), "trust me"), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "transparency.malformed"


def three(book: Logbook, *, missing: list[int], lots: tuple[str, str, str] = (LOT, LOT, LOT)) -> list[ShownEntry]:
    frozen = {"lot": lots[0], "bids": [{"bid": "b1", "rev": 2, "leaf_index": 3, "envelope_hash": "h"}], "tree_size": 9}
    listed = {"lot": lots[1], "bidders": [{"seat": 1, "bid": "b1"}, {"seat": 2, "bid": "b2"}]}
    ended = {"lot": lots[2], "released": 1, "missing": missing, "escrow_until": None}
    return [
        shown(leaf(kind, data), "a", book=book)
        for kind, data in ((BIDS_FROZEN, frozen), (LIST_PUBLISHED, listed), (WINDOW_ENDED, ended))
    ]


def test_frozen_and_missing_follow_from_three_entries() -> None:
    facts = establish_missing(*three(Logbook([b"x"]), missing=[1]), LOT_NAMES, TRUST, LATER)
    assert (dict(facts.frozen), facts.missing) == ({"b1": (2, "h")}, {"b1"})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_entry_of_another_lot_spoils_it(place: int) -> None:
    lots = tuple(OTHER_LOT if i == place else LOT for i in range(3))
    with pytest.raises(EvidenceRefused) as refused:
        establish_missing(*three(Logbook([b"x"]), missing=[1], lots=lots), LOT_NAMES, TRUST, LATER)  # type: ignore[arg-type]
    assert reason(refused) == "other_lot"


def test_a_window_that_ended_before_the_freeze_is_refused() -> None:
    book = Logbook([b"x"])
    early = three(book, missing=[1])[2]
    frozen, listed, _ = three(book, missing=[1])
    with pytest.raises(EvidenceRefused) as refused:
        establish_missing(frozen, listed, early, LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "order"


def test_a_missing_seat_nobody_sits_in_is_refused() -> None:
    with pytest.raises(EvidenceRefused) as refused:
        establish_missing(*three(Logbook([b"x"]), missing=[7]), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == "form"


def test_a_long_list_is_believed_by_its_hash_only() -> None:
    from foundation import canonical

    book = Logbook([b"x"])
    _, listed, _ = three(book, missing=[1])
    data = {"lot": LOT, "bids": [{"bid": "b1", "rev": 2, "leaf_index": 3, "envelope_hash": "h"}], "tree_size": 9}
    body = json.dumps({"type": BIDS_FROZEN, "data_sha256": canonical.digest(data)}).encode()
    frozen = shown(public_entry(body), "a", book=book)
    ended = three(book, missing=[1])[2]
    facts = establish_missing(replace(frozen, data=data), listed, ended, LOT_NAMES, TRUST, LATER)
    assert set(facts.frozen) == {"b1"}
    for wrong in (None, data | {"tree_size": 10}):
        with pytest.raises(EvidenceRefused) as refused:
            establish_missing(replace(frozen, data=wrong), listed, ended, LOT_NAMES, TRUST, LATER)
        assert reason(refused) == "no_data"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"log {log_key().verifier}\nquorum none\n", "no_quorum"),
        (str(policy_of("a")).replace(f"log {log_key().verifier}\n", ""), "no_quorum"),
    ],
)
def test_a_policy_that_asks_for_nobody_is_not_pinned(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        StateFolder(tmp_path / "s", policy_text=text)
    assert refused.value.fields["reason"] == why
    StateFolder(tmp_path / "s", policy_text=POLICY).close()


def test_the_first_policy_counts_and_one_agent_works_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused):
        StateFolder(tmp_path)
    first = StateFolder(tmp_path, policy_text=POLICY)
    with pytest.raises(StateFolderBusy):
        StateFolder(tmp_path)
    first.close()
    with pytest.raises(PolicyRefused) as refused:
        StateFolder(tmp_path, policy_text=str(policy_of("b")))
    assert refused.value.fields["reason"] == "differs"
    again = StateFolder(tmp_path)
    assert str(again.policy) == POLICY
    again.close()


@pytest.mark.parametrize("passphrase", ["", "eight small wooden boats"])
def test_a_key_is_made_once_kept_private_and_bound_to_its_lot(tmp_path: Path, passphrase: str) -> None:
    keyset = entry_id_of("keyset")
    state = StateFolder(tmp_path, policy_text=POLICY, passphrase=passphrase)
    made = state.make_key(LOT_NAMES, keyset, Role.GATE, lambda: NOON, S1)
    state.close()
    again = StateFolder(tmp_path, passphrase=passphrase)
    assert again.make_key(LOT_NAMES, keyset, Role.GATE, lambda: NOON, S1).public_key == made.public_key
    (path,) = (tmp_path / "lots" / LOT).glob("*.key")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (b"private_key" in path.read_bytes()) is (passphrase == "")
    with pytest.raises(EvidenceRefused):
        again.key(LotNames(LOT, "other tender", LOT_CODE), keyset, Role.GATE)
    with pytest.raises(KeyMissing):
        again.key(LotNames(OTHER_LOT, TENDER, LOT_CODE), keyset, Role.GATE)
    again.close()


def test_a_second_freeze_list_of_a_lot_is_refused(tmp_path: Path) -> None:
    state = StateFolder(tmp_path, policy_text=POLICY)
    state.pin_frozen(LOT, b"one")
    state.pin_frozen(LOT, b"one")
    with pytest.raises(EvidenceRefused) as refused:
        state.pin_frozen(LOT, b"two")
    assert reason(refused) == "second_freeze"
    state.close()


def test_a_malformed_dummy_is_refused() -> None:
    with pytest.raises(EvidenceRefused):
        rehearsal_share_of(b"{}", lot=LOT_NAMES, keyset_json="{}", role=Role.GATE, index=0, key=generate_key())
