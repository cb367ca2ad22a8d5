"""Time stamps by outside authorities (RFC 3161) over checkpoints. Needs rfc3161-client, and roots the reader trusts."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cryptography import x509

from foundation.verifier.container import read_whole
from foundation.verifier.evidence import Evidence, Leaf
from foundation.verifier.problems import Check, Missing, Problem, demand

STAMP_FILE = re.compile(r"tsa/([0-9]+)\.tsr")
MOST_STAMP = 100_000


def check_stamps(check: Check, evidence: Evidence, freeze: Leaf | None, deadline: datetime | None) -> None:
    """Every stamp is of a checkpoint of this bundle that covers the frozen list, and not older than the deadline."""
    for name in evidence.files.names:
        found = STAMP_FILE.fullmatch(name)
        if found is not None:
            check.attempt(_stamp, check, evidence, name, int(found[1]), freeze, deadline)


def _stamp(
    check: Check, evidence: Evidence, name: str, size: int, freeze: Leaf | None, deadline: datetime | None
) -> None:
    is_there = any(head.size == size for head in evidence.heads)
    demand(is_there and freeze is not None and size > freeze.index, "stamp.checkpoint", name)
    raw = read_whole(evidence.files, name, MOST_STAMP)
    # One DER sequence of the file's own length, as every response of more than 255 bytes is.
    is_one = raw[:2] == b"\x30\x82" and int.from_bytes(raw[2:4], "big") == len(raw) - 4
    demand(is_one, "stamp.form", name)
    if evidence.tsa_roots is None:
        raise Missing("tsa roots")
    at = stamped_at(raw, evidence.notes[size], evidence.tsa_roots, name)
    check.note("stamp.time", name, at=at.isoformat())
    demand(deadline is None or evidence.tender.is_demo or at >= deadline, "stamp.early", name, at=at.isoformat())


def stamped_at(raw: bytes, note: bytes, roots: bytes, where: str) -> datetime:
    """The time an authority under these PEM roots states for the note. Problem ``stamp.false``."""
    try:
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError:
        raise Missing("rfc3161-client") from None
    try:
        response = decode_timestamp_response(raw)
        VerifierBuilder(roots=list(x509.load_pem_x509_certificates(roots))).build().verify_message(response, note)
    except (VerificationError, ValueError) as error:
        raise Problem("stamp.false", where) from error
    return response.tst_info.gen_time.astimezone(UTC)
