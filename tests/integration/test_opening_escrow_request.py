"""A dead device costs no bid where the tender document has escrow on request: asked for, confirmed, opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bid_opening import queries
from bid_opening.errors import EscrowNotOnRequest
from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.actor import PUBLIC, Actor
from foundation.errors import NotPermitted
from foundation.events import bid_opening as e
from foundation.i18n import EN, ZH, sentence
from foundation.journal import JournalEntry
from foundation.journal.read import entry_of
from keyholding.models import EscrowBid
from tests.support_opening import Opening, make_opening

REASON = "笔记本电脑主板烧毁，备份文件也在其中"


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """Four bids in the window; the third and the fourth bidder have not released."""
    made = make_opening(tmp_path, bids=4, escrow_rule="on_request")
    made.to_window()
    for index in range(2):
        made.release(index)
    return made


def asked_bids(opening: Opening) -> list[str]:
    with opening.world.units.read() as unit:
        return list(unit.session.scalars(select(EscrowBid.bid).where(EscrowBid.lot_id == opening.lot.id)))


def ask(opening: Opening, index: int) -> None:
    opening.act(opening.bidders[index].actor, acts.request_escrow, REASON)


def confirm(opening: Opening, index: int, who: Actor | None = None) -> None:
    opening.act(who or opening.staff, acts.confirm_escrow, opening.seat(index).number)


def entries(opening: Opening, kind: type[Any]) -> list[JournalEntry]:
    with opening.world.units.read() as unit:
        return list(unit.session.scalars(select(JournalEntry).where(JournalEntry.type == kind.TYPE)))


def test_a_confirmed_request_is_opened_by_custodians_and_an_unasked_one_is_not(opening: Opening) -> None:
    ask(opening, 2)
    confirm(opening, 2)
    assert asked_bids(opening) == []  # nobody is asked while the bidder may still come
    opening.pass_window()
    assert asked_bids(opening) == [opening.sealed[2].bid]
    opening.give_escrow_shares(0, 2)
    opening.look()
    assert (opening.seat(2).escrowed_at is None, opening.seat(3).is_recoverable) == (False, False)
    assert opening.state.phase is Phase.WINDOW_CLOSED
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert opening.seat(2).total == "12001999.00"
    opening.assert_story_holds()


def test_a_request_confirmed_after_the_window_is_asked_for_at_once(opening: Opening) -> None:
    ask(opening, 2)
    opening.pass_window()
    assert opening.state.phase is Phase.DECRYPTING  # it asked in time
    assert asked_bids(opening) == []
    confirm(opening, 2)
    assert asked_bids(opening) == [opening.sealed[2].bid]
    opening.give_escrow_shares(0, 1)
    opening.look()
    assert opening.seat(2).escrowed_at is not None


def test_an_unconfirmed_request_stays_missing_and_fails_the_opening_like_any_other(opening: Opening) -> None:
    ask(opening, 2)
    opening.pass_window()
    until = opening.state.until
    assert until is not None
    opening.at(until)
    opening.look()
    assert asked_bids(opening) == []
    assert (opening.state.phase, opening.state.failure) == (Phase.FAILED, "too_few_released")


def test_shares_of_a_bid_that_nobody_asked_for_open_nothing(opening: Opening) -> None:
    ask(opening, 2)
    confirm(opening, 2)
    opening.pass_window()
    with opening.world.units.begin(opening.staff) as unit:  # a fault of ours: custodians are asked for one more
        bid = opening.sealed[3]
        unit.session.add(
            EscrowBid(lot_id=opening.lot.id, bid=bid.bid, header=bid.sealed.header.raw, manifest=b"not looked at")
        )
    opening.give_escrow_shares(0, 1)
    opening.look()
    assert opening.seat(2).escrowed_at is not None
    assert not opening.seat(3).is_recoverable


def test_only_the_bidder_asks_and_only_the_duty_desk_confirms(opening: Opening) -> None:
    for actor in (opening.host, opening.supervisor, opening.staff):
        with pytest.raises(NotPermitted):
            opening.act(actor, acts.request_escrow, REASON)
    ask(opening, 2)
    for actor in (opening.host, opening.supervisor, opening.bidders[2].actor, opening.bidders[0].actor):
        with pytest.raises(NotPermitted):
            confirm(opening, 2, actor)
    confirm(opening, 2)
    (confirmed,) = entries(opening, e.EscrowRequestConfirmed)
    assert confirmed.actor_user_id == opening.staff.user_id


@pytest.mark.parametrize(("rule", "says"), [("none", "不设备份启封"), ("compulsory", "由备份保管人代为启封")])
def test_elsewhere_the_refusal_says_what_the_tender_document_says(tmp_path: Path, rule: str, says: str) -> None:
    opening = make_opening(tmp_path, escrow_rule=rule)
    opening.to_window()
    with pytest.raises(EscrowNotOnRequest) as refused:
        ask(opening, 2)
    spoken = [sentence("errors", refused.value.code, refused.value.fields, lang) for lang in (ZH, EN)]
    assert says in spoken[0]
    assert "escrow" in spoken[1].lower()
    assert entries(opening, e.EscrowRequested) == []
    assert "request-escrow" not in offers(opening, opening.bidders[2].actor)


def test_the_reason_reaches_staff_and_the_bidder_itself_and_nobody_else(opening: Opening) -> None:
    ask(opening, 2)
    number = opening.seat(2).number
    seen = {actor.display_name: page(opening, actor).seats[number - 1].escrow_reason for actor in insiders(opening)}
    assert set(seen.values()) == {REASON}
    for actor in (PUBLIC, opening.bidders[0].actor):
        shown = page(opening, actor).seats[number - 1]
        assert (shown.escrow_reason, shown.escrow_asked_at is None) == (None, False)
    assert REASON not in json.dumps(opening.frames(), ensure_ascii=False)
    (entry,) = entries(opening, e.EscrowRequested)
    event = entry_of(entry).event
    assert isinstance(event, e.EscrowRequested)
    assert (event.reason, {"reason", "by", "org_id"} & set(event.PUBLIC_FIELDS)) == (REASON, set())


def insiders(opening: Opening) -> list[Actor]:
    return [opening.host, opening.supervisor, opening.staff, opening.bidders[2].actor]


def test_the_acts_are_offered_to_whom_they_are_open(opening: Opening) -> None:
    assert offers(opening, opening.bidders[2].actor)["request-escrow"]
    assert not offers(opening, opening.bidders[0].actor)["request-escrow"]  # it has released
    assert "confirm-escrow" not in offers(opening, opening.staff)
    ask(opening, 2)
    assert offers(opening, opening.staff)["confirm-escrow"]
    assert "confirm-escrow" not in offers(opening, opening.supervisor)
    confirm(opening, 2)
    assert "confirm-escrow" not in offers(opening, opening.staff)


def offers(opening: Opening, actor: Actor) -> dict[str, bool]:
    return {one.act: one.is_allowed for one in page(opening, actor).offers}


def page(opening: Opening, actor: Actor) -> queries.RoomPage:
    with opening.world.units.read(actor) as unit:
        return queries.room_page(unit, opening.lot.id)
