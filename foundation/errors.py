"""The four kinds of failure.

``Refusal`` (the caller may not or cannot: 4xx) · ``Tampering`` (evidence does not verify: stop, journal, alert) ·
``Unavailable`` (503, the only one worth retrying) · anything else is a bug (500).

An error carries a code and fields, never a sentence: the sentence is made at the edge, in the reader's language,
from ``translations/*.toml``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import ClassVar


@dataclasses.dataclass(frozen=True, slots=True)
class Objection:
    """One reason why something is refused.

    ``code`` names a sentence in the catalogues; ``field`` is the form field it belongs to ("" for the whole form);
    ``params`` fill the sentence; ``clause`` cites the rule ("R1.31", "ZTB 24") where there is one.
    """

    code: str
    field: str = ""
    params: Mapping[str, object] = dataclasses.field(default_factory=dict)
    clause: str = ""


class CentreError(Exception):
    """Base of every error this project raises on purpose."""

    code: ClassVar[str] = "foundation.error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, **fields: object) -> None:
        super().__init__(self.code)
        self.fields: dict[str, object] = fields

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.fields.items())
        return f"{self.code}({shown})"


class Refusal(CentreError):
    """The request is understood and declined; nothing was changed."""

    code = "foundation.refused"
    http_status = 409
    exit_code = 3

    def __init__(self, *, objections: Sequence[Objection] = (), **fields: object) -> None:
        super().__init__(**fields)
        self.objections: tuple[Objection, ...] = tuple(objections)

    def __str__(self) -> str:
        reasons = ", ".join(o.code for o in self.objections)
        return f"{super().__str__()}{f' [{reasons}]' if reasons else ''}"


class InvalidInput(Refusal):
    """What was sent cannot be read or breaks a stated limit (422)."""

    code = "foundation.invalid_input"
    http_status = 422


class NotPermitted(Refusal):
    """The actor is known and may not do this (403)."""

    code = "foundation.not_permitted"
    http_status = 403


class NotFound(Refusal):
    """It does not exist, or not for this actor: both look the same (404)."""

    code = "foundation.not_found"
    http_status = 404


class Conflict(Refusal):
    """The state of things does not allow it now (409)."""

    code = "foundation.conflict"
    http_status = 409


class SignInRequired(Refusal):
    """Nobody is signed in (401)."""

    code = "foundation.sign_in_required"
    http_status = 401


class TooMany(Refusal):
    """A published rate or size limit is exceeded (429)."""

    code = "foundation.too_many"
    http_status = 429


class Tampering(CentreError):
    """Evidence does not verify. Never retried, never swallowed."""

    code = "foundation.tampering"
    http_status = 422
    exit_code = 4


class Unavailable(CentreError):
    """Something this needs is not there right now; trying again may help (503)."""

    code = "foundation.unavailable"
    http_status = 503
    exit_code = 5
