"""Why there is no bundle."""

from __future__ import annotations

from foundation.errors import Conflict, Tampering


class BundleNotReady(Conflict):
    """The opening is not over, or its record is not issued: nothing of a lot is bundled before that."""

    code = "centre.bundle_not_ready"


class BundleTooLarge(Conflict):
    """A zip of the fixed form holds less than 4 GiB; a folder any size. Fields: ``size_bytes``, ``limit_bytes``."""

    code = "centre.bundle_too_large"


class SignerUnknown(Tampering):
    """No key the bidder ever registered made the stored signature. Field: ``bid``."""

    code = "centre.bundle_signer_unknown"


class TargetTaken(Conflict):
    """The file is there already, or the folder is not empty. Field: ``path``."""

    code = "centre.bundle_target_taken"
