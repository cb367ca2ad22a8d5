"""Who is thought to answer for a bid that was not opened: every row of R3.08, and doubt before blame."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bid_opening import attribution, rules
from bid_opening.attribution import Evidence, propose
from bid_opening.errors import AlreadyDone, NothingProposed, NotNow, SecondPersonNeeded, StillWaiting, TooManyTries
from bid_opening.fault_state import Consequence, Culprit
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import bid_opening as e
from tests.support_ceremony import LOT, Room

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
READY = Evidence(
    seat=1, rehearsed="filed", rehearsed_at=AT, self_check_at=AT, fetched_at=AT, seats=5, others_released=4
)
"""Everything was there, everything worked, and the bidder did not finish."""


# --- the rows of R3.08 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "culprit", "changes"),
    [
        ("had_everything", Culprit.BIDDER, {}),
        (
            "had_everything",
            Culprit.BIDDER,
            {"failures": (("no_key", AT),), "rehearsed": "never", "self_check_at": None},
        ),
        ("had_everything", Culprit.BIDDER, {"tries": 3, "fetched_at": None, "rehearsed": "never"}),
        ("never_fetched", Culprit.UNKNOWN, {"fetched_at": None}),
        ("not_enough", Culprit.UNKNOWN, {"rehearsed": "never", "self_check_at": None}),
        ("not_enough", Culprit.UNKNOWN, {"others_released": 0}),
        ("on_the_way", Culprit.UNKNOWN, {"failures": (("network", AT),)}),
        ("on_the_way", Culprit.UNKNOWN, {"failures": (("envelope", AT),)}),
        ("was_red", Culprit.UNKNOWN, {"was_red": True}),
        ("failed_while_red", Culprit.PLATFORM, {"was_red": True, "was_failing_while_red": True}),
        ("failed_together", Culprit.PLATFORM, {"failed_together": 2, "failures": (("network", AT),)}),
        ("escrow_not_confirmed", Culprit.PLATFORM, {"escrow": "asked"}),
        ("custodians", Culprit.UNKNOWN, {"escrow": "confirmed"}),
        ("custodians", Culprit.UNKNOWN, {"escrow": "compulsory"}),
        ("outer_layer", Culprit.UNKNOWN, {"fault": "holder.gate_too_few"}),
        ("corrupt", Culprit.UNKNOWN, {"fault": "bidder.schedule_malformed"}),
        ("corrupt", Culprit.UNKNOWN, {"gate_faults": ("bidder.gate_wrap",)}),
        ("store", Culprit.PLATFORM, {"fault": "store.root"}),
    ],
)
def test_each_row_of_the_rule_suggests_its_culprit(row: str, culprit: Culprit, changes: dict[str, object]) -> None:
    found = propose(replace(READY, **changes))  # type: ignore[arg-type]
    assert (found.row, found.culprit) == (row, culprit)


def test_nothing_known_is_unknown() -> None:
    found = propose(Evidence(seat=1))
    assert found.culprit is Culprit.UNKNOWN
    assert {line.code for line in found.lines} >= {"never_fetched", "never_rehearsed", "no_self_check", "was_green"}


def test_one_bidder_alone_is_never_a_common_failure() -> None:
    alone = replace(READY, seats=2, failed_together=1, failures=(("no_key", AT),))
    assert not alone.is_common
    assert propose(alone).culprit is Culprit.BIDDER


def test_a_share_just_reached_is_not_passed() -> None:
    at_share = replace(READY, seats=10, failed_together=3)
    assert not at_share.is_common
    assert replace(at_share, failed_together=4).is_common


def test_every_line_names_its_instant_or_count() -> None:
    found = propose(replace(READY, tries=2, failures=(("wrong_key", AT),), escrow="asked", failed_together=2))
    by_code = {line.code: line for line in found.lines}
    assert by_code["tries"].count == 2
    assert (by_code["failure"].what, by_code["failure"].at, by_code["failure"].speaks) == ("wrong_key", AT, "bidder")
    assert (by_code["failed_together"].count, by_code["failed_together"].of) == (2, 5)
    assert by_code["rehearsed"].at == AT
    assert by_code["escrow_asked"].speaks == "platform"


def test_a_rehearsal_with_another_secret_stands_in_the_lines_and_makes_nobody_ready() -> None:
    found = propose(replace(READY, rehearsed="wrong", self_check_at=None))
    assert ("rehearsed_wrong", "bidder") in {(line.code, line.speaks) for line in found.lines}
    assert found.culprit is Culprit.UNKNOWN


# --- two people decide ------------------------------------------------------------------------------------------------


@pytest.fixture
def room() -> Room:
    """The window is closed; seat 4 did not release."""
    room = Room()
    room.to_window(4, escrow_rule="none")
    for number in (1, 2, 3):
        room.release(number)
    room.wait(30)
    room.end_window()
    room.close_window()
    return room


def propose_it(room: Room, culprit: str = "bidder", by: str = "host", number: int = 4) -> None:
    room.happen(*attribution.propose_fault(room.state, number, culprit, by, "未操作"))


@pytest.mark.parametrize(
    ("culprit", "consequence"), [("bidder", Consequence.REVOKED), ("platform", Consequence.WITHDRAWN)]
)
def test_a_second_person_decides_and_the_consequence_is_the_laws(
    room: Room, culprit: str, consequence: Consequence
) -> None:
    propose_it(room, culprit)
    (event,) = attribution.confirm_fault(room.state, 4, "supervisor")
    assert isinstance(event, e.FaultAttributed)
    assert (event.culprit, event.consequence, event.proposed_by, event.by) == (
        culprit,
        consequence,
        "host",
        "supervisor",
    )
    room.happen(event)
    assert room.state.unattributed == ()
    assert room.state.seats[3].fault_proposal is None
    with pytest.raises(AlreadyDone):
        attribution.propose_fault(room.state, 4, "platform", "host", "再议")


def test_the_proposer_is_not_the_second_person(room: Room) -> None:
    propose_it(room)
    with pytest.raises(SecondPersonNeeded):
        attribution.confirm_fault(room.state, 4, "host")
    with pytest.raises(AlreadyDone):
        propose_it(room, by="other")


def test_nothing_proposed_is_nothing_to_confirm_or_take_back(room: Room) -> None:
    with pytest.raises(NothingProposed):
        attribution.confirm_fault(room.state, 4, "supervisor")
    with pytest.raises(NothingProposed):
        attribution.withdraw_fault(room.state, 4)
    propose_it(room)
    room.happen(*attribution.withdraw_fault(room.state, 4))
    assert room.state.seats[3].fault_proposal is None
    propose_it(room, "platform")


@pytest.mark.parametrize(
    ("number", "culprit", "why"), [(1, "bidder", "x"), (9, "bidder", "x"), (4, "unknown", "x"), (4, "bidder", " ")]
)
def test_only_a_closed_seat_a_known_culprit_and_a_reason_are_taken(
    room: Room, number: int, culprit: str, why: str
) -> None:
    with pytest.raises(InvalidInput):
        attribution.propose_fault(room.state, number, culprit, "host", why)


def test_nothing_is_attributed_while_the_window_is_open() -> None:
    room = Room()
    room.to_window(4)
    with pytest.raises(NotNow):
        attribution.propose_fault(room.state, 4, "bidder", "host", "x")


def test_the_bidder_gives_its_reason_once(room: Room) -> None:
    room.happen(*attribution.give_reason(room.state, "org-4", "person", " 停电 "))
    assert room.state.seats[3].own_reason == "停电"
    assert attribution.give_reason(room.state, "org-4", "person", "停电") == ()
    with pytest.raises(TooManyTries):
        attribution.give_reason(room.state, "org-4", "person", "另一个理由")
    with pytest.raises(InvalidInput):
        attribution.give_reason(room.state, "org-1", "person", "我已解密")


# --- closing, and the gate --------------------------------------------------------------------------------------------


def to_confirming(room: Room) -> None:
    room.happen(*rules.release_gate(room.state, [0, 1], 2))
    room.draw()
    for number in (1, 2, 3):
        room.read_price(number)
    room.happen(*rules.start_reading(room.state))
    room.happen(*rules.open_query(room.state, room.at))
    room.wait(10)
    room.happen(*rules.open_confirmation(room.state, room.at))


def test_what_nobody_decided_never_holds_the_gate_and_always_the_closing(room: Room) -> None:
    to_confirming(room)  # gate, draw and reading went on
    room.wait(10)
    assert rules.due_step(room.state, room.at) is None
    assert rules.is_kept_open(room.state, room.at)
    with pytest.raises(StillWaiting) as refused:
        rules.close(room.state, room.at)
    assert refused.value.fields == {"waiting": "attribution", "seats": [4]}
    room.wait(60)
    propose_it(room, "platform")
    room.happen(*attribution.confirm_fault(room.state, 4, "supervisor"))
    assert rules.due_step(room.state, room.at) == "close"
    room.happen(*rules.close(room.state, room.at))
    assert room.state.phase is Phase.CLOSED


def test_before_its_limit_the_wait_is_for_confirmations(room: Room) -> None:
    to_confirming(room)
    assert not rules.is_kept_open(room.state, room.at)
    with pytest.raises(StillWaiting) as refused:
        rules.close(room.state, room.at)
    assert refused.value.fields["waiting"] == "confirmation"


def test_an_unreadable_bid_is_attributed_like_a_missing_one() -> None:
    room = Room()
    room.to_drawn(4)
    room.happen(e.BidUnreadable(LOT, 2, "org-2", room.state.seats[1].bid, "store.root"))
    assert [seat.number for seat in room.state.unattributed] == [2]
    propose_it(room, "platform", number=2)
    room.happen(*attribution.confirm_fault(room.state, 2, "supervisor"))
    assert room.state.unattributed == ()
