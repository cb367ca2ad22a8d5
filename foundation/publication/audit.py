"""The check of everything: every leaf, the tree, every checkpoint and every published journal entry, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foundation import canonical
from foundation.errors import InvalidInput
from foundation.events import Audience
from foundation.journal.models import JournalEntry
from foundation.journal.write import content_of
from foundation.publication.entries import check_public_leaf, private_record
from foundation.publication.errors import LogDiffers
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogLeaf, LogPlacement, LogState
from foundation.publication.tiles import getter
from foundation.storage import ObjectStore
from foundation.store.unit import Unit
from foundation.transparency.blinding import BlindedEntry, blinded_digest, parse_entry, tick_entry
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.merkle import Frontier, leaf_hash
from foundation.transparency.notes import Note
from foundation.transparency.tiles import TILE_WIDTH, TileReader

_CHUNK: Final = 500


def verify_log(unit: Unit, objects: ObjectStore | None = None) -> int:
    """Recompute the whole log from the journal; returns the number of leaves.

    With ``objects`` the tiles of the newest signed checkpoint are compared too. Raises LogDiffers with the first bad
    ``index`` (for a checkpoint: its size), or BadTile, TileMissing. Reads everything, so it is for ``centre check``.
    """
    session = unit.session
    state = session.get(LogState, STATE_ROW)
    if state is None:
        _check_counts(session, 0)
        return 0
    heads = _checkpoints(session)
    due = next(heads, None)
    frontier = Frontier()
    for leaf, row in _leaves(session):
        if leaf.leaf_index != frontier.size:
            raise LogDiffers(index=frontier.size, reason="missing")
        _check_leaf(session, leaf, row)
        frontier = frontier.appended(leaf.leaf_hash)
        while due is not None and due.size == frontier.size:
            _check_checkpoint(due, frontier)
            due = next(heads, None)
    if due is not None or frontier.size < state.signed_size:
        raise LogDiffers(index=frontier.size, reason="shorter_than_signed")
    if (frontier.size, [peak.hex() for peak in frontier.peaks]) != (state.size, state.frontier):
        raise LogDiffers(index=frontier.size, reason="state_differs")
    _check_counts(session, frontier.size)
    if objects is not None and state.signed_size:
        _check_tiles(session, objects, state.signed_size)
    return frontier.size


def _leaves(session: Session) -> Iterator[tuple[LogLeaf, JournalEntry | None]]:
    after = -1
    while rows := session.execute(
        select(LogLeaf, JournalEntry)
        .outerjoin(JournalEntry, JournalEntry.id == LogLeaf.journal_entry_id)
        .where(LogLeaf.leaf_index > after)
        .order_by(LogLeaf.leaf_index)
        .limit(_CHUNK)
    ).all():
        yield from ((leaf, row) for leaf, row in rows)
        after = rows[-1][0].leaf_index
        session.expunge_all()


def _checkpoints(session: Session) -> Iterator[LogCheckpoint]:
    after = 0
    while rows := session.scalars(
        select(LogCheckpoint).where(LogCheckpoint.size > after).order_by(LogCheckpoint.size).limit(_CHUNK)
    ).all():
        yield from rows
        after = rows[-1].size


def _check_leaf(session: Session, leaf: LogLeaf, row: JournalEntry | None) -> None:
    index = leaf.leaf_index
    if leaf_hash(leaf.entry) != leaf.leaf_hash:
        raise LogDiffers(index=index, reason="hash_differs")
    try:
        if leaf.journal_entry_id is not None:
            check_public_leaf(_checked(row, index), leaf.entry, index)
        elif isinstance(parse_entry(leaf.entry), BlindedEntry):
            _check_tick(session, leaf)
        else:
            raise LogDiffers(index=index, reason="not_blinded")
    except InvalidInput as error:
        raise LogDiffers(index=index, reason="malformed") from error


def _check_tick(session: Session, leaf: LogLeaf) -> None:
    index = leaf.leaf_index
    placed = session.execute(
        select(LogPlacement, JournalEntry)
        .outerjoin(JournalEntry, JournalEntry.id == LogPlacement.journal_entry_id)
        .where(LogPlacement.leaf_index == index)
    )
    for placement, row in placed:
        record = private_record(_checked(row, index))
        if tick_entry(blinded_digest(row.nonce, record), placement.placement) != leaf.entry:
            raise LogDiffers(index=index, reason="entry_differs")


def _checked(row: JournalEntry | None, index: int) -> JournalEntry:
    """The journal's own hash is what the leaf commits to, so it has to be true itself."""
    if row is None or row.leaf_index != index or canonical.digest(content_of(row)) != row.hash:
        raise LogDiffers(index=index, reason="journal_differs")
    return row


def _check_checkpoint(row: LogCheckpoint, frontier: Frontier) -> None:
    try:
        told = Checkpoint.parse(Note.parse(row.note).text)
    except InvalidInput as error:
        raise LogDiffers(index=row.size, reason="malformed") from error
    if (told.size, told.root) != (row.size, row.root) or row.root != frontier.root():
        raise LogDiffers(index=row.size, reason="checkpoint_differs")


def _check_counts(session: Session, size: int) -> None:
    """Every entry that claims a leaf has one: leaves were checked one by one, so equal counts leave no room."""
    told = dict.fromkeys(Audience, 0)
    rows = select(JournalEntry.audience, func.count()).where(JournalEntry.leaf_index.is_not(None))
    for audience, count in session.execute(rows.group_by(JournalEntry.audience)):
        told[audience] = count
    public = session.scalar(select(func.count()).where(LogLeaf.journal_entry_id.is_not(None)))
    private = session.scalar(select(func.count()).select_from(LogPlacement))
    if (told[Audience.PUBLIC], told[Audience.PRIVATE]) != (public, private):
        raise LogDiffers(index=size, reason="journal_differs")


def _check_tiles(session: Session, objects: ObjectStore, size: int) -> None:
    reader = TileReader(getter(objects), size)
    root = session.scalars(select(LogCheckpoint.root).where(LogCheckpoint.size == size)).one()
    if reader.root() != root:
        raise LogDiffers(index=size, reason="tiles_differ")
    for number in range(-(-size // TILE_WIDTH)):
        first = number * TILE_WIDTH
        leaves = session.execute(
            select(LogLeaf.entry, LogLeaf.leaf_hash)
            .where(LogLeaf.leaf_index >= first, LogLeaf.leaf_index < min(first + TILE_WIDTH, size))
            .order_by(LogLeaf.leaf_index)
        )
        stored = zip(reader.bundle(number), reader.tile(0, number), strict=True)
        for place, (leaf, pair) in enumerate(zip(leaves, stored, strict=True)):
            if tuple(leaf) != pair:
                raise LogDiffers(index=first + place, reason="tiles_differ")
