"""From ``STORAGE_URL`` to a store."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from foundation.storage.local import LocalStore
from foundation.storage.port import ObjectStore
from foundation.storage.remote import RemoteStore, memory_backend, s3_backend


def open_store(url: str) -> ObjectStore:
    """``file:///folder`` · ``s3://bucket/prefix?endpoint=…&region=…`` · ``memory://`` (this process only, for tests).

    S3 credentials come from the environment (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, or the machine's role).
    Raises ValueError for an address that names none of these.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "file" if parts.netloc in {"", "localhost"} and parts.path:
            return LocalStore(Path(unquote(parts.path)))
        case "s3" if parts.netloc:
            options = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=False).items()}
            unknown = options.keys() - {"endpoint", "region"}
            if unknown:
                raise ValueError(f"unknown storage option: {', '.join(sorted(unknown))}")
            prefix = parts.path.strip("/")
            return RemoteStore(s3_backend(parts.netloc, prefix, **options))
        case "memory":
            return RemoteStore(memory_backend())
        case _:
            raise ValueError(f"not a storage address: {url!r} (file:///folder or s3://bucket/prefix?endpoint=…)")
