"""The invented people at their machines: one client a person, entered on first use and again when its session ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from sandbox.autopilot.stages import Stage
from sandbox.clients.bidder import BidderClient
from sandbox.clients.http import CentreClient

AWAY_SECONDS: Final = 5.0
"""A centre that is away is looked for again at the next look, so a single request need not be patient."""
Client = TypeVar("Client", bound=CentreClient)


@dataclass(frozen=True, slots=True)
class Scene:
    """The guided lot at one look. ``visitor``: the login that is played by hand, "" for nobody.

    ``is_turn``: the visitor has something to do; it is no part of what two looks are compared by.
    """

    lot_id: str
    stage: Stage
    visitor: str = ""
    is_turn: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Deed:
    """What one person does next. ``what``: term ``demo_deed.<what>``; ``do`` None: it only waits for somebody."""

    who: str
    what: str
    do: Callable[[], Any] | None = None


class Crew:
    """Clients by login. ``home``: where bidders keep their keys between two starts."""

    def __init__(self, server: str, home: Path, certificate: Path | None = None) -> None:
        self._server, self._home, self._certificate = server, home, certificate
        self._known: dict[str, CentreClient] = {}
        # Nobody's token: a request that brings its own is asked for no page's form token (foundation.web.csrf).
        self.public = CentreClient(server, certificate=certificate, away_seconds=AWAY_SECONDS).act_as("", "nobody")

    def person(self, login: str, kind: type[Client]) -> Client:
        """The client of somebody who keeps nothing on its machine."""
        if login not in self._known:
            self._known[login] = kind(self._server, certificate=self._certificate, away_seconds=AWAY_SECONDS)
        return cast("Client", self._entered(login))

    def bidder(self, login: str) -> BidderClient:
        """The client of a bidder, with its keys."""
        if login not in self._known:
            self._known[login] = BidderClient(
                self._server, self._home / login, certificate=self._certificate, away_seconds=AWAY_SECONDS
            )
        return cast("BidderClient", self._entered(login))

    def forget_all(self) -> None:
        """A session is over: everybody enters anew at the next deed."""
        for client in self._known.values():
            client.token = ""

    def close(self) -> None:
        """End every connection."""
        for client in (self.public, *self._known.values()):
            client.close()

    def _entered(self, login: str) -> CentreClient:
        client = self._known[login]
        if not client.token:
            # By the demonstration's own button: a password costs the centre half a second each.
            client.act_as(login, str(self.public.post(f"/demo/sign-in-as/{login}")["token"]))
        return client
