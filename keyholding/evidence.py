"""What a holder's agent demands to see before it gives anything up. Runs on the holder's machine; trusts no server.

Every rule rests on public entries of the transparency log, each with a proof under a policy pinned at enrolment: the
log's key *and* independent cosigners (docs/threat-model.md §4). What a server merely says is never enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from foundation import canonical
from foundation.errors import InvalidInput, Tampering
from foundation.sealing import Header, Keyset, Manifest, Role, open_header, unwrap_share
from foundation.sealing import seat as seat_role
from foundation.sealing.suite import PrivateKey
from foundation.transparency.blinding import MAX_ENTRY_BYTES, PublicEntry, parse_entry
from foundation.transparency.policy import NO_QUORUM, Policy
from foundation.transparency.verify import verify_entry
from keyholding.dummy import is_dummy
from keyholding.errors import EvidenceRefused, PolicyRefused

WINDOW_CLOSED: Final = "bid_opening.window_closed"
BIDS_FROZEN: Final = "bid_opening.bids_frozen"
LIST_PUBLISHED: Final = "bid_opening.list_published"
WINDOW_ENDED: Final = "bid_opening.window_ended"
LOT_PUBLISHED: Final = "tendering.lot_published"
REQUEST_CONFIRMED: Final = "bid_opening.escrow_request_confirmed"


@dataclass(frozen=True, slots=True)
class LotNames:
    """Which lot a key was made for, as the agent wrote it down when it made the key."""

    lot_id: str
    tender: str
    lot_code: str


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """What the server shows: the bytes of a log entry, and a proof file.

    ``data`` is needed where the event is too long for a leaf, which then holds the hash of its canonical JSON.
    """

    entry: bytes
    proof: str
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A public event that is in the log for good."""

    type: str
    data: Mapping[str, Any]
    index: int


