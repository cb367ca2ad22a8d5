"""A sealed bid as one file: the archive that the offline encryptor saves, unpacked beside itself for the commands."""

from __future__ import annotations

import tarfile
from pathlib import Path
from shutil import copyfileobj, rmtree
from typing import Final

import click

from foundation.sealing.padding import MAX_PART_BYTES
from foundation.sealing.text import WORD
from tendering.cli_envelope import ABOUT, HEADER, KEYSET, MANIFEST, PARTS, READ_BYTES, SIGNATURE, SealedFolder
from tendering.cli_errors import FolderMalformed

SEALED: Final = click.Path(path_type=Path, exists=True)
"""The argument of every command that takes a sealed bid: a folder of ``centre seal``, or such an archive."""
MAX_MEMBERS: Final = 64
_TEXTS: Final = frozenset({HEADER, MANIFEST, SIGNATURE, ABOUT, KEYSET})
_MAX_TEXT_BYTES: Final = 1 << 20
_MAX_PART_BYTES: Final = 2 * MAX_PART_BYTES


def sealed_folder(path: Path) -> SealedFolder:
    """The sealed bid at ``path``; an archive is unpacked once, into the folder of its name beside it.

    Raises FolderMalformed (also where that folder holds another bid), and what header or manifest break.
    """
    if path.is_dir():
        return SealedFolder.read(path)
    folder = path.with_suffix("")
    if folder == path:
        raise FolderMalformed(path=str(path), reason="archive")
    partial = path.with_name(f".{path.name}.unpacking")
    rmtree(partial, ignore_errors=True)
    try:
        _unpack(path, partial)
        unpacked = SealedFolder.read(partial)
        if folder.exists():
            # An upload may be under way from there; the same bid is the same folder.
            if SealedFolder.read(folder).manifest.raw != unpacked.manifest.raw:
                raise FolderMalformed(path=str(folder), reason="another_bid")
        else:
            partial.rename(folder)
    finally:
        rmtree(partial, ignore_errors=True)
    return SealedFolder.read(folder)


def _unpack(path: Path, target: Path) -> None:
    """Plain files under the names of a sealed folder and nothing else: the archive may come from anywhere."""
    (target / PARTS).mkdir(parents=True)
    try:
        with tarfile.open(path, "r:") as archive:
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS or not member.isreg() or not _is_ours(member):
                    raise FolderMalformed(path=str(path), reason=f"member {member.name[:60]!r}")
                source = archive.extractfile(member)
                with (target / member.name).open("xb") as out:
                    if source is not None:
                        copyfileobj(source, out, READ_BYTES)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FolderMalformed(path=str(path), reason=type(error).__name__) from error


def _is_ours(member: tarfile.TarInfo) -> bool:
    if member.name in _TEXTS:
        return member.size <= _MAX_TEXT_BYTES
    folder, _, file = member.name.partition("/")
    stem = file.removesuffix(".cob")
    is_part = folder == PARTS and stem != file and WORD.fullmatch(stem) is not None
    return is_part and member.size <= _MAX_PART_BYTES
