"""Forming the committee: pool, entropy, seats. Every choice is the draw's; nobody draws twice (R3.17, R4.07).

The pool of blinded ids is public before any entropy is known. The centre commits first, in the same event; tenderee and
supervisor add words of their own, mixed with a salt, of which only a digest is told until the draw. Who withholds
nothing can choose nothing. What this does not exclude: the platform together with whoever contributes last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from accounts.roles import Role
from evaluation import recusal
from evaluation.errors import CommitteeKnown, CommitteeUnlawful, ContributionKnown, PoolTooSmall
from evaluation.models import CommitteeDraw, CommitteeSeat, DrawContribution, EvaluationCase, Expert
from evaluation.recusal import Candidate
from evaluation.services import cases, library
from evaluation.states import (
    SEATED,
    CaseState,
    DrawState,
    DrawTrigger,
    SeatState,
    SeatTrigger,
)
from foundation.draws import replay
from foundation.errors import NotFound, NotPermitted
from foundation.events import evaluation as e
from foundation.sealing.text import h
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.states import LotState

CENTRE, TENDEREE, SUPERVISOR = "centre", "tenderee", "supervisor"
CONTRIBUTORS: Final = (CENTRE, SUPERVISOR, TENDEREE)
ANSWER_TIME: Final = timedelta(hours=1)
"""How long a seat waits for its expert before the next ticket is asked."""
LAPSE: Final = "evaluation.lapse_invitation"
COMMITTEE_FROM: Final = frozenset({LotState.OPEN, LotState.CLOSED, LotState.FROZEN, LotState.OPENED})


def blinded_id(salt: str, expert_id: str) -> str:
    """The id under which an expert stands in a public pool."""
    return h("etender-expert/v1", salt, expert_id)


def commitment_to(value: str) -> str:
    return h("etender-contribution-commitment/v1", value)


def contribution_of(draw_id: str, contributor: str, words: str, salt: str) -> str:
    """The contributor can redo this from its own words and the salt it was told."""
    return h("etender-contribution/v1", draw_id, contributor, words, salt)


def request_committee(unit: Unit, lot_id: str, size: int, specialities: Sequence[str] = ()) -> str:
    """Fix the pool for a committee of ``size`` experts; the draw's public id.

    A further draw only fills seats that are empty after every ticket of the last one is spent. Raises
    CommitteeUnlawful, CommitteeKnown, PoolTooSmall, NotPermitted; NotFound for a lot that takes no bids yet.
    """
    card = tendering.lot_card(unit, lot_id)
    if card.is_imported or card.state not in COMMITTEE_FROM:
        raise NotFound(what="lot")
    if not tendering.host_may_run(unit, lot_id, unit.actor):
        raise NotPermitted(what="committee")
    case = cases.open_case(unit, lot_id)
    cases.require_state(case, CaseState.FORMING, CaseState.REVIEW)
    last = last_draw(unit, lot_id)
    if last is not None and last.state is not DrawState.EXHAUSTED:
        raise CommitteeKnown
    if last is None:
        # Everybody drawn is an expert of the library, so the share of experts is the whole committee.
        if objections := recusal.composition_objections(size, size):
            raise CommitteeUnlawful(objections=objections)
        case.committee_size, case.specialities = size, list(specialities)
    seats = case.committee_size - len(seats_of(unit, lot_id, *SEATED))
    return _fix_pool(unit, case, card, seats, (last.number if last else 0) + 1)


def _fix_pool(unit: Unit, case: EvaluationCase, card: tendering.LotCard, seats: int, number: int) -> str:
    parties = cases.parties_of(unit, case.id)
    draw_id = f"{card.tender_code}/{card.lot_code}/committee/{number}"
    known = set(unit.session.scalars(select(CommitteeSeat.expert_id).where(CommitteeSeat.lot_id == case.id)))
    wanted, pool, excluded = set(case.specialities), [], []
    for expert in library.candidates(unit):
        if wanted and not wanted & set(expert.specialities):
            continue
        blinded = blinded_id(case.expert_salt, expert.expert_id)
        ground = "asked_before" if expert.expert_id in known else recusal.ground_of(expert, parties)
        if ground:
            excluded.append(e.Exclusion(blinded, ground))
        else:
            pool.append(blinded)
    if len(pool) < recusal.POOL_FACTOR * seats:
        raise PoolTooSmall(count=len(pool), needed=recusal.POOL_FACTOR * seats)
    pool.sort()
    value = unit.entropy.token(cases.SALT_BYTES).hex()
    unit.append(cases.private_stream(case.id), e.ExpertsExcluded(draw_id, tuple(excluded)))
    fixed = e.ExpertPoolFixed(case.id, draw_id, seats, tuple(pool), h(*pool), commitment_to(value))
    entry = unit.append(cases.public_stream(case.id), fixed)
    row = CommitteeDraw(
        id=unit.new_id(),
        lot_id=case.id,
        number=number,
        draw_id=draw_id,
        state=DrawState.COLLECTING,
        seats=seats,
        pool=pool,
        passed=[],
        pool_entry_id=entry.id,
        last_entry_id=entry.id,
        asked_at=unit.at,
        drawn_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    _add_contribution(unit, row, CENTRE, value, "", "")
    return draw_id


def contribute(unit: Unit, lot_id: str, words: str) -> str:
    """Add the asker's entropy, as the lot's tenderee or as a supervisor; the salt its words were mixed with.

    With the last contribution the draw is ready; it is made when the log covers it. Raises ContributionKnown.
    """
    part = contributor_part(unit, lot_id)
    if part is None:
        raise NotPermitted(what="contribute")
    cases.locked(unit, lot_id)
    row = last_draw(unit, lot_id)
    if row is None:
        raise NotFound(what="draw")
    held = unit.session.get(DrawContribution, (row.id, part))
    if held is not None or row.state is not DrawState.COLLECTING:
        raise ContributionKnown
    salt = unit.entropy.token(cases.SALT_BYTES).hex()
    value = contribution_of(row.draw_id, part, words, salt)
    _add_contribution(unit, row, part, value, words, salt)
    committed = e.ContributionCommitted(lot_id, row.draw_id, part, commitment_to(value))
    present = contributors_of(unit, row)
    if set(present) == set(CONTRIBUTORS):
        # The transition's event is the last commitment: the draw waits for exactly this entry.
        unit.transition(row, DrawTrigger.COMPLETE, cases.public_stream(lot_id), committed)
        row.last_entry_id = _newest_entry_id(unit, cases.public_stream(lot_id))
    else:
        row.last_entry_id = unit.append(cases.public_stream(lot_id), committed).id
    unit.session.flush()
    return salt


def contributor_part(unit: Unit, lot_id: str) -> str | None:
    """In which part the asker may add entropy: tenderee of the lot, supervisor, or neither."""
    if unit.actor.has_role(Role.SUPERVISOR):
        return SUPERVISOR
    card = tendering.lot_card(unit, lot_id)
    if unit.actor.has_role(Role.TENDEREE) and unit.actor.org_id == card.tenderee_org_id:
        return TENDEREE
    return None


def _newest_entry_id(unit: Unit, stream: str) -> str:
    from foundation.journal import JournalEntry

    unit.session.flush()
    newest = select(JournalEntry.id).where(JournalEntry.stream == stream).order_by(JournalEntry.seq.desc()).limit(1)
    return unit.session.scalars(newest).one()


def _add_contribution(unit: Unit, row: CommitteeDraw, part: str, value: str, words: str, salt: str) -> None:
    unit.session.add(
        DrawContribution(
            draw_row_id=row.id,
            contributor=part,
            value=value,
            words=words,
            salt=salt,
            by_user_id=unit.actor.user_id if part != CENTRE else None,
            at=unit.at,
        )
    )
    unit.session.flush()


def contributors_of(unit: Unit, row: CommitteeDraw) -> tuple[str, ...]:
    """Who has contributed so far."""
    query = select(DrawContribution.contributor).where(DrawContribution.draw_row_id == row.id)
    return tuple(sorted(unit.session.scalars(query)))


def last_draw(unit: Unit, lot_id: str) -> CommitteeDraw | None:
    query = select(CommitteeDraw).where(CommitteeDraw.lot_id == lot_id).order_by(CommitteeDraw.number.desc()).limit(1)
    return unit.session.scalar(query)


def seats_of(unit: Unit, lot_id: str, *states: SeatState) -> list[CommitteeSeat]:
    """Seats in these states (all, when none is named), in the order they were offered."""
    query = select(CommitteeSeat).where(CommitteeSeat.lot_id == lot_id)
    if states:
        query = query.where(CommitteeSeat.state.in_(states))
    return list(unit.session.scalars(query.order_by(CommitteeSeat.invited_at, CommitteeSeat.id)))


# --- seats ----------------------------------------------------------------------


def fill_seats(unit: Unit, case: EvaluationCase, row: CommitteeDraw) -> None:
    """Offer every empty seat to the next ticket that may sit. Tickets are never drawn anew (R3.17)."""
    if row.state is not DrawState.DRAWN:
        return
    order = replay(row.transcript, row.pool).order
    experts = {blinded_id(case.expert_salt, one.expert_id): one for one in library.candidates(unit)}
    parties = cases.parties_of(unit, case.id)
    passed = list(row.passed)
    missing = case.committee_size - len(seats_of(unit, case.id, *SEATED))
    for blinded in order:
        if missing <= 0:
            break
        if blinded in passed:
            continue
        passed.append(blinded)
        expert = experts.get(blinded)
        ground = "account_closed" if expert is None else recusal.ground_of(expert, parties)
        if expert is not None and not ground and recusal.employer_key(expert) in _employers(unit, case.id):
            ground = "employer_twice"
        if expert is None or ground:
            unit.append(cases.public_stream(case.id), e.TicketPassed(case.id, row.draw_id, blinded, ground))
            continue
        _offer(unit, case, row, expert, blinded)
        missing -= 1
    row.passed = passed
    unit.session.flush()
    if missing > 0:
        told = e.DrawExhausted(case.id, row.draw_id, missing)
        unit.transition(row, DrawTrigger.EXHAUST, cases.public_stream(case.id), told)


def _employers(unit: Unit, lot_id: str) -> set[str]:
    ids = [seat.expert_id for seat in seats_of(unit, lot_id, *SEATED)]
    return {recusal.employer_key(one) for one in library.candidates(unit, ids)}


def _offer(unit: Unit, case: EvaluationCase, row: CommitteeDraw, expert: Candidate, blinded: str) -> None:
    user_id = unit.session.get_one(Expert, expert.expert_id).user_id
    seat = CommitteeSeat(
        id=unit.new_id(),
        lot_id=case.id,
        draw_row_id=row.id,
        expert_id=expert.expert_id,
        user_id=user_id,
        blinded=blinded,
        state=SeatState.INVITED,
        invited_at=unit.at,
        answer_until=unit.at + ANSWER_TIME,
        answered_at=None,
        signed_at=None,
    )
    unit.session.add(seat)
    unit.session.flush()
    unit.append(cases.public_stream(case.id), e.SeatOffered(case.id, row.draw_id, blinded))
    params = {"lot": tendering.lot_card(unit, case.id).name, "until": seat.answer_until}
    accounts.add_to_inbox(unit, user_id, "inbox.seat_offered", params, f"/reviews/{case.id}")
    unit.enqueue(LAPSE, seat.id, {"seat": seat.id}, due=seat.answer_until)


def vacate(unit: Unit, case: EvaluationCase, seat: CommitteeSeat, trigger: SeatTrigger, ground: str, why: str) -> None:
    """The seat is empty again: its opinions are void (R4.08) and the next ticket is asked."""
    from evaluation.services.sheets import void_sheet

    void_sheet(unit, seat)
    seat.answered_at = unit.at
    told = e.SeatVacated(case.id, seat.blinded, ground, why)
    unit.transition(seat, trigger, cases.public_stream(case.id), told)
    row = last_draw(unit, case.id)
    if row is not None:
        fill_seats(unit, case, row)


def rerun_recusal(unit: Unit, lot_id: str) -> int:
    """Look at every seat again, as after the opening when the bidders are known; how many seats were vacated."""
    case = cases.locked(unit, lot_id)
    if case.state not in {CaseState.FORMING, CaseState.REVIEW}:
        return 0
    parties, removed = cases.parties_of(unit, lot_id), 0
    for seat in seats_of(unit, lot_id, *SEATED):
        found = library.candidates(unit, [seat.expert_id])
        ground = recusal.ground_of(found[0], parties) if found else "account_closed"
        if ground:
            vacate(unit, case, seat, SeatTrigger.REMOVE, ground, "")
            accounts.add_to_inbox(unit, seat.user_id, "inbox.seat_removed", {}, "/reviews")
            removed += 1
    return removed


def lapse_invitation(unit: Unit, seat_id: str) -> None:
    """No answer in time: the next ticket is asked. Answered meanwhile: nothing happens."""
    seat = unit.session.get(CommitteeSeat, seat_id)
    if seat is None:
        return
    case = cases.locked(unit, seat.lot_id)
    unit.session.refresh(seat)
    if seat.state is SeatState.INVITED and unit.at >= seat.answer_until:
        vacate(unit, case, seat, SeatTrigger.LAPSE, "not_answered", "")
