"""The catalogue of acts that a decided event may be recorded as. Nothing outside it enters the ledger.

Each act has the law it rests on and a weight. Names are terms ``credit_act.<id>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from credit.states import Level, Weight


class Act(StrEnum):
    CONTRACT_SIGNED_IN_TIME = "contract_signed_in_time"
    CONTRACT_PERFORMED = "contract_performed"
    BID_REVOKED = "bid_revoked"
    CONTRACT_REFUSED = "contract_refused"
    BOND_NOT_GIVEN = "bond_not_given"
    FALSE_COMPLAINT = "false_complaint"
    COLLUSION = "collusion"
    BRIBERY = "bribery"
    FRAUD = "fraud"
    CONTRACT_TRANSFERRED = "contract_transferred"
    CONTRACT_NOT_PERFORMED = "contract_not_performed"
    JUDGMENT_DEFAULTER = "judgment_defaulter"
    TAX_VIOLATION = "tax_violation"
    PROCUREMENT_BREACH = "procurement_breach"


@dataclass(frozen=True, slots=True)
class ActTerms:
    """``law``: what the act is named by; ``rule``: the row of docs/reference/rules.md with its consequences."""

    weight: Weight
    law: str
    rule: str


ACTS: Final = MappingProxyType(
    {
        Act.CONTRACT_SIGNED_IN_TIME: ActTerms(Weight.KEPT, "招标投标法第四十六条", "R1.44"),
        Act.CONTRACT_PERFORMED: ActTerms(Weight.KEPT, "招标投标法第四十八条", "R5.05"),
        Act.BID_REVOKED: ActTerms(Weight.GENERAL, "招标投标法实施条例第三十五条", "R2.20"),
        Act.CONTRACT_REFUSED: ActTerms(Weight.GENERAL, "招标投标法实施条例第七十四条", "R2.20"),
        Act.BOND_NOT_GIVEN: ActTerms(Weight.GENERAL, "招标投标法实施条例第七十四条", "R2.20"),
        Act.FALSE_COMPLAINT: ActTerms(Weight.GENERAL, "招标投标法实施条例第七十七条", "R7.07"),
        Act.COLLUSION: ActTerms(Weight.SERIOUS, "招标投标法第五十三条", "R7.01"),
        Act.BRIBERY: ActTerms(Weight.SERIOUS, "招标投标法第五十三条", "R7.01"),
        Act.FRAUD: ActTerms(Weight.SERIOUS, "招标投标法第五十四条", "R7.03"),
        Act.CONTRACT_TRANSFERRED: ActTerms(Weight.SERIOUS, "招标投标法第五十八条", "R5.08"),
        Act.CONTRACT_NOT_PERFORMED: ActTerms(Weight.SERIOUS, "招标投标法第六十条", "R7.04"),
        Act.JUDGMENT_DEFAULTER: ActTerms(Weight.LISTED, "财库〔2016〕125号", "R7.11"),
        Act.TAX_VIOLATION: ActTerms(Weight.LISTED, "财库〔2016〕125号", "R7.11"),
        Act.PROCUREMENT_BREACH: ActTerms(Weight.LISTED, "政府采购法第七十七条、财库〔2016〕125号", "R7.11"),
    }
)

LEVELS: Final = MappingProxyType(
    {Weight.KEPT: Level.GOOD, Weight.GENERAL: Level.NOTED, Weight.SERIOUS: Level.NOTED, Weight.LISTED: Level.RESTRICTED}
)
"""What a record makes of the standing while it counts. A serious act without a ban does not stop anybody (R7.14)."""

USUAL_MONTHS: Final = MappingProxyType({Weight.KEPT: 36, Weight.GENERAL: 12, Weight.SERIOUS: 36, Weight.LISTED: 36})
"""R7.16: how long a record of this weight usually counts; the decision may say less."""


def terms_of(act: Act) -> ActTerms:
    return ACTS[act]


def is_adverse(act: Act) -> bool:
    return ACTS[act].weight is not Weight.KEPT


def decidable() -> tuple[Act, ...]:
    """Acts a person may enter: all but what the journal itself records."""
    return tuple(act for act in Act if act is not Act.CONTRACT_SIGNED_IN_TIME)
