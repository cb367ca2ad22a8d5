"""The cosigner process: signs that a checkpoint is the largest consistent tree it saw."""

from __future__ import annotations

from urllib.parse import urlsplit

from foundation.clock import machine_now
from foundation.entropy import SystemEntropy
from foundation.errors import Unavailable
from foundation.settings import Settings
from foundation.transparency.cosigner import serve
from foundation.transparency.keys import Algorithm, load_or_create_key

NAME = "regulator.localhost/cosigner"


def run_cosigner(settings: Settings) -> None:
    """Serve until killed. Raises Unavailable when no address is configured."""
    address = urlsplit(settings.cosigner_url)
    if not address.hostname or not address.port:
        raise Unavailable(what="CENTRE_COSIGNER_URL")
    folder = settings.data_dir / "cosigner"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    entropy = SystemEntropy()
    key = load_or_create_key(folder / "cosigner.key", NAME, Algorithm.COSIGNATURE, entropy)
    log_key = load_or_create_key(settings.secrets_dir / "log.key", settings.log_origin, Algorithm.ED25519, entropy)
    (folder / "cosigner.vkey").write_text(f"{key.verifier}\n", encoding="utf-8")
    serve(address.hostname, address.port, folder, key, [str(log_key.verifier)], now=machine_now)
