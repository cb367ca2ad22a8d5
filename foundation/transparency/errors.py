"""How log evidence fails. Text that cannot be read is refused; evidence that does not verify is tampering."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, Tampering, Unavailable


class MalformedText(InvalidInput):
    """A note, key, policy, proof or tile is not in its format. Fields: ``what`` (the format), ``reason`` (a token)."""

    code = "transparency.malformed"


class KeyFileExposed(InvalidInput):
    """A private key file can be read by others than its owner. Field: ``mode`` (octal text)."""

    code = "transparency.key_file_exposed"


class CosignerBusy(Conflict):
    """Another process already cosigns from this state folder."""

    code = "transparency.cosigner_busy"


class BadProof(Tampering):
    """An inclusion or consistency proof does not lead to the root. Fields: ``kind``, ``reason``."""

    code = "transparency.bad_proof"


class BadSignature(Tampering):
    """No trusted key signed the note, or a trusted key's signature is wrong. Fields: ``key``, ``reason``."""

    code = "transparency.bad_signature"


class QuorumNotMet(Tampering):
    """Too few of the policy's cosigners stand behind the checkpoint. Fields: ``quorum``, ``cosigned``, ``future``."""

    code = "transparency.quorum_not_met"


class BadTile(Tampering):
    """Stored tiles do not carry the tree they claim to carry. Fields: ``path``, ``reason``."""

    code = "transparency.bad_tile"


class CosignerRefused(Tampering):
    """The cosigner looked at the checkpoint and would not sign it. Fields: ``cosigner``, ``status``."""

    code = "transparency.cosigner_refused"


class LogRolledBack(Tampering):
    """The cosigner has signed a larger tree than the log now shows. Fields: ``cosigner``, ``cosigned``, ``size``."""

    code = "transparency.log_rolled_back"


class TileMissing(Unavailable):
    """A tile or bundle that the tree size requires is not in the store. Field: ``path``."""

    code = "transparency.tile_missing"


class CosignerUnavailable(Unavailable):
    """The cosigner cannot be reached, is overloaded, or does not know the log yet. Fields: ``cosigner``, ``reason``."""

    code = "transparency.cosigner_unavailable"
