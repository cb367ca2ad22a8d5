"""What people send, as pydantic models."""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from accounts.certificates import PEM_LIMIT
from accounts.roles import GRANTED, Role
from accounts.rules import LOGIN_SHAPE, PASSWORD_MAX, PASSWORD_MIN, tidy_login
from accounts.states import ClaimWay, Verdict
from foundation.web.fields import IdText, Line, Prose


def _login(text: str) -> str:
    login = tidy_login(text)
    if not LOGIN_SHAPE.fullmatch(login):
        raise PydanticCustomError("accounts.login_shape", "login")
    return login


def _granted(role: str) -> str:
    if role not in {str(one) for one in GRANTED}:
        raise PydanticCustomError("foundation.field_choice", "role")
    return role


Login = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_login)]
Password = Annotated[str, StringConstraints(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX)]
GivenRole = Annotated[str, AfterValidator(_granted)]


class SelfServiceRole(StrEnum):
    BIDDER = Role.BIDDER.value
    TENDEREE = Role.TENDEREE.value
    AGENCY = Role.AGENCY.value


class Registration(BaseModel):
    """An organisation and its first person. ``evidence`` is needed only where the check character is wrong."""

    organisation: Line
    uscc: Line
    evidence: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    person: Annotated[Line, StringConstraints(max_length=100)]
    login: Login
    password: Password
    password_again: str | None = None
    roles: list[SelfServiceRole] = Field(default_factory=list, max_length=3)

    @field_validator("password_again")
    @classmethod
    def _same(cls, value: str | None, info: object) -> str | None:
        first = getattr(info, "data", {}).get("password")
        if value is not None and first is not None and value != first:
            raise PydanticCustomError("accounts.passwords_differ", "different")
        return value


class SignIn(BaseModel):
    login: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=PASSWORD_MAX)]


class PasswordChange(BaseModel):
    old_password: Annotated[str, StringConstraints(min_length=1, max_length=PASSWORD_MAX)]
    password: Password


class NewKey(BaseModel):
    """``certificate``: PEM of a signing key's certificate and its chain; then ``public_key`` may be left out."""

    purpose: Literal["signing", "sealing"]
    public_key: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    label: Annotated[Line, StringConstraints(max_length=100)]
    certificate: Annotated[str, StringConstraints(strip_whitespace=True, max_length=PEM_LIMIT)] = ""

    @field_validator("certificate")
    @classmethod
    def _signs(cls, value: str, info: object) -> str:
        if value and getattr(info, "data", {}).get("purpose") == "sealing":
            raise PydanticCustomError("accounts.certificate_for_signing_only", "purpose")
        return value


class StartClaim(BaseModel):
    way: Literal[ClaimWay.CERTIFICATE, ClaimWay.TRANSFER, ClaimWay.DOCUMENTS]
    account_number: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{0,34}$")] = ""


class CertificateProof(BaseModel):
    """``certificate``: PEM text; ``signature``: base64."""

    certificate: Annotated[str, StringConstraints(min_length=1, max_length=PEM_LIMIT)]
    signature: Annotated[str, StringConstraints(min_length=1, max_length=4096)]

    def signature_bytes(self) -> bytes:
        """The signature; one that is not base64 cannot verify."""
        try:
            return base64.b64decode("".join(self.signature.split()), validate=True)
        except binascii.Error:
            return b""


class DocumentForm(BaseModel):
    title: Line


class OfficerVerdict(BaseModel):
    """``note``: what the officer looked at, or why not; a refusal's note goes to the claimant."""

    verdict: Verdict
    note: Annotated[Prose, StringConstraints(max_length=1000)]


class Roles(BaseModel):
    roles: list[GivenRole] = Field(default_factory=list, max_length=len(GRANTED))
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] = ""


class NewColleague(BaseModel):
    org_id: IdText
    person: Annotated[Line, StringConstraints(max_length=100)]
    login: Login
    password: Password
    roles: list[GivenRole] = Field(default_factory=list, max_length=len(GRANTED))


class BankNoticeBody(BaseModel):
    """The bank's notice of one incoming transfer; fields we do not know are left alone."""

    notice_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    payer_name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    payer_account: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,34}$")]
    reference: Annotated[str, StringConstraints(max_length=40)]
