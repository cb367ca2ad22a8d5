"""The files of the bidder's command line: the lot file, and the folder that ``centre seal`` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from foundation.clock import machine_now
from foundation.entropy import Entropy
from foundation.sealing import (
    NO_PREVIOUS,
    BadPayload,
    Header,
    KeyProvider,
    Keyset,
    Manifest,
    Part,
    PartSource,
    PriceSchedule,
    RootBuilder,
    Sealed,
    Truncated,
    open_header,
    seal,
    write_binding,
)
from foundation.sealing.price_schedule import PART_ID
from foundation.sealing.suite import PrivateKey
from tendering.cli_errors import BadArgument, FolderMalformed, LotFileMalformed
from tendering.cli_progress import Counted

HEADER, MANIFEST, SIGNATURE, ABOUT, PARTS = "header.json", "manifest.txt", "signature.bin", "bid.json", "parts"
KEYSET: Final = "keyset.json"
READ_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PartRule:
    id: str
    name: str
    required: bool
    max_bytes: int


@dataclass(frozen=True, slots=True)
class LotFile:
    """What a centre says of a lot (``GET /lots/<lot>/lot.json``). ``keyset_hash`` should be that of the notice."""

    lot_id: str
    tender: str
    lot: str
    stage: str
    bidder: str
    keyset: Keyset
    parts: tuple[PartRule, ...]
    last: tuple[str, int, str] | None
    receipt_vkey: str

    @classmethod
    def read(cls, path: Path) -> LotFile:
        """Raises LotFileMalformed, KeysetMalformed."""
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LotFileMalformed(path=str(path), reason=type(error).__name__) from error

    @classmethod
    def of(cls, told: dict[str, Any]) -> LotFile:
        keyset = Keyset.parse(str(told["keyset"]).encode())
        if keyset.hash != told["keyset_hash"]:
            raise ValueError("keyset_hash")
        last = told.get("last")
        return cls(
            lot_id=str(told["lot_id"]),
            tender=str(told["tender"]),
            lot=str(told["lot"]),
            stage=str(told["stage"]),
            bidder=str(told["bidder"]),
            keyset=keyset,
            parts=tuple(
                PartRule(str(one["id"]), str(one["name_zh"]), bool(one["required"]), int(one["max_bytes"]))
                for one in told["parts"]
            ),
            last=None if last is None else (str(last["bid"]), int(last["rev"]), str(last["envelope_hash"])),
            receipt_vkey=str(told["receipt_vkey"]),
        )


@dataclass(frozen=True, slots=True)
class SealedFolder:
    """A sealed bid on the bidder's disk. Holds no secret: only ciphertext and public facts."""

    path: Path
    lot_id: str
    header: Header
    manifest: Manifest
    signature: bytes

    @classmethod
    def read(cls, path: Path) -> SealedFolder:
        """Raises FolderMalformed, and what the header or manifest breaks."""
        try:
            about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            header, manifest = (path / HEADER).read_bytes(), (path / MANIFEST).read_bytes()
            signature, lot_id = (path / SIGNATURE).read_bytes(), str(about["lot_id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FolderMalformed(path=str(path), reason=type(error).__name__) from error
        return cls(path, lot_id, Header.parse(header), Manifest.parse(manifest), signature)

    def part_path(self, part_id: str) -> Path:
        return self.path / PARTS / f"{part_id}.cob"

    def open_part(self, part_id: str) -> BinaryIO:
        """Its ciphertext. Raises FolderMalformed where the file is gone."""
        path = self.part_path(part_id)
        try:
            return path.open("rb")
        except OSError as error:
            raise FolderMalformed(path=str(path), reason=type(error).__name__) from error

    def check_hashes(self) -> None:
        """Whether header and binding are those the manifest was signed over. Raises BadHeader."""
        open_header(self.header.raw, self.manifest)

    def keyset(self) -> Keyset:
        """The key set it was sealed to, proved by the binding's hash. Raises FolderMalformed, KeysetMalformed."""
        try:
            found = Keyset.parse((self.path / KEYSET).read_bytes())
        except OSError as error:
            raise FolderMalformed(path=str(self.path / KEYSET), reason=type(error).__name__) from error
        if found.hash != self.header.binding.keyset:
            raise FolderMalformed(path=str(self.path / KEYSET), reason="keyset")
        return found

    def check_parts(self, progress: Callable[[int], None]) -> None:
        """Whether the ciphertext is what the manifest says. Raises Truncated, BadPayload (both tampering)."""
        for part in self.manifest.parts:
            root = RootBuilder(self.manifest.suite)
            with self.open_part(part.id) as file:
                while block := file.read(READ_BYTES):
                    root.update(block)
                    progress(len(block))
            if root.size_bytes < part.size_bytes:
                raise Truncated(part=part.id, expected_bytes=part.size_bytes, found_bytes=root.size_bytes)
            if root.size_bytes != part.size_bytes or root.root() != part.root:
                raise BadPayload(part=part.id, culprit="store", reason="root")


def chosen_files(lot: LotFile, pairs: Sequence[str]) -> dict[str, Path]:
    """``PART=FILE`` arguments in the lot's order. Raises BadArgument; the price schedule is read strictly."""
    given: dict[str, Path] = {}
    rules = {rule.id: rule for rule in lot.parts}
    for pair in pairs:
        name, separator, file = pair.partition("=")
        if not separator or name not in rules or name in given:
            raise BadArgument(argument=pair, reason="part")
        given[name] = Path(file)
        if not given[name].is_file():
            raise BadArgument(argument=pair, reason="file")
        if given[name].stat().st_size > rules[name].max_bytes:
            raise BadArgument(argument=pair, reason="too_large")
    for rule in lot.parts:
        if rule.required and rule.id not in given:
            raise BadArgument(argument=rule.id, reason="missing")
    if PART_ID in given:
        PriceSchedule.parse(given[PART_ID].read_bytes())
    return {rule.id: given[rule.id] for rule in lot.parts if rule.id in given}


def seal_folder(
    lot: LotFile,
    files: Mapping[str, Path],
    recipients: Sequence[bytes],
    signing_key: PrivateKey | KeyProvider,
    folder: Path,
    entropy: Entropy,
    progress: Callable[[int], None],
) -> Sealed:
    """Seal into a new folder. An existing one is never touched: its upload may be under way."""
    try:
        (folder / PARTS).mkdir(parents=True, exist_ok=False)
    except FileExistsError as error:
        raise BadArgument(argument=str(folder), reason="exists") from error
    bid, rev, previous = lot.last or (entropy.token(16).hex(), 0, NO_PREVIOUS)
    binding = write_binding(
        tender=lot.tender,
        lot=lot.lot,
        stage=lot.stage,
        bidder=lot.bidder,
        bid=bid,
        rev=rev + 1,
        prev=previous,
        keyset=lot.keyset.hash,
        parts=tuple(Part(part_id, path.name[-200:]) for part_id, path in files.items()),
        created=machine_now(),
        suite=lot.keyset.suite,
    )

    @contextmanager
    def sink(part_id: str) -> Iterator[BinaryIO]:
        with (folder / PARTS / f"{part_id}.cob").open("xb") as out:
            yield out

    opened = {part_id: path.open("rb") for part_id, path in files.items()}
    try:
        sources = [
            PartSource(part_id, Counted(file, progress), files[part_id].stat().st_size)
            for part_id, file in opened.items()
        ]
        sealed = seal(binding, lot.keyset, recipients, sources, sink, signing_key, entropy)
    finally:
        for file in opened.values():
            file.close()
    (folder / HEADER).write_bytes(sealed.header.raw)
    (folder / MANIFEST).write_bytes(sealed.manifest.raw)
    (folder / SIGNATURE).write_bytes(sealed.signature)
    (folder / KEYSET).write_bytes(lot.keyset.to_bytes())
    about = {"lot_id": lot.lot_id, "lot": lot.lot, "bid": bid, "rev": rev + 1}
    (folder / ABOUT).write_text(json.dumps({**about, "envelope_hash": sealed.manifest.envelope_hash}) + "\n")
    return sealed
