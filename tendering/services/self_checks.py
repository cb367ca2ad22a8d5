"""Keep what a bidder's browser found of its device; give it back to that organisation alone (R3.24)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from foundation.errors import NotFound
from foundation.events.tendering import SelfCheckFiled
from foundation.i18n import instant, term
from foundation.store.unit import Unit
from tendering import bid_access, self_check
from tendering.readiness_models import SelfCheck
from tendering.self_check import CheckLine, LineState

SHOWN: Final = 10
AGENT_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class SelfCheckCard:
    """One kept result."""

    id: str
    checked_at: datetime
    person: str
    is_ready: bool
    lines: tuple[CheckLine, ...]
    user_agent: str


def file_check(unit: Unit, lines: Sequence[CheckLine], user_agent: str) -> SelfCheckCard:
    """Keep a result. Whether the device is ready is decided here, from the lines. Raises SelfCheckMalformed."""
    org_id = bid_access.bidder_of(unit.actor)
    ordered = self_check.ordered_lines(lines)
    row = SelfCheck(
        id=unit.new_id(),
        org_id=org_id,
        user_id=unit.actor.user_id or "",
        checked_at=unit.at,
        is_ready=self_check.is_ready(ordered),
        lines=[{"id": line.id, "state": line.state.value, "measured": line.measured} for line in ordered],
        user_agent="".join(char for char in user_agent if char.isprintable())[:AGENT_MAX],
    )
    unit.session.add(row)
    unit.session.flush()
    event = SelfCheckFiled(org_id, row.id, row.is_ready, self_check.troubles(ordered))
    unit.append(f"org:{org_id}", event)
    return _card(unit, row)


def own_checks(unit: Unit) -> tuple[SelfCheckCard, ...]:
    """The newest results of the actor's organisation."""
    query = select(SelfCheck).where(SelfCheck.org_id == bid_access.bidder_of(unit.actor))
    rows = unit.session.scalars(query.order_by(SelfCheck.checked_at.desc(), SelfCheck.id.desc()).limit(SHOWN))
    return tuple(_card(unit, row) for row in rows)


def own_check(unit: Unit, check_id: str) -> SelfCheckCard:
    """Raises NotFound, also for another organisation's."""
    row = unit.session.get(SelfCheck, check_id)
    if row is None or row.org_id != bid_access.bidder_of(unit.actor):
        raise NotFound(what="self_check")
    return _card(unit, row)


def report(card: SelfCheckCard, organisation: str) -> str:
    """The result as text, in the reader's language: what a bidder keeps and shows in a dispute."""
    verdict = term("self_check_verdict.ready" if card.is_ready else "self_check_verdict.not_ready")
    head = [
        term("self_check.report"),
        f"{organisation} · {card.person}",
        f"{instant(card.checked_at, 'full')} (UTC+8)",
        verdict,
        card.user_agent,
        card.id,
        "",
    ]
    body = [
        f"[{term(f'self_check_state.{line.state}')}] {term(f'self_check.{line.id}')}"
        + (f" · {line.measured}" if line.measured else "")
        for line in card.lines
    ]
    return "\n".join([*head, *body]) + "\n"


def _card(unit: Unit, row: SelfCheck) -> SelfCheckCard:
    return SelfCheckCard(
        id=row.id,
        checked_at=row.checked_at,
        person=accounts.person(unit, row.user_id).name,
        is_ready=row.is_ready,
        lines=tuple(CheckLine(str(one["id"]), LineState(one["state"]), str(one["measured"])) for one in row.lines),
        user_agent=row.user_agent,
    )
