"""The pages' pure modules run outside a page: by ``node`` where it is, else in Chromium. One process, many questions.

A script is a module body that defines ``answer(question)``; it imports from ``/static/js/…`` as pages do.
"""

from __future__ import annotations

import json
import mimetypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support import chromium

STATIC = Path(__file__).resolve().parents[2] / "static"
Ask = Callable[[Any], Any]
"""A question and its answer, both JSON."""
LOOP = """
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line))) + "\\n");
}
"""


@contextmanager
def running(script: str) -> Iterator[Ask]:
    """Run a script; ask it as often as wanted."""
    node = shutil.which("node")
    with _by_node(node, script) if node else _by_chromium(script) as ask:
        yield ask


@contextmanager
def _by_node(node: str, script: str) -> Iterator[Ask]:
    with tempfile.TemporaryDirectory(prefix="script-") as folder:
        shutil.copytree(STATIC / "js", Path(folder, "js"))
        Path(folder, "package.json").write_text('{"type": "module"}', encoding="utf-8")
        body = script.replace("/static/js/", "./js/")
        main = Path(folder, "main.js")
        main.write_text(body + LOOP, encoding="utf-8")
        process = subprocess.Popen([node, str(main)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(question: Any) -> Any:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, f"node ended with {process.wait(5)}"
            return json.loads(line)

        try:
            yield ask
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()


@contextmanager
def _by_chromium(script: str) -> Iterator[Ask]:
    from playwright.sync_api import sync_playwright

    def serve(route: Any) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(body="<!doctype html><title>x</title>", content_type="text/html")
        elif path == "/main.js":
            route.fulfill(body=f"{script}\nexport {{ answer }};", content_type="text/javascript")
        else:
            kind = mimetypes.guess_type(path)[0] or "text/plain"
            route.fulfill(body=(STATIC / path.removeprefix("/static/")).read_bytes(), content_type=kind)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        page = browser.new_page()
        page.route("http://script.test/**", serve)
        page.goto("http://script.test/")
        try:
            yield lambda question: page.evaluate(
                "async (question) => (await import('/main.js')).answer(question)", question
            )
        finally:
            browser.close()
