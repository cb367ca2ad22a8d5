"""A large file sealed and uploaded from a tab of a real Chromium, to the real receiver.

One file of BENCH_BROWSER_MIB (1,024 unless told) goes through the sealing worker's pipeline: read in slices, encrypted,
hashed, sent in segments over the socket, each acknowledged when it is durable. Beside it the same with a cipher that
only copies, and WebCrypto's AES-GCM alone. Memory is that of the tab's renderer process, its file mappings left out.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from accounts.sessions import COOKIE
from bench.paired import Line, Table, paired, verdict
from bench.processes import ROOT
from bench.uploads import Room, open_room
from foundation.clock import machine_now
from foundation.entropy import SystemEntropy
from foundation.sealing import SEGMENT_BYTES, Part, public_hex, write_binding
from foundation.sealing.padding import ciphertext_size, padded_size
from tendering.bid_rules import AnnouncedPart
from tendering.services import uploads
from tests.support import chromium

GOAL = "1 GiB from a tab: >= 0.4 x WebCrypto AES-GCM, >= 0.8 x the same without encryption, <= 300 MiB more memory"
SIZE_MIB = int(os.environ.get("BENCH_BROWSER_MIB", "1024"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
RAW: Final = "WebCrypto: AES-256-GCM, 1 MiB, four in flight"
PLAIN: Final = "the same pipeline, copying instead of encrypting"
DROPPED: Final = "centre: seal, segments dropped"
SEALED: Final = "centre: seal and upload"
NAMES = {"price_schedule": "price.json", "technical": "technical.pdf", "commercial": "commercial.pdf"}
SCRIPT = """([verb, order]) => new Promise((resolve, reject) => {
  const worker = new Worker("/bench/browser_worker.js", { type: "module" });
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.onerror = (event) => reject(new Error(event.message));
  if (order.parts) {
    const { files } = document.querySelector("input");
    order.parts = order.parts.map((id) => ({ id, content: id === "technical" ? files[0] : new Blob(["{}"]) }));
    order.keysetBytes = new TextEncoder().encode(order.keysetText);
  }
  worker.postMessage({ verb, order });
})"""


class Handler(SimpleHTTPRequestHandler):
    """The browser's files; one page with a field for a file."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=str(ROOT))

    def do_GET(self) -> None:
        if self.path != "/":
            super().do_GET()
            return
        body = b'<!doctype html><html lang="en"><title>bench</title><input type="file" aria-label="file">'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class Memory:
    """The largest resident memory of our renderers beyond what they had, sampled by a thread."""

    def __init__(self) -> None:
        self.peak = self.now()
        self._before = self.peak
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def now(self) -> int:
        """KiB of anonymous and shared memory of every renderer that this process is an ancestor of."""
        found = 0
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if b"--type=renderer" not in (process / "cmdline").read_bytes() or not self._is_ours(process):
                    continue
                for line in (process / "status").read_text(encoding="ascii", errors="replace").splitlines():
                    if line.startswith(("RssAnon:", "RssShmem:")):
                        found += int(line.split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def _is_ours(self, process: Path) -> bool:
        for _ in range(12):
            parent = int((process / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1])
            if parent == os.getpid():
                return True
            if parent <= 1:
                return False
            process = Path("/proc", str(parent))
        return False

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.peak = max(self.peak, self.now())

    def growth_mib(self) -> float:
        self._over.set()
        self._thread.join()
        return (self.peak - self._before) / 1024


class Tab:
    """A page, and a bidder whose uploads it fills."""

    def __init__(self, file: Path, page: Page, room: Room) -> None:
        self.world, self.bidder, self.lot, self.room = room.world, room.bidder, room.lot, room
        self.page = page
        self.file = file
        with self.file.open("wb") as out:
            out.truncate(SIZE_MIB << 20)
        self.growth: list[float] = []

    def raw(self) -> float:
        return self._rate("raw", {"count": min(SIZE_MIB, 512)}, min(SIZE_MIB, 512))

    def pipeline(self, *, is_plain: bool, is_sent: bool = True) -> float:
        """Seal (or copy) the file and send it, or drop every segment as soon as it is made."""
        sizes = {"price_schedule": 2, "technical": SIZE_MIB << 20, "commercial": 2}
        announced = []
        for part, size in sizes.items():
            sealed = ciphertext_size(padded_size(size))
            announced.append(AnnouncedPart(part, sealed, -(-sealed // SEGMENT_BYTES)))
        with self.world.units.begin(self.bidder.actor) as unit:
            upload = uploads.start_upload(unit, self.lot.id, announced)
        binding = write_binding(
            tender=self.lot.tender_code,
            lot=self.lot.lot_code,
            stage="1",
            bidder=self.bidder.uscc,
            bid=SystemEntropy().token(16).hex(),
            rev=1,
            prev="-",
            keyset=self.lot.keyset.hash,
            parts=tuple(Part(part, name) for part, name in NAMES.items()),
            created=machine_now(),
        )
        order = {
            "binding": json.loads(binding.raw),
            "keysetText": self.lot.keyset.to_bytes().decode(),
            "keysetHash": self.lot.keyset.hash,
            "bidderKeys": [public_hex(self.bidder.opening)],
            "parts": list(sizes),
            "isPlain": is_plain,
            "isSent": is_sent,
            "upload": {
                "socketUrl": f"ws://localhost:{self.room.port}/uploads/{upload}",
                "httpUrl": f"/uploads/{upload}",
            },
        }
        rate = self._rate("pipeline", order, SIZE_MIB)
        with self.world.units.begin(self.bidder.actor) as unit:
            held = uploads.held(unit, upload)
            if is_sent and held["technical"] != [[0, announced[1].segments - 1]]:
                raise AssertionError("not every segment arrived")
            uploads.forget(unit, [upload])
        self.world.runtime.objects.delete_prefix(f"sealed/{upload}")
        return rate

    def sealed(self) -> float:
        """With encryption, the tab's memory watched."""
        memory = Memory()
        rate = self.pipeline(is_plain=False)
        self.growth.append(memory.growth_mib())
        return rate

    def _rate(self, verb: str, order: dict[str, Any], size_mib: int) -> float:
        answer = self.page.evaluate(SCRIPT, [verb, order])
        if "failed" in answer:
            raise AssertionError(answer["failed"])
        return size_mib / float(answer["milliseconds"]) * 1000


@contextmanager
def open_tab(folder: Path) -> Iterator[Tab]:
    with ExitStack() as stack:
        site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        stack.callback(site.server_close)
        stack.callback(site.shutdown)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        stack.callback(browser.close)
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(0)
        room = stack.enter_context(open_room(folder / "world", web_port=site.server_port))
        tab = Tab(folder / "technical.pdf", page, room)
        url = f"http://localhost:{site.server_port}"
        context.add_cookies([{"name": COOKIE, "value": room.token, "url": url}])
        page.goto(f"{url}/")
        page.locator("input").set_input_files(tab.file)
        yield tab


def run() -> list[Table]:
    """MiB a second of wall time, and the memory of the tab."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, open_tab(Path(name)) as tab:
        figures = {
            RAW: tab.raw,
            DROPPED: lambda: tab.pipeline(is_plain=False, is_sent=False),
            PLAIN: lambda: tab.pipeline(is_plain=True),
            SEALED: tab.sealed,
        }
        taken = paired(figures, rounds=ROUNDS)
        growth = sorted(tab.growth)
    memory = Line(f"{SEALED}, {SIZE_MIB:,} MiB", growth[len(growth) // 2], 1.0, 1.0, 1.0)
    return [
        taken.table(f"{SIZE_MIB:,} MiB from a tab", "MiB/s", (RAW, DROPPED, SEALED)),
        taken.table("Against the same without encryption", "MiB/s", (PLAIN, SEALED)),
        Table("Growth of the tab's memory", "MiB", (memory,), f"Largest of {len(growth)} rounds: {growth[-1]:.0f}."),
    ]


def judge(tables: list[Table]) -> list[str]:
    raw, plain, memory = tables[0].line(DROPPED).ratio, tables[1].line(SEALED).ratio, tables[2].lines[0].median
    return [
        verdict("sealing >= 0.4 x WebCrypto AES-GCM, four in flight", is_met=raw >= 0.4, found=f"{raw:.2f}"),
        verdict("seal and upload >= 0.8 x the same without encryption", is_met=plain >= 0.8, found=f"{plain:.2f}"),
        verdict("memory of the tab grows by <= 300 MiB", is_met=memory <= 300, found=f"{memory:.0f} MiB"),
    ]
