"""Read models of the pages: frozen dataclasses, never rows."""

from __future__ import annotations

from accounts.queries.desk import desk_claim, desk_override, verification_desk
from accounts.queries.own import account_page, claim_card, inbox, session_lines, unread
from accounts.queries.people import organisations, people, person_line

__all__ = [
    "account_page",
    "claim_card",
    "desk_claim",
    "desk_override",
    "inbox",
    "organisations",
    "people",
    "person_line",
    "session_lines",
    "unread",
    "verification_desk",
]
