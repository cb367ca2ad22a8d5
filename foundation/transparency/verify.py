"""The check a client or agent runs on its own machine, against keys it was given before, never by the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from foundation.transparency.blinding import Unblinding, blinded_digest, tick_entry
from foundation.transparency.errors import MalformedText
from foundation.transparency.merkle import leaf_hash, verify_inclusion
from foundation.transparency.policy import Policy
from foundation.transparency.proof import TlogProof


@dataclass(frozen=True, slots=True)
class VerifiedEntry:
    """An entry that is in the log for good.

    ``index`` orders it among all leaves; ``size`` is the tree it was proved in; ``time`` is when the quorum of
    cosigners stood behind that tree (so the entry existed by then; None under ``quorum none``).
    """

    index: int
    size: int
    time: datetime | None
    cosigners: tuple[str, ...]


def verify_entry(tlog_proof_text: str, entry: bytes, policy: Policy, *, now: datetime | None) -> VerifiedEntry:
    """Accept that ``entry`` is a leaf of the log ``policy`` names.

    Raises MalformedText (not a proof file), BadSignature, QuorumNotMet or BadProof; ``now`` as in ``Policy.verify``.
    """
    return _verified(TlogProof.parse(tlog_proof_text), entry, policy, now)


def verify_blinded(tlog_proof_text: str, entry: bytes, policy: Policy, *, now: datetime | None) -> VerifiedEntry:
    """Accept that the private record ``entry`` lies under a tick leaf, unblinded by the proof's ``extra``."""
    proof = TlogProof.parse(tlog_proof_text)
    if proof.extra is None:
        raise MalformedText(what="tlog-proof", reason="no_extra")
    unblinding = Unblinding.parse(proof.extra)
    leaf = tick_entry(blinded_digest(unblinding.nonce, entry), unblinding.placement)
    return _verified(proof, leaf, policy, now)


def _verified(proof: TlogProof, leaf: bytes, policy: Policy, now: datetime | None) -> VerifiedEntry:
    head = policy.verify(proof.checkpoint, now=now)
    size, root = head.checkpoint.size, head.checkpoint.root
    verify_inclusion(proof.index, size, leaf_hash(leaf), proof.hashes, root)
    return VerifiedEntry(proof.index, size, head.cosigned_at, head.cosigners)
