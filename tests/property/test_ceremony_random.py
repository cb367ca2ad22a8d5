"""Whatever people and clocks do, in whatever order: the ceremony's promises hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from bid_opening import attribution, identity_rules, outages, rules
from bid_opening.ceremony import RoomState, fold_all
from bid_opening.states import ROOM_MACHINE, Phase
from foundation.events import Event
from foundation.events import bid_opening as e
from tests.support_ceremony import CEILING, LOT, OPENS, Room, bid_of, schedule, scheduled

Rule = Callable[[RoomState], Sequence[Event]]
MINUTES = st.sampled_from([0, 0.5, 1, 5, 10, 30])
SEATS = st.integers(1, 5)
PEOPLE = st.sampled_from(["a", "b"])
CULPRITS = st.sampled_from(["bidder", "platform"])


def frozen(bids: int) -> Callable[[Room], Sequence[Event]]:
    def decide(room: Room) -> Sequence[Event]:
        lines = [e.FrozenBid(bid_of(i), 1, i, f"{i:064x}") for i in range(1, bids + 1)]
        people = [e.ListedBidder(i, f"org-{i}", "x", "x", bid_of(i), is_checked_in=False) for i in range(1, bids + 1)]
        return rules.freeze(room.state, lines, people, 9)

    return decide


def escrow(number: int) -> Callable[[Room], Sequence[Event]]:
    def decide(room: Room) -> Sequence[Event]:
        rules.require_phase(room.state, Phase.DECRYPTING)
        seat = rules.seat_for(room.state, f"org-{number}")
        if seat.is_recoverable or room.state.window_ended_at is None:
            return ()
        return (e.EscrowOpened(LOT, seat.number, seat.org_id, seat.bid, (0, 1)),)

    return decide


def price(number: int, *, is_readable: bool) -> Callable[[Room], Sequence[Event]]:
    def decide(room: Room) -> Sequence[Event]:
        rules.require_phase(room.state, Phase.PARAM_DRAWN)
        seat = rules.seat_for(room.state, f"org-{number}")
        if seat not in room.state.unsettled:
            return ()
        if not is_readable:
            return rules.name_unreadable(room.state, seat, "bidder.key")
        return rules.read_schedule(room.state, seat, schedule(), "k", ceiling=CEILING, duration_days=0)

    return decide


def drawn(room: Room) -> Sequence[Event]:
    return rules.draw(room.state, [e.CoefficientDrawn(LOT, "K", "1", ("1",), "t", "s")], method="m")


COMMANDS = st.one_of(
    st.just(lambda room: rules.open_window(room.state, room.at)),
    st.just(lambda room: rules.extend_window(room.state, room.at)),
    st.just(lambda room: rules.end_window(room.state, room.at)),
    st.just(lambda room: rules.close_window(room.state, room.at, tender="t", lot_code="l")),
    st.just(lambda room: rules.release_gate(room.state, [0, 1], 2)),
    st.just(drawn),
    st.just(lambda room: rules.start_reading(room.state)),
    st.just(lambda room: rules.open_query(room.state, room.at)),
    st.just(lambda room: rules.open_confirmation(room.state, room.at)),
    st.just(lambda room: rules.close(room.state, room.at)),
    st.just(lambda room: rules.suspend(room.state, "platform", "x", "a", room.at)),
    st.just(lambda room: rules.reconvene(room.state, room.at)),
    st.builds(
        lambda n, ok: lambda room: rules.release(room.state, f"org-{n}", room.at, matches=ok), SEATS, st.booleans()
    ),
    st.builds(escrow, SEATS),
    st.builds(lambda n, ok: price(n, is_readable=ok), SEATS, st.booleans()),
    st.builds(lambda n: lambda room: rules.raise_objection(room.state, f"org-{n}", f"o{n}", "x", room.at), SEATS),
    st.builds(lambda n: lambda room: rules.answer(room.state, f"o{n}", "x"), SEATS),
    st.builds(lambda n, by: lambda room: identity_rules.propose_refusal(room.state, n, "late", "x", by), SEATS, PEOPLE),
    st.builds(lambda n, by: lambda room: identity_rules.confirm_refusal(room.state, n, by), SEATS, PEOPLE),
    st.builds(lambda n, by: lambda room: identity_rules.withdraw_refusal(room.state, n, by), SEATS, PEOPLE),
    st.builds(
        lambda n, ok: lambda room: identity_rules.check_identity(room.state, n, "letter", "a", "x", is_passed=ok),
        SEATS,
        st.booleans(),
    ),
    st.builds(lambda n: lambda room: rules.no_objection(room.state, f"org-{n}", room.at), SEATS),
    st.builds(lambda n: lambda room: rules.confirm(room.state, f"org-{n}", room.at, ""), SEATS),
    st.builds(
        lambda halt, by: lambda room: rules.propose_halt(room.state, halt, by, "x"),
        st.sampled_from(rules.HALTS),
        PEOPLE,
    ),
    st.builds(lambda by: lambda room: rules.confirm_halt(room.state, by, room.at), PEOPLE),
    st.builds(lambda n: lambda room: outages.report(room.state, f"org-{n}", "network", room.at), SEATS),
    st.builds(lambda red: lambda room: outages.mark_health(room.state, frozenset(red)), st.sets(st.just("log"))),
    st.just(lambda room: outages.suspend_for_outage(room.state, room.at)),
    st.builds(
        lambda n, who, by: lambda room: attribution.propose_fault(room.state, n, who, by, "x"), SEATS, CULPRITS, PEOPLE
    ),
    st.builds(lambda n, by: lambda room: attribution.confirm_fault(room.state, n, by), SEATS, PEOPLE),
    st.builds(lambda n: lambda room: attribution.give_reason(room.state, f"org-{n}", "p", "x"), SEATS),
)
STEPS = st.lists(st.tuples(MINUTES, COMMANDS), max_size=60)


def in_order(bids: int) -> list[Callable[[Room], Sequence[Event]]]:
    """The steps of an opening that goes well, so that chance does not have to find them."""
    everybody = range(1, bids + 1)
    return [
        lambda room: rules.open_window(room.state, room.at),
        *(lambda room, n=n: rules.release(room.state, f"org-{n}", room.at, matches=True) for n in everybody),
        lambda room: rules.end_window(room.state, room.at),
        lambda room: rules.close_window(room.state, room.at, tender="t", lot_code="l"),
        lambda room: rules.release_gate(room.state, [0, 1], 2),
        drawn,
        *(price(n, is_readable=True) for n in everybody),
        lambda room: rules.start_reading(room.state),
        lambda room: rules.open_query(room.state, room.at),
        *(lambda room, n=n: rules.no_objection(room.state, f"org-{n}", room.at) for n in everybody),
        lambda room: rules.open_confirmation(room.state, room.at),
        *(lambda room, n=n: rules.confirm(room.state, f"org-{n}", room.at, "") for n in everybody),
        lambda room: rules.close(room.state, room.at),
    ]


def assert_promises(room: Room) -> None:
    state = room.state
    reached = [phase for phase, _ in state.phase_times]
    if any(seat.total is not None or seat.fault for seat in state.seats):
        assert Phase.GATE_RELEASED in reached
        assert Phase.PARAM_DRAWN in reached
    if any(seat.read_at is not None for seat in state.seats):
        assert Phase.READING in reached
    if Phase.GATE_RELEASED in reached:
        assert len(state.frozen) >= state.min_bidders
        assert sum(seat.is_recoverable for seat in state.seats) >= state.min_decrypted
        assert reached.index(Phase.WINDOW_CLOSED) < reached.index(Phase.GATE_RELEASED)
    assert reached.count(Phase.PARAM_DRAWN) <= 1
    for seat in state.seats:
        assert seat.refusal is None or not (seat.is_recoverable or seat.total is not None)
        assert seat.refusal is None or seat.refusal.by != seat.refusal.confirmed_by
        decided = seat.attribution
        assert decided is None or (seat.is_closed and decided.by != decided.proposed_by)
    if state.phase is Phase.CLOSED:
        assert state.unattributed == ()
    assert (state.suspension is not None) == (state.phase is Phase.SUSPENDED)
    assert fold_all(room.events) == state


@given(bids=st.integers(0, 5), escrow_rule=st.sampled_from(["compulsory", "on_request", "none"]), steps=STEPS)
def test_no_order_of_acts_breaks_a_promise(
    bids: int, escrow_rule: str, steps: list[tuple[float, Callable[[Room], Sequence[Event]]]]
) -> None:
    room = Room()
    room.happen(scheduled(escrow_rule=escrow_rule), e.CheckInOpened(LOT))
    room.at = OPENS
    room.happen(e.IntakeClosed(LOT))
    room.attempt(lambda: frozen(bids)(room))
    for minutes, command in steps:
        room.wait(minutes)
        was_over = room.state.is_over
        before = len(room.events)
        room.attempt(lambda command=command: command(room))
        assert not was_over or len(room.events) == before
        assert_promises(room)
    if bids < 3:
        assert room.state.phase is Phase.FAILED


@given(
    bids=st.integers(3, 5),
    between=st.lists(st.tuples(st.integers(0, 40), MINUTES, COMMANDS), max_size=12),
)
def test_disturbances_between_the_steps_of_a_good_opening_break_no_promise(
    bids: int, between: list[tuple[int, float, Callable[[Room], Sequence[Event]]]]
) -> None:
    room = Room()
    room.to_frozen(bids)
    for number, step in enumerate(in_order(bids)):
        for at, minutes, command in between:
            if at == number:
                room.wait(minutes)
                room.attempt(lambda command=command: command(room))
                assert_promises(room)
        room.attempt(lambda step=step: step(room))
        assert_promises(room)
    if not between:
        assert room.state.phase is Phase.CLOSED


@given(steps=STEPS)
def test_every_step_taken_is_in_the_table(
    steps: list[tuple[float, Callable[[Room], Sequence[Event]]]],
) -> None:
    edges = {(before, after) for before, _, after in ROOM_MACHINE.edges()}
    room = Room()
    room.to_frozen(4)
    for minutes, command in steps:
        room.wait(minutes)
        room.attempt(lambda command=command: command(room))
    phases = [phase for phase, _ in room.state.phase_times]
    for before, after in itertools.pairwise(phases):
        # A reconvening returns to the phase that was left without a new entry of its own.
        assert (before, after) in edges or before is Phase.RECONVENED
