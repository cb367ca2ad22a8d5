"""Whom a reader of this log trusts: the log's key and the configured cosigner. Public parts only."""

from __future__ import annotations

from typing import Final

from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.transparency.errors import CosignerUnavailable
from foundation.transparency.keys import VerifierKey
from foundation.transparency.policy import NO_QUORUM, LogKey, Policy, PolicyCosigner

COSIGNER: Final = "cosigner"
"""The cosigner's name within the policy."""


def needs_cosigner(settings: Settings) -> bool:
    return bool(settings.cosigner_url)


def cosigner_key(settings: Settings) -> VerifierKey | None:
    """The cosigner's public key: pinned in the settings, else as the local cosigner left it; None without a cosigner.

    Raises CosignerUnavailable while a cosigner is configured and its key is not known yet: a policy without it would
    say that nobody needs to cosign.
    """
    if not needs_cosigner(settings):
        return None
    text = settings.cosigner_vkey
    if not text:
        try:
            text = (settings.data_dir / "cosigner" / "cosigner.vkey").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CosignerUnavailable(cosigner=settings.cosigner_url, reason="no_key") from None
    return VerifierKey.parse(text.strip())


def log_policy(runtime: Runtime) -> str:
    """The C2SP tlog-policy text: the log's key, and a quorum of the one cosigner where one is configured.

    Whoever fetches it from the centre trusts the centre once; a careful reader pins it. Raises CosignerUnavailable.
    """
    logs = (LogKey(runtime.log_key.verifier),)
    key = cosigner_key(runtime.settings)
    if key is None:
        return str(Policy(logs, (), (), NO_QUORUM))
    return str(Policy(logs, (PolicyCosigner(COSIGNER, key),), (), COSIGNER))


def receipt_vkey(runtime: Runtime) -> str:
    """The vkey that acknowledgements of receipt are verified with."""
    return str(runtime.receipt_key.verifier)
