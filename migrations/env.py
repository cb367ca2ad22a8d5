"""Alembic's environment: always online, over the engine that ``centre.migrate`` passes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine

from foundation.store.base import Base, DecimalText, EnumText, Fen, Instant, Json
from foundation.store.engine import is_sqlite

_OWN_TYPES = (DecimalText, EnumText, Fen, Instant, Json)


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our column types as the plain types beneath them: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, _OWN_TYPES):
        return f"sa.{item.impl!r}"
    return False


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """One transaction for all migrations: a process that dies leaves the schema as it was.

    On SQLite a table is changed by copying it, so references are not enforced meanwhile (no PRAGMA inside a
    transaction can switch that) and are all checked before the commit.
    """
    with engine.connect() as connection:
        if not is_sqlite(engine):
            with connection.begin():
                yield connection
            return
        raw = connection.connection.cursor()
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise RuntimeError(f"rows without the row they refer to: {broken[:5]}")
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


with migrating(context.config.attributes["engine"]) as found:
    context.configure(
        connection=found,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        transactional_ddl=True,
        transaction_per_migration=False,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
