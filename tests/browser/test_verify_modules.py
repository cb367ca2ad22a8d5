"""The second verifier in Chromium: it agrees with the first, over good bundles and over damaged ones."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from centre.bundles.archive import prepare
from centre.bundles.gather import Tier
from foundation.sealing import S1, S2
from foundation.verifier import Report
from tests.support import chromium
from tests.support_attacks import attacks, with_panel
from tests.support_bundle import Files, Keys, bundled_opening, files_of, policy_of, sums_of, verified
from tests.support_mutations import mutated

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
POLICY = "default-src 'none'; script-src 'self'; connect-src 'none'"
COUNT = 600 if os.environ.get("SOAK") == "1" else 44


class Handler(SimpleHTTPRequestHandler):
    """Serves ``static/`` under a policy that lets a page connect to nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, directory=str(ROOT), **kwargs)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def do_GET(self) -> None:
        if self.path == "/":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>x</title>")
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        opened = browser.new_page()
        opened.goto(f"http://localhost:{server.server_port}/")
        yield opened
        browser.close()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=[S1, S2], ids=lambda suite: suite.name)
def made(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[dict[Tier, Files], bytes, bytes]]:
    with bundled_opening(tmp_path_factory.mktemp("bundle"), suite=request.param) as (opening, keys):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        bundle = prepare(opening.world.runtime, opening.lot.id, Tier.PUBLIC)
        raw = b"".join(bundle.zip_bytes())
        bundle.close()
        KEYS.append(keys)
        yield {tier: files_of(opening, tier) for tier in Tier}, policy_of(opening), raw


KEYS: list[Keys] = []
TOLD = """const told = { verdict: report.verdict, about: report.about, checks: report.checks.map((check) => ({
      name: check.name, status: check.status, needs: check.needs,
      codes: [...new Set(check.problems.map((one) => one.code))].sort(),
      warnings: [...new Set(check.warnings.map((one) => one.code))].sort(),
      shown: check.problems.map((one) => `${one.code} ${one.where} ${JSON.stringify(one.detail)}`) })) };
    return told;"""
FOLDER = f"""async ([files, policy]) => {{
    const {{ verifyFiles }} = await import("/static/js/verify/runner.js");
    const {{ filesOfFolder }} = await import("/static/js/verify/files.js");
    const raw = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const entries = Object.entries(files).map(([name, text]) => [name, new Blob([raw(text)])]);
    const report = await verifyFiles(filesOfFolder(entries), {{ policy: policy === null ? null : raw(policy) }});
    {TOLD}
}}"""
ZIP = f"""async ([zip, policy]) => {{
    const {{ verifyZip }} = await import("/static/js/verify/runner.js");
    const raw = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const report = await verifyZip(new Blob([raw(zip)]), {{ policy: policy === null ? null : raw(policy) }});
    {TOLD}
}}"""


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def in_browser(page: Page, files: Files, policy: bytes | None) -> dict[str, Any]:
    whole = {**files, "SHA256SUMS": files.get("SHA256SUMS") or sums_of(files)}
    told: dict[str, Any] = page.evaluate(
        FOLDER, [{name: b64(raw) for name, raw in whole.items()}, b64(policy) if policy is not None else None]
    )
    return told


def summary(report: Report) -> list[tuple[Any, ...]]:
    """What both have to agree on: status, codes, warnings and needs of every check."""
    return [
        (
            check.name,
            check.status,
            sorted({one.code for one in check.problems}),
            sorted({one.code for one in check.warnings}),
            check.needs,
        )
        for check in report.checks
    ]


def summary_of(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["name"], one["status"], one["codes"], one["warnings"], one["needs"]) for one in told["checks"]]


def test_a_real_opening_verifies_in_the_browser(page: Page, made: tuple[dict[Tier, Files], bytes, bytes]) -> None:
    bundles, policy, raw = made
    for tier in Tier:
        told = in_browser(page, bundles[tier], policy)
        assert [one["shown"] for one in told["checks"] if one["shown"]] == []
        assert summary_of(told) == summary(verified(bundles[tier], policy))
        assert told["verdict"] == "verified"
    zipped = page.evaluate(ZIP, [b64(raw), None])
    assert zipped["verdict"] == "verified"
    assert zipped["about"]["policy"] == "own"


