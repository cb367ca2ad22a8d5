"""The offline encryptor: one HTML file with everything inside, which its own policy forbids to reach any network.

The same tree gives the same bytes. Nothing of the lot, the visitor or the centre goes in: the file that one bidder
downloads is the file everybody downloads, and its SHA-256 stands in the public log.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from foundation.i18n import catalogue
from tendering.clients.modules import ModuleForm, graph_of

ROOT: Final = Path(__file__).resolve().parents[2]
ENTRY: Final = "js/offline/page.js"
SHEETS: Final = ("css/tokens.css", "css/parts.css", "css/offline.css")
TEMPLATE: Final = "client/offline-encryptor.html"
_WORDS: Final = ("sealing.",)


def offline_page(root: Path = ROOT) -> bytes:
    """The file, from the tree at ``root``. Raises ModuleForm, OSError (vendored files missing)."""
    script = f'"use strict";\n{graph_of(root / "static", (ENTRY,)).script()}'
    style = "\n".join((root / "static" / name).read_text(encoding="utf-8") for name in SHEETS)
    for kind, text, ends in (
        ("script", script, ("</script", "<!--")),
        ("style", style, ("</style", "url(", "@import")),
    ):
        if found := next((end for end in ends if end in text.lower()), None):
            raise ModuleForm(f"{kind}: {found} cannot stand inside the page")
    environment = Environment(
        loader=FileSystemLoader(root / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = _both
    page = environment.get_template(TEMPLATE).render(
        policy=_policy(script, style),
        style=Markup(style),  # noqa: S704 - this project's own sheets, checked above
        script=Markup(script),  # noqa: S704 - this project's own modules, checked above
        words=Markup(_words()),  # noqa: S704 - JSON without a less-than sign
    )
    return f"{page}\n".encode()


@cache
def offline_encryptor() -> bytes:
    """The file as this process serves it. Errors as :func:`offline_page`."""
    return offline_page()


def _both(zh: str, en: str) -> Markup:
    """Both languages; the sheet shows one."""
    return Markup(f'<span class="zh" lang="zh-Hans">{escape(zh)}</span><span class="en" lang="en">{escape(en)}</span>')  # noqa: S704


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; img-src data:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'; worker-src 'none'; frame-src 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _words() -> str:
    """The sentences of what can be refused, by code, in both languages."""
    errors = catalogue().sections["errors"]
    chosen = {code: list(texts) for code, texts in sorted(errors.items()) if code.startswith(_WORDS)}
    return json.dumps(chosen, ensure_ascii=False).replace("<", "\\u003c")
