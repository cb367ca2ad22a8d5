"""Messages to a person or an organisation. The sentence is the term ``code`` of the catalogue, made when it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import or_, select, update

from accounts.models import InboxItem, Organisation
from accounts.notices import queueing
from foundation.clock import iso
from foundation.store.unit import Unit


def add_to_inbox(unit: Unit, to: str, code: str, params: Mapping[str, object], link: str = "") -> None:
    """Leave a message to ``to``, the id of an organisation or of a person, and have its other channels told.

    ``code`` names a sentence of ``[terms]`` (such as ``inbox.second_claim``); ``params`` fill it; instants among them
    are kept as ISO text, so write ``{at:full}`` in the sentence. ``link`` is a path on this site.
    """
    tell(unit, (to,), code, params, link)


def tell(
    unit: Unit,
    to: Iterable[str],
    code: str,
    params: Mapping[str, object],
    link: str = "",
    *,
    stale_at: datetime | None = None,
) -> None:
    """Leave the same message to several organisations or people: a few queries however many they are.

    ``stale_at``: the instant from which the message is worthless outside the inbox, and no longer sent.
    """
    ids = list(dict.fromkeys(to))
    organisations = set(unit.session.scalars(select(Organisation.id).where(Organisation.id.in_(ids))))
    kept = {name: _plain(value) for name, value in params.items()}
    items = [
        InboxItem(
            id=unit.new_id(),
            org_id=one if one in organisations else None,
            user_id=None if one in organisations else one,
            code=code,
            params=kept,
            link=link,
            at=unit.at,
            read_at=None,
        )
        for one in ids
    ]
    unit.session.add_all(items)
    unit.session.flush()
    queueing.queue(unit, items, stale_at=stale_at)


def mark_read(unit: Unit) -> None:
    """Everything addressed to the actor or its organisation is read now."""
    unit.session.execute(
        update(InboxItem)
        .where(
            or_(InboxItem.user_id == unit.actor.user_id, InboxItem.org_id == unit.actor.org_id),
            InboxItem.read_at.is_(None),
        )
        .values(read_at=unit.at)
    )


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return value if isinstance(value, (int, bool)) else str(value)
