"""The guide through the guided lot, as pure rules: which stage it has come to, what the visitor does, where, and why.

Texts are terms of the catalogue: ``guide_stage.<stage>`` (its name), ``guide_now.<stage>`` (what happens),
``guide_why.<stage>`` (the rule in a sentence), ``guide_turn.<act>`` (what the visitor does), ``guide_act.<act>`` (the
words on its button).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bid_opening.states import Phase
from evaluation.states import CaseState, DrawState
from sandbox.autopilot.stages import Act, Part, Stage, is_before
from tendering.states import LotState


@dataclass(frozen=True, slots=True)
class Facts:
    """The guided lot in public facts. ``deposits`` arrived in time, ``refunded`` of them are back with their payers."""

    lot: LotState
    is_past_deadline: bool = False
    phase: Phase | None = None
    case: CaseState | None = None
    draw: DrawState | None = None
    is_publicity_over: bool = False
    is_stayed: bool = False
    deposits: int = 0
    refunded: int = 0


@dataclass(frozen=True, slots=True)
class Own:
    """What only the visitor's own account knows. ``expert_act``: answer, score, sign or "".

    ``may_sign``: the contract's paper is there and this party has not signed it.
    """

    has_deposit: bool = False
    is_sealed: bool = False
    is_checked_in: bool = False
    has_seat: bool = False
    is_checked: bool = False
    is_released: bool = False
    has_spoken: bool = False
    is_confirmed: bool = False
    has_result: bool = False
    is_awardee: bool = False
    may_sign: bool = False
    has_contributed: bool = False
    expert_act: str = ""


_BEFORE: Final = {
    LotState.DRAFT: Stage.KEYS,
    LotState.KEYSET: Stage.KEYS,
    LotState.REHEARSED: Stage.SUBMIT,
    LotState.SUBMITTED: Stage.APPROVE,
    LotState.APPROVED: Stage.PUBLISH,
    LotState.FAILED: Stage.FAILED,
    LotState.CANCELLED: Stage.FAILED,
}
_IN_ROOM: Final = {
    Phase.DECRYPTING: Stage.DECRYPTING,
    Phase.WINDOW_CLOSED: Stage.GATE,
    Phase.GATE_RELEASED: Stage.DRAW,
    Phase.PARAM_DRAWN: Stage.DRAW,
    Phase.READING: Stage.READING,
    Phase.QUERY: Stage.QUERY,
    Phase.CONFIRMING: Stage.CONFIRMING,
    Phase.FAILED: Stage.FAILED,
    Phase.ABORTED: Stage.FAILED,
}
_IN_CASE: Final = {
    CaseState.REVIEW: Stage.SCORING,
    CaseState.SIGNING: Stage.SIGNING,
    CaseState.REPORTED: Stage.CANDIDATES,
    CaseState.AWARDED: Stage.CONTRACT,
    CaseState.FAILED: Stage.FAILED,
}


def stage_of(facts: Facts) -> Stage:
    """Where the lot stands."""
    if facts.lot in _BEFORE:
        return _BEFORE[facts.lot]
    if facts.lot is LotState.OPEN:
        if facts.is_past_deadline:
            return Stage.CLOSING
        return Stage.CHECK_IN if facts.phase is Phase.CHECK_IN else Stage.BIDDING
    if facts.phase is not Phase.CLOSED:
        return _IN_ROOM.get(facts.phase, Stage.CLOSING) if facts.phase is not None else Stage.CLOSING
    return _after_opening(facts)


def _after_opening(facts: Facts) -> Stage:
    if facts.case is CaseState.PUBLICITY:
        return Stage.AWARD if facts.is_publicity_over and not facts.is_stayed else Stage.PUBLICITY
    if facts.case is CaseState.CONTRACTED:
        return Stage.DONE if facts.refunded >= facts.deposits else Stage.REFUND
    if facts.case is not None and facts.case in _IN_CASE:
        return _IN_CASE[facts.case]
    if facts.draw is None:
        return Stage.COMMITTEE
    return Stage.SEATS if facts.draw in {DrawState.DRAWN, DrawState.EXHAUSTED} else Stage.EXPERTS


def turn_of(part: Part, stage: Stage, own: Own) -> Act | None:
    """What the visitor has to do now, before the story goes on; None where others are at work."""
    match part:
        case Part.TENDEREE:
            return _turn_of_tenderee(stage, own)
        case Part.BIDDER:
            return _turn_of_bidder(stage, own)
        case Part.EXPERT:
            acts = {"answer": Act.TAKE_SEAT, "score": Act.SCORE, "sign": Act.SIGN_REPORT}
            return acts.get(own.expert_act)
        case Part.SUPERVISOR:
            return Act.CONTRIBUTE if stage is Stage.EXPERTS and not own.has_contributed else None
        case Part.PUBLIC:
            return None


def _turn_of_tenderee(stage: Stage, own: Own) -> Act | None:
    if stage is Stage.EXPERTS:
        return None if own.has_contributed else Act.CONTRIBUTE
    if stage is Stage.CONTRACT:
        return Act.SIGN_CONTRACT if own.may_sign else None
    return {Stage.APPROVE: Act.APPROVE, Stage.AWARD: Act.AWARD}.get(stage)


def _turn_of_bidder(stage: Stage, own: Own) -> Act | None:
    if stage in {Stage.BIDDING, Stage.CHECK_IN}:
        if not own.has_deposit:
            return Act.PAY_DEPOSIT
        if not own.is_sealed:
            return Act.SEAL
        return Act.CHECK_IN if stage is Stage.CHECK_IN and not own.is_checked_in else None
    if stage is Stage.CONTRACT:
        return Act.SIGN_CONTRACT if own.may_sign else None
    if not own.has_seat:
        return None
    done = {
        Stage.CLOSING: (own.is_checked, Act.CHECK_SEAL),
        Stage.DECRYPTING: (own.is_released, Act.RELEASE),
        Stage.QUERY: (own.has_spoken, Act.SAY),
        Stage.CONFIRMING: (own.is_confirmed, Act.CONFIRM),
    }
    is_done, act = done.get(stage, (True, Act.SAY))
    return None if is_done else act


# Where to look ----------------------------------------------------------------------------------------------------

_ACTS: Final = {
    Act.APPROVE: "publication.show_preparation",
    Act.CONTRIBUTE: "expert_draws.show_draw",
    Act.AWARD: "evaluation.show_desk",
    Act.SIGN_CONTRACT: "results.show_contract",
    Act.PAY_DEPOSIT: "deposits.show_deposit",
    Act.SEAL: "bids.workbench",
    **dict.fromkeys((Act.CHECK_IN, Act.CHECK_SEAL, Act.RELEASE, Act.SAY, Act.CONFIRM), "rooms.seat"),
    **dict.fromkeys((Act.TAKE_SEAT, Act.SCORE, Act.SIGN_REPORT), "reviews.show_review"),
}
# The first row whose stage the lot has not passed says where; the last is for everything after.
_PLACES: Final[Mapping[Part, tuple[tuple[Stage, str], ...]]] = {
    Part.TENDEREE: (
        (Stage.PUBLISH, "publication.show_preparation"),
        (Stage.BIDDING, "tendering.show_lot"),
        (Stage.CONFIRMING, "rooms.host_desk"),
        (Stage.COMMITTEE, "evaluation.show_desk"),
        (Stage.SEATS, "expert_draws.show_draw"),
        (Stage.AWARD, "evaluation.show_desk"),
        (Stage.CONTRACT, "results.show_contract"),
        (Stage.FAILED, "results.show_award"),
    ),
    Part.BIDDER: (
        (Stage.PUBLISH, "tendering.list_notices"),
        (Stage.BIDDING, "bids.workbench"),
        (Stage.COMMITTEE, "rooms.seat"),
        (Stage.CANDIDATES, "expert_draws.show_draw"),
        (Stage.CONTRACT, "results.my_result"),
        (Stage.FAILED, "deposits.show_deposit"),
    ),
    Part.SUPERVISOR: (
        (Stage.PUBLISH, "tendering.list_notices"),
        (Stage.BIDDING, "tendering.show_lot"),
        (Stage.COMMITTEE, "rooms.supervise"),
        (Stage.SEATS, "expert_draws.show_draw"),
        (Stage.CANDIDATES, "oversight.list_alerts"),
        (Stage.AWARD, "results.show_candidates"),
        (Stage.FAILED, "deposit_desk.show_ledger"),
    ),
    Part.PUBLIC: (
        (Stage.PUBLISH, "tendering.list_notices"),
        (Stage.BIDDING, "tendering.show_lot"),
        (Stage.COMMITTEE, "rooms.gallery"),
        (Stage.CANDIDATES, "expert_draws.show_draw"),
        (Stage.AWARD, "results.show_candidates"),
        (Stage.FAILED, "results.show_award"),
    ),
}
LOTLESS: Final = frozenset({"tendering.list_notices", "deposit_desk.show_ledger", "demo.show_demo"})
"""Places that are not about one lot."""
LISTS: Final = frozenset({"oversight.list_alerts"})
"""Places that show one lot's lines of a list when asked with ``?lot=``."""
TIPS: Final = frozenset(
    {
        (Part.SUPERVISOR, Stage.DECRYPTING),
        (Part.SUPERVISOR, Stage.SCORING),
        (Part.SUPERVISOR, Stage.DONE),
        (Part.EXPERT, Stage.KEYS),
        (Part.EXPERT, Stage.SCORING),
        (Part.BIDDER, Stage.BIDDING),
        (Part.BIDDER, Stage.PUBLICITY),
        (Part.TENDEREE, Stage.APPROVE),
        (Part.TENDEREE, Stage.DECRYPTING),
        (Part.TENDEREE, Stage.PUBLICITY),
        (Part.PUBLIC, Stage.BIDDING),
        (Part.PUBLIC, Stage.DRAW),
        (Part.PUBLIC, Stage.EXPERTS),
        (Part.PUBLIC, Stage.PUBLICITY),
    }
)
"""Where this part may do or see something more: term ``guide_tip.<part>.<stage>``."""


