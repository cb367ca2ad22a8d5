"""S3: ``TEST_S3_ENDPOINT``, else moto's server as a child process."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import urllib.request
from pathlib import Path

from tests.support import services
from tests.support.services import Choice

VARIABLE = "TEST_S3_ENDPOINT"
REGION = "us-east-1"


def choose() -> Choice:
    if url := os.environ.get(VARIABLE):
        return Choice(f"{VARIABLE} ({url})", url)
    return Choice(f"moto {importlib.metadata.version('moto')}")


def endpoint() -> str:
    return (choose().url or services.shared("s3", _start)).rstrip("/")


def make_bucket(endpoint_url: str, bucket: str) -> None:
    """Unsigned, so for moto only; with another server the bucket's owner makes it (see ``TEST_S3_BUCKET``)."""
    request = urllib.request.Request(f"{endpoint_url}/{bucket}", method="PUT")  # noqa: S310 (a server of this run)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (the same)
        assert answer.status == 200


def _start(_folder: Path) -> str:
    port = services.free_port()
    services.launch("s3", [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)])
    url = f"http://127.0.0.1:{port}"
    services.wait_until("s3", lambda: services.accepts_connections(url))
    return url
