"""Refusals of this package; sentences in ``translations/accounts.toml``."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotPermitted, Refusal, TooMany, Unavailable


class SignInRefused(Refusal):
    """Login unknown, password wrong, or account closed: one answer for all three (401)."""

    code = "accounts.sign_in_refused"
    http_status = 401


class OldPasswordWrong(InvalidInput):
    """A change of password needs the present one."""

    code = "accounts.old_password_wrong"


class TooManySignIns(TooMany):
    """Too many failures from here. Fields: ``minutes``."""

    code = "accounts.too_many_sign_ins"


class PasswordsBusy(Unavailable):
    """All places for checking a password are taken."""

    code = "accounts.passwords_busy"


class LoginTaken(Conflict):
    code = "accounts.login_taken"


class OrganisationRequired(NotPermitted):
    """The actor acts for no organisation."""

    code = "accounts.organisation_required"


class RolesConflict(InvalidInput):
    """Roles one person must not hold together. Fields: ``first``, ``second``."""

    code = "accounts.roles_conflict"


class RoleNotSelfService(NotPermitted):
    """Only an administrator gives this role. Fields: ``role``."""

    code = "accounts.role_not_self_service"


class OwnRoles(NotPermitted):
    """Nobody changes its own roles."""

    code = "accounts.own_roles"


class OperatorMayNotTrade(InvalidInput):
    """The centre's own organisation neither tenders nor bids on its platform (R1.07)."""

    code = "accounts.operator_may_not_trade"


class UsccNeedsEvidence(InvalidInput):
    """The check character does not fit and no evidence was given."""

    code = "accounts.uscc_needs_evidence"


class UsccNotReviewed(Conflict):
    """The code was admitted on evidence that no officer has looked at yet."""

    code = "accounts.uscc_not_reviewed"


class WrongWay(Conflict):
    """The claim is not being proved in this way now. Fields: ``way``."""

    code = "accounts.wrong_way"


class CertificateUnreadable(InvalidInput):
    code = "accounts.certificate_unreadable"


class CertificateNotTrusted(InvalidInput):
    """No chain to a configured root at this instant. Fields: ``problem``."""

    code = "accounts.certificate_not_trusted"


class CertificateUsage(InvalidInput):
    """The certificate is not one for signatures."""

    code = "accounts.certificate_usage"


class CertificateAlgorithm(InvalidInput):
    """Only RSA (2048 bits or more) and P-256/384/521 are checked here. Fields: ``algorithm``."""

    code = "accounts.certificate_algorithm"


class CertificateKeyUnfit(InvalidInput):
    """Bids are signed with keys of P-256; the certificate's key is another."""

    code = "accounts.certificate_key_unfit"


class CertificateOfAnotherKey(InvalidInput):
    """The certificate is about another key than the one given."""

    code = "accounts.certificate_of_another_key"


class CertificateOfAnother(InvalidInput):
    """The subject does not name the claimed code, or names another organisation. Fields: ``subject``."""

    code = "accounts.certificate_of_another"


class PossessionNotProved(InvalidInput):
    """The signature over the nonce does not verify, or the nonce has run out."""

    code = "accounts.possession_not_proved"


class CertificatesNotConfigured(Conflict):
    """The centre has no root certificates installed; use another way."""

    code = "accounts.no_ca_roots"


class NoticeNotSigned(NotPermitted):
    """The bank's signature over the body is missing or wrong."""

    code = "accounts.notice_not_signed"


class NoticeDiffers(Conflict):
    """The same notice number came with another content. Fields: ``notice_id``."""

    code = "accounts.notice_differs"


class FileRefused(InvalidInput):
    """Not a PDF, PNG or JPEG, empty, or too large. Fields: ``limit`` in bytes."""

    code = "accounts.file_refused"


class TooManyDocuments(Conflict):
    """Fields: ``limit``."""

    code = "accounts.too_many_documents"


class DocumentsMissing(Conflict):
    """Nothing was uploaded that two officers could look at."""

    code = "accounts.documents_missing"


class SameOfficer(Conflict):
    """One officer cannot be both of the two."""

    code = "accounts.same_officer"


class OwnClaim(NotPermitted):
    """An officer does not decide on its own organisation."""

    code = "accounts.own_claim"


class KeyMalformed(InvalidInput):
    """Not an uncompressed P-256 point in hex (65 bytes, on the curve)."""

    code = "accounts.key_malformed"


class KeyTaken(Conflict):
    """The key is registered by another organisation, for another purpose, or was retired (R1.20)."""

    code = "accounts.key_taken"


class TooManyKeys(Conflict):
    """Fields: ``limit``."""

    code = "accounts.too_many_keys"
