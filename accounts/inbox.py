"""Messages to a person or an organisation. The sentence is the term ``code`` of the catalogue, made when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import or_, update

from accounts.models import InboxItem, Organisation
from foundation.clock import iso
from foundation.store.unit import Unit


def add_to_inbox(unit: Unit, to: str, code: str, params: Mapping[str, object], link: str = "") -> None:
    """Leave a message to ``to``, the id of an organisation or of a person.

    ``code`` names a sentence of ``[terms]`` (such as ``inbox.second_claim``); ``params`` fill it; instants among them
    are kept as ISO text, so write ``{at:full}`` in the sentence. ``link`` is a path on this site.
    """
    is_organisation = unit.session.get(Organisation, to) is not None
    unit.session.add(
        InboxItem(
            id=unit.new_id(),
            org_id=to if is_organisation else None,
            user_id=None if is_organisation else to,
            code=code,
            params={name: _plain(value) for name, value in params.items()},
            link=link,
            at=unit.at,
            read_at=None,
        )
    )
    unit.session.flush()


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
