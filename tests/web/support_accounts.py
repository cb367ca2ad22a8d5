"""A small centre with accounts and credit only, and people to sign in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient

import accounts.web
import credit.web
from accounts import passwords
from accounts.services.registration import NewOrganisation, NewPerson, add_organisation, add_person
from foundation.actor import system
from foundation.clock import SteppingClock
from foundation.codes import synthetic_uscc
from foundation.entropy import SeededEntropy
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage import open_store
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from foundation.web.access import PUBLIC, allow
from foundation.web.kit import WebSettings, complete, create_web

NOW = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)
PASSWORD = "a sentence nobody guesses"
QUICK = passwords.Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""The same code at a price tests can pay."""


@dataclass
class Centre:
    app: Flask
    units: Units
    clock: SteppingClock
    folder: Path

    def organisation(self, name: str, serial: int, evidence: str = "") -> str:
        with self.units.begin(system("test")) as unit:
            return add_organisation(unit, NewOrganisation(name, synthetic_uscc(serial), evidence))

    def person(self, org_id: str, login: str, roles: Iterable[str]) -> str:
        with self.units.begin(system("test")) as unit:
            return add_person(unit, org_id, NewPerson(login, f"人员{login}", QUICK.hash(PASSWORD)), roles)

    def client(self, login: str = "") -> FlaskClient:
        """A client with a bearer token for ``login``; without one nobody has signed in."""
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "application/json"
        if login:
            answer = client.post("/sign-in", json={"login": login, "password": PASSWORD})
            assert answer.status_code == 200, answer.get_data(as_text=True)
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {answer.get_json()['token']}"
        return client

    def browser(self) -> FlaskClient:
        """A client that reads HTML."""
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        return client


def token_in(page: str) -> str:
    """The CSRF token of the first form of a page."""
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def make_centre(folder: Path, **web: object) -> Centre:
    engine = open_engine(f"sqlite:///{folder / 'centre.db'}")
    Base.metadata.create_all(engine)
    clock = SteppingClock(NOW)
    units = Units(engine, clock, SeededEntropy(str(folder)))
    settings = Settings(data_dir=folder, _env_file=None)
    settings.secrets_dir.mkdir(parents=True, exist_ok=True)
    app = create_web("accounts-test", WebSettings(secret_key="k" * 32, rates_on=False, **web))
    app.extensions["runtime"] = Runtime(
        settings=settings,
        units=units,
        clock=clock,
        objects=open_store(f"file://{folder / 'objects'}"),
        log_key=Ed25519PrivateKey.generate(),
        receipt_key=Ed25519PrivateKey.generate(),
        scratch_dir=folder / "scratch",
    )
    app.extensions["civil_now"] = clock.now
    accounts.web.register(app)
    credit.web.register(app)

    @app.get("/")
    @allow(PUBLIC)
    def home() -> str:
        return "home"

    return Centre(complete(app), units, clock, folder)
