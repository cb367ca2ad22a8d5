"""A tiny centre: two roles, one form, one of each failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError

from foundation.actor import Actor
from foundation.errors import Conflict, NotFound, Objection, Tampering, Unavailable
from foundation.ids import OrgId, UserId
from foundation.money import Money
from foundation.web.access import PUBLIC, SIGNED_IN, allow
from foundation.web.fields import BeijingInstant, Line, Yuan
from foundation.web.kit import WebSettings, complete, create_web
from foundation.web.limits import body_limit, rate_limit
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.security import needs_wasm

NOW = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)


class Kind(StrEnum):
    WORKS = "works"


@dataclass(frozen=True)
class LotCard:
    title: str
    deadline: datetime
    deposit: Money
    coefficient: Decimal
    kind: Kind
    digest: bytes


LOT = LotCard("校区修缮", NOW, Money(25_000_000), Decimal("96.50"), Kind.WORKS, b"\x5f\x1c")


class DeadlineTooEarly(Conflict):
    code = "foundation.wrong_state"


class Row(BaseModel):
    price: Yuan


class NewLot(BaseModel):
    title: Line
    deadline: BeijingInstant
    deposit: Yuan
    seats: int = Field(default=1, ge=1, le=40)
    classes: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(default_factory=list)

    def model_post_init(self, _context: object, /) -> None:
        if self.title == "custom":
            raise PydanticCustomError("foundation.field_max", "limit", {"limit": 3})


def build(**settings: object) -> Flask:
    app = create_web("tiny", WebSettings(secret_key="k" * 32, room_port=8001, **settings))
    people = {
        "bidder": Actor(UserId("u1"), OrgId("o1"), frozenset({"bidder"}), "bidder", "周敏", "常州澄岳建设"),
        "expert": Actor(UserId("u2"), OrgId("o2"), frozenset({"expert"}), "expert", "陆之恒", ""),
    }
    app.extensions["identify"] = lambda request: people.get(request.cookies.get("who", ""))
    app.extensions["civil_now"] = lambda: NOW

    @app.get("/")
    @allow(PUBLIC)
    def home() -> ResponseReturnValue:
        return gallery()

    @app.get("/mine")
    @allow(SIGNED_IN)
    def mine() -> ResponseReturnValue:
        return gallery()

    @app.get("/bids")
    @allow("bidder", "agency")
    def bids() -> ResponseReturnValue:
        return gallery()

    @app.get("/lot")
    @allow(PUBLIC)
    @needs_wasm
    def lot() -> ResponseReturnValue:
        return page("_layout/gallery.html", lot=LOT, left=timedelta(minutes=3))

    @app.get("/lots/<name>/new")
    @allow("bidder")
    def new_lot(name: str) -> ResponseReturnValue:
        if name == "hidden":
            raise NotFound
        return gallery()

    @app.post("/lots/<name>/new")
    @allow("bidder")
    @refusable(new_lot)
    def add_lot(name: str) -> ResponseReturnValue:
        wanted = parse(NewLot)
        if wanted.seats == 13:
            reasons = [Objection("foundation.field_min", "seats", {"limit": 14}, "ZTB 24")]
            raise DeadlineTooEarly(objections=reasons, state="open")
        return done(url_for("mine"), status=201, notice=("标段已建立", "Lot added"), wanted=wanted, name=name)

    @app.post("/upload")
    @allow(PUBLIC)
    @body_limit(10)
    def upload() -> ResponseReturnValue:
        from flask import request

        return {"size": len(request.get_data())}

    @app.get("/rare")
    @allow(PUBLIC)
    @rate_limit("2 per minute")
    def rare() -> ResponseReturnValue:
        return {"ok": True}

    @app.get("/tampered")
    @allow(PUBLIC)
    def tampered() -> ResponseReturnValue:
        raise Tampering(leaf=7)

    @app.get("/away")
    @allow(PUBLIC)
    def away() -> ResponseReturnValue:
        raise Unavailable(retry_after=30)

    @app.get("/bug")
    @allow(PUBLIC)
    def bug() -> ResponseReturnValue:
        return {"never": 1 / 0}

    @app.get("/list")
    @allow(PUBLIC)
    def listing() -> ResponseReturnValue:
        asked = keyset(limit=2)
        start = int(asked.after[0]) if asked.after else 0
        paging = asked.cut([str(n) for n in range(start + 1, min(start + asked.limit + 1, 5) + 1)], lambda row: (row,))
        return page("_layout/gallery.html", rows=paging.rows, next_url=paging.next_url)

    nav = app.extensions["nav"]
    nav.add("public", "首页", "Home", "home", order=1)
    nav.add("bidder", "我的投标", "My bids", "bids", order=1)
    nav.add("bidder", "我的", "Mine", "mine", order=2)
    nav.add("footer", "开放数据", "Open data", "listing")
    return complete(app)


def gallery() -> ResponseReturnValue:
    return page(
        "_layout/gallery.html",
        until=NOW + timedelta(minutes=19, seconds=12),
        starts=NOW - timedelta(minutes=10, seconds=48),
        amount=Money(1_286_000_000),
        digest="5f1c8a02" + "0" * 52 + "d94e",
    )


@pytest.fixture
def make_app() -> Callable[..., Flask]:
    return build


@pytest.fixture
def app() -> Flask:
    return build()


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def bidder(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("who", "bidder")
    return client
