"""Official numbers given out in order: within a scope none is given twice and none is skipped (R9.02, R9.03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from foundation import codes
from foundation.store.unit import Unit
from foundation.working_days import civil_date
from tendering.models import CodeCounter

INDUSTRY: Final = "E"
"""First letter of codes of the electronic tender platform (R9.02)."""

DEAL_CATEGORIES: Final[Mapping[str, str]] = MappingProxyType(
    {"works": "A01", "procurement": "D01", "state_property": "C01", "rural_property": "Z01"}
)
"""Class code of the unified deal code by kind of trade (R9.04)."""


@dataclass(frozen=True, slots=True)
class CodeSource:
    """Who gives the codes out: ``region`` of the centre (six digits) and its unified social credit code."""

    region: str
    centre_uscc: str


def next_number(unit: Unit, scope: str) -> int:
    """The next number of ``scope``, from 1. The counter's row lock orders concurrent askers."""
    values = {"scope": scope, "last": 0}
    if unit.session.get_bind().dialect.name == "sqlite":
        unit.session.execute(sqlite.insert(CodeCounter).values(values).on_conflict_do_nothing())
    else:
        unit.session.execute(postgresql.insert(CodeCounter).values(values).on_conflict_do_nothing())
    return unit.session.execute(
        update(CodeCounter)
        .where(CodeCounter.scope == scope)
        .values(last=CodeCounter.last + 1)
        .returning(CodeCounter.last)
        .execution_options(synchronize_session=False)
    ).scalar_one()


def next_project_codes(unit: Unit, source: CodeSource) -> tuple[codes.ProjectCode, codes.TenderProjectCode]:
    """Codes of 17 and 20 characters for a project entered today."""
    today = civil_date(unit.at)
    number = next_number(unit, f"project:{source.region}:{today:%y%m%d}")
    project = codes.project_code(INDUSTRY, source.region, today, number, codes.DATE_AND_SEQUENCE)
    return project, codes.tender_project_code(project, 1)


def next_lot_code(unit: Unit, tender_code: str) -> tuple[int, codes.LotCode]:
    """The next lot's number within its tender project, and its code of 23 characters."""
    number = next_number(unit, f"lot:{tender_code}")
    return number, codes.lot_code(codes.TenderProjectCode(tender_code), number)


def next_deal_code(unit: Unit, source: CodeSource, trade_kind: str) -> codes.UnifiedDealCode:
    """The unified deal code of a lot entered today."""
    today = civil_date(unit.at)
    number = next_number(unit, f"deal:{today:%Y%m%d}")
    return codes.unified_deal_code(DEAL_CATEGORIES[trade_kind], codes.Uscc(source.centre_uscc), today, number)
