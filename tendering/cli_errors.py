"""What can stop the bidder's command line, besides what sealing itself refuses."""

from __future__ import annotations

from foundation.errors import InvalidInput, Refusal, Tampering, Unavailable


class LotFileMalformed(InvalidInput):
    """The lot file is not the ``lot.json`` of a centre (fields: ``path``, ``reason``)."""

    code = "tendering.lot_file_malformed"


class FolderMalformed(InvalidInput):
    """The folder is not what ``centre seal`` writes (fields: ``path``, ``reason``)."""

    code = "tendering.sealed_folder_malformed"


class BadArgument(InvalidInput):
    """An argument does not fit (fields: ``argument``, ``reason``)."""

    code = "tendering.bad_argument"


class ServerRefused(Refusal):
    """The centre declined; its own sentences are in the objections (fields: ``detail``, ``status``)."""

    code = "tendering.server_refused"


class ServerUnreachable(Unavailable):
    """No answer from the centre; what was uploaded is kept there, so the same command goes on (fields: ``server``)."""

    code = "tendering.server_unreachable"


class ReceiptUnproved(Tampering):
    """The answer is no valid receipt for what was handed in: do not rely on it (fields: ``reason``)."""

    code = "tendering.receipt_unproved"


class SignatureFalse(Tampering):
    """The sealed folder is not signed by the key that was named."""

    code = "tendering.signature_false"


class AnotherBidThere(Refusal):
    """The centre holds another envelope than this folder: a newer version, or another bid (fields: ``rev``)."""

    code = "tendering.another_bid_there"
