"""What neighbours may ask of credit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from accounts.facade import organisation, uscc_of
from credit import standing_queries
from credit.models import Ban
from credit.record_queries import RecordLine, public_records_of
from credit.standing import Change, Ground, Standing
from credit.states import Level
from foundation.store.unit import Unit

__all__ = [
    "BanCard",
    "Change",
    "Ground",
    "Level",
    "RecordLine",
    "Standing",
    "bans_in_force",
    "records_of",
    "standing_of",
]


@dataclass(frozen=True, slots=True)
class BanCard:
    """A lawful ban: no bid may be received from ``starts_at`` to just before ``ends_at``."""

    decision_no: str
    authority: str
    clause: str
    starts_at: datetime
    ends_at: datetime


def bans_in_force(unit: Unit, org_id: str, at: datetime) -> tuple[BanCard, ...]:
    """Every ban on the organisation's code that holds at the instant ``at``: half-open [start, end).

    Bans follow the code, so every organisation that names it is held by them. Raises NotFound for an unknown one.
    """
    rows = unit.session.scalars(
        select(Ban)
        .where(
            Ban.uscc == uscc_of(unit, org_id),
            Ban.starts_at <= at,
            Ban.ends_at > at,
            or_(Ban.annulled_at.is_(None), Ban.annulled_at > at),
        )
        .order_by(Ban.starts_at, Ban.id)
    )
    return tuple(BanCard(row.decision_no, row.authority, row.clause, row.starts_at, row.ends_at) for row in rows)


def standing_of(unit: Unit, org_id: str, at: datetime) -> Standing:
    """Level, reasons and what time alone will change, at the instant ``at``. Raises NotFound for an unknown one.

    Only ``Level.BANNED`` stops a bid; every other level informs people (R7.14).
    """
    return standing_queries.standing(unit, organisation(unit, org_id).uscc, at)


def records_of(unit: Unit, org_id: str, at: datetime) -> tuple[RecordLine, ...]:
    """The records that everybody could read at the instant ``at``, newest first. Raises NotFound."""
    return public_records_of(unit, organisation(unit, org_id).uscc, at)
