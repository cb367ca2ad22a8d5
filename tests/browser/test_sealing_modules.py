"""The browser half of sealing, in a real Chromium under the pages' strict policy: what one half seals the other opens.

The local server below keeps a book of what it was sent, over the socket and over HTTP, and can break on order.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from playwright.sync_api import Page, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from foundation.entropy import SystemEntropy
from foundation.sealing import (
    SUITES,
    Binding,
    Expectations,
    Group,
    Header,
    Holder,
    KeyFile,
    Keyset,
    KeyUse,
    Manifest,
    Part,
    PartSource,
    Role,
    content_key,
    generate_key,
    inspect,
    note,
    open_part_bytes,
    part_key,
    prove_possession,
    public_hex,
    receipt_text,
    recover_from_escrow,
    recover_r_bid,
    recover_r_gate,
    seal,
    unwrap_share,
    write_binding,
)
from foundation.sealing import suite as formulas
from foundation.sealing.keys import jwk_of, key_of_jwk
from foundation.sealing.padding import padded_size
from foundation.transparency.blinding import Unblinding, blinded_digest, tick
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.merkle import leaf_hash, node_hash
from foundation.transparency.notes import Note, cosign, signed_note
from foundation.transparency.proof import TlogProof
from tests.support import chromium

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self' ws:; worker-src 'self'"
TYPES = {".js": "text/javascript", ".html": "text/html; charset=utf-8"}
MIB = 2**20
AT = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
TENDER, LOT, BIDDER, STAGE = "tender-1", "lot-1", "bidder-1", "single"
PASSPHRASE = "九层之台，起于累土 2026"


# --- the site -------------------------------------------------------------------------------------------------------


@dataclass
class Upload:
    """What one upload was sent, and how it misbehaves."""

    stored: dict[tuple[str, int], bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    break_after: int = -1
    refuse_with: str = ""
    has_socket: bool = True
    http_failures: int = 0

    def held(self) -> dict[str, list[list[int]]]:
        """Inclusive ranges; neighbours are not joined, which the protocol allows."""
        ranges: dict[str, list[list[int]]] = {}
        for part, index in sorted(self.stored):
            ranges.setdefault(part, []).append([index, index])
        return ranges

    def store(self, part: str, index: int, content: bytes, sha256: str) -> str:
        """The refusal's code, or nothing."""
        if self.refuse_with:
            return self.refuse_with
        if hashlib.sha256(content).hexdigest() != sha256:
            return "receiver.digest_mismatch"
        assert self.stored.setdefault((part, index), content) == content, "the same place was sent other bytes"
        return ""

    def part(self, part: str) -> bytes:
        indexes = sorted(index for name, index in self.stored if name == part)
        assert indexes == list(range(len(indexes)))
        return b"".join(self.stored[part, index] for index in indexes)


class Site:
    """Serves ``static/`` with the strict policy and receives uploads."""

    def __init__(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.sockets = serve(self._socket, "127.0.0.1", 0, max_size=MIB)
        self.origin = f"http://localhost:{self.http.server_port}"
        self.socket_origin = f"ws://localhost:{self.sockets.socket.getsockname()[1]}"
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self.http.serve_forever, self.sockets.serve_forever)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.sockets.shutdown()
        for thread in self._threads:
            thread.join(5)

    def open_upload(self, name: str, **how: Any) -> tuple[Upload, dict[str, str]]:
        upload = self.uploads[name] = Upload(**how)
        return upload, {"socketUrl": f"{self.socket_origin}/uploads/{name}", "httpUrl": f"/uploads/{name}"}

    def _socket(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        upload = self.uploads[socket.request.path.removeprefix("/uploads/")]
        if not upload.has_socket:
            return
        try:
            socket.send(json.dumps({"held": upload.held()}))
            while True:
                self._receive(socket, upload)
        except ConnectionClosed:
            return

    def _receive(self, socket: ServerConnection, upload: Upload) -> None:
        put = json.loads(socket.recv())["put"]
        content = bytearray()
        while len(content) < put["size"]:
            frame = socket.recv()
            assert isinstance(frame, bytes)
            assert len(frame) <= 256 * 1024
            content += frame
        place = {"part": put["part"], "index": put["index"]}
        upload.puts.append("socket")
        code = upload.store(put["part"], put["index"], bytes(content), put["sha256"])
        if len(upload.puts) == upload.break_after:
            # The worst moment: the segment is stored, its acknowledgement never arrives.
            socket.close()
        socket.send(json.dumps({"refused": {**place, "code": code}} if code else {"stored": place}))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path.startswith("/uploads/"):
                    upload = site.uploads[self.path.split("/")[2]]
                    return self._answer(HTTPStatus.OK, json.dumps({"held": upload.held()}).encode(), "application/json")
                if self.path == "/":
                    page = b'<!doctype html><html lang="en"><title>sealing</title>'
                    return self._answer(HTTPStatus.OK, page, TYPES[".html"])
                file = (ROOT / self.path.lstrip("/")).resolve()
                if file.is_relative_to(ROOT / "static") and file.suffix in TYPES and file.is_file():
                    return self._answer(HTTPStatus.OK, file.read_bytes(), TYPES[file.suffix])
                return self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")

            def do_PUT(self) -> None:
                _, _, name, _, part, _, index = self.path.split("/")
                upload = site.uploads[name]
                content = self.rfile.read(int(self.headers["Content-Length"]))
                if upload.http_failures > 0:
                    upload.http_failures -= 1
                    return self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"busy", "text/plain")
                upload.puts.append("http")
                code = upload.store(part, int(index), content, self.headers["X-Content-SHA256"])
                status = HTTPStatus.UNPROCESSABLE_ENTITY if code else HTTPStatus.OK
                return self._answer(status, json.dumps({"refused": {"code": code}}).encode(), "application/json")

            def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", POLICY)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        return Handler


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor.py")], check=True, capture_output=True)
    served = Site()
    yield served
    served.close()


