"""How a claim to a unified social credit code stands, and the ways to prove it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from foundation.machine import Machine


class ClaimState(StrEnum):
    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"
    REJECTED = "rejected"
    DISPUTED = "disputed"


class ClaimTrigger(StrEnum):
    START = "start"
    VERIFY = "verify"
    REJECT = "reject"
    CONTEST = "contest"
    REVOKE = "revoke"


class ClaimWay(StrEnum):
    """How the claim is proved. IMPORTED: the centre vouches for an organisation it brings in itself."""

    CERTIFICATE = "certificate"
    TRANSFER = "transfer"
    DOCUMENTS = "documents"
    IMPORTED = "imported"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class KeyPurpose(StrEnum):
    SIGNING = "signing"
    SEALING = "sealing"


class UsccGround(StrEnum):
    """On what ground a code was admitted (R7.20): its check character fits, or an override with evidence."""

    COMPUTED = "computed"
    OVERRIDDEN = "overridden"


CLAIM_MACHINE: Final = Machine(
    "claim",
    ClaimState.UNVERIFIED,
    {
        ClaimState.UNVERIFIED: {ClaimTrigger.START: ClaimState.PENDING},
        ClaimState.PENDING: {
            ClaimTrigger.VERIFY: ClaimState.VERIFIED,
            ClaimTrigger.REJECT: ClaimState.REJECTED,
            # Proof was given, but somebody else holds the code already: two officers decide, the holder stays verified.
            ClaimTrigger.CONTEST: ClaimState.DISPUTED,
        },
        ClaimState.DISPUTED: {ClaimTrigger.VERIFY: ClaimState.VERIFIED, ClaimTrigger.REJECT: ClaimState.REJECTED},
        ClaimState.VERIFIED: {ClaimTrigger.REVOKE: ClaimState.REJECTED},
        ClaimState.REJECTED: {ClaimTrigger.START: ClaimState.PENDING},
    },
)