@dataclass(frozen=True, slots=True)
class MissingEntries:
    """The entries a custodian reads together. ``requests``: confirmed requests, where the rule wants them."""

    published: ShownEntry
    frozen: ShownEntry
    listed: ShownEntry
    ended: ShownEntry
    requests: tuple[ShownEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenSet:
    """What one lot's entries say together: frozen bids, and which of them custodians may open."""

    frozen: Mapping[str, tuple[int, str]]
    """Bid → revision and envelope hash."""
    missing: frozenset[str]
    permitted: frozenset[str]
    """The missing bids that the lot's escrow rule lets custodians open; on request: those with a logged request."""
    entry: bytes
    """The frozen list as logged; an agent accepts one for a lot, ever."""


def read_policy(text: str) -> Policy:
    """The policy to pin; raises PolicyRefused when it would let the log vouch for itself."""
    policy = Policy.parse(text)
    if policy.quorum == NO_QUORUM or not policy.logs:
        raise PolicyRefused(reason="no_quorum")
    if policy.overlaps():
        raise PolicyRefused(reason="cosigner_is_log")
    return policy


def established(shown: ShownEntry, wanted: str, policy: Policy, now: datetime) -> Fact:
    """The public event of type ``wanted`` that the log holds under a cosigned checkpoint; raises EvidenceRefused."""
    try:
        verified = verify_entry(shown.proof, shown.entry, policy, now=now)
        parsed = parse_entry(shown.entry)
        body = canonical.loads(parsed.body, max_bytes=MAX_ENTRY_BYTES) if isinstance(parsed, PublicEntry) else None
    except (Tampering, InvalidInput) as error:
        raise EvidenceRefused(reason=error.code) from error
    if not verified.cosigners:
        raise EvidenceRefused(reason="not_cosigned")
    if not isinstance(body, dict) or body.get("type") != wanted:
        raise EvidenceRefused(reason="other_event", wanted=wanted)
    return Fact(wanted, _data_of(body, shown.data), verified.index)


def _data_of(body: Mapping[str, Any], apart: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if isinstance(body.get("data"), dict):
        data: Mapping[str, Any] = body["data"]
        return data
    if apart is None or canonical.digest(dict(apart)) != body.get("data_sha256"):
        raise EvidenceRefused(reason="no_data")
    return apart


def permit_gate_release(shown: ShownEntry, lot: LotNames, policy: Policy, now: datetime) -> None:
    """Return only when the window of exactly this lot is closed for good and enough bids can be opened.

    Raises EvidenceRefused: the key of a failed opening is never given up, whatever a server asks for afterwards.
    """
    data = established(shown, WINDOW_CLOSED, policy, now).data
    if (data.get("lot"), data.get("tender"), data.get("lot_code")) != (lot.lot_id, lot.tender, lot.lot_code):
        raise EvidenceRefused(reason="other_lot")
    released, escrowed, minimum = data.get("released"), data.get("escrowed"), data.get("minimum")
    if not (isinstance(released, list) and isinstance(escrowed, list) and isinstance(minimum, int)):
        raise EvidenceRefused(reason="form")
    if len({*released, *escrowed}) < minimum:
        raise EvidenceRefused(reason="too_few", have=len({*released, *escrowed}), minimum=minimum)


def establish_missing(shown: MissingEntries, lot: LotNames, policy: Policy, now: datetime) -> FrozenSet:
    """What was frozen and is missing after the window, and what custodians may open; raises EvidenceRefused.

    The published lot states the escrow rule; the ended window names seats, the published list says which bid sits
    where, and the frozen list fixes each bid. The rule must have been logged before the freeze: whoever changes it
    afterwards, knowing what is missing, changes nothing.
    """
    entries = (
        (shown.published, LOT_PUBLISHED),
        (shown.frozen, BIDS_FROZEN),
        (shown.listed, LIST_PUBLISHED),
        (shown.ended, WINDOW_ENDED),
    )
    published, frozen, listed, ended = (established(one, wanted, policy, now) for one, wanted in entries)
    if any(fact.data.get("lot") != lot.lot_id for fact in (published, frozen, listed, ended)):
        raise EvidenceRefused(reason="other_lot")
    if not published.index < frozen.index < ended.index:
        raise EvidenceRefused(reason="order")
    try:
        fixed = {str(one["bid"]): (int(one["rev"]), str(one["envelope_hash"])) for one in frozen.data["bids"]}
        seats = {int(one["seat"]): str(one["bid"]) for one in listed.data["bidders"]}
        missing = frozenset(seats[int(number)] for number in ended.data["missing"])
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceRefused(reason="form") from error
    rule = published.data.get("escrow_rule")
    asked = _requested(shown.requests, frozen, lot, policy, now) if rule == "on_request" else missing
    if rule not in {"compulsory", "on_request"}:
        raise EvidenceRefused(reason="escrow_rule", rule=str(rule)[:40])
    return FrozenSet(fixed, missing, missing & asked, shown.frozen.entry)


def _requested(
    shown: tuple[ShownEntry, ...], frozen: Fact, lot: LotNames, policy: Policy, now: datetime
) -> frozenset[str]:
    """The bids whose bidder asked and whose request the duty officer confirmed, as logged after the freeze."""
    found = []
    for one in shown:
        fact = established(one, REQUEST_CONFIRMED, policy, now)
        if fact.data.get("lot") != lot.lot_id:
            raise EvidenceRefused(reason="other_lot")
        if not frozen.index < fact.index:
            raise EvidenceRefused(reason="order")
        found.append(str(fact.data.get("bid")))
    return frozenset(found)


def escrow_share_of(
    bid: str,
    header_bytes: bytes,
    manifest_bytes: bytes,
    *,
    facts: FrozenSet,
    lot: LotNames,
    keyset_json: str,
    index: int,
    key: PrivateKey,
) -> bytes:
    """The custodian's share of one bid, once the log shows that this very envelope is frozen and missing.

    Raises EvidenceRefused when it does not, BadShare (culprit ``bidder``) when the wrap itself is unusable.
    """
    if bid not in facts.frozen or bid not in facts.missing:
        raise EvidenceRefused(reason="bid_not_missing")
    if bid not in facts.permitted:
        raise EvidenceRefused(reason="not_requested")
    header, keyset = _sealed_for(header_bytes, manifest_bytes, lot, keyset_json)
    rev, envelope_hash = facts.frozen[bid]
    if (header.binding.bid, header.binding.rev) != (bid, rev):
        raise EvidenceRefused(reason="other_bid")
    if Manifest.parse(manifest_bytes).envelope_hash != envelope_hash:
        raise EvidenceRefused(reason="other_envelope")
    return unwrap_share(header, keyset, Role.ESCROW, index, key)


def rehearsal_share_of(
    header_bytes: bytes, *, lot: LotNames, keyset_json: str, role: Role, index: int, key: PrivateKey
) -> bytes:
    """A holder's share of a dummy. Raises EvidenceRefused for anything that could be a bid, BadShare or WrongKey."""
    try:
        header = Header.parse(header_bytes)
    except InvalidInput as error:
        raise EvidenceRefused(reason=error.code) from error
    if not is_dummy(header):
        raise EvidenceRefused(reason="not_a_dummy")
    keyset = _keyset_of(header, lot, keyset_json)
    if not 0 <= index < len(keyset.group(role).holders):
        raise EvidenceRefused(reason="no_such_seat", role=seat_role(role, index))
    return unwrap_share(header, keyset, role, index, key)


def _sealed_for(header_bytes: bytes, manifest_bytes: bytes, lot: LotNames, keyset_json: str) -> tuple[Header, Keyset]:
    try:
        header = open_header(header_bytes, Manifest.parse(manifest_bytes))
    except (Tampering, InvalidInput) as error:
        raise EvidenceRefused(reason=error.code) from error
    return header, _keyset_of(header, lot, keyset_json)


def _keyset_of(header: Header, lot: LotNames, keyset_json: str) -> Keyset:
    """The key set the header was sealed to, which must be one of the agent's own lot."""
    try:
        keyset = Keyset.parse(keyset_json.encode())
    except InvalidInput as error:
        raise EvidenceRefused(reason=error.code) from error
    if header.binding.keyset != keyset.hash:
        raise EvidenceRefused(reason="other_keyset")
    if {(keyset.tender, keyset.lot), (header.binding.tender, header.binding.lot)} != {(lot.tender, lot.lot_code)}:
        raise EvidenceRefused(reason="other_lot")
    return keyset
