"""Who is there, as staff may see it once the list is published: sign-in, line, identity, absence, refusal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from accounts import facade as accounts
from bid_opening import access, identity_rules, intervals
from bid_opening.ceremony import RoomState, Seat
from bid_opening.identity_fold import CHECKED_IN, EXPLAINED_IN
from bid_opening.identity_models import SignInPaper
from bid_opening.identity_state import Interval
from bid_opening.models import CheckIn
from bid_opening.presence import PresenceSpan, RoomLife, is_dead
from bid_opening.services import identity, rooms
from bid_opening.states import Phase
from foundation.store.unit import Unit
from tendering import facade as tendering


@dataclass(frozen=True, slots=True)
class SpanView:
    """One time in the line; ``left_at`` is None while it lasts. A killed process's end at its last sign of life."""

    came_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper of a sign-in by papers: ``kind`` photo or letter."""

    kind: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check, by the name of whoever made it; ``is_passed`` is None where nobody has yet."""

    what: str
    is_passed: bool | None
    reason: str = ""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefusalView:
    """A proposed (``confirmed_by`` empty) or a decided refusal."""

    ground: str
    why: str
    by: str
    confirmed_by: str
    at: datetime
    is_own: bool


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """One bidder. ``absence`` is "" for who signed in, "none" where nothing was stated."""

    seat: int
    name: str
    uscc: str
    is_checked_in: bool
    signed_in_at: datetime | None
    person: str
    is_emergency: bool
    papers: tuple[PaperView, ...]
    absence: str
    absence_text: str
    checks: tuple[CheckView, ...]
    keys: tuple[accounts.SigningKeyCard, ...]
    refusal: RefusalView | None
    spans: tuple[SpanView, ...]
    online_seconds: int
    is_online: bool

    @property
    def online(self) -> timedelta:
        """The same, as a page shows it."""
        return timedelta(seconds=self.online_seconds)


@dataclass(frozen=True, slots=True)
class AttendancePage:
    """The page and, as JSON, the annex of the record. ``rows`` is empty until the list is published."""

    lot_id: str
    lot_code: str
    lot_name: str
    phase: Phase
    server_now: datetime
    is_host: bool
    may_decide: bool
    may_check: bool
    may_explain: bool
    may_refuse: bool
    reads_papers: bool
    rows: tuple[AttendanceRow, ...]
    intervals: tuple[Interval, ...]
    paused_seconds: int
    extended_seconds: int


def attendance_page(unit: Unit, lot_id: str) -> AttendancePage:
    """Raises NotFound for everybody who is not staff of this room."""
    access.require_staff(unit, lot_id)
    state = rooms.state_of(unit, lot_id)
    viewer, card = access.viewer_of(unit, lot_id, state), tendering.lot_card(unit, lot_id)
    return AttendancePage(
        lot_id=lot_id,
        lot_code=card.lot_code,
        lot_name=card.name,
        phase=state.phase,
        server_now=unit.at,
        is_host=viewer.is_host,
        may_decide=viewer.may_decide,
        may_check=viewer.is_host and state.phase in CHECKED_IN,
        may_explain=viewer.is_host and state.phase in EXPLAINED_IN,
        may_refuse=viewer.is_host and state.phase is Phase.LIST_PUBLISHED,
        reads_papers=identity.reads_papers(unit, lot_id),
        rows=tuple(_row(unit, state, seat) for seat in state.seats),
        intervals=state.intervals,
        paused_seconds=intervals.total_seconds(state, intervals.PAUSE),
        extended_seconds=intervals.total_seconds(state, intervals.EXTENSION),
    )


def _row(unit: Unit, state: RoomState, seat: Seat) -> AttendanceRow:
    signed = unit.session.get(CheckIn, (state.lot, seat.org_id))
    papers = papers_of(unit, state.lot, seat.org_id)
    spans = spans_of(unit, state.lot, seat.org_id)
    absence = "" if seat.is_checked_in else seat.absence.reason if seat.absence else "none"
    return AttendanceRow(
        seat=seat.number,
        name=seat.name,
        uscc=seat.uscc,
        is_checked_in=seat.is_checked_in,
        signed_in_at=signed.at if signed else None,
        person=signed.person if signed else "",
        is_emergency=bool(papers),
        papers=papers,
        absence=absence,
        absence_text=seat.absence.text if seat.absence else "",
        checks=checks_of(unit, seat),
        keys=accounts.signing_key_cards(unit, seat.org_id),
        refusal=refusal_of(unit, seat),
        spans=spans,
        online_seconds=online_seconds(spans, unit.at),
        is_online=any(span.left_at is None for span in spans),
    )


def papers_of(unit: Unit, lot_id: str, org_id: str) -> tuple[PaperView, ...]:
    """What a bidder filed; the caller has checked that the asker may know."""
    rows = unit.session.scalars(
        select(SignInPaper)
        .where(SignInPaper.lot_id == lot_id, SignInPaper.org_id == org_id)
        .order_by(SignInPaper.kind.desc())
    )
    return tuple(PaperView(row.kind, row.size_bytes, row.sha256) for row in rows)


def checks_of(unit: Unit, seat: Seat) -> tuple[CheckView, ...]:
    """The three checks in their order, with names."""
    found = []
    for what in identity_rules.CHECKS:
        check = seat.check_of(what)
        if check is None:
            found.append(CheckView(what, None))
            continue
        found.append(CheckView(what, check.is_passed, check.reason, accounts.person(unit, check.by).name, check.at))
    return tuple(found)


def refusal_of(unit: Unit, seat: Seat) -> RefusalView | None:
    """The refusal of a seat's bid, decided or proposed."""
    told, confirmed = seat.refusal or seat.refusal_asked, ""
    if told is None:
        return None
    if seat.refusal is not None:
        confirmed = accounts.person(unit, seat.refusal.confirmed_by).name
    by = accounts.person(unit, told.by).name
    return RefusalView(told.ground, told.why, by, confirmed, told.at, is_own=told.by == unit.actor.user_id)


def spans_of(unit: Unit, lot_id: str, org_id: str) -> tuple[SpanView, ...]:
    """When a bidder was in the line, oldest first; what several processes saw at once is one time."""
    rows = unit.session.execute(
        select(PresenceSpan, RoomLife)
        .outerjoin(RoomLife, RoomLife.id == PresenceSpan.life)
        .where(PresenceSpan.lot_id == lot_id, PresenceSpan.org_id == org_id)
        .order_by(PresenceSpan.came_at)
    )
    return merged([_span(span, life) for span, life in rows])


def _span(span: PresenceSpan, life: RoomLife | None) -> SpanView:
    if span.left_at is not None or (life is not None and not is_dead(life)):
        return SpanView(span.came_at, span.left_at)
    return SpanView(span.came_at, max(span.came_at, life.seen_at) if life is not None else span.came_at)


def merged(spans: Sequence[SpanView]) -> tuple[SpanView, ...]:
    """Overlapping times as one, in order."""
    found: list[SpanView] = []
    for span in sorted(spans, key=lambda one: one.came_at):
        last = found[-1] if found else None
        if last is None or (last.left_at is not None and span.came_at > last.left_at):
            found.append(span)
        elif last.left_at is not None:
            left = None if span.left_at is None else max(last.left_at, span.left_at)
            found[-1] = SpanView(last.came_at, left)
    return tuple(found)


def online_seconds(spans: Sequence[SpanView], now: datetime) -> int:
    """How long in all, until ``now``."""
    return round(sum(((span.left_at or max(now, span.came_at)) - span.came_at).total_seconds() for span in spans))
