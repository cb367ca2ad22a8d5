"""The guide bar's model: where the lot stands, what happens, why, and what the reader does next."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil

from flask import url_for

from centre import demo_desk, demo_facts, demo_guide
from centre.demo_desk import GuidedLot
from centre.demo_guide import Own
from centre.demo_run import Run
from centre.seed_people import demo_accounts, user_of
from foundation.money import Money
from foundation.store.unit import Unit
from sandbox.autopilot import doing
from sandbox.autopilot.stages import CHAPTERS, OVER, Act, Chapter, Part, Stage, chapter_of, is_before
from tendering.models import Lot


@dataclass(frozen=True, slots=True)
class RunView:
    """The run as everybody may see it: not who of the experts the visitor is."""

    part: Part
    pace_seconds: float
    is_held: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class DoingView:
    """What somebody else is doing. ``who``: name of the person, in Chinese as in the data."""

    what: str
    who: str


@dataclass(frozen=True, slots=True)
class RefundView:
    """Deposits that are back. ``is_own``: the visitor's alone."""

    is_own: bool
    count: int
    principal: Money
    interest: Money
    total: Money


@dataclass(frozen=True, slots=True)
class GuideView:
    """``is_yours``: the reader is signed in as the account the run plays; ``turn`` is told to nobody else.

    ``may_enter``: the reader can be signed in as that account. ``jump_in``: seconds until the pilot moves the clock, -1
    where it does not; ``goal``: the moment it goes on to, over the ones in between. ``version`` changes whenever the
    bar must be drawn anew.
    """

    lot_id: str
    lot_name: str
    run: RunView | None
    stage: Stage
    chapter: Chapter
    chapter_number: int
    chapters: tuple[Chapter, ...]
    turn: Act | None
    is_yours: bool
    may_enter: bool
    running: str
    moment: str
    goal: str
    tip: str
    rule_id: str
    source: str
    url: str
    doing: DoingView | None
    jump_in: int
    is_silent: bool
    is_over: bool
    refund: RefundView | None
    version: str = field(default="")


def guide(unit: Unit, run: Run | None, told: doing.Doing | None, machine: datetime) -> GuideView | None:
    """The guide for whoever asks; None where there is no guided lot."""
    lot = unit.session.get(Lot, run.lot_id) if run is not None else None
    lot = lot or demo_desk.guided_lot(unit)
    if lot is None:
        return None
    guided = demo_desk.describe(unit, lot)
    stage = demo_guide.stage_of(demo_facts.facts_of(unit, lot))
    visitor = demo_facts.visitor_of(unit, run) if run is not None else None
    is_yours = visitor is not None and unit.actor.user_id == visitor.id
    own = demo_facts.own_of(unit, run, visitor) if run is not None and visitor is not None and is_yours else Own()
    part = run.part if run is not None else Part.PUBLIC
    turn = demo_guide.turn_of(part, stage, own) if is_yours else None
    rule_id, source = demo_guide.WHY[stage]
    place = demo_guide.place_of(_seen_as(part, is_yours=is_yours), stage, turn, own)
    is_over = stage in OVER
    return _stamped(
        GuideView(
            lot_id=lot.id,
            lot_name=lot.name,
            run=RunView(run.part, run.pace_seconds, run.is_held, run.started_at) if run is not None else None,
            stage=stage,
            chapter=chapter_of(stage),
            chapter_number=list(CHAPTERS).index(chapter_of(stage)) + 1,
            chapters=tuple(CHAPTERS),
            turn=turn,
            is_yours=is_yours or part is Part.PUBLIC,
            may_enter=visitor is not None and not is_yours,
            running=guided.running,
            moment=guided.moment.key if guided.moment is not None else "",
            goal=demo_guide.GOALS.get(stage, guided.moment.key if guided.moment is not None else ""),
            tip=f"{part}.{stage}" if (part, stage) in demo_guide.TIPS else "",
            rule_id=rule_id,
            source=source,
            url=_address(place, lot.id),
            doing=None if is_over else _doing(told),
            jump_in=_jump_in(guided, told, machine),
            is_silent=run is not None and not is_over and _is_silent(run, told, machine),
            is_over=is_over,
            refund=_refund(unit, lot.id, stage, visitor.org_id if visitor and part is Part.BIDDER and is_yours else ""),
        )
    )


def _address(place: str, lot_id: str) -> str:
    if place in demo_guide.LOTLESS:
        return url_for(place)
    return url_for(place, lot=lot_id) if place in demo_guide.LISTS else url_for(place, lot_id=lot_id)


def _seen_as(part: Part, *, is_yours: bool) -> Part:
    """Somebody who is signed in as nobody, or as somebody else, is led to the public's places."""
    return part if is_yours else Part.PUBLIC


def _doing(told: doing.Doing | None) -> DoingView | None:
    if told is None or not told.what:
        return None
    who = next((one.name for one in demo_accounts() if one.login == told.who), "")
    return DoingView(told.what, who)


def _is_silent(run: Run, told: doing.Doing | None, machine: datetime) -> bool:
    """A run that has just begun gives the pilot its time to notice."""
    is_new = machine - run.started_at < doing.SILENT_AFTER
    return not is_new and (told is None or told.is_silent(machine))


def _jump_in(guided: GuidedLot, told: doing.Doing | None, machine: datetime) -> int:
    if told is None or told.jump_at is None or guided.moment is None or told.jump_at < machine:
        return -1
    return ceil((told.jump_at - machine).total_seconds())


def _refund(unit: Unit, lot_id: str, stage: Stage, org_id: str) -> RefundView | None:
    """Nothing before publicity is over: who paid and withdrew is nobody's business (R2.08)."""
    if is_before(stage, Stage.AWARD):
        return None
    found = demo_facts.refunds_of(unit, lot_id, org_id)
    if not found.count:
        return None
    total = found.principal + found.interest
    return RefundView(bool(org_id), found.count, found.principal, found.interest, total)


def _stamped(view: GuideView) -> GuideView:
    shown = (
        view.lot_id,
        view.run,
        view.stage,
        view.turn,
        view.running,
        view.moment,
        view.doing,
        view.jump_in >= 0,
        view.is_silent,
        view.is_yours,
        view.may_enter,
        view.refund,
    )
    return replace(view, version=hashlib.sha256(repr(shown).encode()).hexdigest()[:16])


def account_of(unit: Unit, run: Run) -> str:
    """The login the run plays by hand now. Raises NobodyDrawn for an expert before the draw; "" for the public."""
    if run.part is Part.EXPERT:
        return demo_facts.drawn_expert(unit, run).login
    return run.login if run.login and user_of(unit, run.login) is not None else ""
