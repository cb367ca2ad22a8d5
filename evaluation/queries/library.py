"""The expert library as its keepers see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts.models import User
from evaluation.models import Expert
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class ExpertRow:
    """Says nothing about who was drawn for what."""

    id: str
    name: str
    login: str
    employer: str
    specialities: tuple[str, ...]
    title: str
    years: int
    is_suspended: bool
    entered_at: datetime


def experts(unit: Unit, after: tuple[str, ...] | None, limit: int) -> list[ExpertRow]:
    query = select(Expert, User.name, User.login).join(User, User.id == Expert.user_id).order_by(Expert.id)
    if after:
        query = query.where(Expert.id > after[0])
    return [
        ExpertRow(
            row.id,
            name,
            login,
            row.employer,
            tuple(row.specialities),
            row.title,
            row.years,
            row.is_suspended,
            row.entered_at,
        )
        for row, name, login in unit.session.execute(query.limit(limit))
    ]
