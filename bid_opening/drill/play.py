"""Let a drill happen: an agenda of acts in virtual time; every act asks the room's own rules, every event is folded.

The clock jumps from act to act, so that an opening of an hour takes seconds. Whatever a rule refuses, a hole in a
bidder's line, a half that does not match: it raises, and the drill says so instead of a result.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bid_opening import attribution, escrow_rules, frames, rules
from bid_opening.ceremony import RoomState, Seat, fold, fold_all
from bid_opening.confirming import note_for
from bid_opening.drill.cast import CLOCK_AHEAD_SECONDS, DROP_SECONDS, WRONG_SHARES, Bidder, Habit, Terms
from bid_opening.drill.lines import Hall, Line
from bid_opening.drill.report import Check, all_of, at_most
from bid_opening.drill.sealed import (
    HOLDERS,
    DrillBid,
    DrillKeys,
    escrowed_half,
    gate_half,
    make_keys,
    open_price,
    own_half,
    seal_bid,
)
from bid_opening.states import Phase
from foundation.draws import FrozenBid, build, rank, replay
from foundation.entropy import Entropy
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.sealing import BIDDER, WrongKey, matches_commit
from foundation.sealing.suite import sign, verifies

LOT: Final = "drill"
"""Stands for the lot in every event: no id of the centre is in a drill."""
HOST: Final = "drill-host"
OFFICER: Final = "drill-officer"
_SECOND: Final = timedelta(seconds=1)
_SLACK: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Moment:
    """One public fact of the drill: frame type and its fields, as the gallery would read them."""

    at: datetime
    type: str
    data: dict[str, object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went. ``frames`` are the public frames as they would go over the line, each marked as a drill's."""

    state: RoomState
    bidders: tuple[Bidder, ...]
    lines: tuple[Line, ...]
    moments: tuple[Moment, ...]
    frames: tuple[str, ...]
    checks: tuple[Check, ...]
    transcripts: int


