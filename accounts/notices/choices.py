"""What a person has chosen, and choosing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select

from accounts.notices.errors import QuietHoursHalf
from accounts.notices.kinds import INBOX, Kind, codes_of, is_on_at_first, may_be_off
from accounts.notices.models import NoticeChoice, NoticeManner
from foundation.i18n import DEFAULT_LANG, Lang, known_lang
from foundation.notices.message import Channel
from foundation.store.unit import Unit

PLACES: Final = (INBOX, Channel.EMAIL.value, Channel.SMS.value)
"""What a person chooses about. A webhook is the organisation's and gets everything addressed to it."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody wants to be written to."""

    lang: Lang = DEFAULT_LANG
    quiet_from: int | None = None
    quiet_to: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The choices of several people, read at once."""

    chosen: Mapping[tuple[str, str, str], bool]
    manners: Mapping[str, Manner]

    def is_on(self, user_id: str, kind: Kind, place: str) -> bool:
        if not may_be_off(kind, place):
            return True
        return self.chosen.get((user_id, str(kind), place), is_on_at_first(kind, place))

    def manner(self, user_id: str) -> Manner:
        return self.manners.get(user_id, Manner())


def wanted_by(unit: Unit, user_ids: Iterable[str]) -> Wanted:
    """What these people have chosen."""
    ids = list(user_ids)
    rows = unit.session.scalars(select(NoticeChoice).where(NoticeChoice.user_id.in_(ids)))
    chosen = {(row.user_id, str(row.kind), row.place): row.is_on for row in rows}
    found = unit.session.scalars(select(NoticeManner).where(NoticeManner.user_id.in_(ids)))
    manners = {row.user_id: Manner(known_lang(row.lang) or DEFAULT_LANG, row.quiet_from, row.quiet_to) for row in found}
    return Wanted(chosen, manners)


def muted_codes(unit: Unit, user_id: str) -> tuple[str, ...]:
    """Sentences this person does not want to see in the inbox; never one a right hangs on."""
    asked = select(NoticeChoice.kind).where(
        NoticeChoice.user_id == user_id, NoticeChoice.place == INBOX, NoticeChoice.is_on.is_(False)
    )
    kinds = [kind for kind in unit.session.scalars(asked) if may_be_off(kind, INBOX)]
    return tuple(code for kind in kinds for code in codes_of(kind))


def choose(unit: Unit, on: Collection[str], manner: Manner) -> None:
    """Keep the actor's choices. ``on`` holds ``<kind>:<place>`` for everything that is wanted; the rest is off.

    What may not be off stays on, whatever was sent. Raises QuietHoursHalf with one end of the quiet hours.
    """
    if (manner.quiet_from is None) != (manner.quiet_to is None):
        raise QuietHoursHalf
    user_id = unit.actor.user_id or ""
    unit.session.execute(delete(NoticeChoice).where(NoticeChoice.user_id == user_id))
    unit.session.add_all(
        NoticeChoice(user_id=user_id, kind=kind, place=place, is_on=f"{kind}:{place}" in on)
        for kind in Kind
        for place in PLACES
        if may_be_off(kind, place)
    )
    kept = unit.session.get(NoticeManner, user_id)
    if kept is None:
        kept = NoticeManner(user_id=user_id)
        unit.session.add(kept)
    kept.lang, kept.quiet_from, kept.quiet_to = manner.lang, manner.quiet_from, manner.quiet_to
    unit.session.flush()
