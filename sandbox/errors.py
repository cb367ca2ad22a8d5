"""What can go wrong between a client and the centre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.errors import Refusal, Tampering, Unavailable


@dataclass(frozen=True, slots=True)
class Reason:
    """One objection of a problem document (RFC 9457, member ``objections``)."""

    code: str
    field: str
    detail: str


class CentreRefused(Refusal):
    """The centre declined. ``problem`` is its code, ``reasons`` its objections, ``status`` the HTTP status."""

    code = "sandbox.refused"

    def __init__(
        self,
        *,
        status: int,
        problem: str,
        detail: str = "",
        fields: Mapping[str, Any] | None = None,
        reasons: Sequence[Reason] = (),
    ) -> None:
        super().__init__(status=status, problem=problem, detail=detail, reasons=[reason.code for reason in reasons])
        self.status = status
        self.problem = problem
        self.problem_fields: Mapping[str, Any] = fields or {}
        self.reasons = tuple(reasons)

    @property
    def codes(self) -> tuple[str, ...]:
        """The code of the refusal and of all its objections."""
        return (self.problem, *(reason.code for reason in self.reasons))


class CentreAway(Unavailable):
    """Nobody answers at the centre's address, or it says 503, for longer than the client waits. Fields: ``url``."""

    code = "sandbox.centre_away"


class BankAway(Unavailable):
    """The demonstration's bank does not answer."""

    code = "sandbox.bank_away"


class NotInTime(Unavailable):
    """Something that had to happen did not, within the stated seconds. Fields: ``what``, ``seconds``."""

    code = "sandbox.not_in_time"


class StoryBroken(Refusal):
    """A stage of the story ended otherwise than it must. Fields: ``stage``, ``what``."""

    code = "sandbox.story_broken"
    exit_code = 3


class ProofFailed(Tampering):
    """Evidence the centre handed out does not verify against what the client pinned. Fields: ``what``."""

    code = "sandbox.proof_failed"


class TransferRefused(Refusal):
    """The bank does not know an account, the amount is not positive, or there is too little money. Fields: ``why``."""

    code = "sandbox.transfer_refused"