@dataclass(slots=True)
class _Play:
    terms: Terms
    keys: DrillKeys
    bids: dict[str, DrillBid]
    """By organisation."""
    lines: dict[str, Line]
    hall: Hall
    at: datetime
    state: RoomState = field(default_factory=RoomState)
    events: list[tuple[Event, datetime]] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    halves: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Bid → the bidder's half, once it was released."""
    gates: dict[str, bytes] = field(default_factory=dict, repr=False)
    signed: int = 0
    agenda: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)

    def plan(self, at: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (at, next(self._order), act))

    def happen(self, *events: Event) -> None:
        for event in events:
            self.state = fold(self.state, event, self.at)
            self.events.append((event, self.at))
            for message in frames.messages(event):
                number = self.hall.next_number(message.audience)
                text = frames.write(message, seq=number, at=self.at, state=self.state, entry_id="")
                self.hall.tell(message.audience, f'{text[:-1]},"drill":true}}')
                if message.audience == frames.PUBLIC:
                    self.moments.append(Moment(self.at, message.type, dict(message.data)))
        for line in self.lines.values():
            line.read()

    def run(self) -> None:
        while self.agenda:
            self.at, _, act = heapq.heappop(self.agenda)
            act()
            while self._step_due():
                pass

    # --- what the platform does by itself -------------------------------------------------------------------------

    def _step_due(self) -> bool:
        """One thing the clock asks for; the instants it will next ask at are put on the agenda."""
        before = len(self.events)
        match rules.due_step(self.state, self.at):
            case "end_window":
                self.happen(*rules.end_window(self.state, self.at))
                self._ask_custodians()
            case "close_window":
                self._close_window()
            case "open_confirmation":
                self.happen(*rules.open_confirmation(self.state, self.at))
                self._plan_confirmations()
            case "close":
                self.happen(*rules.close(self.state, self.at))
        if self.state.until is not None and len(self.events) > before:
            self.plan(self.state.until, lambda: None)
        return len(self.events) > before

    def _ask_custodians(self) -> None:
        for seat in self.state.escrow_due:
            self.plan(self.at + 20 * _SECOND, lambda seat=seat: self._open_escrow(seat))  # type: ignore[misc]

    def _open_escrow(self, seat: Seat) -> None:
        bid = self.bids[seat.org_id]
        self.halves[bid.bid] = escrowed_half(bid, self.keys)
        self.happen(e.EscrowOpened(LOT, seat.number, seat.org_id, seat.bid, (0, 1)))

    def _close_window(self) -> None:
        tender, code = self.terms.tender_code, self.terms.lot_code
        self.happen(*rules.close_window(self.state, self.at, tender=tender, lot_code=code))
        if not self.state.is_over:
            self.plan(self.at + 15 * _SECOND, self._release_gate)

    def _release_gate(self) -> None:
        for bid in self.bids.values():
            self.gates[bid.bid] = gate_half(bid, self.keys)
        self.happen(*rules.release_gate(self.state, (0, HOLDERS - 1), self.keys.keyset.gate.threshold))
        self.plan(self.at + 10 * _SECOND, self._draw)

    # --- the host -------------------------------------------------------------------------------------------------

    def convene(self) -> None:
        terms = self.terms
        scheduled = e.RoomScheduled(
            lot=LOT,
            lot_name=terms.lot_name,
            opens_at=terms.opens_at,
            decrypt_minutes=terms.decrypt_minutes,
            confirm_minutes=terms.confirm_minutes,
            query_minutes=terms.query_minutes,
            min_bidders=terms.min_bidders,
            min_decrypted=terms.min_decrypted,
            escrow_rule=terms.escrow_rule,
        )
        self.happen(scheduled, e.CheckInOpened(LOT))

    def check_in(self, bidder: Bidder) -> None:
        self.lines[bidder.org_id].connect()
        self.happen(*rules.check_in(self.state, bidder.org_id, bidder.name, self.at))

    def freeze(self, bidders: Sequence[Bidder]) -> None:
        """Fix the list in the order of ``bid``, as the room does."""
        self.happen(e.IntakeClosed(LOT))
        by_bid = sorted(bidders, key=lambda one: self.bids[one.org_id].bid)
        frozen = [
            e.FrozenBid(bid.bid, 1, index, bid.manifest.envelope_hash)
            for index, bid in enumerate(self.bids[one.org_id] for one in by_bid)
        ]
        listed = [
            e.ListedBidder(
                number, one.org_id, one.name, one.uscc, self.bids[one.org_id].bid, is_checked_in=one.is_checked_in
            )
            for number, one in enumerate(by_bid, start=1)
        ]
        self.happen(*rules.freeze(self.state, frozen, listed, len(frozen)))

    def open_window(self, bidders: Sequence[Bidder]) -> None:
        self.happen(*rules.open_window(self.state, self.at))
        window = timedelta(minutes=self.terms.decrypt_minutes)
        self.plan(self.at + window, lambda: None)
        for bidder in bidders:
            self._plan_release(bidder, self.at, window)

    def _draw(self) -> None:
        frozen = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in self.state.frozen]
        contributions = {bid: half.hex() for bid, half in self.gates.items()}
        drawn = []
        for name, pool in self.terms.pools.items():
            transcript = build(
                draw_id=f"drill/{self.terms.lot_code}/{name}",
                first=1,
                pool=pool,
                contributions=contributions,
                beacon=None,
                is_beacon_waived_by_notice=True,
                frozen=frozen,
            )
            (value,) = rank(transcript, pool).drawn
            drawn.append(e.CoefficientDrawn(LOT, name, value, pool, transcript.text, transcript.seed))
        self.happen(*rules.draw(self.state, drawn, method=self.terms.method_id))
        self.plan(self.at + 5 * _SECOND, self._decrypt)

    def _decrypt(self) -> None:
        for seat in self.state.unsettled:
            schedule, key = open_price(self.bids[seat.org_id], self.halves[seat.bid], self.gates[seat.bid])
            events = rules.read_schedule(
                self.state, seat, schedule, key, ceiling=self.terms.ceiling, duration_days=self.terms.duration_days
            )
            self.happen(*events)
        self.happen(*rules.start_reading(self.state))
        self.plan(self.at + 60 * _SECOND, self._open_query)

    def _open_query(self) -> None:
        self.happen(*rules.open_query(self.state, self.at))
        self._attribute()
        self.plan(self.at + timedelta(minutes=self.terms.query_minutes), lambda: None)
        for number, line in enumerate(self.lines.values(), start=1):
            act = self._object if line.bidder.habit is Habit.OBJECTS else self._have_no_objection
            self.plan(self.at + 5 * number * _SECOND, lambda act=act, who=line.bidder: act(who))  # type: ignore[misc]

    def _attribute(self) -> None:
        """Two people decide who answers for a bid that stays closed: without that no opening closes (R3.08)."""
        for seat in self.state.unattributed:
            why = "演练：解密锁失效，招标文件没有备份启封"
            self.happen(*attribution.propose_fault(self.state, seat.number, "bidder", HOST, why))
            self.happen(*attribution.confirm_fault(self.state, seat.number, OFFICER))

    def _object(self, bidder: Bidder) -> None:
        text = "演练异议：请说明唱标顺序。"
        self.happen(*rules.raise_objection(self.state, bidder.org_id, "drill-objection", text, self.at))
        self.plan(self.at + 45 * _SECOND, self._answer)

    def _answer(self) -> None:
        self.happen(*rules.answer(self.state, "drill-objection", "演练答复：按席位号依次唱标。"))

    def _have_no_objection(self, bidder: Bidder) -> None:
        if self.state.phase is Phase.QUERY:
            self.happen(*rules.no_objection(self.state, bidder.org_id, self.at))

    # --- the bidders ----------------------------------------------------------------------------------------------

    def _plan_release(self, bidder: Bidder, at: datetime, window: timedelta) -> None:
        when, line = at + window * bidder.release_at, self.lines[bidder.org_id]
        match bidder.habit:
            case Habit.LATE:
                self.plan(when - 30 * _SECOND, line.connect)
            case Habit.DROPS:
                self.plan(when - DROP_SECONDS * _SECOND, line.drop)
                self.plan(when - _SECOND, line.connect)
            case Habit.STUCK:
                self.plan(at + 10 * _SECOND, line.stick)
                self.plan(when - _SECOND, line.wake)
            case Habit.FAST_CLOCK:
                # By its own clock the window ended long ago; only the server's instants count.
                when = at + window - 20 * _SECOND
            case Habit.DEAD_KEY:
                self.plan(when, lambda: self._ask_escrow(bidder))
                return
        self.plan(when, lambda: self._release(bidder))

    def _release(self, bidder: Bidder) -> None:
        bid, org_id = self.bids[bidder.org_id], bidder.org_id
        self.happen(*rules.check_seal(self.state, org_id, is_equal=True))
        if bidder.habit is Habit.WRONG_SHARES:
            for guess in range(WRONG_SHARES):
                matches = matches_commit(bid.header, BIDDER, bytes([guess]) * 32)
                self.happen(*rules.release(self.state, org_id, self.at, matches=matches))
        half = own_half(bid)
        matches = matches_commit(bid.header, BIDDER, half)
        self.happen(*rules.release(self.state, org_id, self.at, matches=matches))
        self.halves[bid.bid] = half

    def _ask_escrow(self, bidder: Bidder) -> None:
        try:
            own_half(self.bids[bidder.org_id])
        except WrongKey:
            if self.terms.escrow_rule != "on_request":
                return  # where it is compulsory nobody has to ask; where there is none nobody can
            why = "演练：解密锁失效"
            self.happen(*escrow_rules.request_escrow(self.state, bidder.org_id, bidder.org_id, why, self.at))
            number = rules.seat_for(self.state, bidder.org_id).number
            self.plan(self.at + 30 * _SECOND, lambda: self._confirm_escrow(number))

    def _confirm_escrow(self, number: int) -> None:
        self.happen(*escrow_rules.confirm_escrow(self.state, number, OFFICER, self.at))

    def _plan_confirmations(self) -> None:
        for number, line in enumerate(self.lines.values(), start=1):
            if line.bidder.habit is not Habit.OBJECTS:  # silence counts as assent (R3.14)
                self.plan(self.at + 4 * number * _SECOND, lambda who=line.bidder: self._confirm(who))  # type: ignore[misc]

    def _confirm(self, bidder: Bidder) -> None:
        bid, seat = self.bids[bidder.org_id], rules.seat_for(self.state, bidder.org_id)
        text = note_for(self.terms.lot_code, self.state, seat)
        signature = sign(bid.signing_key, text)
        self.signed += verifies(bid.signing_key.public_key(), signature, text)
        self.happen(*rules.confirm(self.state, bidder.org_id, self.at, signature.hex()))