def place_of(part: Part, stage: Stage, act: Act | None = None, own: Own | None = None) -> str:
    """The endpoint the guide leads to: where the act is done, else where this part sees what goes on."""
    if act is not None:
        return _ACTS[act]
    if stage is Stage.FAILED:
        return "demo.show_demo"
    if part is Part.EXPERT:
        sits = own is not None and own.has_seat and not is_before(stage, Stage.SEATS) and is_before(stage, Stage.AWARD)
        return "reviews.show_review" if sits else place_of(Part.PUBLIC, stage)
    found = next(place for until, place in _PLACES[part] if not is_before(until, stage))
    if own is not None and part is Part.BIDDER and not own.has_result and found == "results.my_result":
        return "results.show_candidates"
    return found


GOALS: Final[Mapping[Stage, str]] = MappingProxyType(
    {Stage.BIDDING: "checkin_from", Stage.CHECK_IN: "bid_deadline", Stage.PUBLICITY: "publicity_end"}
)
"""Where the clock is pressed on to in a stage, over the legal instants in between: term ``demo_moment.<goal>``."""
BY_HAND: Final[Mapping[Stage, int]] = MappingProxyType(
    {
        **dict.fromkeys((Stage.KEYS, Stage.SUBMIT), 1),
        **dict.fromkeys((Stage.APPROVE, Stage.PUBLISH), 2),
        Stage.BIDDING: 3,
        Stage.CHECK_IN: 4,
        **dict.fromkeys(
            (
                Stage.CLOSING,
                Stage.DECRYPTING,
                Stage.GATE,
                Stage.DRAW,
                Stage.READING,
                Stage.QUERY,
                Stage.CONFIRMING,
            ),
            5,
        ),
        Stage.COMMITTEE: 6,
        **dict.fromkeys((Stage.EXPERTS, Stage.SEATS), 7),
        **dict.fromkeys((Stage.SCORING, Stage.SIGNING, Stage.CANDIDATES, Stage.PUBLICITY, Stage.AWARD), 8),
        **dict.fromkeys((Stage.CONTRACT, Stage.REFUND), 9),
        **dict.fromkeys((Stage.DONE, Stage.FAILED), 10),
    }
)
"""Which step of the demonstration's own page, for who plays everything by hand, a stage belongs to."""

