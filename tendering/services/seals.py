"""Receive a sealed bid, replace it, withdraw it. Nothing here can read one.

Decisions are made before anything is written, so a refusal leaves only its own private note in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from sqlalchemy import bindparam, or_, select
from sqlalchemy.exc import IntegrityError

from accounts import facade as accounts
from credit import facade as credit
from deposits import facade as deposits
from foundation.errors import Objection
from foundation.events.tendering import BidSealed, BidWithdrawn
from foundation.events.tendering import SealRefused as SealRefusedEvent
from foundation.machine import LostRace
from foundation.runtime import Runtime
from foundation.sealing import EnvelopeRefused, Expectations, Header, Keyset, LastSealed, Malformed, Manifest, inspect
from foundation.sealing.suite import load_public, verifies
from foundation.store.unit import Unit
from keyholding import facade as keyholding
from tendering import bid_access
from tendering.access import LotAndProject
from tendering.bid_errors import NothingToWithdraw, SealContested, SealRefused, WithdrawalLate
from tendering.bid_rules import (
    ENCRYPTION_CLAUSE,
    LATE_CLAUSE,
    MAX_BID_BYTES,
    OPTIONAL,
    REQUIRED,
    STAGE,
    Ban,
    SealFacts,
    objections_to_bytes,
    objections_to_seal,
)
from tendering.models import SealedBid, Upload
from tendering.services import receipts, uploads
from tendering.states import BidState, BidTrigger, LotState

P = TypeVar("P", Header, Manifest)
DEPOSIT_NOT_SEEN: Final = "tendering.deposit_not_seen"
"""The warning of an answer: no deposit is known here, and that stops nothing."""
KEYSETS_KEPT: Final = 256
"""Lots that receive bids at the same time in one process; a key set beyond them is only read again."""
_TAKEN: Final = select(SealedBid.upload_id, SealedBid.commit_bidder).where(
    or_(SealedBid.upload_id == bindparam("upload"), SealedBid.commit_bidder == bindparam("commit"))
)


@dataclass(frozen=True, slots=True)
class SealCommand:
    """What a bidder hands in at last; the ciphertext came before, in an upload."""

    lot_id: str
    upload_id: str
    header: bytes
    manifest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The answer to a received bid. ``receipt`` is the signed note; ``warnings`` are codes of terms."""

    bid_id: str
    rev: int
    state: str
    envelope_hash: str
    received_at: datetime
    log_by: datetime
    size_bytes: int
    receipt: str
    receipt_number: str
    warnings: tuple[str, ...]
    is_new: bool


def submit_seal(
    unit: Unit, runtime: Runtime, command: SealCommand, received_at: datetime
) -> Acknowledged | SealRefused:
    """Receive a bid, or say everything that is wrong with it (and note that privately).

    A refusal is returned, not raised, so that its note is committed; the edge raises it. The same manifest again gives
    the same acknowledgement at any time. Raises SealContested when another revision of the same bidder came in between.
    """
    found = bid_access.hold_lot(unit, command.lot_id)
    org_id = bid_access.bidder_of(unit.actor)
    case = _Case(unit, found, org_id, command, received_at)
    known = case.known()
    if known is not None:
        return _acknowledge(unit, found, known, is_new=False)
    objections = tuple(case.objections())
    stream = bid_access.bid_stream(command.lot_id, org_id)
    if objections:
        codes = tuple(dict.fromkeys(objection.code for objection in objections))
        event = SealRefusedEvent(lot=command.lot_id, org_id=org_id, received_at=received_at, codes=codes)
        unit.append(stream, event)
        return SealRefused(objections=objections, received_at=received_at)
    try:
        row = _store(unit, runtime, case, stream)
    except (IntegrityError, LostRace) as error:
        raise SealContested from error
    return _acknowledge(unit, found, row, is_new=True)


