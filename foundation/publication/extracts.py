"""What an audit bundle takes from the log: leaves of chosen streams with proofs, and the checkpoints that matter.

Line forms: ``docs/reference/bundle-format.md``. What is taken depends on the journal alone, not on when it is asked:
the tree is the first published one that covers every entry.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import canonical
from foundation.events import Audience, event_types
from foundation.journal.models import JournalEntry
from foundation.publication.entries import private_record
from foundation.publication.errors import NotYetProved
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogLeaf, LogPlacement, LogState
from foundation.publication.tree import StoredHashes
from foundation.store.unit import Unit
from foundation.transparency.blinding import PUBLIC_PREFIX, blinded_digest
from foundation.transparency.merkle import consistency_proof, inclusion_proof

RETRY_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Extract:
    """The newest checkpoint as a signed note, and how far each stream goes."""

    checkpoint: str
    size: int
    streams: dict[str, int]


class LogExtract:
    """One reading of the log for one bundle. ``opened``: ids of private entries whose text is to be published."""

    def __init__(self, unit: Unit, streams: Collection[str], opened: Collection[str]) -> None:
        self._session: Session = unit.session
        self._opened = set(opened)
        session = self._session
        rows = list(session.execute(_entries_of(streams, self._opened)))
        self._rows = sorted(rows, key=lambda row: (row.leaf_index is None, row.leaf_index or 0, row.stream, row.seq))
        self._head = self._first_over(self._rows[-1].leaf_index if self._rows else None)
        self._hashes = StoredHashes(session)
        heads = dict.fromkeys(streams, 0)
        for row in self._rows:
            if row.stream in heads:
                heads[row.stream] = max(heads[row.stream], row.seq)
        self.extract = Extract(self._head.note, self._head.size, heads)

    def leaves(self) -> Iterator[bytes]:
        """Lines of ``leaves.jsonl``, by leaf and slot."""
        pending: list[tuple[int, bytes]] = []
        at = -1
        for row in self._rows:
            if row.leaf_index != at:
                yield from (line for _, line in sorted(pending))
                pending, at = [], row.leaf_index
            pending.append(self._line(self._session.get_one(JournalEntry, row.id)))
            self._session.expunge_all()
        yield from (line for _, line in sorted(pending))

    def checkpoints(self, also: Collection[int] = ()) -> Iterator[bytes]:
        """Lines of ``log/checkpoints.jsonl``: earlier checkpoints, each with the proof to the next.

        Those that first covered an entry, and those of the sizes ``also``, which entries name.
        """
        sizes = sorted({self._head.size, *self._first_sizes(), *also})
        for size, following in pairwise(sizes):
            found = self._session.get_one(LogCheckpoint, size)
            proof = consistency_proof(self._hashes, size, following)
            yield _line_of({"size": size, "note": found.note, "consistency": _base64(proof)})

    def _first_sizes(self) -> Iterator[int]:
        size = 0
        for index in sorted({row.leaf_index for row in self._rows}):
            if index >= size:
                size = self._first_over(index).size
                yield size

    def _first_over(self, index: int | None) -> LogCheckpoint:
        """The first published checkpoint over a leaf. Raises NotYetProved while there is none."""
        state = self._session.get(LogState, STATE_ROW)
        if index is None or state is None:
            raise NotYetProved(retry_after=RETRY_SECONDS)
        query = select(LogCheckpoint).where(LogCheckpoint.size > index, LogCheckpoint.size <= state.published_size)
        if state.needs_cosigner:
            query = query.where(LogCheckpoint.cosigned_at.is_not(None))
        found = self._session.scalar(query.order_by(LogCheckpoint.size).limit(1))
        if found is None:
            raise NotYetProved(retry_after=RETRY_SECONDS)
        return found

    def _line(self, row: JournalEntry) -> tuple[int, bytes]:
        """(slot, line); a public leaf has slot -1."""
        if row.leaf_index is None:
            raise NotYetProved(retry_after=RETRY_SECONDS)
        proof = _base64(inclusion_proof(self._hashes, row.leaf_index, self._head.size))
        if row.audience is Audience.PUBLIC:
            leaf = self._session.get_one(LogLeaf, row.leaf_index)
            value: dict[str, Any] = {"index": row.leaf_index, "entry": leaf.entry.decode(), "proof": proof}
            told = canonical.loads(leaf.entry.removeprefix(PUBLIC_PREFIX), max_bytes=len(leaf.entry))
            if "data_sha256" in told:
                value["data"] = _projection(row)
            return -1, _line_of(value)
        placed = self._session.get_one(LogPlacement, row.id).placement
        record = private_record(row)
        value = {"index": row.leaf_index, "slot": placed.slot, "slot_proof": _base64(placed.hashes), "proof": proof}
        if row.id in self._opened:
            value |= {"nonce": row.nonce.hex(), "record": record.decode()}
        else:
            digest = blinded_digest(row.nonce, record).hex()
            value |= {"digest": digest, "seq": row.seq, "stream": row.stream}
        return placed.slot, _line_of(value)


def _entries_of(streams: Collection[str], opened: Collection[str]) -> Any:
    return select(JournalEntry.id, JournalEntry.leaf_index, JournalEntry.stream, JournalEntry.seq).where(
        JournalEntry.stream.in_(streams) | JournalEntry.id.in_(opened)
    )


def _projection(row: JournalEntry) -> dict[str, Any]:
    values: dict[str, Any] = canonical.loads(row.data, max_bytes=len(row.data.encode()))
    return {name: values[name] for name in event_types()[row.type].PUBLIC_FIELDS if name in values}


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]


def _line_of(value: dict[str, Any]) -> bytes:
    return canonical.dumps(value).encode() + b"\n"
