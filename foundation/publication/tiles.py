"""The derived half of the log: its files in the object store, its checkpoint rows, and the first state row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.publication.errors import LogDiffers, TilesDiffer
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogState
from foundation.storage import ObjectDiffers, ObjectMissing, ObjectStore
from foundation.transparency.tiles import Edge, extend

FOLDER: Final = "log"
"""Where the log's files lie in the object store: ``log/tile/<L>/<N>`` and ``log/tile/entries/<N>``."""


def getter(objects: ObjectStore) -> Callable[[str], bytes | None]:
    """``get(path)`` as ``TileReader`` and ``load_edge`` want it."""

    def get(path: str) -> bytes | None:
        try:
            return objects.get(f"{FOLDER}/{path}")
        except ObjectMissing:
            return None

    return get


def integrate(objects: ObjectStore, edge: Edge, entries: Sequence[bytes]) -> tuple[Edge, list[str]]:
    """Append ``entries`` to the files; durable on return. Also returns the paths of tiles and bundles now full.

    Raises TilesDiffer where the store, which never changes a file, holds another one under the same name.
    """
    extension = extend(edge, entries)
    for path, content in extension.files.items():
        try:
            objects.put_once(f"{FOLDER}/{path}", content)
        except ObjectDiffers as error:
            raise TilesDiffer(path=path) from error
    return extension.edge, [path for path in extension.files if ".p/" not in path]


def ensure_state(session: Session, *, needs_cosigner: bool) -> None:
    """Insert the one state row of an empty log unless it is there."""
    if session.scalar(select(LogState.id).where(LogState.id == STATE_ROW)) is not None:
        return
    values = {
        "id": STATE_ROW,
        "size": 0,
        "frontier": [],
        "signed_size": 0,
        "published_size": 0,
        "needs_cosigner": needs_cosigner,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(LogState).values(values).on_conflict_do_nothing())


def store_checkpoint(session: Session, new: LogCheckpoint) -> None:
    """Keep a checkpoint; a cosigned note takes the place of the same checkpoint without a cosignature, never back.

    Raises LogDiffers when another tree of this size was signed before.
    """
    state = session.scalars(select(LogState).where(LogState.id == STATE_ROW).with_for_update()).one()
    kept = session.get(LogCheckpoint, new.size)
    if kept is None:
        session.add(new)
        kept = new
    elif kept.root != new.root:
        raise LogDiffers(index=new.size, reason="checkpoint_differs")
    elif kept.cosigned_at is None and new.cosigned_at is not None:
        kept.note, kept.cosigned_at = new.note, new.cosigned_at
    state.signed_size = max(state.signed_size, kept.size)
    if kept.cosigned_at is not None or not state.needs_cosigner:
        state.published_size = max(state.published_size, kept.size)
