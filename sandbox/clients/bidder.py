"""A bidder's own machine: registers keys, seals, sends, keeps receipts, and verifies everything it is given."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from foundation.clock import machine_now
from foundation.entropy import Entropy, SystemEntropy
from foundation.sealing import (
    NO_PREVIOUS,
    S1,
    Binding,
    Header,
    Keyset,
    LastSealed,
    Part,
    PartSource,
    Sealed,
    Suite,
    parse_receipt,
    public_hex,
    recover_r_bid,
    seal,
    write_binding,
)
from foundation.sealing import suite as formulas
from foundation.transparency.keys import VerifierKey
from foundation.transparency.notes import Note, verified
from foundation.transparency.policy import Policy
from foundation.transparency.verify import VerifiedEntry, verify_blinded
from sandbox.clients.http import CentreClient
from sandbox.clients.keys import BidderKeys
from sandbox.clients.upload import CipherPart, Ticket, Uploader
from sandbox.errors import ProofFailed

STAGE: Final = "1"
NAMES: Final[Mapping[str, str]] = {
    "price_schedule": "开标一览表",
    "technical": "技术标",
    "commercial": "商务标",
    "boq": "已标价工程量清单",
}


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the client trusts, learned once at the start and never from the answer it checks."""

    policy: Policy
    receipt_key: VerifierKey

    @classmethod
    def fetch(cls, client: CentreClient) -> Pinned:
        """Trust on first use: a careful bidder compares these with a copy from elsewhere."""
        told = client.get("/log")
        return cls(Policy.parse(client.get_text("/log/policy")), VerifierKey.parse(str(told["receipt_vkey"])))


@dataclass(frozen=True, slots=True)
class LotTerms:
    """What sealing needs to know of a lot (``lot.json``)."""

    lot_id: str
    tender_code: str
    lot_code: str
    bidder: str
    keyset: Keyset
    last: LastSealed | None
    """The newest revision this bidder has sealed, withdrawn or not: the next one follows it."""
    room_origin: str


@dataclass(slots=True)
class SealedBid:
    """A sealed revision with its evidence. ``r_bid`` is not here: it lies in the header, wrapped to the bidder."""

    bid: str
    rev: int
    header: bytes
    manifest: bytes
    signature: bytes
    envelope_hash: str
    receipt: str = ""
    proof: VerifiedEntry | None = None


@dataclass(slots=True)
class Envelope:
    """A sealed bid on disk, not handed in yet."""

    binding: Binding
    sealed: Sealed
    parts: tuple[CipherPart, ...]
    upload: Ticket | None = field(default=None)


