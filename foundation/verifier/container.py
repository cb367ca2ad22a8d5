"""A bundle as files: a folder, or a zip of one fixed form in which every byte means something.

A general zip reader would accept changed dates, comments, gaps and second directories. This one accepts exactly the
form the bundle is written in, so that one changed bit anywhere in the file is noticed.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from foundation.verifier.problems import Problem, demand, same
from foundation.verifier.reading import split_lines

BLOCK = 1024 * 1024
MAX_FILES = 60_000
MAX_ZIP_BYTES = 2**32 - 1
MAX_FOLDER_FILE_BYTES = 2**32
SUMS = "SHA256SUMS"
LOCAL = struct.Struct("<IHHHHHIIIHH")
CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
END = struct.Struct("<IHHHHIIH")
LOCAL_MAGIC, CENTRAL_MAGIC, END_MAGIC = 0x04034B50, 0x02014B50, 0x06054B50
ZIP_VERSION, ZIP_DATE = 20, 0x21

_BID = "[0-9a-f]{32}"
_WORD = "[a-z0-9_-]{1,40}"
ALLOWED = re.compile(
    "|".join(
        (
            SUMS,
            r"policy\.txt|keyset\.json|tender\.json|leaves\.jsonl|opening\.jsonl|price-schedule-keys\.jsonl|r-bid\.jsonl",
            r"log/checkpoint|log/checkpoints\.jsonl|beacons\.json",
            rf"headers/{_BID}\.json|manifests/{_BID}\.(?:txt|sig)",
            rf"parts/{_BID}/{_WORD}\.cob",
            r"gate/(?:0|[1-9][0-9]?)\.key",
            r"draws/[A-Za-z0-9_-]{1,40}\.(?:txt|pool)",
            r"tsa/(?:[1-9][0-9]{0,15})\.tsr",
        )
    )
)


@dataclass(frozen=True, slots=True)
class Member:
    """One file: where its bytes begin, how many there are, and the CRC the zip states (None in a folder)."""

    name: str
    offset: int
    size: int
    crc: int | None = None


class Files(Protocol):
    """Read access to a bundle; names are sorted."""

    names: tuple[str, ...]

    def member(self, name: str) -> Member: ...

    def blocks(self, name: str) -> Iterator[bytes]:
        """The file in blocks of at most 1 MiB."""
        ...


def open_files(path: Path) -> Files:
    """The files of a folder or a zip. Raises Problem ``files.…`` when it is neither, or not of the fixed form."""
    return FolderFiles(path) if path.is_dir() else ZipFiles(path)


def read_whole(files: Files, name: str, limit: int) -> bytes:
    """A small file as bytes; refuses one above ``limit`` before reading it."""
    demand(name in files.names, "files.missing", name)
    demand(files.member(name).size <= limit, "files.too_large", name, limit=limit)
    return b"".join(files.blocks(name))


class FolderFiles:
    """A folder. Symbolic links and anything that is not a plain file are refused."""

    def __init__(self, root: Path) -> None:
        self._root = root
        found: dict[str, Member] = {}
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            demand(not path.is_symlink() and (path.is_dir() or path.is_file()), "files.kind", name)
            if path.is_file():
                found[name] = Member(name, 0, path.stat().st_size)
            demand(len(found) <= MAX_FILES, "files.too_many", "", limit=MAX_FILES)
        self._members = found
        self.names = tuple(sorted(found))

    def member(self, name: str) -> Member:
        return self._members[name]

    def blocks(self, name: str) -> Iterator[bytes]:
        with (self._root / name).open("rb") as file:
            while block := file.read(BLOCK):
                yield block


class ZipFiles:
    """A zip of the fixed form (docs/reference/bundle-format.md): stored members, one after the other, sorted."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        try:
            members = self._read()
        except Problem:
            self._file.close()
            raise
        self._members = {one.name: one for one in members}
        self.names = tuple(sorted(self._members))
        demand(len(self._members) == len(members), "files.zip", "", reason="name_twice")

    def close(self) -> None:
        self._file.close()

    def member(self, name: str) -> Member:
        return self._members[name]

    def blocks(self, name: str) -> Iterator[bytes]:
        member = self._members[name]
        crc, left = 0, member.size
        self._file.seek(member.offset)
        while left:
            at = self._file.tell()
            block = self._file.read(min(BLOCK, left))
            demand(block, "files.zip", name, reason="truncated")
            left -= len(block)
            crc = zlib.crc32(block, crc)
            yield block
            self._file.seek(at + len(block))
        demand(crc == member.crc, "files.zip", name, reason="crc")

    def _read(self) -> list[Member]:
        size = self._file.seek(0, 2)
        demand(END.size <= size <= MAX_ZIP_BYTES, "files.zip", "", reason="size")
        self._file.seek(size - END.size)
        magic, disk, disk2, count, total, directory, start, comment = END.unpack(self._file.read(END.size))
        demand(magic == END_MAGIC, "files.zip", "", reason="end")
        demand((disk, disk2, comment) == (0, 0, 0) and count == total <= MAX_FILES, "files.zip", "", reason="end")
        demand(start + directory + END.size == size, "files.zip", "", reason="end")
        self._file.seek(start)
        members = _directory(self._file.read(directory), count)
        for at, member in enumerate(members):
            following = members[at + 1].offset if at + 1 < count else start
            name = member.name.encode("ascii")
            self._file.seek(member.offset)
            wanted = local_header(name, member.size, member.crc or 0)
            demand(self._file.read(len(wanted)) == wanted, "files.zip", member.name, reason="local_header")
            begins = member.offset + len(wanted)
            demand(begins + member.size == following, "files.zip", member.name, reason="gap")
            members[at] = Member(member.name, begins, member.size, member.crc)
        demand(not members or members[0].offset == LOCAL.size + len(members[0].name), "files.zip", "", reason="gap")
        return members