def test_both_verifiers_say_the_same_of_damaged_bundles(
    page: Page, made: tuple[dict[Tier, Files], bytes, bytes]
) -> None:
    bundles, policy, _ = made
    differing = []
    is_s2 = json.loads(bundles[Tier.PUBLIC]["keyset.json"])["suite"] == "S2"
    for seed in range(1000, 1000 + (COUNT // 2 if is_s2 else COUNT)):  # SM2 is slow in both
        what, files = mutated(bundles[Tier.REGULATOR if seed % 3 == 0 else Tier.PUBLIC], seed)
        told, first = in_browser(page, files, policy), verified(files, policy)
        assert told["verdict"] != "verified", what
        if summary_of(told) != summary(first):
            rows = [(a, b) for a, b in zip(summary_of(told), summary(first), strict=True) if a != b]
            differing.append((what, rows))
    assert differing == [], json.dumps(differing, ensure_ascii=False, indent=1)


def test_both_verifiers_name_the_same_attacks(page: Page, made: tuple[dict[Tier, Files], bytes, bytes]) -> None:
    bundles, policy, _ = made
    tried = list(attacks(bundles[Tier.PUBLIC], KEYS[-1], policy))
    assert len(tried) >= 25
    differing = []
    for attack in tried:
        told, first = in_browser(page, attack.files, attack.policy), verified(attack.files, attack.policy)
        if told["verdict"] != "failed" or summary_of(told) != summary(first):
            rows = [(a, b) for a, b in zip(summary_of(told), summary(first), strict=True) if a != b]
            differing.append((attack.name, rows))
    assert differing == [], json.dumps(differing, ensure_ascii=False, indent=1)
    panel = with_panel(bundles[Tier.PUBLIC], KEYS[-1])
    assert summary_of(in_browser(page, panel, policy)) == summary(verified(panel, policy))


def test_a_changed_zip_is_refused_in_the_browser(page: Page, made: tuple[dict[Tier, Files], bytes, bytes]) -> None:
    _, policy, raw = made
    places = (0, 4, 10, 25, 40, -1, -10, -30)
    cases = [raw[:-1], raw + b"\0", raw[:100], b"", b"PK", *(_flipped(raw, at) for at in places)]
    for damaged in cases:
        told = page.evaluate(ZIP, [b64(damaged), b64(policy)])
        assert told["verdict"] == "failed"
        assert all("files.zip" in one["codes"] for one in told["checks"][:1])


def _flipped(raw: bytes, at: int) -> bytes:
    damaged = bytearray(raw)
    damaged[at] ^= 1
    return bytes(damaged)


def test_the_written_out_digest_is_sha_256(page: Page) -> None:
    body = """async () => {
      const { sha256, Sha256, hex } = await import("/static/js/verify/bytes.js");
      const wrong = [];
      for (const size of [0, 1, 3, 55, 56, 63, 64, 65, 119, 127, 128, 1000, 70001]) {
        const raw = Uint8Array.from({ length: size }, (_, at) => (at * 31 + size) % 256);
        const native = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)));
        const pieces = new Sha256();
        for (let at = 0; at < size; at += 37) pieces.update(raw.subarray(at, at + 37));
        if (hex(sha256(raw)) !== native || hex(pieces.digest()) !== native) wrong.push(size);
      }
      return wrong;
    }"""
    assert page.evaluate(body) == []


def test_beacons_are_judged_as_published(page: Page) -> None:
    cases = json.loads((ROOT / "tests" / "vectors" / "drand_beacons.json").read_text(encoding="utf-8"))["beacons"]
    short = [one for one in cases if one["scheme"] == "bls-unchained-g1-rfc9380"]
    body = """async (cases) => {
      const { isBeacon } = await import("/static/js/verify/draws.js");
      const found = [];
      for (const { round, signature, public_key } of cases) found.push(await isBeacon(round, signature, public_key));
      return found;
    }"""
    broken = {**short[0], "signature": "ff" * 48}
    assert page.evaluate(body, [*short, broken]) == [*(one["valid"] for one in short), False]
