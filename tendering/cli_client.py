"""Handing a sealed folder in over plain HTTP: resumed after a break, the receipt verified before it is believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Self

import httpx

from foundation.clock import pause
from foundation.errors import Objection
from foundation.sealing import SEGMENT_BYTES, Receipt, parse_receipt
from foundation.sealing.errors import ReceiptMalformed
from foundation.sealing.strict import encode_base64
from foundation.transparency.errors import BadSignature, MalformedText
from foundation.transparency.keys import VerifierKey
from foundation.transparency.notes import Note, verified
from tendering.cli_envelope import SealedFolder
from tendering.cli_errors import ReceiptUnproved, ServerRefused, ServerUnreachable

TIMEOUT_SECONDS: Final = 120.0
PAUSES: Final = (0.5, 1, 2, 4, 8, 15, 30, 30, 30)
"""Seconds between tries while the centre does not answer or is busy."""
UPLOAD: Final = "upload.json"


class Centre:
    """One centre's addresses, for one bidder."""

    def __init__(self, server: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._server = server.rstrip("/")
        self._http = httpx.Client(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._http.close()

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """JSON in, JSON out. Raises ServerRefused, ServerUnreachable (after all tries)."""
        for seconds in (*PAUSES, None):
            try:
                response = self._http.request(method, path, **request)
            except httpx.TransportError:
                response = None
            if response is not None and response.status_code < 500 and response.status_code != 429:  # noqa: PLR2004 - HTTP
                return _answer(response)
            if seconds is None:
                break
            pause(seconds)
        raise ServerUnreachable(server=self._server)

    def held(self, upload_id: str) -> Mapping[str, list[list[int]]]:
        held: dict[str, list[list[int]]] = self.ask("GET", f"/uploads/{upload_id}")["held"]
        return held


def submit(centre: Centre, folder: SealedFolder, vkey: str, progress: Callable[[int], None]) -> dict[str, Any]:
    """Upload what the centre does not hold yet, hand the envelope in, and verify the receipt against ``vkey``."""
    upload_id = _upload_id(centre, folder)
    held = centre.held(upload_id)
    for part, number, block in _segments(folder):
        if not any(first <= number <= last for first, last in held.get(part, [])):
            digest = {"X-Content-SHA256": hashlib.sha256(block).hexdigest(), "Content-Type": "application/octet-stream"}
            centre.ask("PUT", f"/uploads/{upload_id}/parts/{part}/segments/{number}", content=block, headers=digest)
        progress(len(block))
    body = {
        "upload_id": upload_id,
        "header": encode_base64(folder.header.raw),
        "manifest": folder.manifest.raw.decode(),
        "signature": encode_base64(folder.signature),
    }
    answer = centre.ask("POST", f"/lots/{folder.lot_id}/seals", json=body)
    check_receipt(str(answer["receipt"]), vkey, folder)
    (folder.path / "receipt.note").write_text(str(answer["receipt"]), encoding="utf-8")
    return answer


def check_receipt(note: str, vkey: str, folder: SealedFolder) -> Receipt:
    """The receipt, if it is signed by ``vkey`` and for this very envelope. Raises ReceiptUnproved."""
    try:
        parsed = Note.parse(note)
        verified(parsed, [VerifierKey.parse(vkey)])
        receipt = parse_receipt(parsed.text)
    except (BadSignature, MalformedText, ReceiptMalformed) as error:
        raise ReceiptUnproved(reason=error.code) from error
    binding, manifest = folder.header.binding, folder.manifest
    said = (receipt.tender, receipt.lot, receipt.bid, receipt.rev, receipt.envelope_hash, receipt.size_bytes)
    sealed = (binding.tender, binding.lot, binding.bid, manifest.rev, manifest.envelope_hash, manifest.size_bytes)
    if said != sealed:
        raise ReceiptUnproved(reason="another_bid")
    return receipt


def _upload_id(centre: Centre, folder: SealedFolder) -> str:
    """The upload begun for this folder before, or a new one."""
    remembered = folder.path / UPLOAD
    if remembered.exists():
        return str(json.loads(remembered.read_text(encoding="utf-8"))["upload_id"])
    parts = [
        {"id": part.id, "size": part.size_bytes, "segments": -(-part.size_bytes // SEGMENT_BYTES)}
        for part in folder.manifest.parts
    ]
    upload_id = str(centre.ask("POST", f"/lots/{folder.lot_id}/uploads", json={"parts": parts})["upload_id"])
    remembered.write_text(json.dumps({"upload_id": upload_id}) + "\n", encoding="utf-8")
    return upload_id


def _segments(folder: SealedFolder) -> Iterator[tuple[str, int, bytes]]:
    for part in folder.manifest.parts:
        with folder.part_path(part.id).open("rb") as file:
            for number, block in enumerate(iter(lambda file=file: file.read(SEGMENT_BYTES), b"")):  # type: ignore[misc]
                yield part.id, number, block


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        told = response.json()
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    if response.is_success:
        return told
    reasons = [
        Objection("tendering.server_reason", params={"detail": one.get("detail", ""), "code": one.get("code", "")})
        for one in told.get("objections", [])
    ]
    detail = str(told.get("title", response.reason_phrase))
    raise ServerRefused(objections=reasons, detail=detail, status=response.status_code)
