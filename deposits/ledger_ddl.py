"""The ledger's law in SQL, for SQLite and PostgreSQL.

Rows are only inserted, and a transfer closes only when its entries sum to zero, take back exactly what was pending, and
leave no account on its wrong side.

Entries are written first (their foreign key is deferred), then the transfer; the trigger on the transfer sees them all.
``statements`` gives the same texts to the migration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, MetaData, Table, inspect

INSERT_ONLY: Final = ("ledger_accounts", "ledger_transfers", "ledger_entries", "deposit_arrivals")
LEDGER: Final = ("ledger_accounts", "ledger_transfers", "ledger_entries")

# name → (what is wrong, condition over NEW); the same text serves both databases.
_TRANSFER_FAULTS: Final = (
    (
        "ledger: this transfer exists",
        "EXISTS (SELECT 1 FROM ledger_transfers t WHERE t.id = NEW.id OR t.key = NEW.key OR t.seq = NEW.seq)",
    ),
    (
        "ledger: fewer than two entries",
        "(SELECT count(*) FROM ledger_entries e WHERE e.transfer_id = NEW.id) < 2",
    ),
    (
        "ledger: the entries do not sum to zero",
        "(SELECT sum(e.fen) FROM ledger_entries e WHERE e.transfer_id = NEW.id) <> 0",
    ),
    (
        "ledger: only a pending transfer is resolved",
        (
            "NEW.resolves_id IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM ledger_transfers t WHERE t.id = NEW.resolves_id AND t.kind = 'pending')"
        ),
    ),
    (
        "ledger: a resolution takes back exactly what is in flight",
        (
            "NEW.resolves_id IS NOT NULL AND (SELECT coalesce(sum(e.fen), 0) FROM ledger_entries e "
            "JOIN ledger_accounts a ON a.code = e.account "
            "WHERE e.transfer_id IN (NEW.id, NEW.resolves_id) AND a.kind = 'refunds_in_flight') <> 0"
        ),
    ),
    (
        "ledger: an account would lie on its wrong side",
        (
            "EXISTS (SELECT 1 FROM ledger_accounts a JOIN ledger_entries e ON e.account = a.code "
            "WHERE a.code IN (SELECT n.account FROM ledger_entries n WHERE n.transfer_id = NEW.id) "
            "GROUP BY a.code, a.side HAVING (a.side = 'debit' AND sum(e.fen) < 0) "
            "OR (a.side = 'credit' AND sum(e.fen) > 0))"
        ),
    ),
)
_ENTRY_FAULTS: Final = (
    (
        "ledger: this transfer is closed",
        "EXISTS (SELECT 1 FROM ledger_transfers t WHERE t.id = NEW.transfer_id)",
    ),
)


def statements(dialect: str) -> tuple[str, ...]:
    """The triggers as statements for ``sqlite`` or ``postgresql``. Run once, when the tables stand."""
    return tuple(_sqlite() if dialect == "sqlite" else _postgresql())


def guards(_target: MetaData, connection: Connection, *, tables: Sequence[Table] | None = None, **_: Any) -> None:
    """After ``create_all``: add the triggers where the tables are new."""
    made = {table.name for table in tables or ()}
    if not set(INSERT_ONLY) & made or not set(INSERT_ONLY) <= set(inspect(connection).get_table_names()):
        return
    for statement in statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _sqlite() -> list[str]:
    made = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'ledger: {table} is insert-only'); END"
        for table in INSERT_ONLY
        for verb in ("UPDATE", "DELETE")
    ]
    # INSERT OR REPLACE deletes without firing the trigger above.
    for table, key in (("ledger_accounts", "code"), ("deposit_arrivals", "serial")):
        made.append(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, "  # noqa: S608
            f"'ledger: {table} is insert-only') WHERE EXISTS (SELECT 1 FROM {table} o WHERE o.{key} = NEW.{key}); END"
        )
    for table, faults in (("ledger_transfers", _TRANSFER_FAULTS), ("ledger_entries", _ENTRY_FAULTS)):
        checks = " ".join(f"SELECT RAISE(ABORT, '{text}') WHERE {condition};" for text, condition in faults)
        made.append(f"CREATE TRIGGER {table}_sound BEFORE INSERT ON {table} BEGIN {checks} END")
    return made


def _postgresql() -> list[str]:
    made = [
        (
            "CREATE FUNCTION ledger_insert_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION USING ERRCODE = 'check_violation', "
            "MESSAGE = 'ledger: ' || TG_TABLE_NAME || ' is insert-only'; END $$"
        )
    ]
    for table in INSERT_ONLY:
        made.append(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION ledger_insert_only()"
        )
        made.append(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_insert_only()"
        )
    for table, faults in (("ledger_transfers", _TRANSFER_FAULTS), ("ledger_entries", _ENTRY_FAULTS)):
        checks = " ".join(
            f"IF {condition} THEN RAISE EXCEPTION '{text}' USING ERRCODE = 'check_violation'; END IF;"
            for text, condition in faults
        )
        made.append(
            f"CREATE FUNCTION {table}_sound() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {checks} RETURN NEW; END $$"
        )
        made.append(
            f"CREATE TRIGGER {table}_sound BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_sound()"
        )
    return made