@pytest.fixture(scope="module")
def browser_page(site: Site) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        page = browser.new_page()
        page.goto(f"{site.origin}/")
        yield page
        browser.close()


@pytest.fixture
def page(browser_page: Page) -> Iterator[Page]:
    """The page; a policy violation or an uncaught error fails the test that caused it."""
    complaints: list[str] = []
    heard = lambda error: complaints.append(str(error))  # noqa: E731
    told = lambda message: complaints.append(message.text) if "Security Policy" in message.text else None  # noqa: E731
    browser_page.on("pageerror", heard)
    browser_page.on("console", told)
    yield browser_page
    browser_page.remove_listener("pageerror", heard)
    browser_page.remove_listener("console", told)
    assert complaints == []


def run(page: Page, names: str, body: str, argument: Any = None) -> Any:
    """Run a function body in the page with modules by name; a SealingError comes back as ``{"code": …}``."""
    modules = ["bytes", *names.split()]
    script = f"""async ([modules, given]) => {{
      const loaded = await Promise.all(modules.map((name) => import(`/static/js/sealing/${{name}}.js`)));
      const m = Object.fromEntries(modules.map((name, i) => [name, loaded[i]]));
      const {{ toBase64: b64, fromBase64: raw, toHex: hex, fromHex: unhex, utf8 }} = m.bytes;
      try {{ {body} }} catch (error) {{
        if (!error.code || error instanceof DOMException) throw error;
        return {{ code: error.code, ...error.fields }};
      }}
    }}"""
    return page.evaluate(script, [modules, argument])


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def sample(size: int, seed: int = 7) -> bytes:
    """Repeatable bytes that do not compress or repeat at segment distance."""
    return hashlib.shake_128(seed.to_bytes(4, "big")).digest(size)


# --- a lot ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lot:
    """A key set with all its private keys, and a bidder's two keys."""

    keyset: Keyset
    gate: list[Any]
    escrow: list[Any]
    opening: Any
    signing: Any

    def binding(self, *parts: str, lot: str = LOT) -> Binding:
        return write_binding(
            tender=TENDER,
            lot=lot,
            stage=STAGE,
            bidder=BIDDER,
            bid="0123456789abcdef" * 2,
            rev=1,
            prev="-",
            keyset=self.keyset.hash,
            parts=tuple(Part(part, f"{part} 文件.pdf") for part in parts),
            created=AT,
            suite=self.keyset.suite,
        )

    def expectations(self, *parts: str) -> Expectations:
        return Expectations(
            tender=TENDER,
            lot=LOT,
            stage=STAGE,
            bidder=BIDDER,
            keyset=self.keyset,
            signing_key=formulas.public_bytes(self.signing.public_key()),
            last=None,
            required_parts=frozenset(parts),
            optional_parts=frozenset(),
            max_bytes=2**30,
        )


@pytest.fixture(scope="module", params=list(SUITES))
def lot(request: pytest.FixtureRequest) -> Lot:
    """A lot of each suite: what is said of a sealed bid holds in both."""
    suite = SUITES[request.param]

    def group(role: Role, count: int) -> tuple[Group, list[Any]]:
        keys = [generate_key(suite) for _ in range(count)]
        holders = tuple(
            Holder(
                id=f"{role}-{i}",
                side=f"side-{i}",
                public_key=formulas.public_bytes(key.public_key()),
                proof=prove_possession(key, TENDER, LOT, role),
            )
            for i, key in enumerate(keys)
        )
        return Group(threshold=2, holders=holders), keys

    (gate, gate_keys), (escrow, escrow_keys) = group(Role.GATE, 3), group(Role.ESCROW, 3)
    keyset = Keyset(tender=TENDER, lot=LOT, number=1, gate=gate, escrow=escrow, suite=suite)
    return Lot(keyset, gate_keys, escrow_keys, generate_key(suite), generate_key(suite))