def withdraw_bid(unit: Unit, lot_id: str, received_at: datetime) -> SealedBid:
    """Take the live bid back until the deadline (EB20 27). Its keys are never released. Twice is the same as once."""
    lot, _ = bid_access.hold_lot(unit, lot_id)
    org_id = bid_access.bidder_of(unit.actor)
    rows = bid_access.own_revisions(unit, lot_id)
    if not rows or rows[0].state in {BidState.REPLACED, BidState.VOIDED}:
        raise NothingToWithdraw
    row = rows[0]
    if row.state is BidState.WITHDRAWN:
        return row
    if lot.deadline_at is None or not received_at < lot.deadline_at or lot.state is not LotState.OPEN:
        params = {"deadline": lot.deadline_at, "received_at": received_at}
        raise WithdrawalLate(objections=[Objection("tendering.withdrawal_late", "", params, LATE_CLAUSE)], **params)
    row.withdrawn_at = received_at
    event = BidWithdrawn(lot=lot_id, org_id=org_id, bid=row.bid, rev=row.rev, withdrawn_at=received_at)
    unit.transition(row, BidTrigger.WITHDRAW, bid_access.bid_stream(lot_id, org_id), event)
    return row


def last_sealed(rows: list[SealedBid]) -> LastSealed | None:
    """The newest revision, withdrawn or not: the next one names it (``rows`` newest first)."""
    return LastSealed(rows[0].bid, rows[0].rev, rows[0].envelope_hash) if rows else None


def warnings_of(unit: Unit, found: LotAndProject, org_id: str) -> tuple[str, ...]:
    """What a bidder should know and what stops nothing: a deposit that has not arrived."""
    required = found.lot.deposit
    if required is None or required.fen == 0:
        return ()
    status = deposits.own_status(unit, found.lot.id, org_id, required)
    return () if status is deposits.DepositStatus.ARRIVED else (DEPOSIT_NOT_SEEN,)


class _Case:
    """One seal with everything it is held against."""

    def __init__(
        self, unit: Unit, found: LotAndProject, org_id: str, command: SealCommand, received_at: datetime
    ) -> None:
        self.unit = unit
        self.lot, self.project = found
        self.org_id = org_id
        self.command = command
        self.received_at = received_at
        self.rows = bid_access.own_revisions(unit, self.lot.id)
        self.header = _parsed(Header.parse, command.header)
        self.manifest = _parsed(Manifest.parse, command.manifest)

    def known(self) -> SealedBid | None:
        """The revision with this very manifest, received before."""
        if self.manifest is None:
            return None
        envelope_hash = self.manifest.envelope_hash
        return next((row for row in self.rows if row.envelope_hash == envelope_hash), None)

    def objections(self) -> Iterator[Objection]:
        keys = accounts.signing_keys(self.unit, self.org_id, self.lot.suite)
        upload = self._upload()
        yield from objections_to_seal(self._facts(upload, has_signing_key=bool(keys)))
        yield from self._envelope_objections(keys)
        if self.manifest is not None and upload is not None:
            yield from objections_to_bytes(self.manifest, uploads.held_segments(self.unit, upload.id))

    def _upload(self) -> Upload | None:
        row = self.unit.session.get(Upload, self.command.upload_id)
        return row if row is not None and (row.org_id, row.lot_id) == (self.org_id, self.lot.id) else None

    def _facts(self, upload: Upload | None, *, has_signing_key: bool) -> SealFacts:
        if self.lot.deadline_at is None:
            raise AssertionError("a published lot has a deadline")
        commit = self.header.commit.bidder if self.header is not None else ""
        upload_id = upload.id if upload is not None else ""
        taken = self.unit.session.execute(_TAKEN, {"upload": upload_id, "commit": commit}).all()
        bans = credit.bans_in_force(self.unit, self.org_id, self.received_at)
        return SealFacts(
            received_at=self.received_at,
            deadline_at=self.lot.deadline_at,
            lot_state=self.lot.state,
            is_verified=accounts.claim_is_verified(self.unit, self.org_id),
            has_signing_key=has_signing_key,
            is_commitment_known=any(known == commit for _, known in taken),
            is_upload_own=upload is not None,
            is_upload_used=any(used == upload_id for used, _ in taken),
            bans=tuple(Ban(ban.decision_no, ban.authority, ban.clause, ban.ends_at) for ban in bans),
        )

    def _envelope_objections(self, keys: tuple[str, ...]) -> Iterator[Objection]:
        published = keyholding.keyset_text(self.unit, self.lot.id)
        if published is None:
            yield Objection("tendering.keyset_being_replaced", clause="R1.26")
            return
        keyset = _keyset(published)
        command = self.command
        # Without a registered key any point on the curve stands in: that objection is made already.
        signing_key = self._signer(keys) or keyset.gate.holders[0].public_key
        expected = Expectations(
            tender=self.project.tender_code,
            lot=self.lot.lot_code,
            stage=STAGE,
            bidder=accounts.uscc_of(self.unit, self.org_id),
            keyset=keyset,
            signing_key=signing_key,
            last=last_sealed(self.rows),
            required_parts=REQUIRED,
            optional_parts=OPTIONAL,
            max_bytes=MAX_BID_BYTES,
        )
        try:
            inspect(command.header, command.manifest, command.signature, expected)
        except EnvelopeRefused as refused:
            for objection in refused.objections:
                if keys or objection.code != "sealing.bad_signature":
                    yield Objection(objection.code, "", objection.params, ENCRYPTION_CLAUSE)
        except Malformed as malformed:
            yield Objection(malformed.code, "", malformed.fields, ENCRYPTION_CLAUSE)

    def _signer(self, keys: tuple[str, ...]) -> bytes | None:
        """The registered key that made the signature, else any registered one."""
        points = [bytes.fromhex(key) for key in keys]
        signed_by = [
            point for point in points if verifies(load_public(point), self.command.signature, self.command.manifest)
        ]
        return next(iter([*signed_by, *points]), None)


