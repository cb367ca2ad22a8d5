"""Sealed bids: seal, inspect, recover, open. Knows neither web nor database.

The byte forms are on one page, ``docs/sealed-bid-format.md``. A reader starts with
``suite_base.py`` and ``suite_s1.py`` (every formula; ``suite_s2.py`` is 国密), then ``seal.py`` (the client),
``inspection.py`` (the server at submission) and ``opening.py``.
"""

from foundation.sealing.binding import NO_PREVIOUS, Binding, Part, write_binding
from foundation.sealing.errors import (
    BadHeader,
    BadPayload,
    BadShare,
    CannotSeal,
    EnvelopeRefused,
    Malformed,
    Truncated,
    WrongKey,
)
from foundation.sealing.header import BIDDER, Header, seat
from foundation.sealing.inspection import Expectations, Inspected, LastSealed, inspect
from foundation.sealing.keys import KeyFile, KeyUse, fingerprint, generate_key
from foundation.sealing.keyset import NO_ESCROW, Group, Holder, Keyset, Role, is_possession, prove_possession
from foundation.sealing.manifest import Manifest, SealedPart
from foundation.sealing.opening import (
    ContentKey,
    GateRecovery,
    check_commit,
    content_key,
    matches_commit,
    open_header,
    open_part,
    open_part_bytes,
    part_key,
    recover_from_escrow,
    recover_from_gate,
    recover_r_bid,
    recover_r_gate,
    sweep_temporary,
    unwrap_share,
)
from foundation.sealing.pkcs12 import CertifiedKey, Pkcs12Refused, is_pkcs12
from foundation.sealing.price_schedule import PricedItem, PriceSchedule
from foundation.sealing.providers import HeldKey, KeyProvider, provider_of
from foundation.sealing.receipts import Receipt, parse_receipt, receipt_text
from foundation.sealing.rehearsal import matches_rehearsal, rehearsal_tag
from foundation.sealing.seal import PartSource, Sealed, seal
from foundation.sealing.segments import SEGMENT_BYTES, RootBuilder, root_of_digests
from foundation.sealing.suite import S1, S2, SUITES, Suite, public_hex, suite_named, suite_of, suite_of_point
from foundation.sealing.text import h, instant_text, note, parse_instant

__all__ = [
    "BIDDER",
    "NO_ESCROW",
    "NO_PREVIOUS",
    "S1",
    "S2",
    "SEGMENT_BYTES",
    "SUITES",
    "BadHeader",
    "BadPayload",
    "BadShare",
    "Binding",
    "CannotSeal",
    "CertifiedKey",
    "ContentKey",
    "EnvelopeRefused",
    "Expectations",
    "GateRecovery",
    "Group",
    "Header",
    "HeldKey",
    "Holder",
    "Inspected",
    "KeyFile",
    "KeyProvider",
    "KeyUse",
    "Keyset",
    "LastSealed",
    "Malformed",
    "Manifest",
    "Part",
    "PartSource",
    "Pkcs12Refused",
    "PriceSchedule",
    "PricedItem",
    "Receipt",
    "Role",
    "RootBuilder",
    "Sealed",
    "SealedPart",
    "Suite",
    "Truncated",
    "WrongKey",
    "check_commit",
    "content_key",
    "fingerprint",
    "generate_key",
    "h",
    "inspect",
    "instant_text",
    "is_pkcs12",
    "is_possession",
    "matches_commit",
    "matches_rehearsal",
    "note",
    "open_header",
    "open_part",
    "open_part_bytes",
    "parse_instant",
    "parse_receipt",
    "part_key",
    "prove_possession",
    "provider_of",
    "public_hex",
    "receipt_text",
    "recover_from_escrow",
    "recover_from_gate",
    "recover_r_bid",
    "recover_r_gate",
    "rehearsal_tag",
    "root_of_digests",
    "seal",
    "seat",
    "suite_named",
    "suite_of",
    "suite_of_point",
    "sweep_temporary",
    "unwrap_share",
    "write_binding",
]
