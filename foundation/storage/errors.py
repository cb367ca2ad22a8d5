"""What can go wrong with an object."""

from __future__ import annotations

from foundation.errors import Conflict, InvalidInput, NotFound, Unavailable


class BadName(InvalidInput):
    """A name that leaves its folder, hides, or is too long. Fields: ``name``."""

    code = "storage.bad_name"


class ObjectMissing(NotFound):
    """Nothing is stored under this name. Fields: ``name``."""

    code = "storage.object_missing"


class ObjectDiffers(Conflict):
    """The name already holds other bytes; they stay as they are. Fields: ``name``."""

    code = "storage.object_differs"


class StorageFailed(Unavailable):
    """The disk or the object server did not do it (full, unreachable, not permitted). Fields: ``name``, ``reason``."""

    code = "storage.failed"