@lru_cache(maxsize=KEYSETS_KEPT)
def _keyset(text: str) -> Keyset:
    """Every bid of a lot is held against the same key set, which never changes: its points are checked once."""
    return Keyset.parse(text.encode())


def _store(unit: Unit, runtime: Runtime, case: _Case, stream: str) -> SealedBid:
    header, manifest = case.header, case.manifest
    if header is None or manifest is None:
        raise AssertionError("an inspected envelope was parsed")
    event = BidSealed(
        lot=case.lot.id,
        org_id=case.org_id,
        bid=header.binding.bid,
        rev=manifest.rev,
        prev=manifest.prev,
        envelope_hash=manifest.envelope_hash,
        size_bytes=manifest.size_bytes,
        received_at=case.received_at,
    )
    live = next((row for row in case.rows if row.state is BidState.SEALED), None)
    entry = unit.append(stream, event) if live is None else unit.transition(live, BidTrigger.REPLACE, stream, event)
    row = SealedBid(
        id=unit.new_id(),
        lot_id=case.lot.id,
        org_id=case.org_id,
        bid=header.binding.bid,
        rev=manifest.rev,
        state=BidState.SEALED,
        upload_id=case.command.upload_id,
        header=case.command.header,
        manifest=case.command.manifest,
        signature=case.command.signature,
        envelope_hash=manifest.envelope_hash,
        commit_bidder=header.commit.bidder,
        size_bytes=manifest.size_bytes,
        received_at=case.received_at,
        receipt="",
        entry_id=entry.id,
        withdrawn_at=None,
    )
    row.receipt = receipts.sign_receipt(
        case.project, case.lot, row, runtime.receipt_key, is_demo_clock=runtime.settings.demo
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _acknowledge(unit: Unit, found: LotAndProject, row: SealedBid, *, is_new: bool) -> Acknowledged:
    return Acknowledged(
        bid_id=row.bid,
        rev=row.rev,
        state=row.state.value,
        envelope_hash=row.envelope_hash,
        received_at=row.received_at,
        log_by=receipts.log_by(row.received_at),
        size_bytes=row.size_bytes,
        receipt=row.receipt,
        receipt_number=receipts.receipt_number(row.envelope_hash),
        warnings=warnings_of(unit, found, row.org_id),
        is_new=is_new,
    )


def _parsed(parse: Callable[[bytes], P], raw: bytes) -> P | None:
    """What the bytes say, or None: ``inspect`` tells what is wrong with them."""
    try:
        return parse(raw)
    except Malformed:
        return None
