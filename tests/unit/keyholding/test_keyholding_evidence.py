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
    LOT_PUBLISHED,
    REQUEST_CONFIRMED,
    WINDOW_CLOSED,
    WINDOW_ENDED,
    LotNames,
    MissingEntries,
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
CLOSED = {
    "lot": LOT,
    "tender": TENDER,
    "lot_code": LOT_CODE,
    "released": ["a" * 32, "b" * 32],
    "escrowed": ["c" * 32],
    "missing": [],
    "minimum": 3,
}


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
    [
        ({"escrowed": [], "missing": ["c" * 32]}, "too_few"),
        ({"escrowed": ["a" * 32]}, "too_few"),
        ({"minimum": 4}, "too_few"),
        ({"minimum": None}, "form"),
        ({"released": 3}, "form"),
    ],
)
def test_a_failed_opening_never_opens_the_gate(changes: dict[str, object], why: str) -> None:
    with pytest.raises(EvidenceRefused) as refused:
        permit_gate_release(shown(leaf(WINDOW_CLOSED, CLOSED | changes), "a"), LOT_NAMES, TRUST, LATER)
    assert reason(refused) == why


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


NOTICE = {"lot": LOT, "tender": TENDER, "lot_code": LOT_CODE, "escrow_rule": "compulsory"}
FROZEN = {"lot": LOT, "bids": [{"bid": "b1", "rev": 2, "leaf_index": 3, "envelope_hash": "h"}], "tree_size": 9}
LISTED = {"lot": LOT, "bidders": [{"seat": 1, "bid": "b1"}, {"seat": 2, "bid": "b2"}]}


def four(
    book: Logbook, *, missing: list[int], rule: str = "compulsory", **changes: dict[str, object]
) -> MissingEntries:
    """The entries a custodian reads, in the order of the log. ``changes``: by name, what one of them says instead."""
    ended = {"lot": LOT, "released": 1, "missing": missing, "escrow_until": None}
    said = {
        "published": (LOT_PUBLISHED, NOTICE | {"escrow_rule": rule}),
        "frozen": (BIDS_FROZEN, FROZEN),
        "listed": (LIST_PUBLISHED, LISTED),
        "ended": (WINDOW_ENDED, ended),
    }
    return MissingEntries(
        **{name: shown(leaf(kind, data | changes.get(name, {})), "a", book=book) for name, (kind, data) in said.items()}
    )


def request(book: Logbook, bid: str, *, lot: str = LOT, kind: str = REQUEST_CONFIRMED, by: str = "a") -> ShownEntry:
    return shown(leaf(kind, {"lot": lot, "seat": 1, "bid": bid}), by, book=book)


def refused(entries: MissingEntries) -> object:
    with pytest.raises(EvidenceRefused) as caught:
        establish_missing(entries, LOT_NAMES, TRUST, LATER)
    return reason(caught)


def test_frozen_and_missing_follow_from_the_entries() -> None:
    facts = establish_missing(four(Logbook([b"x"]), missing=[1]), LOT_NAMES, TRUST, LATER)
    assert (dict(facts.frozen), facts.missing, facts.permitted) == ({"b1": (2, "h")}, {"b1"}, {"b1"})


@pytest.mark.parametrize("name", ["published", "frozen", "listed", "ended"])
def test_one_entry_of_another_lot_spoils_it(name: str) -> None:
    assert refused(four(Logbook([b"x"]), missing=[1], **{name: {"lot": OTHER_LOT}})) == "other_lot"


def test_on_request_only_bids_with_a_logged_confirmation_are_permitted() -> None:
    book = Logbook([b"x"])
    entries = four(book, missing=[1, 2], rule="on_request")
    assert establish_missing(entries, LOT_NAMES, TRUST, LATER).permitted == frozenset()
    asked = replace(entries, requests=(request(book, "b2"),))
    facts = establish_missing(asked, LOT_NAMES, TRUST, LATER)
    assert (facts.missing, facts.permitted) == ({"b1", "b2"}, {"b2"})


def test_a_request_that_proves_nothing_is_refused() -> None:
    book = Logbook([b"x"])
    early = request(book, "b1")
    entries = four(book, missing=[1], rule="on_request")
    assert refused(replace(entries, requests=(early,))) == "order"
    assert refused(replace(entries, requests=(request(book, "b1", lot=OTHER_LOT),))) == "other_lot"
    # What the bidder alone asked, nobody confirmed.
    asked = request(book, "b1", kind="bid_opening.escrow_requested")
    assert refused(replace(entries, requests=(asked,))) == "other_event"
    assert refused(replace(entries, requests=(request(book, "b1", by="stranger"),))) == "transparency.quorum_not_met"


@pytest.mark.parametrize("rule", ["none", "", "whenever"])
def test_where_the_document_has_no_escrow_nothing_is_permitted(rule: str) -> None:
    assert refused(four(Logbook([b"x"]), missing=[1], rule=rule)) == "escrow_rule"


def test_a_rule_published_after_the_freeze_is_refused() -> None:
    book = Logbook([b"x"])
    entries = four(book, missing=[1], rule="on_request")
    assert refused(replace(entries, published=four(book, missing=[1]).published)) == "order"


def test_a_window_that_ended_before_the_freeze_is_refused() -> None:
    book = Logbook([b"x"])
    early = four(book, missing=[1])
    later = four(book, missing=[1])
    assert refused(replace(later, published=early.published, ended=early.ended)) == "order"


def test_a_missing_seat_nobody_sits_in_is_refused() -> None:
    assert refused(four(Logbook([b"x"]), missing=[7])) == "form"


def test_a_long_list_is_believed_by_its_hash_only() -> None:
    from foundation import canonical

    book = Logbook([b"x"])
    first = four(book, missing=[1])
    body = json.dumps({"type": BIDS_FROZEN, "data_sha256": canonical.digest(FROZEN)}).encode()
    frozen = shown(public_entry(body), "a", book=book)
    entries = replace(first, frozen=replace(frozen, data=FROZEN), ended=four(book, missing=[1]).ended)
    assert set(establish_missing(entries, LOT_NAMES, TRUST, LATER).frozen) == {"b1"}
    for wrong in (None, FROZEN | {"tree_size": 10}):
        assert refused(replace(entries, frozen=replace(frozen, data=wrong))) == "no_data"


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
