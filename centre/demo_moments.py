"""The next legal instant of a lot in a demonstration, with the rule that makes everybody wait for it.

The rulebook is unchanged: the days pass, in jumps. Nothing here moves a clock; ``refuse_while_running`` says when a
jump would run over somebody.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from bid_opening.models import OpeningRoom
from bid_opening.states import Phase
from centre.demo_limits import NextMoment, limits, ruled, what_runs
from centre.errors import NothingToWaitFor, SomethingRuns
from foundation.clock import machine_now
from foundation.events.bid_opening import WindowEnded
from foundation.journal.models import JournalEntry
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council
from tendering.models import Lot, Receiver, SealedBid, Segment, Upload
from tendering.rulebook import RULEBOOKS, Rulebook, rulebook_in_force
from tendering.states import LotState
from tendering.timetable import TimetableFacts, simulate

CALM: Final = timedelta(seconds=4)
"""Civil time without an act or a byte after which a window or an upload counts as left alone."""
CUSTODIANS: Final = timedelta(seconds=60)
"""How long after the bidders' window custodians' agents are given before the rest of their time may be skipped."""
UNDECIDED: Final = timedelta(seconds=6)
"""Receivers report every two seconds; one that is further behind is deciding something."""
BEFORE_PUBLICATION: Final = frozenset(
    {LotState.DRAFT, LotState.KEYSET, LotState.REHEARSED, LotState.SUBMITTED, LotState.APPROVED}
)
TIMETABLE_KEYS: Final = (
    "documents_until",
    "change_until",
    "objection_until",
    "checkin_from",
    "emergency_checkin_from",
    "bid_deadline",
)
"""Rows of the timetable that somebody waits for while bids are received."""
WINDOW_RULES: Final = {
    Phase.DECRYPTING: ("decryption_window_end", "opening.decrypt_minutes"),
    Phase.QUERY: ("query_end", "opening.confirm_minutes"),
    Phase.CONFIRMING: ("confirmation_end", "opening.confirm_minutes"),
}


def next_moment(unit: Unit, lot: Lot) -> NextMoment:
    """The first legal instant of the lot after now. Raises NothingToWaitFor where only people or machines can go on."""
    found = min(_moments(unit, lot), key=lambda one: one.at, default=None)
    if found is None:
        raise NothingToWaitFor(state=str(lot.state))
    return found


def _moments(unit: Unit, lot: Lot) -> Iterator[NextMoment]:
    yield from _until_read_out(unit, lot)
    if lot.state not in BEFORE_PUBLICATION:
        yield from limits(unit, lot, book_of(lot))


def _until_read_out(unit: Unit, lot: Lot) -> Iterator[NextMoment]:
    at = unit.at
    if lot.state in BEFORE_PUBLICATION:
        if lot.publish_at is not None and lot.publish_at > at:
            words = ("招标公告按计划时间发布", "Publication as planned")
            yield NextMoment("publication", lot.publish_at, "R1.03", "EB20 20", *words)
        return
    if lot.state is LotState.OPEN and lot.deadline_at is not None and lot.published_at is not None:
        yield from _timetable(lot, lot.published_at, lot.deadline_at, at)
        return
    room = unit.session.get(OpeningRoom, lot.id)
    rule = WINDOW_RULES.get(room.state) if room is not None else None
    if room is not None and rule is not None and room.until is not None and room.until > at:
        key, rule_key = rule
        yield ruled(key, room.until, book_of(lot), rule_key)


def _timetable(lot: Lot, published_at: datetime, deadline_at: datetime, at: datetime) -> Iterator[NextMoment]:
    book = book_of(lot)
    plan = simulate(TimetableFacts(published_at, deadline_at), book, from_state_council())
    for moment in plan.moments:
        if moment.key in TIMETABLE_KEYS and at < moment.at <= deadline_at:
            rule = next((one for one in book.rules.values() if one.id == moment.rule_id), None)
            is_deadline = moment.key == "bid_deadline"
            if is_deadline:
                # What made everybody wait until here is the time to prepare (R1.31), not the deadline itself.
                rule = book.rule("tender.min_prep_days")
            yield NextMoment(
                moment.key,
                moment.at,
                rule.id if rule else moment.rule_id,
                rule.source if rule else moment.source,
                rule.clause_zh if rule else "",
                rule.clause_en if rule else "",
            )


def book_of(lot: Lot) -> Rulebook:
    """The rulebook stamped on the lot; before publication the one in force on its day."""
    known = RULEBOOKS.get((lot.rulebook_id or "").partition("+")[0])
    return known or rulebook_in_force(civil_date(lot.published_at or lot.created_at), lot.rulebook_kind)


def refuse_while_running(unit: Unit, lot: Lot) -> None:
    """Raises SomethingRuns while an upload, an undecided seal, a closing or people in a window would be jumped over."""
    calm_since = unit.at - CALM
    if _is_uploading(unit, calm_since):
        raise SomethingRuns(what="upload")
    behind = select(Receiver.id).where(
        Receiver.lease_until > machine_now(), Receiver.drained_through < unit.at - UNDECIDED
    )
    if unit.session.scalar(behind.limit(1)) is not None:
        raise SomethingRuns(what="seal")
    if lot.state is LotState.OPEN and lot.deadline_at is not None and lot.deadline_at <= unit.at:
        raise SomethingRuns(what="closing")
    acted = select(JournalEntry.id).where(
        JournalEntry.stream == f"room:{lot.id}",
        JournalEntry.recorded_at > calm_since,
        JournalEntry.actor_user_id.is_not(None),
    )
    if unit.session.scalar(acted.limit(1)) is not None:
        raise SomethingRuns(what="window")
    ended = select(JournalEntry.id).where(
        JournalEntry.stream == f"room:{lot.id}",
        JournalEntry.type == WindowEnded.TYPE,
        JournalEntry.recorded_at > unit.at - CUSTODIANS,
    )
    room = unit.session.get(OpeningRoom, lot.id)
    if room is not None and room.state is Phase.DECRYPTING and unit.session.scalar(ended.limit(1)) is not None:
        raise SomethingRuns(what="custodians")
    if found := what_runs(unit, lot, CALM):
        raise SomethingRuns(what=found)


def _is_uploading(unit: Unit, calm_since: datetime) -> bool:
    """Bytes of a bid that is not handed in yet came a short while ago, whatever lot it is for."""
    handed_in = select(SealedBid.id).where(SealedBid.upload_id == Upload.id).exists()
    segments = (
        select(Segment.upload_id)
        .join(Upload, Upload.id == Segment.upload_id)
        .where(Segment.stored_at > calm_since, ~handed_in)
    )
    begun = select(Upload.id).where(Upload.created_at > calm_since, ~handed_in)
    return any(unit.session.scalar(query.limit(1)) is not None for query in (segments, begun))
