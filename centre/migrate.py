"""Migrations, run in the program: the head schema equals the models (a test says so)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

import centre.models  # noqa: F401 - registers every table

FOLDER: Final = Path(__file__).resolve().parent.parent / "migrations"


def config(engine: Engine) -> Config:
    """Alembic's configuration for ``engine``; ``migrations/env.py`` takes the connection from it."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.attributes["engine"] = engine
    return made


def upgrade(engine: Engine, to: str = "head") -> None:
    """Bring the schema up, in one transaction where the database allows it."""
    command.upgrade(config(engine), to)


def check(engine: Engine) -> None:
    """Raise when the models say something the migrations do not."""
    command.check(config(engine))
