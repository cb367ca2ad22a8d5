"""What a reader chose and wants remembered: language (``?lang=``) and large text (``?text=``).

Without a choice the language is the browser's wish, and Chinese where it names none of ours.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Flask, Response, g, request

from foundation.i18n import DEFAULT_LANG, Lang, known_lang, lang_of_header, set_lang

COOKIE: Final = "lang"
TEXT_COOKIE: Final = "text"
_SIZES: Final = ("normal", "large")
_YEAR_SECONDS: Final = 365 * 24 * 3600


def chosen() -> Lang:
    header = request.headers.get("Accept-Language", "")
    return known_lang(request.args.get("lang")) or known_lang(request.cookies.get(COOKIE)) or lang_of_header(header)


def lang_url(lang: Lang) -> str:
    """The present page in ``lang``."""
    return _with("lang", lang)


def text_url(size: str) -> str:
    """The present page in ``normal`` or ``large`` text."""
    return _with("text", size)


def text_is_large() -> bool:
    asked = request.args.get("text", "")
    return (asked if asked in _SIZES else request.cookies.get(TEXT_COOKIE)) == "large"


def _with(name: str, value: str) -> str:
    kept = request.args.to_dict(flat=False)
    kept[name] = [value]
    return f"{request.path}?{urlencode(kept, doseq=True)}"


def install(app: Flask) -> None:
    @app.before_request
    def choose_language() -> None:
        g.lang = chosen()
        set_lang(g.lang)

    @app.after_request
    def name_language(response: Response) -> Response:
        asked = known_lang(request.args.get("lang"))
        if asked is not None:
            response.set_cookie(COOKIE, asked, max_age=_YEAR_SECONDS, samesite="Lax", secure=request.is_secure)
        size = request.args.get("text", "")
        if size in _SIZES:
            # Readable by the script of the switch, which changes the page at once.
            response.set_cookie(TEXT_COOKIE, size, max_age=_YEAR_SECONDS, samesite="Lax", secure=request.is_secure)
        if response.mimetype in {"text/html", "application/problem+json"}:
            response.headers.setdefault("Content-Language", g.get("lang", DEFAULT_LANG))
        return response

    @app.teardown_request
    def forget_language(_error: BaseException | None) -> None:
        # Server threads are reused: the next job on this thread must not inherit the reader's language.
        set_lang(DEFAULT_LANG)
