"""Read models of standing: what the ledger says of one code at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select

from accounts.facade import find_organisations, organisation_by_uscc
from accounts.roles import Role
from credit import access
from credit.acts import ACTS, LEVELS
from credit.models import Ban, CreditRecord
from credit.queries import BanLine
from credit.queries import line_of as ban_line_of
from credit.record_queries import RecordLine, RecordPage, page_of, public_records_of, rows_of
from credit.remedies import term_of
from credit.rules import is_shown
from credit.standing import BAN, Ground, Standing, standing_at
from credit.states import COUNTING, Level, RecordState
from foundation.errors import NotFound
from foundation.store.unit import Unit

SEARCH_MAX = 50


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    uscc: str
    name: str
    level: Level


@dataclass(frozen=True, slots=True)
class StandingPage:
    """What everybody may read: the standing with its reasons, the records and bans still published."""

    uscc: str
    name: str
    standing: Standing
    records: tuple[RecordLine, ...]
    bans: tuple[BanLine, ...]


@dataclass(frozen=True, slots=True)
class OwnPage:
    """The organisation's own view: every record it ever had. ``is_verified``: its claim to the code is proved."""

    uscc: str
    name: str
    is_verified: bool
    standing: Standing
    records: tuple[RecordPage, ...]
    bans: tuple[BanLine, ...]


def grounds_of(unit: Unit, uscc: str) -> list[Ground]:
    """Everything that counts, did count or will count for the code."""
    records = [_of_record(row) for row in rows_of(unit, uscc)]
    return [*records, *(_of_ban(row) for row in unit.session.scalars(select(Ban).where(Ban.uscc == uscc)))]


def _of_record(row: CreditRecord) -> Ground:
    term = term_of(row)
    return Ground(
        kind=row.act,
        id=row.id,
        level=LEVELS[ACTS[row.act].weight],
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        from_at=term.from_at,
        until_at=term.until_at,
        is_objected=row.state is RecordState.OBJECTED,
    )


def _of_ban(row: Ban) -> Ground:
    return Ground(
        kind=BAN,
        id=row.id,
        level=Level.BANNED,
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        from_at=row.starts_at,
        until_at=row.ends_at if row.annulled_at is None else min(row.ends_at, row.annulled_at),
    )


def standing(unit: Unit, uscc: str, at: datetime) -> Standing:
    return standing_at(grounds_of(unit, uscc), at)


def standing_page(unit: Unit, uscc: str) -> StandingPage:
    """Raises NotFound for a code that nobody proved and nothing published names."""
    holder = organisation_by_uscc(unit, uscc)
    records = public_records_of(unit, uscc, unit.at)
    bans = _shown_bans(unit, uscc)
    names = [*([holder.name] if holder is not None else []), *(r.name for r in records), *(b.name for b in bans)]
    if not names:
        raise NotFound(what="organisation")
    return StandingPage(uscc, names[0], standing(unit, uscc, unit.at), records, bans)


def own_page(unit: Unit) -> OwnPage:
    """Raises NotPermitted for somebody without an organisation."""
    own = access.own_organisation(unit)
    records = tuple(page_of(unit, row) for row in rows_of(unit, own.uscc)) if own.is_verified else ()
    return OwnPage(
        own.uscc, own.name, own.is_verified, standing(unit, own.uscc, unit.at), records, _shown_bans(unit, own.uscc)
    )


def search(unit: Unit, text: str) -> tuple[OrganisationLine, ...]:
    """Bidders, and whoever a published record or ban names, by name or beginning of the code."""
    found = {
        str(card.uscc): card.name for card in find_organisations(unit, text, SEARCH_MAX) if Role.BIDDER in card.roles
    }
    records = select(CreditRecord).where(_named(CreditRecord, text)).order_by(CreditRecord.id.desc())
    bans = select(Ban).where(_named(Ban, text)).order_by(Ban.id.desc())
    rows = [*unit.session.scalars(records.limit(SEARCH_MAX)), *unit.session.scalars(bans.limit(SEARCH_MAX))]
    for row in rows:
        if _is_public(row, unit.at):
            found.setdefault(row.uscc, row.name)
    lines = [OrganisationLine(uscc, name, standing(unit, uscc, unit.at).level) for uscc, name in found.items()]
    return tuple(sorted(lines, key=lambda line: (line.name, line.uscc))[:SEARCH_MAX])


def _named(table: type[CreditRecord | Ban], text: str) -> ColumnElement[bool]:
    return or_(table.name.contains(text, autoescape=True), table.uscc.startswith(text, autoescape=True))


def _is_public(row: CreditRecord | Ban, at: datetime) -> bool:
    if isinstance(row, Ban):
        return is_shown(starts_at=row.starts_at, ends_at=row.ends_at, at=at)
    return row.state in COUNTING and at < row.ends_at


def _shown_bans(unit: Unit, uscc: str) -> tuple[BanLine, ...]:
    rows = unit.session.scalars(select(Ban).where(Ban.uscc == uscc).order_by(Ban.id.desc()))
    return tuple(ban_line_of(row, unit.at) for row in rows if _is_public(row, unit.at))