class Ciphertexts:
    """Where the Python half puts parts."""

    def __init__(self) -> None:
        self.parts: dict[str, io.BytesIO] = {}

    @contextmanager
    def open(self, part: str) -> Iterator[io.BytesIO]:
        self.parts[part] = io.BytesIO()
        yield self.parts[part]


def sealed_in_python(lot: Lot, content: bytes = b"{}") -> tuple[Header, Manifest, bytes]:
    sink = Ciphertexts()
    made = seal(
        lot.binding("price_schedule"),
        lot.keyset,
        [
            formulas.public_bytes(generate_key(lot.keyset.suite).public_key()),
            formulas.public_bytes(lot.opening.public_key()),
        ],
        [PartSource("price_schedule", io.BytesIO(content), len(content))],
        sink.open,
        lot.signing,
        SystemEntropy(),
    )
    return made.header, made.manifest, sink.parts["price_schedule"].getvalue()


# --- formulas -------------------------------------------------------------------------------------------------------


def test_notes_hash_as_printf_and_sha256sum_would(page: Page) -> None:
    found = run(page, "notes", "return await m.notes.h('etender-share/v1', 'ab', '启封')")
    assert found == hashlib.sha256(note("etender-share/v1", "ab", "启封")).hexdigest()
    refused = run(page, "notes", "return await m.notes.h('two\\nlines')")
    assert refused["code"] == "sealing.bad_note_line"


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 100_000, MIB + 5])
def test_a_chunked_ciphertext_of_either_half_opens_in_the_other(page: Page, size: int) -> None:
    key, context, plain = sample(32, 1), b"etender-part/v1\0x\0", sample(size)
    made = run(
        page,
        "chunked",
        """const [key, context, plain] = given.map((text) => raw(text));
        const sealing = await m.chunked.ChunkedEncryptor.create(key, context);
        const pieces = [sealing.prefix];
        for (let at = 0; at < plain.length; at += 70001) {
          pieces.push(await sealing.update(plain.subarray(at, at + 70001)));
        }
        pieces.push(await sealing.finalize());
        return [b64(m.bytes.concat(...pieces)), m.chunked.sealedSize(plain.length)];""",
        [b64(key), b64(context), b64(plain)],
    )
    ciphertext = unb64(made[0])
    assert len(ciphertext) == made[1]
    reader = Cobblestone256Decryptor(key, context)
    assert reader.update(ciphertext) + reader.finalize() == plain
    with pytest.raises(InvalidTag):
        Cobblestone256Decryptor(key, context + b"!").update(ciphertext)

    writer = Cobblestone256Encryptor(key, context)
    theirs = writer.update(plain) + writer.finalize()
    body = "return b64(await m.chunked.decryptChunked(...given.map((text) => raw(text))))"
    assert run(page, "chunked", body, [b64(key), b64(context), b64(theirs)]) == b64(plain)
    cut = run(page, "chunked", body, [b64(key), b64(context), b64(theirs[:-1])])
    assert cut["code"] == "sealing.bad_payload"
    wrong = run(page, "chunked", body, [b64(sample(32, 2)), b64(context), b64(theirs)])
    assert wrong["code"] == "sealing.wrong_key"


def test_the_published_chunked_encryption_cases_give_their_published_verdicts(page: Page) -> None:
    suite = json.loads((VECTORS / "sealing_wycheproof_cobblestone_256.json").read_text(encoding="utf-8"))
    cases = [case for group in suite["testGroups"] for case in group["tests"]]
    assert {case["result"] for case in cases} == {"valid", "invalid"}
    for case in cases:
        sealed = zlib.decompress(bytes.fromhex(case["ct"]))
        given = [b64(bytes.fromhex(case["key"])), b64(bytes.fromhex(case["ctx"])), b64(sealed)]
        body = """const plain = await m.chunked.decryptChunked(...given.map((text) => raw(text)));
          return hex(new Uint8Array(await crypto.subtle.digest("SHA-512", plain)));"""
        found = run(page, "chunked", body, given)
        if case["result"] == "valid":
            assert found == case["msgSha512"], case["comment"]
        else:
            assert found["code"] in {"sealing.bad_payload", "sealing.wrong_key", "sealing.bad_length"}, case["comment"]


def test_chunk_numbers_beyond_32_bits_do_not_wrap(page: Page) -> None:
    base, number = sample(12, 3), 2**37 + 2**32 + 5
    found = run(page, "chunked", "return hex(m.chunked.chunkNonce(unhex(given[0]), given[1]))", [base.hex(), number])
    assert found == (int.from_bytes(base, "big") ^ number).to_bytes(12, "big").hex()


