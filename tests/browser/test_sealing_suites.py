"""Both suites in the browser: stored envelopes open as in Python, bad ones do not, S2 is loaded only when used."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from foundation.sealing import S1, S2, SUITES, KeyFile, KeyUse, Suite, generate_key, public_hex
from foundation.sealing.keys import jwk_of
from foundation.sealing.suite import verifies
from tests.browser.test_sealing_modules import (  # noqa: F401 - fixtures of the same site
    PASSPHRASE,
    Site,
    b64,
    browser_page,
    page,
    run,
    sample,
    site,
    unb64,
)
from tests.unit.sealing import oracle_s2
from tests.unit.sealing.published import EXAMPLE, nist, wycheproof

pytestmark = pytest.mark.browser

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
STORED: dict[str, dict[str, Any]] = {
    name: json.loads((VECTORS / file).read_text(encoding="utf-8"))
    for name, file in (("S1", "sealing.json"), ("S2", "sealing_s2.json"))
}

OPEN = """const { envelope, pair } = given;
  const keyset = await m.keyset.readKeyset(utf8(envelope.keyset), envelope.keyset_hash);
  const { header, binding, suite, b, hh } = await m.envelope.readHeader(raw(envelope.header));
  const file = (jwk, use) => ({ for: use, private_key: jwk, public_key: "04" + "00".repeat(64) });
  const unwrapped = async (jwk, role, wrapped) => {
    const scope = await suite.publicKeyOf(jwk);
    const pair = await suite.importPair({ for: "opening", private_key: jwk, public_key: scope });
    return hex(await suite.unwrap(pair, m.wraps.wrapInfo(b, role), raw(wrapped)));
  };
  const keys = envelope.private_keys;
  const gate = await Promise.all(keys.gate.map((jwk, i) => unwrapped(jwk, `gate/${i}`, header.wraps.gate[i])));
  const escrow = await Promise.all(keys.escrow.map((jwk, i) => unwrapped(jwk, `escrow/${i}`, header.wraps.escrow[i])));
  const own = await Promise.all(keys.bidder.map((jwk, i) => unwrapped(jwk, "bidder", header.wraps.bidder[i])));
  const rGate = await m.shares.combineShares(gate.slice(0, 2).map((share) => unhex(share)));
  const cek = await suite.contentKey(b, unhex(own[0]), rGate);
  const parts = [];
  for (const { id, ciphertext } of envelope.parts) {
    const key = await suite.partKey(cek, id);
    const padded = await suite.decrypt(key, m.envelope.partContext(id, hh), raw(ciphertext));
    const leaf = await suite.digest(raw(ciphertext));
    const root = hex(await m.merkle.treeRoot([leaf], suite.digest));
    parts.push([hex(key), b64(m.padding.unpad(padded)), root]);
  }
  const manifest = utf8(envelope.manifest);
  const again = m.envelope.makeManifest(
    b, hh, binding, envelope.parts.map(({ id, size_bytes, root }) => ({ id, length: size_bytes, root })), suite);
  return { suite: keyset.suite.name, b: hex(b), hh: hex(hh), gate, escrow, own, cek: hex(cek), parts,
    manifest: m.bytes.textOf(again), envelopeHash: hex(await suite.digest(manifest)),
    isSigned: await suite.isSignedBy(envelope.signing_public_key, raw(envelope.signature), manifest) };"""
OPEN_MODULES = "keyset envelope wraps shares merkle padding suites"


@pytest.mark.parametrize("name", STORED)
def test_every_stored_envelope_opens_as_in_python(page: Page, name: str) -> None:  # noqa: F811
    for envelope in STORED[name]["envelopes"]:
        found = run(page, OPEN_MODULES, OPEN, {"envelope": envelope})
        assert "code" not in found, found
        assert (found["suite"], found["b"], found["hh"]) == (name, envelope["b"], envelope["hh"])
        assert (found["gate"], found["escrow"]) == (envelope["gate_shares"], envelope["escrow_shares"])
        assert set(found["own"]) == {envelope["r_bid"]}
        assert found["cek"] == envelope["cek"]
        assert found["manifest"] == envelope["manifest"]
        assert (found["envelopeHash"], found["isSigned"]) == (envelope["envelope_hash"], True)
        assert found["parts"] == [[part["part_key"], part["content"], part["root"]] for part in envelope["parts"]]


@pytest.mark.parametrize("name", STORED)
def test_stored_parts_that_must_not_open_do_not(page: Page, name: str) -> None:  # noqa: F811
    envelope = STORED[name]["envelopes"][0]
    body = """const suite = await m.suites.suiteNamed(given.suite, "none");
      const context = m.envelope.partContext("price_schedule", unhex(given.hh));
      const outcomes = [];
      for (const sealed of given.parts) {
        try { outcomes.push(b64(m.padding.unpad(await suite.decrypt(unhex(given.key), context, raw(sealed))))); }
        catch (error) { outcomes.push(error.code); }
      }
      return outcomes;"""
    # A byte behind a whole part, and a cut one, are told from the signed length; both must fail without it too.
    cases = STORED[name]["bad_parts"]
    given = {"suite": name, "hh": envelope["hh"], "key": envelope["parts"][0]["part_key"]}
    outcomes = run(page, "envelope padding suites", body, {**given, "parts": [case["ciphertext"] for case in cases]})
    reasons = {"key": "sealing.wrong_key"}
    wanted = [reasons.get(case["reason"], "sealing.bad_payload") for case in cases]
    assert dict(zip([case["name"] for case in cases], outcomes, strict=True)) == dict(
        zip([case["name"] for case in cases], wanted, strict=True)
    )


@pytest.mark.parametrize("name", STORED)
def test_stored_headers_and_key_sets_are_read_or_refused_with_the_same_code(page: Page, name: str) -> None:  # noqa: F811
    cases = [case for case in STORED[name]["parse"] if case["kind"] in {"keyset", "header"}]
    assert len(cases) > 30
    body = """const read = { keyset: m.keyset.readKeyset, header: m.envelope.readHeader };
      const outcomes = [];
      for (const { kind, data } of given) {
        try { await read[kind](raw(data)); outcomes.push("ok"); }
        catch (error) { if (!error.code) throw error; outcomes.push(error.code); }
      }
      return outcomes;"""
    assert run(page, "keyset envelope", body, cases) == [case["expect"] for case in cases]


@pytest.mark.parametrize("name", SUITES)
def test_signatures_and_wraps_cross_between_python_and_the_browser(page: Page, name: str) -> None:  # noqa: F811
    suite: Suite = SUITES[name]
    key, message, b = generate_key(suite), "标段 1\n".encode() * 40, sample(32)
    file = {"for": "signing", "private_key": jwk_of(key), "public_key": public_hex(key)}
    body = """const suite = await m.suites.suiteNamed(given.suite, "none");
      const message = raw(given.message);
      const signing = await suite.importPair(given.file);
      const opening = await suite.importPair({ ...given.file, for: "opening" });
      const info = m.wraps.wrapInfo(raw(given.b), "gate/1");
      const opened = async (info, wrapped) => (await suite.unwrap(opening, info, wrapped)) ?? new Uint8Array(0);
      const changed = raw(given.signature);
      changed[40] ^= 1;
      const flipped = raw(given.wrapped);
      flipped[given.flip] ^= 1;
      return [
        b64(await suite.sign(signing.privateKey, message)),
        b64(await suite.wrap(given.file.public_key, info, raw(given.secret))),
        hex(await opened(info, raw(given.wrapped))),
        hex(await opened(m.wraps.wrapInfo(raw(given.b), "gate/2"), raw(given.wrapped))),
        hex(await opened(info, flipped)),
        await suite.isSignedBy(given.file.public_key, raw(given.signature), message),
        await suite.isSignedBy(given.file.public_key, changed, message),
        await suite.isSignedBy(given.file.public_key, new Uint8Array(64), message),
        await suite.isSignedBy(given.other, raw(given.signature), message),
      ];"""
    secret = sample(33, 4)
    for flip in (3, 70, 100, -1):
        wrapped = suite.wrap(key.public_key(), b, "gate/1", secret)
        given = {
            "suite": name,
            "file": file,
            "message": b64(message),
            "signature": b64(suite.sign(key, message)),
            "b": b64(b),
            "secret": b64(secret),
            "wrapped": b64(wrapped),
            "flip": flip % len(wrapped),
            "other": "04" + "11" * 64,
        }
        signature, theirs, *rest = run(page, "suites wraps", body, given)
        assert verifies(key.public_key(), unb64(signature), message)
        assert suite.unwrap(key, b, "gate/1", unb64(theirs)) == secret
        assert rest == [secret.hex(), "", "", True, False, False, False]


def test_a_key_of_the_other_suite_opens_and_signs_nothing(page: Page) -> None:  # noqa: F811
    body = """const [s1, s2] = await Promise.all(["S1", "S2"].map((name) => m.suites.suiteNamed(name, "none")));
      const own = await s1.generate();
      const pair = await s1.importPair({ for: "opening", ...own });
      const theirs = await s2.generate();
      const other = await s2.importPair({ for: "opening", ...theirs });
      const info = utf8("x");
      const outcomes = [
        await s2.unwrap(pair, info, await s2.wrap(theirs.public_key, info, new Uint8Array(32))),
        await s1.unwrap(other, info, await s1.wrap(own.public_key, info, new Uint8Array(32))),
      ].map((opened) => opened === undefined);
      for (const [suite, key] of [[s2, own], [s1, theirs]]) {
        outcomes.push(await suite.wrap(key.public_key, info, new Uint8Array(32)).catch((error) => error.code));
      }
      return outcomes;"""
    assert run(page, "suites", body) == [True, True, "sealing.cannot_seal", "sealing.cannot_seal"]


def test_the_second_suites_program_is_not_loaded_for_the_first(site: Site, page: Page) -> None:  # noqa: F811
    asked: list[str] = []

    def loaded() -> list[str]:
        names = [url.rpartition("/")[2] for url in asked]
        return [name for name in names if name in {"sm.js", "suite_s2.js"}]

    page.goto(f"{site.origin}/")
    page.on("request", lambda request: asked.append(request.url))
    envelope = STORED["S1"]["envelopes"][0]
    run(page, OPEN_MODULES, OPEN, {"envelope": envelope})
    assert loaded() == []
    run(page, OPEN_MODULES, OPEN, {"envelope": STORED["S2"]["envelopes"][0]})
    assert [url.rpartition("/")[2] for url in asked if url.endswith(("sm.js", "suite_s2.js"))] == [
        "suite_s2.js",
        "sm.js",
    ]


def test_more_than_a_browser_should_seal_is_refused_before_anything_is_made(page: Page) -> None:  # noqa: F811
    body = """const suite = await m.suites.suiteNamed("S2", "none");
      const binding = { parts: [{ id: "technical", name: "x" }] };
      const content = new Blob([new Uint8Array(suite.maxSealedBytes - 4096)]);
      let segments = 0;
      try {
        await m.seal.seal({ binding, keyset: { suite }, bidderKeys: [], parts: [{ id: "technical", content }] },
          async () => { segments += 1; });
        return "sealed";
      } catch (error) { return [error.code, error.fields.limit_mib, segments]; }"""
    assert run(page, "seal suites", body) == ["sealing.too_large_for_browser", 64, 0]


PUBLISHED = """const { gbt, sm3, mac, gcm } = given;
  const s2 = m.suite_s2.S2;
  const example = { curve: "SM2", privateKey: unhex(gbt.private_key.toLowerCase()) };
  const point = gbt.public_key.toLowerCase();
  const signature = unhex((gbt.sign.r + gbt.sign.s).toLowerCase());
  const isSigned = await s2.isSignedBy(point, signature, utf8(gbt.sign.message));
  const isOther = await s2.isSignedBy(point, signature, utf8(gbt.sign.message + "!"));
  const digests = await Promise.all(sm3.map(async (message) => hex(await s2.digest(unhex(message)))));
  const macs = mac.map(([key, message]) => hex(m.suite_s2.hmacSm3(unhex(key), unhex(message))));
  const opened = await Promise.all(gcm.map(async ([key, nonce, sealed]) => {
    const plain = await (await m.suite_s2.SM4_GCM.open(unhex(key))).open(unhex(nonce), unhex(sealed));
    return plain === undefined ? "invalid" : hex(plain);
  }));
  const sealed = await Promise.all(gcm.map(async ([key, nonce, , plain]) =>
    hex(await (await m.suite_s2.SM4_GCM.open(unhex(key))).seal(unhex(nonce), unhex(plain)))));
  return { isSigned, isOther, digests, macs, opened, sealed };"""


def test_the_published_examples_of_the_second_suite_hold_in_the_browser(page: Page) -> None:  # noqa: F811
    digests = [case for case in nist("sm3-oscca.txt") if case["Len"] == str(4 * len(case["Msg"]))]
    macs = wycheproof("hmac_sm3_test.json")
    gcm = [case for group, case in wycheproof("sm4_gcm_test.json") if group["ivSize"] == 96 and not case["aad"]]
    assert min(len(digests), len(macs), len(gcm)) >= 5
    given = {
        "gbt": EXAMPLE,
        "sm3": [case["Msg"] for case in digests],
        "mac": [[case["key"], case["msg"]] for _, case in macs],
        "gcm": [[case["key"], case["iv"], case["ct"] + case["tag"], case["msg"]] for case in gcm],
    }
    found = run(page, "suite_s2", PUBLISHED, given)
    assert (found["isSigned"], found["isOther"]) == (True, False)
    assert found["digests"] == [case["MD"] for case in digests]
    for made, (group, case) in zip(found["macs"], macs, strict=True):
        assert (made[: group["tagSize"] // 4] == case["tag"]) is (case["result"] == "valid"), case["comment"]
    for opened, sealed, case in zip(found["opened"], found["sealed"], gcm, strict=True):
        if case["result"] == "valid":
            assert (opened, sealed) == (case["msg"], case["ct"] + case["tag"])
        else:
            assert opened == "invalid", case["comment"]


def test_an_sm2_key_made_in_the_browser_is_backed_up_and_read_in_python(page: Page) -> None:  # noqa: F811
    body = """const worker = new m.client.SealingWorker();
      const suite = await m.suites.suiteNamed("S2", "none");
      const scope = { for: "signing", tender: "", lot: "", owner: "bidder-1" };
      const made = await m.keys.generateKey(scope, "2026-11-25T01:30:00.000Z", suite);
      const file = await worker.writeBackup(made, given);
      const checked = await worker.checkBackup(file, given, made.public_key);
      worker.close();
      const kept = await m.keystore.keepKey(checked);
      const signature = await m.suites.signWith((await m.keystore.keptKeys({ for: "signing" }))[0], utf8("note"));
      await m.keystore.forgetKey(kept.publicKey);
      const mixed = { ...made, private_key: { ...made.private_key, crv: "P-256" } };
      const refused = await m.keys.importPair(mixed).then(() => "", (error) => error.code);
      return [b64(file), kept.suite, kept.publicKey, b64(signature), refused];"""
    file, suite, public, signature, refused = run(page, "client keys keystore suites", body, PASSPHRASE)
    parsed = KeyFile.parse(unb64(file), PASSPHRASE)
    assert (parsed.use, suite, parsed.public_key.hex()) == (KeyUse.SIGNING, "S2", public)
    assert oracle_s2.is_signed(parsed.public_key, b"note", unb64(signature))
    assert refused == "sealing.key_file_malformed"
    assert S2.owns(parsed.private_key)
    assert not S1.owns(parsed.private_key)
    assert io.BytesIO(unb64(file)).read(3) == b"age"
