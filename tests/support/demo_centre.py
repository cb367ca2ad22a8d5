"""A seeded demonstration centre in one process: database, clock that stands still, web application."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from accounts import sessions
from centre import bootstrap, democlock
from centre.seed import seed
from centre.seed_people import user_of
from centre.web import make_app
from foundation.actor import system
from foundation.clock import machine_now
from foundation.hints import UnixHints
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import NoHints

START = datetime.fromisoformat("2026-03-02T01:30:00+00:00")
"""A Monday, 09:30 in Beijing."""


@dataclass
class DemoCentre:
    runtime: Runtime
    app: Flask
    seeded: dict[str, object]

    def client(self, login: str = "") -> FlaskClient:
        """A JSON caller with a Bearer token of ``login``; nobody for ""."""
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "application/json"
        if login:
            with self.runtime.units.begin(system("test")) as unit:
                user = user_of(unit, login)
                assert user is not None
                _, token = sessions.open_session(unit, user.id, source="test", user_agent="test")
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client


def settings_of(folder: Path, *, demo: bool = True) -> Settings:
    return Settings(data_dir=folder, demo=demo)


def make_runtime(folder: Path, *, demo: bool = True) -> Runtime:
    """A folder as ``centre up`` leaves it before the seeding; its clock stands at START."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = settings_of(folder, demo=demo)
    if demo:
        (folder / bootstrap.DEMO_MARK).write_text("test", encoding="utf-8")
    bootstrap.prepare_folders(settings)
    engine = open_engine(settings.database)
    Base.metadata.create_all(engine)
    if demo:
        democlock.create(engine, START)
        with open_engine(settings.database).begin() as connection:
            connection.execute(
                democlock.ClockRow.__table__.update().values(civil=START, machine=machine_now(), running=False)
            )
    engine.dispose()
    runtime = bootstrap.make_runtime(settings)
    assert isinstance(runtime.units.hints, UnixHints)
    runtime.units.hints._socket.close()
    runtime.units.hints = NoHints()
    return runtime


def make_demo(folder: Path, template: Path | None = None) -> DemoCentre:
    """A seeded centre with its pages; ``template`` is a seeded folder to begin from, since hashing takes its time."""
    if template is not None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    runtime = make_runtime(folder)
    seeded = seed(runtime)
    app = make_app(runtime)
    app.config["TESTING"] = True
    return DemoCentre(runtime, app, seeded)
