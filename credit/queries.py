"""Read models of the list of bans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from credit.models import Ban
from credit.rules import is_in_force, is_shown
from foundation.errors import NotFound
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class BanLine:
    """``standing``: upcoming, in_force, over or annulled."""

    id: str
    uscc: str
    name: str
    authority: str
    decision_no: str
    clause: str
    starts_at: datetime
    ends_at: datetime
    document_reference: str
    standing: str
    annulled_at: datetime | None
    annulled_ground: str


def public_bans(unit: Unit, *, before: tuple[str, ...] | None = None, limit: int = 100) -> list[BanLine]:
    """Everything still to be published (R7.12), newest entry first."""
    query = select(Ban).order_by(Ban.id.desc())
    if before:
        query = query.where(Ban.id < before[0])
    lines: list[BanLine] = []
    for row in unit.session.scalars(query.execution_options(yield_per=200)):
        if is_shown(starts_at=row.starts_at, ends_at=row.ends_at, at=unit.at):
            lines.append(line_of(row, unit.at))
        if len(lines) == limit:
            break
    return lines


def ban(unit: Unit, ban_id: str) -> BanLine:
    """One ban, shown or not. Raises NotFound."""
    row = unit.session.get(Ban, ban_id)
    if row is None:
        raise NotFound(what="ban")
    return line_of(row, unit.at)


def line_of(row: Ban, at: datetime) -> BanLine:
    if row.annulled_at is not None:
        standing = "annulled"
    elif is_in_force(starts_at=row.starts_at, ends_at=row.ends_at, annulled_at=None, at=at):
        standing = "in_force"
    else:
        standing = "upcoming" if at < row.starts_at else "over"
    return BanLine(
        id=row.id,
        uscc=row.uscc,
        name=row.name,
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        document_reference=row.document_reference,
        standing=standing,
        annulled_at=row.annulled_at,
        annulled_ground=row.annulled_ground,
    )
