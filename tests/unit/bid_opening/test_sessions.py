"""What a host can do with several lots at once, and whose turn it is to be read out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bid_opening.sessions import ACTS, READ, TOGETHER, LotStand, is_over, joint_acts, next_to_read
from bid_opening.states import Phase


def stand(number: int, phase: Phase, **offers: bool) -> LotStand:
    return LotStand(f"lot-{number}", number, phase, {act.replace("_", "-"): can for act, can in offers.items()})


def test_an_act_reaches_the_lots_that_allow_it_and_names_those_that_do_not_yet() -> None:
    lots = [
        stand(1, Phase.LIST_PUBLISHED, start_decryption=True),
        stand(2, Phase.LIST_PUBLISHED, start_decryption=False),
        stand(3, Phase.FAILED),
        stand(4, Phase.LIST_PUBLISHED, start_decryption=True),
    ]
    (one,) = joint_acts(lots)
    assert (one.act, one.lots, one.not_yet) == ("start-decryption", ("lot-1", "lot-4"), ("lot-2",))


def test_joint_acts_stand_in_the_order_of_the_ceremony() -> None:
    lots = [
        stand(1, Phase.CONFIRMING, close=True),
        stand(2, Phase.GATE_RELEASED, draw=True),
        stand(3, Phase.READING, start_query=True),
    ]
    assert [one.act for one in joint_acts(lots)] == ["draw", "start-query", "close"]
    places = [ACTS.index(act) for act in TOGETHER]
    assert all(a < b for a, b in pairwise(places))


def test_halting_extending_and_reading_are_never_done_to_several_lots() -> None:
    lots = [stand(n, Phase.DECRYPTING, extend=True, propose_suspend=True, start_reading=True) for n in (1, 2)]
    assert joint_acts(lots) == ()


@pytest.mark.parametrize("first", [Phase.FAILED, Phase.ABORTED, Phase.SUSPENDED, Phase.DECRYPTING, Phase.CLOSED])
def test_a_lot_that_stands_or_is_late_is_passed_over_in_reading(first: Phase) -> None:
    turn = next_to_read([stand(1, first), stand(2, Phase.PARAM_DRAWN, start_reading=True)])
    assert turn is not None
    assert turn.number == 2


def test_lots_are_read_in_their_order_one_after_the_other() -> None:
    ready = {READ.replace("-", "_"): True}
    lots = [stand(n, Phase.PARAM_DRAWN, **ready) for n in (1, 2, 3)]
    turn = next_to_read(lots)
    assert turn is not None
    assert turn.number == 1
    assert next_to_read([stand(1, Phase.READING, start_query=True), *lots[1:]]) is None
    turn = next_to_read([stand(1, Phase.QUERY), *lots[1:]])
    assert turn is not None
    assert turn.number == 2


def test_a_lot_whose_prices_are_still_decrypted_waits_its_turn() -> None:
    lots = [stand(1, Phase.PARAM_DRAWN, start_reading=False), stand(2, Phase.PARAM_DRAWN, start_reading=True)]
    turn = next_to_read(lots)
    assert turn is not None
    assert turn.number == 2


def test_a_session_is_over_when_every_lot_is() -> None:
    assert is_over([Phase.CLOSED, Phase.FAILED, Phase.ABORTED])
    assert not is_over([Phase.CLOSED, Phase.SUSPENDED])
    assert not is_over([])
