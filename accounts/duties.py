"""Separation of duties as data: who may do what, with the roles that the platform adds to the usual ones.

The table says what the law and the centre's rules allow a role at most. Route rules (``@allow``) and the loaders of
each package must stay within it; tests compare both. Basis: EB20 Art 49, REG 5, N1117 (九)(十八).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import combinations
from types import MappingProxyType
from typing import Final

from accounts.roles import Role


class Action(StrEnum):
    """A row of the table."""

    PUBLISH_NOTICE = "publish_notice"
    RUN_ROOM = "run_room"
    SUSPEND_ROOM = "suspend_room"
    DRAW = "draw"
    SEE_SEALED_BIDS = "see_sealed_bids"
    SCORE = "score"
    ANSWER_OBJECTION = "answer_objection"
    HANDLE_COMPLAINT = "handle_complaint"
    MOVE_DEPOSIT = "move_deposit"
    ENTER_CREDIT = "enter_credit"
    DECIDE_BAN = "decide_ban"
    VERIFY_CLAIM = "verify_claim"
    ASSIGN_ROLES = "assign_roles"
    RELEASE_GATE_KEY = "release_gate_key"
    RELEASE_ESCROW_SHARE = "release_escrow_share"


class Part(StrEnum):
    """What a role does in an action. A missing cell means nothing at all."""

    DO = "do"
    DRAFT = "draft"
    APPROVE = "approve"
    CHECK = "check"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    REPORT = "report"
    RAISE = "raise"
    OWN = "own"
    ASSIST = "assist"
    ATTEND = "attend"
    VIEW = "view"


_R, _P, _A = Role, Part, Action

DUTIES: Final[Mapping[Action, Mapping[Role, Part]]] = MappingProxyType(
    {
        _A.PUBLISH_NOTICE: {
            _R.AGENCY: _P.DRAFT,
            _R.TENDEREE: _P.APPROVE,
            _R.CENTRE_STAFF: _P.CHECK,
            _R.SUPERVISOR: _P.VIEW,
        },
        _A.RUN_ROOM: {
            _R.AGENCY: _P.DO,
            _R.TENDEREE: _P.ATTEND,
            _R.CENTRE_STAFF: _P.ASSIST,
            _R.SUPERVISOR: _P.VIEW,
            _R.BIDDER: _P.OWN,
            _R.WITNESS: _P.ATTEND,
            _R.OBSERVER: _P.VIEW,
            _R.PUBLIC: _P.VIEW,
        },
        _A.SUSPEND_ROOM: {
            _R.AGENCY: _P.PROPOSE,
            _R.CENTRE_STAFF: _P.CONFIRM,
            _R.SUPERVISOR: _P.CONFIRM,
            _R.BIDDER: _P.RAISE,
        },
        _A.DRAW: {
            _R.AGENCY: _P.DO,
            _R.TENDEREE: _P.ATTEND,
            _R.CENTRE_STAFF: _P.ASSIST,
            _R.SUPERVISOR: _P.VIEW,
            _R.WITNESS: _P.ATTEND,
        },
        # Nobody but the bidder itself before the deadline (R1.11): no role of the platform, no holder.
        _A.SEE_SEALED_BIDS: {_R.BIDDER: _P.OWN},
        _A.SCORE: {_R.EXPERT: _P.DO, _R.SUPERVISOR: _P.VIEW},
        _A.ANSWER_OBJECTION: {
            _R.AGENCY: _P.DRAFT,
            _R.TENDEREE: _P.DO,
            _R.CENTRE_STAFF: _P.ASSIST,
            _R.BIDDER: _P.RAISE,
            _R.EXPERT: _P.ASSIST,
        },
        _A.HANDLE_COMPLAINT: {
            _R.SUPERVISOR: _P.DO,
            _R.CENTRE_STAFF: _P.ASSIST,
            _R.BIDDER: _P.RAISE,
            _R.EXPERT: _P.ASSIST,
        },
        _A.MOVE_DEPOSIT: {_R.CENTRE_STAFF: _P.DO, _R.TENDEREE: _P.APPROVE, _R.SUPERVISOR: _P.VIEW},
        _A.ENTER_CREDIT: {
            _R.CENTRE_STAFF: _P.DO,
            _R.SUPERVISOR: _P.CONFIRM,
            _R.AGENCY: _P.REPORT,
            _R.TENDEREE: _P.REPORT,
            _R.EXPERT: _P.REPORT,
            _R.BIDDER: _P.RAISE,
        },
        # R7.14: the centre must not invent bans; only the supervising authority decides them.
        _A.DECIDE_BAN: {_R.SUPERVISOR: _P.DO, _R.BIDDER: _P.RAISE, _R.PUBLIC: _P.VIEW},
        _A.VERIFY_CLAIM: {_R.CENTRE_STAFF: _P.DO},
        _A.ASSIGN_ROLES: {_R.ADMINISTRATOR: _P.DO},
        _A.RELEASE_GATE_KEY: {_R.GATE_HOLDER: _P.DO},
        _A.RELEASE_ESCROW_SHARE: {_R.CUSTODIAN: _P.DO},
    }
)


def part_of(role: str, action: Action) -> Part | None:
    """What ``role`` does in ``action``; None: nothing."""
    return DUTIES[action].get(Role(role))


def roles_that_do(action: Action) -> frozenset[Role]:
    return frozenset(role for role, part in DUTIES[action].items() if part is Part.DO)


_ALONE: Final = frozenset({Role.CENTRE_STAFF, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.EXPERT})
_TRADING: Final = frozenset({Role.TENDEREE, Role.AGENCY, Role.BIDDER})
_KEYS: Final = frozenset({Role.GATE_HOLDER, Role.CUSTODIAN})

INCOMPATIBLE: Final[frozenset[frozenset[Role]]] = frozenset(
    {frozenset(pair) for pair in combinations(_ALONE, 2)}
    | {frozenset({alone, role}) for alone in _ALONE for role in _TRADING}
    # The platform's own people never hold a key (R1.23); a regulator may hold a gate seat.
    | {frozenset({role, key}) for role in (Role.CENTRE_STAFF, Role.ADMINISTRATOR, Role.EXPERT) for key in _KEYS}
    | {frozenset({Role.GATE_HOLDER, Role.CUSTODIAN}), frozenset({Role.CUSTODIAN, Role.BIDDER})}
    | {frozenset({Role.GATE_HOLDER, Role.BIDDER}), frozenset({Role.WITNESS, Role.BIDDER})}
)
"""Pairs one person must not hold together. A tenderee or agency may hold its side's gate seat."""


def conflicts_among(roles: Iterable[str]) -> tuple[tuple[Role, Role], ...]:
    """Every forbidden pair within ``roles``, in the order of :class:`Role`."""
    held = [role for role in Role if role.value in set(roles)]
    return tuple(pair for pair in combinations(held, 2) if frozenset(pair) in INCOMPATIBLE)
