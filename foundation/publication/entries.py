"""What the log says of a journal entry: the public leaf, and the private record that only its digest represents.

Both are canonical JSON ``{at, data, entry, seq, stream, type}``; ``entry`` is the journal entry's hash, blinded by its
nonce. The ``data`` of a public leaf is the event's public projection, that of a private record the whole event.
"""

from __future__ import annotations

import json
from typing import Any

from foundation import canonical
from foundation.clock import iso
from foundation.events import event_types
from foundation.journal.models import JournalEntry
from foundation.publication.errors import LogDiffers
from foundation.transparency.blinding import MAX_ENTRY_BYTES, PUBLIC_PREFIX, PublicEntry, parse_entry, public_entry


def public_leaf(row: JournalEntry) -> bytes:
    """The leaf of a public entry.

    Where the projection does not fit into an entry bundle (65,535 bytes) the leaf has ``data_sha256``, the hex SHA-256
    of the projection's canonical JSON, in place of ``data``. Raises KeyError for an event type without code.
    """
    values = json.loads(row.data)
    fields = event_types()[row.type].PUBLIC_FIELDS
    projection = {name: values[name] for name in fields if name in values}
    body = _body({**_head(row), "data": projection})
    if len(PUBLIC_PREFIX) + len(body) > MAX_ENTRY_BYTES:
        body = _body({**_head(row), "data_sha256": canonical.digest(projection)})
    return public_entry(body)


def private_record(row: JournalEntry) -> bytes:
    """The record of a private entry, as its owner may read it; the log holds its blinded digest."""
    return _body({**_head(row), "data": json.loads(row.data)})


def check_public_leaf(row: JournalEntry, leaf: bytes, index: int) -> None:
    """Raise LogDiffers unless ``leaf`` tells of this entry and nothing else.

    The leaf is compared with the entry, not with a leaf made anew: which fields are public may grow over the years.
    """
    found = parse_entry(leaf)
    if not isinstance(found, PublicEntry):
        raise LogDiffers(index=index, reason="not_public")
    told: dict[str, Any] = canonical.loads(found.body, max_bytes=MAX_ENTRY_BYTES)
    data = told.pop("data", None)
    if data is None:
        if leaf != public_leaf(row):
            raise LogDiffers(index=index, reason="entry_differs")
        return
    values = json.loads(row.data)
    if told != _head(row) or any(name not in values or values[name] != value for name, value in data.items()):
        raise LogDiffers(index=index, reason="entry_differs")


def _head(row: JournalEntry) -> dict[str, Any]:
    return {
        "type": row.type,
        "stream": row.stream,
        "seq": row.seq,
        "at": iso(row.recorded_at),
        "entry": blinded_hash(row),
    }


def blinded_hash(row: JournalEntry) -> str:
    """The journal entry's hash under the entry's own nonce, hex SHA-256.

    The hash covers actor and network address; bare, it would let somebody confirm a guess of them.
    """
    return canonical.digest({"entry": row.hash, "nonce": row.nonce.hex()})


def _body(value: dict[str, Any]) -> bytes:
    return canonical.dumps(value).encode()