class BidderClient(CentreClient):
    """``home`` is the bidder's folder: keys, ciphertext on its way, receipts."""

    def __init__(self, base_url: str, home: Path, *, certificate: Path | None = None, **options: float) -> None:
        super().__init__(base_url, certificate=certificate, **options)
        self.home = home
        self.entropy: Entropy = SystemEntropy()
        self._pinned: Pinned | None = None

    @property
    def keys(self) -> BidderKeys:
        return self.keys_of(S1)

    def keys_of(self, suite: Suite) -> BidderKeys:
        """The keys this bidder has for tenders of a suite."""
        return BidderKeys.in_folder(self.home / "keys", suite)

    @property
    def pinned(self) -> Pinned:
        if self._pinned is None:
            self._pinned = Pinned.fetch(self)
        return self._pinned

    def register_keys(self, label: str = "sandbox", suite: Suite = S1) -> None:
        """Register both public keys of a suite; those known already stay."""
        keys = self.keys_of(suite)
        known = {str(one["public_key"]) for one in self.get("/account/keys")["account"]["keys"]}
        for purpose, key in (("signing", keys.signing), ("sealing", keys.opening)):
            public = public_hex(key)
            if public not in known:
                self.post("/account/keys", {"purpose": purpose, "public_key": public, "label": f"{label} {purpose}"})

    def retire_keys(self, label: str) -> None:
        """Retire the organisation's active keys whose label begins with ``label``."""
        for key in self.get("/account/keys")["account"]["keys"]:
            if key["label"].startswith(label) and not key["retired_at"]:
                self.post(f"/account/keys/{key['id']}/retire")

    def lot(self, lot_id: str) -> LotTerms:
        """The public facts of a lot; every holder's proof of possession is checked when sealing."""
        raw = self.get(f"/lots/{lot_id}/lot.json")
        keyset = Keyset.parse(str(raw["keyset"]).encode())
        told = raw["last"]
        last = LastSealed(str(told["bid"]), int(told["rev"]), str(told["envelope_hash"])) if told else None
        origin = socket_origin(str(raw["room_origin"]))
        return LotTerms(lot_id, str(raw["tender"]), str(raw["lot"]), str(raw["bidder"]), keyset, last, origin)

    def seal(self, lot: LotTerms, files: Mapping[str, bytes]) -> Envelope:
        """Seal the files on this machine, as the revision after ``lot.last``; nothing is sent."""
        previous = lot.last
        bid = previous.bid if previous else self.entropy.token(16).hex()
        rev = previous.rev + 1 if previous else 1
        binding = write_binding(
            tender=lot.tender_code,
            lot=lot.lot_code,
            stage=STAGE,
            bidder=lot.bidder,
            bid=bid,
            rev=rev,
            prev=previous.envelope_hash if previous else NO_PREVIOUS,
            keyset=lot.keyset.hash,
            parts=tuple(Part(id=name, name=NAMES.get(name, name)) for name in files),
            created=machine_now(),
            suite=lot.keyset.suite,
        )
        suite = lot.keyset.suite
        if suite is not S1:
            self.register_keys(suite=suite)  # S1's were registered when this bidder came
        keys = self.keys_of(suite)
        folder = self.home / "sealed" / f"{bid}-{rev}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sources = [_source(name, content) for name, content in files.items()]
        sealed = seal(
            binding,
            lot.keyset,
            [formulas.public_bytes(keys.opening.public_key())],
            sources,
            _sink(folder),
            keys.signing,
            self.entropy,
        )
        return Envelope(binding, sealed, tuple(CipherPart(name, folder / name) for name in files))

    def start_upload(self, lot_id: str, parts: Sequence[CipherPart]) -> Ticket:
        told = [{"id": part.id, "size": part.size_bytes, "segments": part.segments} for part in parts]
        answer = self.post(f"/lots/{lot_id}/uploads", {"parts": told})
        return Ticket(str(answer["upload_id"]), socket_origin(str(answer["room_origin"])))

    def upload(self, lot_id: str, envelope: Envelope) -> Uploader:
        """Bring every ciphertext segment to the centre; may be called again after a break."""
        envelope.upload = envelope.upload or self.start_upload(lot_id, envelope.parts)
        sender = Uploader(self, envelope.upload, envelope.parts)
        sender.run()
        return sender

    def submit(self, lot_id: str, envelope: Envelope) -> SealedBid:
        """Hand the envelope in and verify the acknowledgement against the pinned key. Raises ProofFailed."""
        sealed = envelope.sealed
        body = {
            "upload_id": envelope.upload.upload_id if envelope.upload else "",
            "header": base64.b64encode(sealed.header.raw).decode(),
            "manifest": sealed.manifest.raw.decode(),
            "signature": base64.b64encode(sealed.signature).decode(),
        }
        answer = self.post(f"/lots/{lot_id}/seals", body)
        kept = SealedBid(
            bid=envelope.binding.bid,
            rev=envelope.binding.rev,
            header=sealed.header.raw,
            manifest=sealed.manifest.raw,
            signature=sealed.signature,
            envelope_hash=sealed.manifest.envelope_hash,
            receipt=str(answer["receipt"]),
        )
        self.verify_receipt(kept, envelope.binding)
        for part in envelope.parts:
            part.path.unlink(missing_ok=True)
        return kept

    def bid(self, lot_id: str, files: Mapping[str, bytes]) -> SealedBid:
        """Seal, upload, submit: a first bid, or the next revision of one."""
        envelope = self.seal(self.lot(lot_id), files)
        self.upload(lot_id, envelope)
        return self.submit(lot_id, envelope)

    def verify_receipt(self, kept: SealedBid, binding: Binding) -> None:
        """The acknowledgement must be signed by the pinned key and say exactly what was sent."""
        note = Note.parse(kept.receipt)
        verified(note, [self.pinned.receipt_key])
        told = parse_receipt(note.text)
        said = (told.tender, told.lot, told.bid, told.rev, told.envelope_hash)
        if said != (binding.tender, binding.lot, kept.bid, kept.rev, kept.envelope_hash):
            raise ProofFailed(what="receipt")

    def prove_inclusion(self, lot_id: str, kept: SealedBid, *, seconds: float = 90.0) -> VerifiedEntry:
        """Wait for the inclusion proof of the own bid and verify it. Raises NotInTime, BadProof, QuorumNotMet."""

        def look() -> Any:
            answer = self.get(f"/lots/{lot_id}/bid/receipt.tlog-proof", rev=str(kept.rev))
            return answer if answer["state"] == "published" else None

        told = self.wait_for("inclusion proof", look, seconds=seconds)
        entry = str(told["record"]).encode()
        kept.proof = verify_blinded(str(told["proof"]), entry, self.pinned.policy, now=None)
        if kept.envelope_hash.encode() not in entry:
            raise ProofFailed(what="inclusion")
        return kept.proof

    def withdraw(self, lot_id: str) -> Any:
        return self.post(f"/lots/{lot_id}/bid/withdraw")

    def own_header(self, lot_id: str) -> bytes:
        """The header the centre stores for the own live bid."""
        return base64.b64decode(self.get(f"/lots/{lot_id}/bid/header")["header"], validate=True)

    def secret_of(self, header: bytes) -> bytes:
        """``r_bid`` out of the own wrap: 32 bytes, never the private key. Raises WrongKey when the key is lost."""
        parsed = Header.parse(header)
        return recover_r_bid(parsed, self.keys_of(parsed.suite).opening)


def _source(name: str, content: bytes) -> PartSource:
    return PartSource(id=name, stream=io.BytesIO(content), size_bytes=len(content))


def _sink(folder: Path) -> Callable[[str], Any]:
    @contextmanager
    def open_part(name: str) -> Iterator[Any]:
        with (folder / name).open("wb") as out:
            yield out

    return open_part


def socket_origin(origin: str) -> str:
    """``http://host:port`` → ``ws://host:port``; what is a socket's address already stays."""
    return f"ws{origin.removeprefix('http')}" if origin.startswith("http") else origin
