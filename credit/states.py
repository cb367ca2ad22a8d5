"""States of a credit record, and the closed lists of the package.

That a record's term is over is no state: it is so at an instant, without anybody writing it down (``rules.term``).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class RecordState(StrEnum):
    ENTERED = "entered"
    """Written down from a decision; only the desk sees it until a second person has compared it (R7.16)."""
    DROPPED = "dropped"
    """Entered wrongly and never published."""
    PUBLISHED = "published"
    OBJECTED = "objected"
    """The organisation has objected; the record counts until the answer, and says so."""
    UPHELD = "upheld"
    ANNULLED = "annulled"
    REPAIRED = "repaired"


class RecordTrigger(StrEnum):
    PUBLISH = "publish"
    DROP = "drop"
    OBJECT = "object"
    UPHOLD = "uphold"
    ANNUL = "annul"
    REPAIR = "repair"


_S, _T = RecordState, RecordTrigger

RECORD_MACHINE: Final = Machine(
    "credit_record",
    _S.ENTERED,
    {
        _S.ENTERED: {_T.PUBLISH: _S.PUBLISHED, _T.DROP: _S.DROPPED},
        _S.PUBLISHED: {_T.OBJECT: _S.OBJECTED, _T.ANNUL: _S.ANNULLED, _T.REPAIR: _S.REPAIRED},
        _S.OBJECTED: {_T.UPHOLD: _S.UPHELD, _T.ANNUL: _S.ANNULLED},
        _S.UPHELD: {_T.ANNUL: _S.ANNULLED, _T.REPAIR: _S.REPAIRED},
        _S.REPAIRED: {_T.ANNUL: _S.ANNULLED},
        _S.DROPPED: {},
        _S.ANNULLED: {},
    },
)

COUNTING: Final = frozenset({_S.PUBLISHED, _S.OBJECTED, _S.UPHELD})
"""States in which a record counts, and is shown to everybody, while its term runs."""


class RecordSource(StrEnum):
    DECISION = "decision"
    """A document of an authority, entered by one person and published by another."""
    EVENT = "event"
    """A public fact of the journal that needs no judgement, such as a contract signed in time."""


class RulingKind(StrEnum):
    """A later decision that ends a record."""

    ANNULMENT = "annulment"
    """Review, court, or an entry that was wrong: there was nothing to record."""
    REPAIR = "repair"
    """信用修复 (R7.13)."""


class Weight(StrEnum):
    """How grave the law takes an act. It sets the usual term; it never decides who may bid."""

    KEPT = "kept"
    GENERAL = "general"
    SERIOUS = "serious"
    LISTED = "listed"
    """On a list that the law itself attaches consequences to (R7.11)."""


class Level(StrEnum):
    """Standing of an organisation, from the best to the gravest. Only ``BANNED`` stops a bid on this platform."""

    GOOD = "good"
    NOTED = "noted"
    RESTRICTED = "restricted"
    BANNED = "banned"
