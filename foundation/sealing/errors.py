"""What can go wrong with a sealed bid. Codes and whose doing each is: docs/sealed-bid-format.md §12."""

from __future__ import annotations

from foundation.errors import InvalidInput, Tampering


class Malformed(InvalidInput):
    """Bytes break the format page. Fields: ``reason`` (a machine word), ``path`` (where)."""

    code = "sealing.malformed"


class KeysetMalformed(Malformed):
    code = "sealing.keyset_malformed"


class BindingMalformed(Malformed):
    code = "sealing.binding_malformed"


class HeaderMalformed(Malformed):
    code = "sealing.header_malformed"


class ManifestMalformed(Malformed):
    code = "sealing.manifest_malformed"


class PriceScheduleMalformed(Malformed):
    code = "sealing.price_schedule_malformed"


class ReceiptMalformed(Malformed):
    code = "sealing.receipt_malformed"


class KeyFileMalformed(Malformed):
    code = "sealing.key_file_malformed"


class EnvelopeRefused(InvalidInput):
    """Inspection at submission failed; ``objections`` lists every reason found."""

    code = "sealing.envelope_refused"


class CannotSeal(InvalidInput):
    """The sealing client's own inputs do not fit together; nothing usable was written. Fields: ``reason``, ``part``."""

    code = "sealing.cannot_seal"


class WrongKey(InvalidInput):
    """The private key or passphrase offered is not the right one; nothing is wrong with the bid."""

    code = "sealing.wrong_key"


class BadHeader(Tampering):
    """The stored header is not the one the bidder signed over."""

    code = "sealing.bad_header"


class BadShare(Tampering):
    """A secret does not match its commitment, a wrap does not open under the right key, or shares do not combine.

    Fields: ``role`` (bidder, gate, gate/i, escrow/i), ``culprit`` (``bidder``, or ``holder`` who offered a false
    share), ``reason``.
    """

    code = "sealing.bad_share"


class BadPayload(Tampering):
    """A ciphertext is not the signed one (``culprit`` store) or is and cannot be opened (``culprit`` bidder)."""

    code = "sealing.bad_payload"


class Truncated(Tampering):
    """A ciphertext ends before its signed length. Fields: ``part``, ``expected_bytes``, ``found_bytes``."""

    code = "sealing.truncated"
