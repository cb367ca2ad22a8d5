from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from accounts import passwords, rules
from accounts.duties import DUTIES, INCOMPATIBLE, Action, Part, conflicts_among, part_of, roles_that_do
from accounts.errors import PasswordsBusy
from accounts.roles import GRANTED, SELF_SERVICE, Role, acting_role
from accounts.states import CLAIM_MACHINE, ClaimState, ClaimTrigger
from foundation.machine import WrongState

START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", rules.FileKind.PDF),
        (b"\x89PNG\r\n\x1a\n\0", rules.FileKind.PNG),
        (b"\xff\xd8\xff\xe0", rules.FileKind.JPEG),
        (b"<html>", None),
        (b" %PDF-1.7", None),
        (b"", None),
    ],
)
def test_a_file_is_known_by_its_first_bytes(content: bytes, kind: rules.FileKind | None) -> None:
    assert rules.file_kind(content) is kind


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("常州澄岳（集团）有限公司", "常州澄岳(集团) 有限公司", True),
        ("ABC建设", "abc建设", True),
        ("常州澄岳建设有限公司", "常州澄岳建设工程有限公司", False),
        ("", "", False),
    ],
)
def test_names_are_compared_without_width_blanks_and_case(one: str, other: str, same: bool) -> None:
    assert rules.same_name(one, other) is same


def test_a_code_counts_only_as_a_word_of_its_own() -> None:
    code = "91320412MA1W00012X"
    assert rules.names_code([f"NTRCN-{code}"], code)
    assert rules.names_code(["something", code.lower()], code)
    assert not rules.names_code([f"{code}1", f"A{code}"], code)


def test_a_session_is_over_at_the_instant_of_its_end() -> None:
    def live(machine: datetime, ended_at: datetime | None = None) -> bool:
        return rules.session_is_live(
            seen_at=START, expires_at=START + timedelta(hours=1), ended_at=ended_at, machine=machine
        )

    assert live(START + timedelta(hours=1) - timedelta(microseconds=1))
    assert not live(START + timedelta(hours=1))
    assert not live(START, ended_at=START)


def test_a_session_without_use_is_over_at_the_instant_of_idleness() -> None:
    def live(machine: datetime) -> bool:
        return rules.session_is_live(
            seen_at=START, expires_at=START + timedelta(days=9), ended_at=None, machine=machine
        )

    assert live(START + rules.SESSION_IDLE - timedelta(microseconds=1))
    assert not live(START + rules.SESSION_IDLE)


def test_a_reference_has_no_letters_that_are_misread() -> None:
    reference = rules.reference_of(bytes(range(16)))
    assert len(reference) == rules.REFERENCE_LENGTH
    assert not set("01ILOS") & set(rules.REFERENCE_ALPHABET)


def test_nobody_but_the_bidder_itself_sees_a_sealed_bid() -> None:
    assert dict(DUTIES[Action.SEE_SEALED_BIDS]) == {Role.BIDDER: Part.OWN}


def test_the_table_of_duties_has_a_row_for_every_action_and_names_known_roles() -> None:
    assert set(DUTIES) == set(Action)
    assert all(row for row in DUTIES.values())
    assert part_of("supervisor", Action.DECIDE_BAN) is Part.DO
    assert part_of("centre_staff", Action.DECIDE_BAN) is None


def test_no_two_roles_that_do_the_same_action_stand_on_both_sides() -> None:
    assert roles_that_do(Action.VERIFY_CLAIM) == {Role.CENTRE_STAFF}
    assert roles_that_do(Action.ASSIGN_ROLES) == {Role.ADMINISTRATOR}
    assert not roles_that_do(Action.SEE_SEALED_BIDS)


@pytest.mark.parametrize(
    ("roles", "pair"),
    [
        (["bidder", "tenderee", "agency"], None),
        (["supervisor", "gate_holder"], None),
        (["tenderee", "gate_holder"], None),
        (["centre_staff", "supervisor"], (Role.CENTRE_STAFF, Role.SUPERVISOR)),
        (["expert", "bidder"], (Role.BIDDER, Role.EXPERT)),
        (["administrator", "gate_holder"], (Role.GATE_HOLDER, Role.ADMINISTRATOR)),
        (["custodian", "gate_holder"], (Role.GATE_HOLDER, Role.CUSTODIAN)),
    ],
)
def test_roles_that_exclude_each_other_are_found(roles: list[str], pair: tuple[Role, Role] | None) -> None:
    assert conflicts_among(roles) == ((pair,) if pair else ())


def test_the_roles_anybody_may_take_go_together() -> None:
    assert not conflicts_among(SELF_SERVICE)
    assert all(len(pair) == 2 for pair in INCOMPATIBLE)


def test_a_person_acts_in_its_first_role() -> None:
    assert acting_role(["gate_holder", "tenderee"]) == "tenderee"
    assert acting_role([]) == "public"
    assert Role.PUBLIC not in GRANTED


def test_a_verified_claim_cannot_be_started_again() -> None:
    assert CLAIM_MACHINE.advance(ClaimState.REJECTED, ClaimTrigger.START) is ClaimState.PENDING
    with pytest.raises(WrongState):
        CLAIM_MACHINE.advance(ClaimState.VERIFIED, ClaimTrigger.START)


def test_only_so_many_passwords_are_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.05)
    inside, release = threading.Event(), threading.Event()

    class Slow:
        def hash(self, password: str) -> str:
            inside.set()
            release.wait(5)
            return password

    limited = passwords.Passwords(Slow(), at_once=1)  # type: ignore[arg-type]
    first = threading.Thread(target=limited.hash, args=("one",))
    first.start()
    inside.wait(5)
    with pytest.raises(PasswordsBusy):
        limited.hash("two")
    release.set()
    first.join()
    assert limited.hash("three") == "three"


def test_a_right_password_matches_and_a_broken_hash_never_does() -> None:
    quick = passwords.Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    kept = quick.hash("a sentence nobody guesses")
    assert quick.matches(kept, "a sentence nobody guesses")
    assert not quick.matches(kept, "another sentence")
    assert not quick.matches("not a hash", "a sentence nobody guesses")
    assert passwords.Passwords().is_outdated(kept)
