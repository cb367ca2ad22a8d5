"""Static files under an address that changes with their content, so that browsers may keep them for a year.

The version stands in the path, not behind a question mark: relative imports of modules, workers and fonts keep it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from flask import Flask, Response, send_from_directory
from flask.typing import ResponseReturnValue

from foundation.web.access import PUBLIC, allow

_READ_UP_TO: Final = 2_000_000


def tree_version(folder: Path) -> str:
    """Twelve hex digits over names and contents; of large files (fonts) only the size counts."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        # A file that is being replaced while we look (npm ci beside a start) is simply not counted.
        with suppress(FileNotFoundError):
            if not path.is_file():
                continue
            size = path.stat().st_size
            content = path.read_bytes() if size <= _READ_UP_TO else str(size).encode()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def install(app: Flask, folder: Path) -> None:
    """Serve ``folder`` at ``/static/…`` (revalidated) and ``/static/v-<version>/…`` (kept for a year)."""
    version = tree_version(folder)

    @app.get("/static/<path:filename>", endpoint="static")
    @allow(PUBLIC)
    def static(filename: str) -> ResponseReturnValue:
        return send_from_directory(folder, filename)

    @app.get("/static/v-<asked>/<path:filename>", endpoint="static_versioned")
    @allow(PUBLIC)
    def static_versioned(asked: str, filename: str) -> Response:
        response = send_from_directory(folder, filename)
        # Another process may already run newer files: what it does not know for sure is not to be kept.
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if asked == version and not app.debug else "no-cache"
        )
        return response

    def static_url(path: str) -> str:
        return f"{app.config['APPLICATION_ROOT'].rstrip('/')}/static/v-{version}/{path}"

    app.jinja_env.globals["static_url"] = static_url