def test_padding_agrees_for_every_kind_of_length(page: Page) -> None:
    sizes = [0, 1, 4087, 4088, 4089, 10_000, 65_535, MIB, 33_333_333, 2**30 - 1, 2**30]
    sizes += [int.from_bytes(sample(3, i), "big") for i in range(200)]
    assert run(page, "padding", "return given.map(m.padding.paddedSize)", sizes) == [padded_size(s) for s in sizes]
    assert run(page, "padding", "return m.padding.paddedSize(2 ** 30 + 1)")["code"] == "sealing.too_large"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a":1,"a":2}', "duplicate_key"),
        ('{"a":{"b":1,"\\u0062":2}}', "duplicate_key"),
        ('{"a":1.0}', "number"),
        ('{"a":1e3}', "number"),
        ('{"a":-1}', "number"),
        ('{"a":"\\ud800"}', "characters"),
        ('{"a":"\\u0000"}', "characters"),
        ('{"a":NaN}', "not_json"),
        ('\ufeff{"a":1}', "not_json"),
        ("[1]", "not_an_object"),
        ('{"a":"' + "x" * 100 + '"}', "too_large"),
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(page: Page, text: str, reason: str) -> None:
    body = "return m.json.parseStrict(raw(given), 90, 'sealing.header_malformed')"
    assert run(page, "json", body, b64(text.encode())) == {"code": "sealing.header_malformed", "reason": reason}
    # The same key in two objects, and a colon or brace inside a text, are no reason to refuse.
    fine = '{"a":[{"b":"{\\"b\\":"},{"b":2}],"c":""}'
    assert run(page, "json", body, b64(fine.encode())) == json.loads(fine)


# --- sealing --------------------------------------------------------------------------------------------------------


SEAL = """const worker = new m.client.SealingWorker();
  try {
    const signingKey = (await m.keys.importPair(given.signing)).privateKey;
    const parts = given.parts.map(({ id, size }) => ({ id, content: new Blob([patterned(size)]) }));
    const progress = [];
    const sealed = await worker.sealAndUpload(
      { binding: given.binding, keysetBytes: raw(given.keyset), keysetHash: given.keysetHash,
        bidderKeys: given.bidderKeys, signingKey, parts, upload: given.upload },
      (step) => progress.push(step));
    return { ...sealed, header: b64(sealed.header), manifest: b64(sealed.manifest), signature: b64(sealed.signature),
      progress };
  } finally { worker.close(); }
  function patterned(size) {
    const block = raw(given.block);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += block.length) bytes.set(block.subarray(0, size - at), at);
    return bytes;
  }"""


# Repeated by both sides, so that megabytes need not travel through the driver; its odd length makes segments differ.
BLOCK = sample(65537)


def patterned(size: int) -> bytes:
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


