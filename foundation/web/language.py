"""Which language this reader gets: ``?lang=`` (remembered), then the cookie, then the browser's wish, then Chinese."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Flask, Response, g, request

from foundation.i18n import DEFAULT_LANG, Lang, known_lang, lang_of_header, set_lang

COOKIE: Final = "lang"
_YEAR_SECONDS: Final = 365 * 24 * 3600


def chosen() -> Lang:
    header = request.headers.get("Accept-Language", "")
    return known_lang(request.args.get("lang")) or known_lang(request.cookies.get(COOKIE)) or lang_of_header(header)


def lang_url(lang: Lang) -> str:
    """The present page in ``lang``."""
    kept = request.args.to_dict(flat=False)
    kept["lang"] = [lang]
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
        if response.mimetype in {"text/html", "application/problem+json"}:
            response.headers.setdefault("Content-Language", g.get("lang", DEFAULT_LANG))
        return response

    @app.teardown_request
    def forget_language(_error: BaseException | None) -> None:
        # Server threads are reused: the next job on this thread must not inherit the reader's language.
        set_lang(DEFAULT_LANG)
