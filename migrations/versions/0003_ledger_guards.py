"""The ledger's law in SQL: rows are only inserted, transfers sum to zero.

Revision 0003.
"""

from __future__ import annotations

from alembic import op

from deposits.ledger_ddl import INSERT_ONLY, statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        names = [f"{table}_no_{verb}" for table in INSERT_ONLY for verb in ("update", "delete")]
        names += ["ledger_accounts_no_replace", "deposit_arrivals_no_replace"]
        names += ["ledger_transfers_sound", "ledger_entries_sound"]
        for name in names:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for function in ("ledger_transfers_sound", "ledger_entries_sound", "ledger_insert_only"):
        connection.exec_driver_sql(f"DROP FUNCTION {function} CASCADE")
