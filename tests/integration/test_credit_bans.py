from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import facade as accounts
from credit import queries, rules, services
from credit.errors import BanAnnulledAlready, BanEndsBeforeStart, BanKnown
from credit.facade import bans_in_force
from credit.services import NewBan
from foundation.actor import Actor, system
from foundation.codes import UsccMalformed, synthetic_uscc
from foundation.errors import NotPermitted
from foundation.events import load, public_projection
from foundation.journal import read_stream
from tests.integration.support_claims import NAME, NOW, USCC, Town, make_town

TICK = timedelta(microseconds=1)
BAN = NewBan(
    uscc=USCC,
    name=NAME,
    authority="常州市住房和城乡建设局",
    decision_no="常建罚〔2026〕12号",
    clause="招标投标法第五十三条",
    starts_at=NOW + timedelta(days=1),
    ends_at=NOW + timedelta(days=366),
    document_reference="https://example.invalid/12",
)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return make_town(tmp_path)


@pytest.fixture
def supervisor(town: Town) -> Actor:
    return town.person(str(town.organisation("住建局", synthetic_uscc(50)).org_id), "supervisor")


def enter(town: Town, actor: Actor, ban: NewBan = BAN) -> str:
    with town.units.begin(actor) as unit:
        return services.enter_ban(unit, ban)


def held(town: Town, actor: Actor, at: datetime) -> list[str]:
    with town.units.read() as unit:
        return [card.decision_no for card in bans_in_force(unit, str(actor.org_id), at)]


def test_a_ban_holds_from_its_start_to_just_before_its_end(town: Town, supervisor: Actor) -> None:
    bidder = town.organisation()
    enter(town, supervisor)
    assert held(town, bidder, BAN.starts_at - TICK) == []
    assert held(town, bidder, BAN.starts_at) == [BAN.decision_no]
    assert held(town, bidder, BAN.ends_at - TICK) == [BAN.decision_no]
    assert held(town, bidder, BAN.ends_at) == []


@given(
    start=st.integers(0, 50),
    length=st.integers(1, 50),
    at=st.integers(0, 120),
    annulled=st.none() | st.integers(0, 120),
)
def test_the_rule_is_half_open_everywhere(start: int, length: int, at: int, annulled: int | None) -> None:
    def instant(number: int) -> datetime:
        return NOW + number * TICK

    expected = at in range(start, min(start + length, 10**6 if annulled is None else annulled))
    assert expected == rules.is_in_force(
        starts_at=instant(start),
        ends_at=instant(start + length),
        annulled_at=None if annulled is None else instant(annulled),
        at=instant(at),
    )


def test_a_ban_follows_the_code_and_not_the_account(town: Town, supervisor: Actor) -> None:
    town.organisation()
    enter(town, supervisor)
    again = town.organisation("换了名字的公司", USCC)
    other = town.organisation("无关公司", synthetic_uscc(2))
    assert held(town, again, BAN.starts_at) == [BAN.decision_no]
    assert held(town, other, BAN.starts_at) == []


@pytest.mark.parametrize("role", ["bidder", "tenderee", "agency", "expert", "centre_staff", "administrator", "witness"])
def test_nobody_but_a_supervisor_enters_a_ban(town: Town, supervisor: Actor, role: str) -> None:
    actor = replace(supervisor, roles=frozenset({role}), role=role)
    with pytest.raises(NotPermitted):
        enter(town, actor)
    with pytest.raises(NotPermitted):
        enter(town, system("worker"))
    assert enter(town, supervisor)


def test_a_ban_without_a_term_or_with_a_malformed_code_is_refused(town: Town, supervisor: Actor) -> None:
    with pytest.raises(BanEndsBeforeStart):
        enter(town, supervisor, replace(BAN, ends_at=BAN.starts_at))
    with pytest.raises(UsccMalformed):
        enter(town, supervisor, replace(BAN, uscc="91"))
    assert enter(town, supervisor)


def test_one_decision_is_entered_once_for_an_organisation(town: Town, supervisor: Actor) -> None:
    enter(town, supervisor)
    with pytest.raises(BanKnown):
        enter(town, supervisor)
    assert enter(town, supervisor, replace(BAN, uscc=synthetic_uscc(9)))


def test_a_ban_is_public_and_its_holder_is_told(town: Town, supervisor: Actor) -> None:
    bidder = town.organisation()
    with town.units.begin(system("seed")) as unit:
        accounts.vouch_for(unit, str(bidder.org_id), "register")
    enter(town, supervisor, replace(BAN, name="写错的名字"))
    assert "inbox.ban_entered" in town.inbox(bidder)
    with town.units.read() as unit:
        entry = read_stream(unit.session, f"credit:{USCC}")[0]
        projection = public_projection(load(entry.event.TYPE, vars(entry.event)))
    assert projection is not None
    assert projection["name"] == NAME
    assert entry.actor_role == "supervisor"


def test_an_annulled_ban_holds_no_more_but_stays_readable(town: Town, supervisor: Actor) -> None:
    bidder = town.organisation()
    ban_id = enter(town, supervisor)
    inside = BAN.starts_at + timedelta(days=1)
    town.clock.set(inside)
    with town.units.begin(supervisor) as unit:
        services.annul_ban(unit, ban_id, "行政复议撤销")
    assert held(town, bidder, inside - TICK) == [BAN.decision_no]
    assert held(town, bidder, inside) == []
    with pytest.raises(BanAnnulledAlready), town.units.begin(supervisor) as unit:
        services.annul_ban(unit, ban_id, "再来")
    with town.units.read() as unit:
        assert [line.standing for line in queries.public_bans(unit)] == ["annulled"]


@pytest.mark.parametrize(
    ("days", "later", "standings"),
    [
        (365, 0, ["upcoming"]),
        (365, 10, ["in_force"]),
        (365, 400, []),
        (30, 60, ["over"]),  # published for six months at least
        (30, 200, []),
    ],
)
def test_the_public_list_shows_a_ban_for_six_months_or_its_term(
    town: Town, supervisor: Actor, days: int, later: int, standings: list[str]
) -> None:
    enter(town, supervisor, replace(BAN, ends_at=BAN.starts_at + timedelta(days=days)))
    town.clock.step(timedelta(days=later))
    with town.units.read() as unit:
        assert [line.standing for line in queries.public_bans(unit)] == standings


def test_six_months_end_on_the_last_day_of_a_shorter_month() -> None:
    start = datetime(2026, 8, 30, 16, 30, tzinfo=UTC)  # 31 August 00:30 in Beijing
    assert rules.months_later(start, 6) == datetime(2027, 2, 27, 16, 30, tzinfo=UTC)
