"""The journal: facts appended in the same transaction as the change they tell of, numbered per stream."""

from __future__ import annotations

from foundation.journal.models import JournalEntry, JournalStream
from foundation.journal.read import Entry, read_stream, verify_stream
from foundation.journal.write import append

__all__ = ["Entry", "JournalEntry", "JournalStream", "append", "read_stream", "verify_stream"]
