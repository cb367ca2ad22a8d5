"""Alembic's environment: always online, over the engine that ``centre.migrate`` passes in."""

from __future__ import annotations

from alembic import context

from foundation.store.base import Base, DecimalText, EnumText, Fen, Instant, Json

_OWN_TYPES = (DecimalText, EnumText, Fen, Instant, Json)


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our column types as the plain types beneath them: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, _OWN_TYPES):
        return f"sa.{item.impl!r}"  # type: ignore[attr-defined]
    return False


with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()
