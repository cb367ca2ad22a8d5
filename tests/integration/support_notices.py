"""People with addresses, a mail server that really receives, and a clock for retries that a test can move."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from accounts.inbox import add_to_inbox
from accounts.notices import addressing, delivery
from accounts.notices.models import NoticeAddress, NoticeAttempt, NoticeDelivery
from foundation.actor import Actor, system
from foundation.clock import machine_now
from foundation.notices.configured import provider_of
from foundation.notices.message import Channel
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage import open_store
from tests.integration.support_claims import Town, make_town

CODE = re.compile(r"\b\d{6}\b")
CREDIT = "inbox.second_claim"
PARAMS = {"name": "冒名公司", "uscc": "91320412MA1N00000X", "at": "2026-11-24T01:42:18.000Z"}


@dataclass
class Post:
    """A centre with one bidder, and everything of its messages."""

    town: Town
    runtime: Runtime
    bidder: Actor
    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """The machine clock as the sender sees it."""
        return machine_now() + self.ahead

    def send(self, channel: Channel = Channel.EMAIL, provider: Callable[..., Any] = provider_of) -> int:
        return delivery.send_due(self.runtime, channel, now=self.now, provider=provider)

    def tell(self, code: str = CREDIT, link: str = "/account/verification", **params: object) -> None:
        with self.town.units.begin(system("test")) as unit:
            add_to_inbox(unit, str(self.bidder.org_id), code, params or PARAMS, link)

    def add(self, address: str, channel: Channel = Channel.EMAIL) -> str:
        with self.town.units.begin(self.bidder) as unit:
            return addressing.add_address(unit, channel, address)

    def verify(self, address_id: str, code: str) -> int | None:
        with self.town.units.begin(self.bidder) as unit:
            return addressing.verify(unit, address_id, code)

    def verified(self, address: str, channel: Channel = Channel.EMAIL, who: Actor | None = None) -> str:
        """An address as if its code had been entered: the way there is tested once, by itself."""
        with self.town.units.begin(who or self.bidder) as unit:
            row = NoticeAddress(
                id=unit.new_id(),
                user_id=(who or self.bidder).user_id or "",
                channel=channel,
                address=address,
                added_at=machine_now(),
                verified_at=machine_now(),
            )
            unit.session.add(row)
            return row.id

    def deliveries(self) -> list[NoticeDelivery]:
        with self.town.units.read() as unit:
            return list(unit.session.scalars(select(NoticeDelivery).order_by(NoticeDelivery.queued_at)))

    def attempts(self) -> list[tuple[int, str, str]]:
        with self.town.units.read() as unit:
            rows = unit.session.scalars(select(NoticeAttempt).order_by(NoticeAttempt.delivery_id, NoticeAttempt.number))
            return [(row.number, str(row.outcome), row.reason) for row in rows]


def make_post(folder: Path, url: str = "", **settings: Any) -> Post:
    """``url``: another database than a file in the folder."""
    town = make_town(folder, url)
    runtime = _runtime(town, folder, settings)
    return Post(town, runtime, town.organisation())


def reopened_post(folder: Path, **settings: Any) -> Runtime:
    """The same centre in another process."""
    return _runtime(make_town(folder), folder, settings)


def _runtime(town: Town, folder: Path, settings: dict[str, Any]) -> Runtime:
    made = Settings(data_dir=folder, _env_file=None, **settings)
    made.secrets_dir.mkdir(exist_ok=True)
    key = Ed25519PrivateKey.generate()
    return Runtime(
        settings=made,
        units=town.units,
        clock=town.clock,
        objects=open_store("memory://"),
        log_key=key,  # type: ignore[arg-type]
        receipt_key=key,  # type: ignore[arg-type]
        scratch_dir=folder / "scratch",
    )
