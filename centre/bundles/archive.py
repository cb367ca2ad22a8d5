"""A bundle as a stream of zip bytes or as a folder: the same content gives the same bytes.

Every member is read twice, once for its digests and once to be written, so that nothing large is ever in memory and the
zip needs no seeking. The form is fixed (docs/reference/bundle-format.md); the verifier refuses every other.
"""

from __future__ import annotations

import hashlib
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from centre.bundles.errors import BundleTooLarge
from centre.bundles.gather import Tier, gather
from foundation.actor import system
from foundation.runtime import Runtime
from tendering import facade as tendering

BLOCK: Final = 1024 * 1024
MAX_ZIP_BYTES: Final = 2**32 - 1
SUMS: Final = "SHA256SUMS"
BUNDLER: Final = system("bundler")
Progress = Callable[[str], None]

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _DATE = 20, 0x21


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle: its name, size, and how to read it from the beginning, as often as asked."""

    name: str
    size_bytes: int
    read: Callable[[], Iterator[bytes]]


class Bundle:
    """A bundle ready to be written. Its log lines lie in a temporary folder until ``close``."""

    def __init__(self, folder: tempfile.TemporaryDirectory[str], size: int, members: list[Member]) -> None:
        self._folder = folder
        self.log_size = size
        self.members = sorted(members, key=lambda one: one.name)

    def close(self) -> None:
        self._folder.cleanup()

    @property
    def size_bytes(self) -> int:
        """About how large the zip is."""
        return sum(one.size_bytes + 200 for one in self.members)

    def write_folder(self, target: Path, progress: Progress | None = None) -> None:
        """Write the files below ``target``, which must be empty or not there."""
        target.mkdir(parents=True, exist_ok=True)
        sums = []
        for member in self.members:
            path = target / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with path.open("xb") as file:
                for block in member.read():
                    digest.update(block)
                    file.write(block)
            sums.append(f"{digest.hexdigest()}  {member.name}\n")
            if progress is not None:
                progress(member.name)
        (target / SUMS).write_text("".join(sums), encoding="ascii")

    def zip_bytes(self, progress: Progress | None = None) -> Iterator[bytes]:
        """The zip from its first byte to its last. Raises BundleTooLarge before the first."""
        if self.size_bytes > MAX_ZIP_BYTES:
            raise BundleTooLarge(size_bytes=self.size_bytes, limit_bytes=MAX_ZIP_BYTES)
        at, sums, directory = 0, [], []
        for member in self.members:
            crc, digest = _digests(member)
            sums.append(f"{digest}  {member.name}\n")
            directory.append(_central(member.name, member.size_bytes, crc, at))
            for block in _written(member.name, member.size_bytes, crc, member.read()):
                at += len(block)
                yield block
            if progress is not None:
                progress(member.name)
        text = "".join(sums).encode()
        directory.append(_central(SUMS, len(text), zlib.crc32(text), at))
        for block in _written(SUMS, len(text), zlib.crc32(text), iter((text,))):
            at += len(block)
            yield block
        tail = b"".join(directory)
        yield tail + _END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), len(tail), at, 0)


def prepare(runtime: Runtime, lot_id: str, tier: Tier) -> Bundle:
    """Gather a bundle; the log's lines go to a temporary file. Raises as ``gather``."""
    runtime.scratch_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = tempfile.TemporaryDirectory(prefix="bundle-", dir=runtime.scratch_dir)
    try:
        with runtime.units.read(BUNDLER) as unit:
            found = gather(unit, runtime, lot_id, tier)
            leaves, checkpoints = Path(folder.name) / "leaves", Path(folder.name) / "checkpoints"
            _spool(leaves, found.log.leaves())
            _spool(checkpoints, found.log.checkpoints(found.named_sizes))
    except BaseException:
        folder.cleanup()
        raise
    members = [_small(name, content) for name, content in found.files.items()]
    members += [_stored(runtime, name, *one) for name, one in found.ciphertext.items()]
    members += [_spooled("leaves.jsonl", leaves), _spooled("log/checkpoints.jsonl", checkpoints)]
    return Bundle(folder, found.size, members)


def _spool(path: Path, lines: Iterator[bytes]) -> None:
    with path.open("xb") as file:
        file.writelines(lines)


def _small(name: str, content: bytes) -> Member:
    return Member(name, len(content), lambda: iter((content,)))


def _spooled(name: str, path: Path) -> Member:
    def read() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block

    return Member(name, path.stat().st_size, read)


def _stored(runtime: Runtime, name: str, bid: tendering.LiveBid, part: str, size_bytes: int) -> Member:
    def read() -> Iterator[bytes]:
        reader = tendering.open_ciphertext(runtime.objects, bid, part)
        while block := reader.read(BLOCK):
            yield block

    return Member(name, size_bytes, read)


def _digests(member: Member) -> tuple[int, str]:
    crc, digest = 0, hashlib.sha256()
    for block in member.read():
        crc = zlib.crc32(block, crc)
        digest.update(block)
    return crc, digest.hexdigest()


def _written(name: str, size: int, crc: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    raw = name.encode("ascii")
    yield _LOCAL.pack(b"PK\3\4", _VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw
    yield from blocks


def _central(name: str, size: int, crc: int, at: int) -> bytes:
    raw = name.encode("ascii")
    head = (_VERSION, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0, 0, 0, 0, 0, at)
    return _CENTRAL.pack(b"PK\1\2", *head) + raw