def _directory(raw: bytes, count: int) -> list[Member]:
    found: list[Member] = []
    at = 0
    for _ in range(count):
        demand(at + CENTRAL.size <= len(raw), "files.zip", "", reason="directory")
        fields = CENTRAL.unpack_from(raw, at)
        crc, size, length, offset = fields[7], fields[9], fields[10], fields[16]
        name = raw[at + CENTRAL.size : at + CENTRAL.size + length]
        wanted = central_header(name, size, crc, offset)
        demand(raw[at : at + len(wanted)] == wanted and name.isascii(), "files.zip", "", reason="directory")
        found.append(Member(name.decode("ascii"), offset, size, crc))
        at += len(wanted)
    demand(at == len(raw), "files.zip", "", reason="directory")
    names = [one.name for one in found]
    demand(names == sorted(names, key=lambda name: (name == SUMS, name)), "files.zip", "", reason="order")
    return found


def local_header(name: bytes, size: int, crc: int) -> bytes:
    """Header before a member's bytes: stored, dated 1980-01-01, no extra field."""
    head = LOCAL.pack(LOCAL_MAGIC, ZIP_VERSION, 0, 0, 0, ZIP_DATE, crc, size, size, len(name), 0)
    return head + name


def central_header(name: bytes, size: int, crc: int, offset: int) -> bytes:
    """A member's line in the directory at the end."""
    head = CENTRAL.pack(
        CENTRAL_MAGIC, ZIP_VERSION, ZIP_VERSION, 0, 0, 0, ZIP_DATE, crc, size, size, len(name), 0, 0, 0, 0, 0, offset
    )
    return head + name


def end_record(count: int, directory: int, start: int) -> bytes:
    """The last bytes of the zip."""
    return END.pack(END_MAGIC, 0, 0, count, count, directory, start, 0)


def check_sums(files: Files) -> int:
    """Compare every file with ``SHA256SUMS``; returns how many there are. Raises Problem for the first difference."""
    for name in files.names:
        demand(ALLOWED.fullmatch(name), "files.unknown", name)
    wanted: dict[str, str] = {}
    for line in split_lines(read_whole(files, SUMS, 16 * BLOCK), SUMS):
        found = re.fullmatch(r"([0-9a-f]{64})  ([\x21-\x7e]{1,200})", line)
        demand(found, "files.sums", SUMS)
        if found is not None:
            demand(found[2] not in wanted, "files.sums", SUMS)
            wanted[found[2]] = found[1]
    demand(list(wanted) == sorted(wanted), "files.sums", SUMS)
    listed, present = set(wanted), set(files.names) - {SUMS}
    for name in sorted(listed - present):
        raise Problem("files.missing", name)
    for name in sorted(present - listed):
        raise Problem("files.unlisted", name)
    for name in sorted(wanted):
        same(file_digest(files, name), wanted[name], "files.digest", name)
    return len(wanted)


def file_digest(files: Files, name: str) -> str:
    digest = hashlib.sha256()
    for block in files.blocks(name):
        digest.update(block)
    return digest.hexdigest()