def play(terms: Terms, bidders: Sequence[Bidder], entropy: Entropy) -> Outcome:
    """The whole ceremony of ``bidders``. A few seconds of computing; nothing outside this function changes.

    Raises what a rule refuses, FrameLost, or what a bid that does not open raises: each of them a fault of the code.
    """
    keys, hall = make_keys(terms), Hall()
    bids = {one.org_id: seal_bid(terms, keys, one, entropy) for one in bidders}
    lines = {one.org_id: Line(one, hall) for one in bidders}
    opens = terms.opens_at
    made = _Play(terms, keys, bids, lines, hall, opens - timedelta(minutes=30))
    made.convene()
    for number, one in enumerate(bidders):
        if one.is_checked_in:
            made.plan(opens - timedelta(minutes=20) + 30 * number * _SECOND, lambda one=one: made.check_in(one))  # type: ignore[misc]
    made.plan(opens, lambda: made.freeze(bidders))
    made.plan(opens + 30 * _SECOND, lambda: made.open_window(bidders))
    made.run()
    return Outcome(
        state=made.state,
        bidders=tuple(bidders),
        lines=tuple(lines.values()),
        moments=tuple(made.moments),
        frames=tuple(hall.told.get(frames.PUBLIC, ())),
        checks=_checks(made),
        transcripts=sum(replay(one.transcript, one.pool).drawn == (one.value,) for one in made.state.draws),
    )


