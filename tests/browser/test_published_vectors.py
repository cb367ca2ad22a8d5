"""The same published vectors as ``tests/unit/sealing/test_published_vectors.py``, in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from playwright.sync_api import Page

from tests.browser.test_verify_modules import page  # noqa: F401 - the page that connects to nothing
from tests.unit.sealing.test_published_vectors import VECTORS, raw

pytestmark = pytest.mark.browser
HPKE = """async ({ digits, sealed, info }) => {
  const { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } = await import("/static/vendor/js/hpke.js");
  const { S1 } = await import("/static/js/verify/suite_s1.js");
  const raw = (text) => Uint8Array.from(text.match(/../g), (two) => parseInt(two, 16));
  const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const { pair, point } = await S1.gateKey(digits, "");
  const wrapped = raw(sealed);
  const given = { recipientKey: pair, enc: wrapped.slice(0, 65), info: raw(info) };
  const opened = new Uint8Array(await suite.open(given, wrapped.slice(65)));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex(opened), hex(point)];
}"""
SIGNATURES = """async (cases) => {
  const { S1 } = await import("/static/js/verify/suite_s1.js");
  const { S1: sealing } = await import("/static/js/sealing/suite_s1.js");
  const raw = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
  const found = [];
  for (const [number, point, message, signature, result] of cases) {
    const read = await S1.signatureHolds(raw(point), raw(signature), raw(message));
    let sealed = false;
    try {
      sealed = await sealing.isSignedBy(point, raw(signature), raw(message));
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
    if (read !== (result === "valid") || sealed !== read) found.push([number, read, sealed, result]);
  }
  return found;
}"""
DERIVATION = """async (cases) => {
  const { hkdf } = await import("/static/js/sealing/hkdf.js");
  const { S1 } = await import("/static/js/verify/suite_s1.js");
  const raw = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const found = [];
  for (const [number, material, salt, info, size, output] of cases) {
    const key = salt ? raw(salt) : new Uint8Array(64);
    if (hex(await hkdf(raw(material), key, raw(info), size)) !== output) found.push(number);
    const prk = await S1.mac(key, raw(material));
    const first = (await S1.mac(prk, Uint8Array.from([...raw(info), 1]))).slice(0, size);
    if (hex(first) !== output.slice(0, 2 * first.length)) found.push(-number);
  }
  return found;
}"""


def test_rfc_9180s_key_schedule_opens_a_wrap(page: Page) -> None:  # noqa: F811
    case: dict[str, Any] = VECTORS["hpke"]
    message = b"32 bytes of somebody's half ...."
    sealed = raw(case["enc"]) + AESGCM(raw(case["key"])).encrypt(raw(case["base_nonce"]), message, b"")
    given = {"digits": case["skRm"], "sealed": sealed.hex(), "info": case["info"]}
    assert page.evaluate(HPKE, given) == [message.hex(), case["pkRm"]]


def test_signatures_of_bidders_and_holders_get_the_published_verdicts(page: Page) -> None:  # noqa: F811
    assert page.evaluate(SIGNATURES, VECTORS["ecdsa_p256"]) == []


def test_the_key_derivation_gives_the_published_bytes(page: Page) -> None:  # noqa: F811
    assert page.evaluate(DERIVATION, VECTORS["hkdf_sha512"]) == []
