"""Why a step of a supervisor may be refused."""

from __future__ import annotations

from foundation.errors import InvalidInput


class ExplanationUnknown(InvalidInput):
    """The explanation is none of this detector's. Fields: ``given``."""

    code = "oversight.explanation_unknown"
