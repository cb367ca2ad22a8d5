"""Sign-in by papers, absence, identity checks, refusal: each rule, and the refusal beside it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from bid_opening import identity_rules as ir
from bid_opening import rules
from bid_opening.announcements import statements
from bid_opening.ceremony import fold, fold_all
from bid_opening.errors import (
    AlreadyDone,
    BidIsRefused,
    EmergencyNotYet,
    NothingProposed,
    NotNow,
    SecondPersonNeeded,
    StillWaiting,
    TooLate,
)
from bid_opening.escrow_rules import request_escrow
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import bid_opening as e
from foundation.i18n import EN, ZH, term
from foundation.machine import WrongState
from tests.support_ceremony import LOT, OPENS, Room, scheduled

ONE_MS = timedelta(milliseconds=1)


@pytest.fixture
def room() -> Room:
    return Room()


# Sign-in by papers ----------------------------------------------------------------------------------------------------


def test_papers_are_taken_in_the_published_last_minutes_only(room: Room) -> None:
    room.happen(scheduled(emergency_minutes=20), e.CheckInOpened(LOT))
    begins = OPENS - timedelta(minutes=20)
    assert ir.emergency_from(room.state) == begins
    with pytest.raises(EmergencyNotYet) as early:
        ir.may_sign_in_by_papers(room.state, begins - ONE_MS)
    assert early.value.fields["begins"] == begins
    ir.may_sign_in_by_papers(room.state, begins)
    ir.may_sign_in_by_papers(room.state, OPENS - ONE_MS)
    with pytest.raises(TooLate):
        ir.may_sign_in_by_papers(room.state, OPENS)


def test_papers_are_not_taken_before_or_after_the_sign_in(room: Room) -> None:
    early = Room()
    early.happen(scheduled())
    with pytest.raises(NotNow):
        ir.may_sign_in_by_papers(early.state, OPENS - timedelta(minutes=5))
    room.to_frozen(3)
    with pytest.raises(NotNow):
        ir.may_sign_in_by_papers(room.state, OPENS - timedelta(minutes=5))


# Absence --------------------------------------------------------------------------------------------------------------


def test_an_absence_has_one_of_three_reasons_and_other_needs_words(room: Room) -> None:
    room.to_frozen(3)
    room.state = room.state.with_seat(1, is_checked_in=False)
    assert tuple(ir.ABSENCE_NUMBERS.values()) == (1, 2, 9)
    with pytest.raises(InvalidInput):
        ir.explain_absence(room.state, 1, "other", "  ", "host")
    with pytest.raises(InvalidInput):
        ir.explain_absence(room.state, 1, "ill", "", "host")
    with pytest.raises(InvalidInput):
        ir.explain_absence(room.state, 9, "late", "", "host")
    room.happen(*ir.explain_absence(room.state, 1, "other", "堵车", "host"))
    found = room.state.seats[0].absence
    assert found is not None
    assert (found.reason, found.text) == ("other", "堵车")
    assert ir.explain_absence(room.state, 1, "other", "堵车", "host") == ()
    room.happen(*ir.explain_absence(room.state, 1, "abandoned", "", "host"))
    after = room.state.seats[0].absence
    assert after is not None
    assert after.reason == "abandoned"


def test_whoever_signed_in_was_not_absent(room: Room) -> None:
    room.to_frozen(3)
    assert room.state.seats[1].is_checked_in
    with pytest.raises(AlreadyDone):
        ir.explain_absence(room.state, 2, "late", "", "host")


# Identity -------------------------------------------------------------------------------------------------------------


def test_a_failed_check_needs_a_reason_and_the_last_word_counts(room: Room) -> None:
    room.to_frozen(3)
    with pytest.raises(InvalidInput):
        ir.check_identity(room.state, 1, "letter", "host", " ", is_passed=False)
    with pytest.raises(InvalidInput):
        ir.check_identity(room.state, 1, "shoes", "host", is_passed=True)
    room.happen(*ir.check_identity(room.state, 1, "letter", "host", "没有盖章", is_passed=False))
    room.happen(*ir.check_identity(room.state, 1, "person", "host", is_passed=True))
    assert ir.check_identity(room.state, 1, "person", "host", is_passed=True) == ()
    seat = room.state.seats[0]
    letter, person = seat.check_of("letter"), seat.check_of("person")
    assert letter is not None
    assert person is not None
    assert (letter.is_passed, letter.reason, letter.by, letter.at) == (False, "没有盖章", "host", room.at)
    assert person.is_passed
    assert seat.check_of("certificate") is None
    room.happen(*ir.check_identity(room.state, 1, "letter", "host", "已补盖章", is_passed=True))
    assert [one.what for one in room.state.seats[0].checks] == ["person", "letter"]
    assert fold_all(room.events) == room.state


def test_identities_are_checked_between_the_list_and_the_reading(room: Room) -> None:
    early = Room()
    early.happen(scheduled(), e.CheckInOpened(LOT))
    with pytest.raises(NotNow):
        ir.check_identity(early.state, 1, "person", "host", is_passed=True)
    room.to_query()
    with pytest.raises(NotNow):
        ir.check_identity(room.state, 1, "person", "host", is_passed=True)
    with pytest.raises(WrongState):
        fold(room.state, e.IdentityChecked(LOT, 1, "org-1", "person", True, "", "host"), room.at)  # noqa: FBT003


# Refusal --------------------------------------------------------------------------------------------------------------


def test_a_bid_is_refused_by_two_people_on_a_ground_of_law(room: Room) -> None:
    room.to_frozen(4)
    with pytest.raises(InvalidInput):
        ir.propose_refusal(room.state, 2, "ugly", "字迹潦草", "host")
    with pytest.raises(InvalidInput):
        ir.propose_refusal(room.state, 2, "not_sealed", " ", "host")
    with pytest.raises(NothingProposed):
        ir.confirm_refusal(room.state, 2, "boss")
    room.happen(*ir.propose_refusal(room.state, 2, "not_sealed", "密文与封存清单不一致", "host"))
    with pytest.raises(AlreadyDone):
        ir.propose_refusal(room.state, 2, "late", "又一次", "host")
    with pytest.raises(SecondPersonNeeded):
        ir.confirm_refusal(room.state, 2, "host")
    with pytest.raises(SecondPersonNeeded):
        ir.withdraw_refusal(room.state, 2, "boss")
    with pytest.raises(StillWaiting) as waits:
        rules.open_window(room.state, room.at)
    assert waits.value.fields["waiting"] == "refusal"
    room.happen(*ir.confirm_refusal(room.state, 2, "boss"))
    refusal = room.state.seats[1].refusal
    assert refusal is not None
    assert (refusal.ground, refusal.by, refusal.confirmed_by) == ("not_sealed", "host", "boss")
    with pytest.raises(AlreadyDone):
        ir.propose_refusal(room.state, 2, "late", "再来", "host")
    assert room.state.phase is Phase.LIST_PUBLISHED
    assert fold_all(room.events) == room.state


def test_a_refused_bid_gives_no_key_and_nobody_waits_for_it(room: Room) -> None:
    room.to_frozen(4)
    room.happen(*ir.propose_refusal(room.state, 2, "late", "逾期", "host"))
    room.happen(*ir.confirm_refusal(room.state, 2, "boss"))
    room.happen(*rules.open_window(room.state, room.at))
    with pytest.raises(BidIsRefused):
        rules.release(room.state, "org-2", room.at, matches=True)
    with pytest.raises(BidIsRefused):
        request_escrow(dataclasses.replace(room.state, escrow_rule="on_request"), "org-2", "u", "坏了", room.at)
    for number in (1, 3, 4):
        room.release(number)
    (ended,) = rules.end_window(room.state, room.at)
    assert isinstance(ended, e.WindowEnded)
    assert (ended.released, ended.missing) == (3, ())
    room.happen(ended)
    assert room.state.escrow_due == ()
    closed, *more = rules.close_window(room.state, room.at, tender="t", lot_code="l")
    assert isinstance(closed, e.WindowClosed)
    assert more == []
    assert closed.missing == (room.state.seats[1].bid,)
    room.happen(closed)
    assert room.state.unattributed == ()  # the law answers for it, not a person


def test_a_proposal_that_is_taken_back_or_not_agreed_to_leaves_the_bid_as_it_was(room: Room) -> None:
    room.to_frozen(3)
    for end, by in ((ir.withdraw_refusal, "host"), (ir.reject_refusal, "boss")):
        room.happen(*ir.propose_refusal(room.state, 1, "late", "逾期", "host"))
        room.happen(*end(room.state, 1, by))
        assert (room.state.seats[0].refusal_asked, room.state.seats[0].refusal) == (None, None)
    room.happen(*rules.open_window(room.state, room.at))
    with pytest.raises(NotNow):
        ir.propose_refusal(room.state, 1, "late", "太晚了", "host")  # keys move now: the committee's from here on
    room.release(1)


def test_too_few_bids_left_fail_the_opening_before_any_key_moves(room: Room) -> None:
    room.to_frozen(3)
    room.happen(*ir.propose_refusal(room.state, 3, "not_prequalified", "未通过预审", "host"))
    room.happen(*ir.confirm_refusal(room.state, 3, "boss"))
    assert (room.state.phase, room.state.failure) == (Phase.FAILED, "too_few_bids")
    assert (room.state.failure_count, room.state.failure_minimum) == (2, 3)
    assert fold_all(room.events) == room.state


# What is read out -----------------------------------------------------------------------------------------------------


def test_each_phase_has_its_words_and_their_source_in_both_languages(room: Room) -> None:
    early = Room()
    early.happen(scheduled(), e.CheckInOpened(LOT))
    assert [one.code for one in statements(early.state)] == ["check_in"]
    room.to_frozen(3)
    said = statements(room.state)
    assert [one.code for one in said] == ["discipline", "list_published"]
    assert "3 家" in term("statutory.list_published", ZH, **said[1].params)
    room.happen(*rules.open_window(room.state, room.at))
    (decrypting,) = statements(room.state)
    assert "30 分钟" in term("statutory.decrypting", ZH, **decrypting.params)
    assert "30 minutes" in term("statutory.decrypting", EN, **decrypting.params)
    for phase in Phase:
        for one in statements(dataclasses.replace(room.state, phase=phase)):
            for lang in (ZH, EN):
                assert "…" not in term(f"statutory.{one.code}", lang, **one.params)
                assert term(f"statutory_ground.{one.code}", lang)


def test_before_the_list_what_is_read_out_tells_no_count(room: Room) -> None:
    room.happen(scheduled(), e.CheckInOpened(LOT))
    room.at = OPENS
    room.happen(e.IntakeClosed(LOT))
    assert all(one.params == {} for one in statements(room.state))