def order(lot: Lot, upload: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    binding = json.loads(lot.binding(*sizes).raw)
    return {
        "binding": binding,
        "keyset": b64(lot.keyset.to_bytes()),
        "keysetHash": lot.keyset.hash,
        "bidderKeys": [public_hex(lot.opening)],
        "signing": key_file(lot.signing, "signing"),
        "parts": [{"id": part, "size": size} for part, size in sizes.items()],
        "block": b64(BLOCK),
        "upload": upload,
    }


def key_file(key: Any, use: str = "opening") -> dict[str, Any]:
    """The content of a key's file, as the browser reads it from a backup."""
    scope = {"for": use, "tender": TENDER, "lot": LOT, "owner": BIDDER}
    made = {"v": 1, **scope, "created": "2026-11-25T01:30:00.000Z"}
    return {**made, "private_key": jwk_of(key), "public_key": public_hex(key)}


def assert_opens(lot: Lot, made: dict[str, Any], upload: Upload, sizes: dict[str, int]) -> None:
    """The Python half inspects, recovers both secrets by every way, and reads every part."""
    inspected = inspect(
        unb64(made["header"]), unb64(made["manifest"]), unb64(made["signature"]), lot.expectations(*sizes)
    )
    header, manifest = inspected.header, inspected.manifest
    assert inspected.envelope_hash == made["envelopeHash"]
    assert header.hash.hex() == made["headerHash"]
    r_bid = recover_r_bid(header, lot.opening)
    shares = {i: unwrap_share(header, lot.keyset, Role.ESCROW, i, lot.escrow[i]) for i in (0, 2)}
    assert recover_from_escrow(header, lot.keyset, shares) == r_bid
    recovered = recover_r_gate(header, lot.keyset, {1: lot.gate[1], 2: lot.gate[2]})
    assert recovered.faults == ()
    cek = content_key(header, r_bid, recovered.r_gate)
    for part in manifest.parts:
        stream = io.BytesIO(upload.part(part.id))
        plain = open_part_bytes(stream, part, part_key(cek, part.id), header, limit_bytes=2**30)
        assert plain == patterned(sizes[part.id])


def test_a_bid_sealed_and_uploaded_by_the_worker_opens_in_python(page: Page, site: Site, lot: Lot) -> None:
    sizes = {"price_schedule": 300, "technical": 9 * MIB + 17, "commercial": 0}
    upload, places = site.open_upload("whole")
    made = run(page, "client keys", SEAL, order(lot, places, sizes))
    assert "code" not in made, made
    assert_opens(lot, made, upload, sizes)
    total = sum(map(len, upload.stored.values()))
    assert made["sizeBytes"] == total
    assert set(upload.puts) == {"socket"}
    sealing = [step["sealing"] for step in made["progress"] if "sealing" in step]
    uploading = [step["uploading"] for step in made["progress"] if "uploading" in step]
    assert sealing[-1] == {"sealedBytes": total, "totalBytes": total}
    assert uploading[-1]["storedBytes"] == uploading[-1]["sentBytes"] == uploading[-1]["totalBytes"] == total
    assert all(step["storedBytes"] <= step["sentBytes"] <= total for step in uploading)


def test_an_upload_broken_off_goes_on_with_the_same_bytes(page: Page, site: Site, lot: Lot) -> None:
    sizes = {"price_schedule": 300, "technical": 9 * MIB}
    upload, places = site.open_upload("broken", break_after=2)
    made = run(page, "client keys", SEAL, order(lot, places, sizes))
    assert "code" not in made, made
    assert_opens(lot, made, upload, sizes)
    # The stored but unacknowledged segment was seen in the held list and not sent a second time.
    assert len(upload.puts) <= len(upload.stored) + 1
    by = [step["uploading"]["by"] for step in made["progress"] if "uploading" in step]
    assert "waiting" in by
    assert by[-1] == "socket"


def test_where_no_socket_gets_through_segments_go_by_http(page: Page, site: Site, lot: Lot) -> None:
    sizes = {"price_schedule": 300, "technical": 9 * MIB}
    upload, places = site.open_upload("http", has_socket=False, http_failures=1)
    made = run(page, "client keys", SEAL, order(lot, places, sizes))
    assert "code" not in made, made
    assert_opens(lot, made, upload, sizes)
    assert set(upload.puts) == {"http"}


@pytest.mark.parametrize("has_socket", [True, False])
def test_a_servers_refusal_ends_the_upload_with_its_code(page: Page, site: Site, lot: Lot, has_socket: bool) -> None:
    _, places = site.open_upload("refused", refuse_with="receiver.upload_closed", has_socket=has_socket)
    made = run(page, "client keys", SEAL, order(lot, places, {"price_schedule": 300}))
    assert made["code"] == "receiver.upload_closed"


def test_a_server_out_of_reach_is_given_up_on(page: Page, lot: Lot, site: Site) -> None:
    _, places = site.open_upload("gone", has_socket=False)
    upload = {**places, "httpUrl": "http://localhost:1/uploads/gone", "giveUpAfterMs": 100}
    made = run(page, "client keys", SEAL, order(lot, upload, {"price_schedule": 300}))
    assert made["code"] == "upload.unreachable"


def test_nothing_is_sealed_to_a_key_set_that_is_not_the_published_one(page: Page, site: Site, lot: Lot) -> None:
    upload, places = site.open_upload("keyset")
    wanted = order(lot, places, {"price_schedule": 300})
    other = {**wanted, "keysetHash": "0" * 64}
    assert run(page, "client keys", SEAL, other)["code"] == "sealing.keyset_mismatch"
    forged = json.loads(lot.keyset.to_bytes())
    forged["gate"]["holders"][0]["public_key"] = public_hex(generate_key(lot.keyset.suite))
    text = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode()
    refused = run(page, "keyset", "return await m.keyset.readKeyset(raw(given))", b64(text))
    assert refused == {"code": "sealing.keyset_malformed", "reason": "proof", "holder": "gate-0"}
    spaced = run(page, "keyset", "return await m.keyset.readKeyset(raw(given))", b64(lot.keyset.to_bytes() + b"\n"))
    assert spaced == {"code": "sealing.keyset_malformed", "reason": "not_canonical"}
    assert upload.stored == {}


# --- keys and release -----------------------------------------------------------------------------------------------


def test_a_key_made_in_the_browser_is_backed_up_checked_and_kept_without_being_extractable(page: Page) -> None:
    found = run(
        page,
        "client keys keystore",
        """const worker = new m.client.SealingWorker();
        const scope = { for: "opening", tender: "tender-1", lot: "lot-kept", owner: "bidder-1" };
        const made = await m.keys.generateKey(scope, "2026-11-25T01:30:00.000Z");
        const file = await worker.writeBackup(made, given);
        const checked = await worker.checkBackup(file, given, made.public_key);
        const other = await m.keys.generateKey(scope, "2026-11-25T01:30:00.000Z");
        const refusals = [];
        for (const attempt of [[file, given, other.public_key], [file, given + "?", made.public_key]]) {
          await worker.checkBackup(...attempt).catch((error) => refusals.push(error.code));
        }
        await worker.writeBackup(made, "too short").catch((error) => refusals.push(error.code));
        worker.close();
        await m.keystore.keepKey(checked);
        const [kept] = await m.keystore.keptKeys({ lot: "lot-kept" });
        const exported = await crypto.subtle.exportKey("jwk", kept.pair.privateKey).catch((error) => error.name);
        await m.keystore.askForPersistence();
        await m.keystore.forgetKey(kept.publicKey);
        const left = (await m.keystore.keptKeys({ lot: "lot-kept" })).length;
        return { file: b64(file), public_key: made.public_key, kept: kept.publicKey, exported, left, refusals };""",
        PASSPHRASE,
    )
    assert found["refusals"] == ["sealing.backup_of_another_key", "sealing.wrong_key", "sealing.cannot_seal"]
    assert found["kept"] == found["public_key"]
    assert (found["exported"], found["left"]) == ("InvalidAccessError", 0)
    parsed = KeyFile.parse(unb64(found["file"]), PASSPHRASE)
    assert (parsed.use, parsed.lot, parsed.public_key.hex()) == (KeyUse.OPENING, "lot-kept", found["public_key"])


RELEASE = "return hex(await m.release.releaseWithBackup(raw(given[0]), raw(given[1]), given[2], given[3]))"
EXPECTED = {"tender": TENDER, "lot": LOT, "bidder": BIDDER}


def test_a_backup_file_made_in_python_releases_a_bid_sealed_in_python(page: Page, lot: Lot) -> None:
    header, _, _ = sealed_in_python(lot)
    expected = {**EXPECTED, "stage": STAGE, "bid": header.binding.bid, "rev": 1, "headerHash": header.hash.hex()}
    file = KeyFile(KeyUse.OPENING, TENDER, LOT, BIDDER, AT, lot.opening).to_bytes(PASSPHRASE)
    given = [b64(header.raw), b64(file), PASSPHRASE, expected]
    assert run(page, "release", RELEASE, given) == recover_r_bid(header, lot.opening).hex()
    not_age = [b64(header.raw), b64(file[1:]), PASSPHRASE, expected]
    assert run(page, "release", RELEASE, not_age) == {"code": "sealing.key_file_malformed", "reason": "not_age"}


KEPT = """const pair = await m.keys.importPair(given[0]);
  const outcomes = [];
  for (const [header, expected] of given[1]) {
    try { outcomes.push(hex(await m.release.releaseWithPair(raw(header), pair, expected))); }
    catch (error) { outcomes.push(error.code); }
  }
  return outcomes;"""


def release_outcomes(page: Page, lot: Lot, cases: list[tuple[bytes, dict[str, Any]]]) -> list[str]:
    outcomes: list[str] = run(
        page, "keys release", KEPT, [key_file(lot.opening), [[b64(raw), expected] for raw, expected in cases]]
    )
    return outcomes


def test_a_secret_is_released_for_the_expected_bid_alone(page: Page, lot: Lot) -> None:
    header, _, _ = sealed_in_python(lot)
    wrong = {"tender": "t", "lot": "l", "bidder": "b", "stage": "s", "bid": "0" * 32, "rev": 2}
    cases = [(header.raw, {**EXPECTED, name: value}) for name, value in wrong.items()]
    assert release_outcomes(page, lot, cases) == [f"sealing.{name}_mismatch" for name in wrong]
    nameless = release_outcomes(page, lot, [(header.raw, {"tender": TENDER, "lot": LOT})])
    assert nameless == ["sealing.bidder_mismatch"]


def test_a_header_changed_in_any_place_is_refused(page: Page, lot: Lot) -> None:
    header, _, _ = sealed_in_python(lot)
    text = header.raw.decode()
    value = json.loads(text)

    def changed(**parts: Any) -> bytes:
        return json.dumps({**value, **parts}, separators=(",", ":")).encode()

    damaged = bytearray(unb64(value["wraps"]["bidder"][1]))
    damaged[110] ^= 1
    foreign = b64(header.suite.wrap(lot.opening.public_key(), header.binding.hash, "bidder", bytes(32)))
    wraps, commit = value["wraps"], value["commit"]
    binding = unb64(value["binding"]).replace(b'"rev":1', b'"rev":1 ')
    cases = {
        changed(wraps={**wraps, "bidder": [wraps["bidder"][0], b64(bytes(damaged))]}): "sealing.wrong_key",
        changed(wraps={**wraps, "bidder": [foreign]}): "sealing.bad_share",
        changed(commit={**commit, "bidder": "0" * 64}): "sealing.bad_share",
        changed(binding=b64(binding)): "sealing.wrong_key",
        changed(binding=value["binding"] + "="): "sealing.header_malformed",
        changed(extra=1): "sealing.header_malformed",
        text.replace("{", '{"commit":1,', 1).encode(): "sealing.header_malformed",
        header.raw[:-1]: "sealing.header_malformed",
    }
    assert release_outcomes(page, lot, [(raw, EXPECTED) for raw in cases]) == list(cases.values())
    pinned = {**EXPECTED, "headerHash": header.hash.hex()}
    assert release_outcomes(page, lot, [(header.raw + b" ", pinned)]) == ["sealing.bad_header"]
    assert release_outcomes(page, lot, [(header.raw, pinned)]) == [recover_r_bid(header, lot.opening).hex()]


def test_every_flipped_bit_of_a_header_keeps_the_secret_in(page: Page, lot: Lot) -> None:
    header, _, _ = sealed_in_python(lot)
    pinned = {**EXPECTED, "headerHash": header.hash.hex()}
    flipped = []
    for at in range(0, len(header.raw), 23):
        damaged = bytearray(header.raw)
        damaged[at] ^= 1 << (at % 8)
        flipped.append((bytes(damaged), pinned))
    outcomes = release_outcomes(page, lot, flipped)
    assert len(outcomes) > 50
    malformed = {"sealing.bad_header", "sealing.header_malformed", "sealing.binding_malformed"}
    assert set(outcomes) <= malformed


def test_the_kept_key_of_the_lot_is_found_for_the_release(page: Page, lot: Lot) -> None:
    header, _, _ = sealed_in_python(lot)
    body = """const [header, file, expected] = given;
      const before = await m.release.releaseWithKeptKey(raw(header), expected).catch((error) => error.code);
      const scope = { for: "opening", tender: "tender-1", lot: "lot-1", owner: "bidder-1" };
      const suite = await m.suites.suiteNamed(given[3], "none");
      await m.keystore.keepKey(await m.keys.generateKey(scope, "2026-11-26T01:30:00.000Z", suite));
      const newer = await m.release.releaseWithKeptKey(raw(header), expected).catch((error) => error.code);
      await m.keystore.keepKey(file);
      const secret = hex(await m.release.releaseWithKeptKey(raw(header), expected));
      for (const { publicKey } of await m.keystore.keptKeys({})) await m.keystore.forgetKey(publicKey);
      return [before, newer, secret];"""
    given = [b64(header.raw), key_file(lot.opening), EXPECTED, lot.keyset.suite.name]
    found = run(page, "keys keystore release suites", body, given)
    assert found == ["sealing.no_key_kept", "sealing.wrong_key", recover_r_bid(header, lot.opening).hex()]


# --- receipts and log -----------------------------------------------------------------------------------------------


def test_a_receipt_is_believed_only_when_signed_by_the_pinned_key_for_this_envelope(page: Page) -> None:
    key = SigningKey.generate("centre.example/receipts", Algorithm.ED25519, SystemEntropy())
    other = SigningKey.generate("centre.example/receipts", Algorithm.ED25519, SystemEntropy())
    envelope = "ab" * 32
    text = receipt_text(TENDER, LOT, "0123456789abcdef" * 2, 3, envelope, 12345, AT, AT, is_demo_clock=True)
    raw = signed_note(text, key)
    body = "return await m.receipt.verifyReceipt(given[0], given[1], given[2])"
    receipt = run(page, "receipt", body, [raw, str(key.verifier), {"envelopeHash": envelope, "rev": 3}])
    assert receipt["receivedAt"] == "2026-11-25T01:30:00.000Z"
    assert (receipt["sizeBytes"], receipt["isDemoClock"], receipt["lot"]) == (12345, True, LOT)

    def refusal(note_text: str, pinned: SigningKey = key, **expected: Any) -> str:
        return str(run(page, "receipt", body, [note_text, str(pinned.verifier), expected])["code"])

    assert refusal(raw, envelopeHash="cd" * 32) == "sealing.receipt_mismatch"
    assert refusal(raw.replace("12345", "12346")) == "transparency.bad_signature"
    assert refusal(raw, pinned=other) == "transparency.bad_signature"
    assert refusal(signed_note(text.replace("v1", "v2"), key)) == "sealing.receipt_malformed"
    assert refusal(raw.replace("\n\n", "\n")) == "transparency.malformed"


def test_the_published_inclusion_cases_give_their_published_verdicts(page: Page) -> None:
    cases = json.loads((VECTORS / "rfc6962" / "inclusion.json").read_text(encoding="utf-8"))
    body = """const verdicts = {};
      for (const [name, { leafIdx, treeSize, root, leafHash, proof }] of Object.entries(given)) {
        try {
          await m.merkle.verifyInclusion({ leaf: raw(leafHash ?? ""), index: leafIdx, size: treeSize,
            path: (proof ?? []).map((text) => raw(text)), root: raw(root ?? "") });
          verdicts[name] = false;
        } catch (error) { verdicts[name] = error.code; }
      }
      return verdicts;"""
    verdicts = run(page, "merkle", body, cases)
    assert len(verdicts) >= 90
    for name, case in cases.items():
        assert bool(verdicts[name]) == case["wantErr"], name
    assert set(verdicts.values()) == {False, "transparency.bad_proof"}


def test_a_published_checkpoint_needs_its_quorum_of_distinct_cosigners(page: Page) -> None:
    case = json.loads((VECTORS / "tlog" / "cosigned-checkpoint.json").read_text(encoding="utf-8"))
    cosigners = list(case["cosigner_vkeys"].values())
    body = (
        "const { size, cosignedAt } = await m.inclusion.verifyCheckpoint(given[0], given[1]); return [size, cosignedAt]"
    )

    def verify(keys: list[str], quorum: int, text: str = case["note"]) -> Any:
        trust = {"logKey": case["log_vkey"], "cosignerKeys": keys, "quorum": quorum}
        return run(page, "inclusion", body, [text, trust])

    size, instants = verify(cosigners, 4)
    assert (size, len(instants)) == (1432088532, 4)
    twice = verify([cosigners[0], cosigners[0]], 2)
    assert twice == {"code": "transparency.quorum_not_met", "needed": 2, "found": 1}
    altered = verify(cosigners, 1, case["note"].replace("1432088532", "1432088533"))
    assert altered["code"] == "transparency.bad_signature"


def test_a_blinded_record_is_found_in_the_log_by_its_proof_file(page: Page) -> None:
    log = SigningKey.generate("centre.example/log", Algorithm.ED25519, SystemEntropy())
    cosigner = SigningKey.generate("cosigner.example/one", Algorithm.COSIGNATURE, SystemEntropy())
    record, nonce = b'etender/v1 p {"bid":"x"}', sample(32, 9)
    digest = blinded_digest(nonce, record)
    made = tick([digest], SystemEntropy())
    neighbour = leaf_hash(b"etender/v1 p {}")
    root = node_hash(neighbour, leaf_hash(made.entry))
    text = str(Checkpoint("centre.example/log", 2, root))
    checkpoint = str(Note.parse(signed_note(text, log)).with_signatures([cosign(text, cosigner, AT)]))
    extra = bytes(Unblinding(nonce, made.placements[digest]))
    proof = str(TlogProof(1, (neighbour,), checkpoint, extra))
    trust = {"logKey": str(log.verifier), "cosignerKeys": [str(cosigner.verifier)], "quorum": 1}
    body = """const [proof, record, trust] = given;
      const { index, checkpoint } = await m.inclusion.verifyBlinded(proof, raw(record), trust);
      return [index, checkpoint.cosignedAt];"""
    assert run(page, "inclusion", body, [proof, b64(record), trust]) == [1, [int(AT.timestamp())]]
    denied = run(page, "inclusion", body, [proof, b64(record + b"!"), trust])
    assert denied["code"] == "transparency.bad_proof"
    open_entry = "const { index } = await m.inclusion.verifyProof(given[0], raw(given[1]), given[2]); return index"
    assert run(page, "inclusion", open_entry, [proof, b64(made.entry), trust]) == 1


# --- what is committed ----------------------------------------------------------------------------------------------


def test_an_envelope_sealed_by_an_earlier_browser_still_opens(page: Page) -> None:
    stored = json.loads((VECTORS / "sealing_browser.json").read_text(encoding="utf-8"))
    keys = {name: key_of_jwk(value) for name, value in stored["private_keys"].items()}
    keyset = Keyset.parse(stored["keyset"].encode())
    header, manifest = Header.parse(unb64(stored["header"])), Manifest.parse(unb64(stored["manifest"]))
    assert formulas.verifies(keys["signing"].public_key(), unb64(stored["signature"]), manifest.raw)
    r_bid = recover_r_bid(header, keys["opening"])
    gate = recover_r_gate(header, keyset, {0: keys["gate/0"], 1: keys["gate/1"]})
    assert gate.faults == ()
    cek = content_key(header, r_bid, gate.r_gate)
    for part in manifest.parts:
        stream = io.BytesIO(unb64(stored["parts"][part.id]))
        plain = open_part_bytes(stream, part, part_key(cek, part.id), header, limit_bytes=MIB)
        assert plain.decode() == stored["contents"][part.id]
    binding = header.binding
    expected = {"tender": binding.tender, "lot": binding.lot, "bidder": binding.bidder, "headerHash": header.hash.hex()}
    given = [key_file(keys["opening"]), [[stored["header"], expected]]]
    assert run(page, "keys release", KEPT, given) == [r_bid.hex()]


def test_the_vendored_files_are_the_reviewed_ones_and_the_lock_names_no_address(site: Site) -> None:
    manifest = json.loads((ROOT / "tools" / "vendor-manifest.json").read_text(encoding="utf-8"))
    folder = ROOT / "static" / "vendor"
    present = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {name: hashlib.sha384(path.read_bytes()).hexdigest() for name, path in present.items()} == manifest
    assert "http" not in (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert all(
        dangerous not in present[f"js/{name}.js"].read_text(encoding="utf-8")
        for name in ("hpke", "shamir", "age")
        for dangerous in ("WebAssembly", "new Function", "eval(")
    )
