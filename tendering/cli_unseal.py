"""``centre unseal``: open an own sealed bid on one's own machine, after the gate keys were published.

Needs no centre: the bidder's half comes from its own key, the gate's half from the keys in the audit bundle
(``gate/*.key``), and every piece is compared with its commitment before anything is decrypted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

import click

from foundation.sealing import (
    BIDDER,
    BadShare,
    Header,
    Keyset,
    Role,
    WrongKey,
    check_commit,
    content_key,
    matches_commit,
    open_header,
    open_part,
    part_key,
    recover_from_gate,
    recover_r_bid,
    seat,
    unwrap_share,
)
from foundation.sealing.suite import public_bytes
from tendering.cli_archive import SEALED, sealed_folder
from tendering.cli_envelope import LotFile, SealedFolder
from tendering.cli_errors import BadArgument
from tendering.cli_keyring import opening_provider
from tendering.cli_progress import Counted, progress
from tendering.cli_terminal import FILE, NEW, json_option, passphrase_option, say

_HALF: Final = re.compile(r"[0-9a-f]{64}")
_SHARE: Final = re.compile(r"[0-9a-f]{66}")
_MAX_SHARE_FILE: Final = 1024
_EXTENSION: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")


@click.command()
@click.argument("folder", type=SEALED)
@click.option("--r-bid", "r_bid_hex", default="", metavar="HEX", help="The bidder's half, 64 hex digits.")
@click.option("--key", "key_path", type=FILE, help="The opening key file; recovers the bidder's half.")
@click.option(
    "--gate-share",
    "gate_paths",
    type=FILE,
    multiple=True,
    required=True,
    help="A published gate key (gate/N.key of the audit bundle), or a share, in hex. As many as the gate asks.",
)
@click.option("--lot", "lot_path", type=FILE, help="The lot file, for a folder without keyset.json.")
@click.option("-o", "--output", type=NEW, required=True, help="New folder for the opened files.")
@passphrase_option
@json_option
def unseal(
    folder: Path,
    r_bid_hex: str,
    key_path: Path | None,
    gate_paths: tuple[Path, ...],
    lot_path: Path | None,
    output: Path,
    passphrase_env: str | None,
    as_json: bool,
) -> None:
    """Open an own sealed bid without the centre. Exit 3: a wrong key; 4: something is not what was committed to."""
    if bool(r_bid_hex) == (key_path is not None):
        raise click.UsageError("give either --r-bid or --key")
    bid = sealed_folder(folder)
    header = open_header(bid.header.raw, bid.manifest)
    keyset = _keyset(bid, lot_path)
    offered = gate_shares(header, keyset, gate_paths)
    r_gate = recover_from_gate(header, keyset, {index: one.share for index, one in offered.items()})
    if key_path is None:
        r_bid = _half(r_bid_hex)
        check_commit(header, BIDDER, r_bid, culprit="holder")
    else:
        r_bid = recover_r_bid(header, opening_provider(key_path, passphrase_env))
    with progress("unseal", bid.manifest.size_bytes) as advance:
        files = open_folder(bid, r_bid, r_gate, output, advance)
    told: dict[str, Any] = {
        "output": str(output),
        "bid_id": header.binding.bid,
        "rev": bid.manifest.rev,
        "envelope_hash": bid.manifest.envelope_hash,
        "gate_seats": sorted(offered),
        "files": files,
    }
    say(told, "\n".join(f"{output / one['file']}  {one['size_bytes']}" for one in files), as_json=as_json)


@dataclass(frozen=True, slots=True)
class GateShare:
    """One holder's share of the gate's half, with the file that gave it."""

    path: Path
    share: bytes


def gate_shares(header: Header, keyset: Keyset, paths: Sequence[Path]) -> Mapping[int, GateShare]:
    """The shares by seat, each proved by its commitment.

    A file holds a private key (64 hex digits, its seat is found by its public key) or a share (66, its seat is found
    by its commitment). Raises BadArgument, WrongKey or BadShare naming the file that does not fit this bid.
    """
    found: dict[int, GateShare] = {}
    for path in paths:
        text = _hex_of(path)
        if _HALF.fullmatch(text):
            index, share = _of_private_key(header, keyset, path, text)
        elif _SHARE.fullmatch(text):
            index, share = _of_share(header, keyset, path, bytes.fromhex(text))
        else:
            raise BadArgument(argument=str(path), reason="gate_share")
        found[index] = GateShare(path, share)
    return found


def open_folder(
    bid: SealedFolder, r_bid: bytes, r_gate: bytes, output: Path, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Decrypt every part into a new folder; when one fails, none is left there. Raises BadPayload, Truncated."""
    cek = content_key(bid.header, r_bid, r_gate)
    try:
        output.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise BadArgument(argument=str(output), reason="exists") from error
    names = {part.id: part.name for part in bid.header.binding.parts}
    files: list[dict[str, Any]] = []
    try:
        for part in bid.manifest.parts:
            file = _file_name(part.id, names.get(part.id, ""))
            with bid.open_part(part.id) as source:
                size = open_part(Counted(source, advance), part, part_key(cek, part.id), bid.header, output / file)
            files.append({"part": part.id, "name": names.get(part.id, ""), "file": file, "size_bytes": size})
    except BaseException:
        rmtree(output, ignore_errors=True)
        raise
    return files


def _file_name(part_id: str, name: str) -> str:
    """The part's id with the extension its name had: a name from an envelope is not to be trusted as a path."""
    extension = Path(name).suffix
    if part_id == "price_schedule":
        return f"{part_id}.json"
    return f"{part_id}{extension}" if _EXTENSION.fullmatch(extension) else part_id


def _of_private_key(header: Header, keyset: Keyset, path: Path, text: str) -> tuple[int, bytes]:
    try:
        key = keyset.suite.private_key(bytes.fromhex(text))
    except ValueError as error:
        raise BadArgument(argument=str(path), reason="gate_share") from error
    public = public_bytes(key.public_key())
    for index, holder in enumerate(keyset.gate.holders):
        if holder.public_key == public:
            return index, unwrap_share(header, keyset, Role.GATE, index, key)
    raise WrongKey(role=f"gate, {path}")


def _of_share(header: Header, keyset: Keyset, path: Path, share: bytes) -> tuple[int, bytes]:
    for index in range(len(keyset.gate.holders)):
        with suppress(BadShare):
            if matches_commit(header, seat(Role.GATE, index), share):
                return index, share
    raise BadShare(role=f"gate, {path}", culprit="holder", reason="commitment")


def _hex_of(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(_MAX_SHARE_FILE + 1)
    try:
        return raw.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise BadArgument(argument=str(path), reason="gate_share") from error


def _half(text: str) -> bytes:
    if not _HALF.fullmatch(text):
        raise BadArgument(argument="--r-bid", reason="hex")
    return bytes.fromhex(text)


def _keyset(bid: SealedFolder, lot_path: Path | None) -> Keyset:
    if lot_path is None:
        return bid.keyset()
    keyset = LotFile.read(lot_path).keyset
    if keyset.hash != bid.header.binding.keyset:
        raise BadArgument(argument=str(lot_path), reason="keyset")
    return keyset
