"""Navigation by role: each package registers its items; the masthead shows those of the reader's present role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import request, url_for

from foundation.actor import Actor
from foundation.i18n import pick

FOOTER: Final = "footer"
PUBLIC_ROLE: Final = "public"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One registered entry. ``order`` sorts; entries of equal order stay as registered."""

    zh: str
    en: str
    endpoint: str
    order: int


@dataclass(frozen=True, slots=True)
class NavLink:
    """An entry as shown."""

    label: str
    url: str
    is_current: bool


class Nav:
    """The registry at ``app.extensions["nav"]``. Role names are those of accounts, ``public`` or ``footer``."""

    def __init__(self) -> None:
        self._items: dict[str, list[NavItem]] = {}

    def add(self, role: str, zh: str, en: str, endpoint: str, order: int = 50) -> None:
        """Endpoints take no arguments: an entry is a place, not an object."""
        items = self._items.setdefault(str(role), [])
        items.append(NavItem(zh, en, endpoint, order))
        items.sort(key=lambda item: item.order)

    def endpoints(self) -> set[str]:
        return {item.endpoint for items in self._items.values() for item in items}

    def links(self, *roles: str) -> list[NavLink]:
        """The entries of these roles, each endpoint once; the one whose address begins this page's is current."""
        items: dict[str, NavItem] = {}
        for role in roles:
            for item in self._items.get(role, []):
                items.setdefault(item.endpoint, item)
        urls = {endpoint: url_for(endpoint) for endpoint in items}
        here = _current(urls)
        return [NavLink(pick(item.zh, item.en), urls[name], name == here) for name, item in items.items()]

    def links_for(self, actor: Actor) -> list[NavLink]:
        if not actor.is_signed_in:
            return self.links(PUBLIC_ROLE)
        return self.links(*self._own(actor)) or self.links(PUBLIC_ROLE)

    def first_place(self, actor: Actor) -> str:
        """Where somebody begins after signing in: the first entry of the role; "/" where it has none."""
        links = self.links(*self._own(actor))
        return links[0].url if links else "/"

    def _own(self, actor: Actor) -> tuple[str, ...]:
        if actor.role in self._items and actor.role != PUBLIC_ROLE:
            return (actor.role,)
        return tuple(sorted(actor.roles))


def _current(urls: dict[str, str]) -> str:
    if request.endpoint in urls:
        return str(request.endpoint)
    fits = [
        (len(url), name)
        for name, url in urls.items()
        if url != "/" and f"{request.path}/".startswith(url.rstrip("/") + "/")
    ]
    return max(fits)[1] if fits else ""
