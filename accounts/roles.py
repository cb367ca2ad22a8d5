"""The roles a person may hold in its organisation. Labels are terms ``role.<value>`` of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    TENDEREE = "tenderee"
    AGENCY = "agency"
    BIDDER = "bidder"
    EXPERT = "expert"
    CENTRE_STAFF = "centre_staff"
    SUPERVISOR = "supervisor"
    GATE_HOLDER = "gate_holder"
    CUSTODIAN = "custodian"
    WITNESS = "witness"
    OBSERVER = "observer"
    ADMINISTRATOR = "administrator"
    PUBLIC = "public"


SELF_SERVICE: Final = frozenset({Role.BIDDER, Role.TENDEREE, Role.AGENCY})
"""Anybody may take these when registering (R1.03: no approval of a sign-up); an administrator gives all others."""

GRANTED: Final = tuple(role for role in Role if role is not Role.PUBLIC)
"""Every role a person can be given."""


def in_order(roles: Iterable[str]) -> tuple[str, ...]:
    """The roles as pages list them: in the order of :class:`Role`."""
    held = set(roles)
    return tuple(role.value for role in GRANTED if role.value in held)


def acting_role(roles: Iterable[str]) -> str:
    """The role a person acts in when it holds several: the first in the order of :class:`Role`; "public" for none."""
    return next(iter(in_order(roles)), Role.PUBLIC.value)
