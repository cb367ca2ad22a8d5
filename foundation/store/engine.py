"""Engines. On SQLite every writer begins IMMEDIATE: the default mode was measured to lose 971 of 1,080 updates."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from foundation.errors import Unavailable

BUSY_TIMEOUT_MS: Final = 30_000
READ_ONLY: Final = "centre_read_only"
"""Execution option of connections that only read: they begin without taking the write lock."""

POSTGRES_CONNECTIONS: Final = 30
AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)
"""What SQLAlchemy raises when the database is not there, has gone in the middle, or gives way to another writer."""
RETRY_SECONDS: Final = 2


class DatabaseAway(Unavailable):
    """Nothing was committed, or (where the line broke during the commit itself) nobody knows: acts may be repeated."""

    code = "foundation.database_away"


@contextmanager
def translated() -> Iterator[None]:
    """Turn what AWAY names into DatabaseAway, the cause kept."""
    try:
        yield
    except AWAY as error:
        raise DatabaseAway(retry_after=RETRY_SECONDS, cause=type(error).__name__) from error


def open_engine(url: str, *, pool_size: int = 20) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql+psycopg://…``.

    On PostgreSQL a process takes POSTGRES_CONNECTIONS at most, so that web, room and worker fit into its usual hundred
    (``pool_size`` where that is more).
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed,
            connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
            hide_parameters=True,  # an error text must not quote what somebody sent
            pool_size=pool_size,
            max_overflow=20,
        )
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    overflow = max(0, POSTGRES_CONNECTIONS - pool_size)
    return create_engine(parsed, pool_size=pool_size, max_overflow=overflow, pool_pre_ping=True, hide_parameters=True)


def _sqlite_connected(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below opens transactions, not the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "temp_store=MEMORY",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def is_sqlite(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite"