def _checks(made: _Play) -> tuple[Check, ...]:
    state, terms, seats = made.state, made.terms, made.state.seats
    habits = {line.bidder.org_id: line.bidder.habit for line in made.lines.values()}
    expected = [seat for seat in seats if habits[seat.org_id] is not Habit.DEAD_KEY or terms.escrow_rule != "none"]
    opened = [seat for seat in expected if seat.total is not None and _is_the_sealed_price(made, seat)]
    ended = [at for phase, at in state.phase_times if phase is Phase.CLOSED]
    longest = terms.decrypt_minutes + rules.EXTENSION_MINUTES + terms.query_minutes + terms.confirm_minutes
    minutes = ((ended[0] if ended else made.at) - terms.opens_at) / timedelta(minutes=1)
    confirming = sum(habit is not Habit.OBJECTS for habit in habits.values())
    drawn = [one for one in state.draws if replay(one.transcript, one.pool).drawn == (one.value,)]
    fast = next(seat for seat in seats if habits[seat.org_id] is Habit.FAST_CLOCK)
    is_in_time = fast.released_at is not None and _was_over_for(fast, made)
    return (
        all_of("closed", int(state.phase is Phase.CLOSED), 1, "opening", why=f"ended_{state.phase}"),
        at_most("length", minutes, longest + _SLACK / timedelta(minutes=1), "minutes"),
        all_of("fold", int(fold_all(made.events) == state), 1, "record", why="fold_differs"),
        all_of("opened", len(opened), len(expected), "bids", why="not_opened", names=_others(expected, opened)),
        all_of("lines", *_whole(made), "lines", why="frames_lost", names=_lacking(made)),
        all_of("drawn", len(drawn), len(terms.pools), "draws", why="draw_differs"),
        all_of("signed", made.signed, confirming, "signatures", why="signature_false"),
        all_of("fast_clock", int(is_in_time), 1, "bids", why="server_time_ignored", names=[fast.name]),
    )


def _is_the_sealed_price(made: _Play, seat: Seat) -> bool:
    return seat.total == f"{made.lines[seat.org_id].bidder.total_fen / 100:.2f}"


def _was_over_for(fast: Seat, made: _Play) -> bool:
    """Its own clock had passed the end of the window when the room took its release."""
    window = timedelta(minutes=made.terms.decrypt_minutes)
    opened = made.state.entered_at(Phase.DECRYPTING)
    own = None if fast.released_at is None else fast.released_at + CLOCK_AHEAD_SECONDS * _SECOND
    return opened is not None and own is not None and own > opened + window


def _others(expected: Sequence[Seat], good: Sequence[Seat]) -> list[str]:
    return [seat.name for seat in expected if seat not in good]


def _whole(made: _Play) -> tuple[int, int]:
    return sum(line.lacks == 0 for line in made.lines.values()), len(made.lines)


def _lacking(made: _Play) -> list[str]:
    return [line.bidder.name for line in made.lines.values() if line.lacks]
