"""The draw of experts as everybody may see and replay it: from public events alone, with blinded ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from evaluation.models import CommitteeDraw, DrawContribution
from evaluation.services import cases, committee
from evaluation.states import DrawState
from foundation.draws import replay
from foundation.errors import CentreError, NotFound
from foundation.events import evaluation as e
from foundation.journal import read_stream
from foundation.store.unit import Unit
from tendering import facade as tendering


@dataclass(frozen=True, slots=True)
class Ticket:
    """One place in the order of the draw. ``outcome``: seat, passed, vacated or waiting; ``name`` after the award."""

    place: int
    blinded: str
    outcome: str
    ground: str
    name: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """``words`` and ``salt`` are shown when the draw is made: with them anybody redoes the value."""

    contributor: str
    commitment: str
    is_in: bool
    value: str
    words: str
    salt: str


@dataclass(frozen=True, slots=True)
class DrawView:
    """``is_verified``: replayed now, from transcript and pool, with what was announced."""

    number: int
    draw_id: str
    state: DrawState
    seats: int
    pool: tuple[str, ...]
    asked_at: datetime
    drawn_at: datetime | None
    contributions: tuple[Contribution, ...]
    transcript: str
    seed: str
    tickets: tuple[Ticket, ...]
    is_verified: bool


@dataclass(frozen=True, slots=True)
class DrawPage:
    """``may_contribute``: the asker's part is still wanted (tenderee or supervisor)."""

    lot_id: str
    lot_name: str
    draws: tuple[DrawView, ...]
    part: str
    may_contribute: bool


@dataclass(frozen=True, slots=True)
class WaitingDraw:
    """A draw that waits for this asker's part."""

    lot_id: str
    lot_name: str
    asked_at: datetime
    state: DrawState
    is_in: bool


def draw_page(unit: Unit, lot_id: str) -> DrawPage:
    """Raises NotFound for a lot without a draw."""
    card = tendering.lot_card(unit, lot_id)
    rows = unit.session.scalars(
        select(CommitteeDraw).where(CommitteeDraw.lot_id == lot_id).order_by(CommitteeDraw.number)
    ).all()
    if not rows:
        raise NotFound(what="draw")
    part = committee.contributor_part(unit, lot_id) or ""
    last = rows[-1]
    wanted = last.state is DrawState.COLLECTING and part not in committee.contributors_of(unit, last)
    return DrawPage(
        lot_id=lot_id,
        lot_name=card.name,
        draws=tuple(_view(unit, row) for row in rows),
        part=part,
        may_contribute=bool(part) and wanted,
    )


def waiting_draws(unit: Unit) -> list[WaitingDraw]:
    """For supervisors: draws by age, those that wait for them first."""
    rows = unit.session.scalars(select(CommitteeDraw).order_by(CommitteeDraw.asked_at.desc()).limit(100)).all()
    found = [
        WaitingDraw(
            lot_id=row.lot_id,
            lot_name=tendering.lot_card(unit, row.lot_id).name,
            asked_at=row.asked_at,
            state=row.state,
            is_in=committee.SUPERVISOR in committee.contributors_of(unit, row),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: one.is_in)


def _view(unit: Unit, row: CommitteeDraw) -> DrawView:
    told = [
        entry.event
        for entry in read_stream(unit.session, cases.public_stream(row.lot_id))
        if getattr(entry.event, "draw", "") == row.draw_id or isinstance(entry.event, e.SeatVacated | e.AwardDecided)
    ]
    pool = next(one.pool for one in told if isinstance(one, e.ExpertPoolFixed))
    tickets, seed, is_verified = _tickets(row, told, pool)
    return DrawView(
        number=row.number,
        draw_id=row.draw_id,
        state=row.state,
        seats=row.seats,
        pool=tuple(pool),
        asked_at=row.asked_at,
        drawn_at=row.drawn_at,
        contributions=_contributions(unit, row, told),
        transcript=row.transcript,
        seed=seed,
        tickets=tickets,
        is_verified=is_verified,
    )


def _contributions(unit: Unit, row: CommitteeDraw, told: Sequence[object]) -> tuple[Contribution, ...]:
    committed = {
        committee.CENTRE if isinstance(one, e.ExpertPoolFixed) else one.contributor: one.commitment
        for one in told
        if isinstance(one, e.ExpertPoolFixed | e.ContributionCommitted)
    }
    is_open = row.state in {DrawState.DRAWN, DrawState.EXHAUSTED}
    held = {
        one.contributor: one
        for one in unit.session.scalars(select(DrawContribution).where(DrawContribution.draw_row_id == row.id))
    }
    found = []
    for name in committee.CONTRIBUTORS:
        own = held.get(name) if is_open else None
        found.append(
            Contribution(
                contributor=name,
                commitment=committed.get(name, ""),
                is_in=name in committed,
                value=own.value if own else "",
                words=own.words if own else "",
                salt=own.salt if own else "",
            )
        )
    return tuple(found)


def _tickets(row: CommitteeDraw, told: Sequence[object], pool: tuple[str, ...]) -> tuple[tuple[Ticket, ...], str, bool]:
    """Tickets asked so far and the next three, the seed, and whether the replay agrees with the events."""
    drawn = next((one for one in told if isinstance(one, e.CommitteeDrawn)), None)
    if drawn is None:
        return (), "", False
    asked = [one.blinded for one in told if isinstance(one, e.SeatOffered | e.TicketPassed)]
    passed = {one.blinded: one.ground for one in told if isinstance(one, e.TicketPassed)}
    vacated = {one.blinded: one.ground for one in told if isinstance(one, e.SeatVacated)}
    award = next((one for one in told if isinstance(one, e.AwardDecided)), None)
    names = {member.blinded: member.name for member in award.members} if award is not None else {}
    try:
        ranking = replay(drawn.transcript, pool)
    except CentreError:
        return (), drawn.seed, False
    tickets = []
    for place, blinded in enumerate(ranking.order[: len(asked) + 3], 1):
        outcome, ground = "waiting", ""
        if blinded in passed:
            outcome, ground = "passed", passed[blinded]
        elif blinded in vacated:
            outcome, ground = "vacated", vacated[blinded]
        elif blinded in asked:
            outcome = "seat"
        tickets.append(Ticket(place, blinded, outcome, ground, names.get(blinded, "")))
    is_equal = list(ranking.order[: len(asked)]) == asked and ranking.transcript.seed == drawn.seed
    return tuple(tickets), drawn.seed, is_equal and row.transcript == drawn.transcript
