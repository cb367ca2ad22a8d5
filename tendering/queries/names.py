"""Names of organisations for lists: one join instead of a look-up a row."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, String, column, table


@dataclass(frozen=True, slots=True)
class Names:
    """Something to join: ``source`` on ``id``; ``name`` to select."""

    source: FromClause
    id: ColumnElement[str]
    name: ColumnElement[str]


def organisations(alias: str) -> Names:
    """The organisations by id and name, under an alias of the query's own (accounts keeps its rows to itself)."""
    source = table("organisations", column("id", String), column("name", String)).alias(alias)
    return Names(source, source.c.id, source.c.name)
