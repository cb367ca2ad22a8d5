"""The case of a lot, and who is a party to it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from evaluation.models import EvaluationCase
from evaluation.recusal import Party
from evaluation.states import CaseState
from foundation.actor import system
from foundation.errors import NotFound
from foundation.events import Event
from foundation.events import evaluation as e
from foundation.journal import JournalEntry
from foundation.machine import WrongState
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.states import LotState

PLATFORM: Final = system("evaluation")
LIST_IS_PUBLIC: Final = frozenset({LotState.FROZEN, LotState.OPENED})
SALT_BYTES: Final = 32


def public_stream(lot_id: str) -> str:
    """Public facts of the lot."""
    return f"lot:{lot_id}"


def private_stream(lot_id: str) -> str:
    """Members, marks and codes."""
    return f"evaluation:{lot_id}"


def open_case(unit: Unit, lot_id: str) -> EvaluationCase:
    """The case of the lot, made when there is none yet; the same case again and again otherwise."""
    card = tendering.lot_card(unit, lot_id)
    row = locked_or_none(unit, lot_id)
    if row is not None:
        return row
    row = EvaluationCase(
        id=card.id,
        state=CaseState.FORMING,
        opened_at=unit.at,
        committee_size=0,
        specialities=[],
        expert_salt=unit.entropy.token(SALT_BYTES).hex(),
        rubric=None,
        findings=[],
        result=None,
        tie_order=[],
    )
    unit.session.add(row)
    unit.session.flush()
    unit.append(public_stream(lot_id), e.CaseOpened(lot_id))
    return row


def locked_or_none(unit: Unit, lot_id: str) -> EvaluationCase | None:
    return unit.session.scalar(select(EvaluationCase).where(EvaluationCase.id == lot_id).with_for_update())


def locked(unit: Unit, lot_id: str, *states: CaseState) -> EvaluationCase:
    """The case, held until the commit. Raises NotFound, and WrongState outside ``states`` (any, when none is named)."""
    row = locked_or_none(unit, lot_id)
    if row is None:
        raise NotFound(what="evaluation")
    require_state(row, *states)
    return row


def require_state(row: EvaluationCase, *states: CaseState) -> None:
    if states and row.state not in states:
        raise WrongState(machine=row.MACHINE.name, state=str(row.state), trigger=str(states[0]))


def case_of(unit: Unit, lot_id: str) -> EvaluationCase:
    """The case for reading. Raises NotFound."""
    row = unit.session.get(EvaluationCase, lot_id)
    if row is None:
        raise NotFound(what="evaluation")
    return row


def is_told(unit: Unit, lot_id: str, kind: type[Event]) -> bool:
    """Whether an event of this kind stands in the lot's public stream already."""
    entry = select(JournalEntry.id).where(JournalEntry.stream == public_stream(lot_id), JournalEntry.type == kind.TYPE)
    return unit.session.scalar(entry.limit(1)) is not None


def parties_of(unit: Unit, lot_id: str) -> tuple[Party, ...]:
    """Tenderee and agency; bidders from the moment their list is public, and never before it (R1.05)."""
    card = tendering.lot_card(unit, lot_id)
    found = [Party(card.tenderee_org_id, card.tenderee_name, "tenderee")]
    if card.agency_org_id:
        found.append(Party(card.agency_org_id, card.agency_name, "agency"))
    if card.state in LIST_IS_PUBLIC:
        found += [Party(bid.org_id, bid.org_name, "bidder") for bid in tendering.live_bids(unit, lot_id)]
    return tuple(found)