# Why --------------------------------------------------------------------------------------------------------------

WHY: Final[Mapping[Stage, tuple[str, str]]] = MappingProxyType(
    {
        Stage.KEYS: ("R1.21", ""),
        Stage.SUBMIT: ("R1.31", "ZTB 24"),
        Stage.APPROVE: ("R1.48", "REG 27"),
        Stage.PUBLISH: ("R1.03", "EB20 9"),
        Stage.BIDDING: ("R1.05", "ZTB 22"),
        Stage.CHECK_IN: ("R3.04", ""),
        Stage.CLOSING: ("R3.05", "REG 44"),
        Stage.DECRYPTING: ("R1.13", "EB20 29"),
        Stage.GATE: ("R1.21", ""),
        Stage.DRAW: ("R3.11", ""),
        Stage.READING: ("R3.13", ""),
        Stage.QUERY: ("R1.37", "REG 44"),
        Stage.CONFIRMING: ("R3.14", "REG 44"),
        Stage.COMMITTEE: ("R4.01", "ZTB 37"),
        Stage.EXPERTS: ("R4.07", ""),
        Stage.SEATS: ("R4.04", "ZTB 37"),
        Stage.SCORING: ("R4.58", ""),
        Stage.SIGNING: ("R4.11", "REG 53"),
        Stage.CANDIDATES: ("R1.39", "REG 53"),
        Stage.PUBLICITY: ("R1.40", "REG 54"),
        Stage.AWARD: ("R1.49", "REG 55"),
        Stage.CONTRACT: ("R1.44", "ZTB 46"),
        Stage.REFUND: ("R2.11", "REG 57"),
        Stage.DONE: ("R2.18", ""),
        Stage.FAILED: ("R1.36", "REG 44"),
    }
)
"""The rule behind each stage and the article it rests on, "" where the rule is the centre's own."""
