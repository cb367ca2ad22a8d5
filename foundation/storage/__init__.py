"""Objects (sealed bids, documents, records): written once, never changed, in a local folder or in S3.

``open_store("file:///var/lib/centre/objects")`` or ``open_store("s3://bucket/prefix?endpoint=https://…")``. When a
writing call returns, the bytes are on stable storage; a name holds the same bytes for ever, so writing the same bytes
again succeeds and writing different ones is refused (``ObjectDiffers``).
"""

from foundation.storage.errors import BadName, ObjectDiffers, ObjectMissing, StorageFailed
from foundation.storage.local import LocalStore
from foundation.storage.names import MAX_NAME_LENGTH, check_name, check_prefix
from foundation.storage.opening import open_store
from foundation.storage.port import ObjectStore, Stored
from foundation.storage.remote import RemoteStore

__all__ = [
    "MAX_NAME_LENGTH",
    "BadName",
    "LocalStore",
    "ObjectDiffers",
    "ObjectMissing",
    "ObjectStore",
    "RemoteStore",
    "StorageFailed",
    "Stored",
    "check_name",
    "check_prefix",
    "open_store",
]
