"""The opening checks what bidders rehearsed, and puts it beside what else tells whose fault a closed bid is (R3.08)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bid_opening.queries.faults import FaultInput, fault_inputs
from bid_opening.services import acts
from foundation.errors import NotPermitted
from foundation.sealing import rehearsal_tag
from tendering.facade import Rehearsed
from tendering.queries.trace import own_trace
from tendering.self_check import LINES, CheckLine, LineState
from tendering.services import rehearsals, self_checks
from tests.support_opening import Opening, make_opening
from tests.support_rehearsals import ask, file, statement_of


def inputs(opening: Opening) -> dict[str, FaultInput]:
    with opening.world.units.read() as unit:
        return {one.bid: one for one in fault_inputs(unit, opening.lot.id)}


def rehearse(opening: Opening, index: int, *, honest: bool = True) -> None:
    bidder, made = opening.bidders[index], opening.sealed[index]
    asked = ask(bidder, opening.lot)
    statement = statement_of(bidder, made, asked)
    if not honest:
        tag = rehearsal_tag(made.sealed.header, asked.challenge, bytes(32))
        statement = rehearsals.Statement(asked.bid, asked.rev, asked.challenge, tag)
    file(bidder, opening.lot, statement)


def kinds(opening: Opening, index: int) -> list[str]:
    """What the bidder's own trace says of its rehearsals."""
    with opening.world.units.read(opening.bidders[index].actor) as unit:
        return [step.kind for step in own_trace(unit, opening.lot.id).steps if step.kind.startswith("rehears")]


def test_released_escrowed_missing_and_lied_about(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4)
    rehearse(opening, 0)
    rehearse(opening, 1, honest=False)
    rehearse(opening, 2)
    with opening.world.units.begin(opening.bidders[2].actor) as unit:
        self_checks.file_check(unit, [CheckLine(name, LineState.OK, "") for name in LINES], "tests")
    opening.to_check_in()
    with opening.world.units.read() as unit, pytest.raises(NotPermitted):
        fault_inputs(unit, opening.lot.id)
    opening.close_bids()
    opening.publish()
    opening.look()
    before = inputs(opening)
    assert {one.rehearsed for one in before.values()} == {Rehearsed.FILED, Rehearsed.NEVER}
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    opening.release(2, bytes(32))
    for index in (0, 1):
        assert opening.release(index).is_accepted
    opening.pass_window()  # the second and third seat are opened by custodians
    opening.give_escrow_shares(0, 1)
    opening.look()
    found = inputs(opening)
    released, lied, lost, silent = (found[made.bid] for made in opening.sealed)
    assert (released.rehearsed, released.is_released) == (Rehearsed.RIGHT, True)
    assert (lied.rehearsed, lied.speaks_against_bidder) == (Rehearsed.WRONG, True)
    # Its key worked in rehearsal, its device was in order, others came through: people have something to weigh.
    assert (lost.rehearsed, lost.is_released, lost.is_escrowed) == (Rehearsed.RIGHT, False, True)
    assert (lost.tries, lost.others_released) == (1, 2)
    assert lost.self_check_at is not None
    assert (silent.rehearsed, silent.rehearsed_at, silent.self_check_at) == (Rehearsed.NEVER, None, None)
    assert [kinds(opening, index) for index in range(4)] == [
        ["rehearsed", "rehearsal_right"],
        ["rehearsed", "rehearsal_wrong"],
        ["rehearsed", "rehearsal_right"],
        [],
    ]
    opening.assert_story_holds()


def test_what_was_never_released_stays_unchecked(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4, escrow_rule="none")
    rehearse(opening, 3, honest=False)
    opening.to_window_closed(released=(0, 1, 2))
    found = inputs(opening)[opening.sealed[3].bid]
    assert (found.rehearsed, found.is_released, found.others_released) == (Rehearsed.FILED, False, 3)
    assert not found.speaks_against_bidder
