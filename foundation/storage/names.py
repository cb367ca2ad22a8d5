"""Names of objects: slash-separated, the same rules for every kind of store.

A name of one part may not be the folder of another object ("a" beside "a/b"): a local folder cannot hold both.
"""

from __future__ import annotations

import re

from foundation.storage.errors import BadName

MAX_NAME_LENGTH = 512
"""Characters of a whole name; S3 takes 1,024 bytes and the store's own prefix comes in front."""

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")


def check_name(name: str) -> str:
    """The name itself when it is a good one: letters, digits, ``. _ -``; no part starts with a dot. Else BadName."""
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise BadName(name=name[:MAX_NAME_LENGTH])
    return name


def check_prefix(prefix: str) -> str:
    """A folder: a good name without a trailing slash, or "" for everything."""
    return check_name(prefix) if prefix else ""
