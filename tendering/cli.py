"""The bidder's command line: make and keep keys, seal without a browser, inspect, hand in.

Exit codes as everywhere: 0 done, 2 usage, 3 refusal, 4 tampering, 5 unavailable. With ``--json`` one object on stdout.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from foundation.clock import machine_now
from foundation.entropy import SystemEntropy
from foundation.sealing import SUITES, KeyFile, KeyUse, generate_key, suite_named, suite_of
from foundation.sealing.suite import DEFAULT, load_public, verifies
from foundation.sealing.text import instant_text
from tendering.cli_envelope import LotFile, SealedFolder, chosen_files, seal_folder
from tendering.cli_errors import BadArgument

_PUBLIC_HEX: Final = re.compile(r"04[0-9a-f]{128}")
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
_NEW: Final = click.Path(path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_passphrase = click.option(
    "--passphrase-env", metavar="NAME", help="Environment variable holding the passphrase (otherwise it is asked for)."
)


@click.group()
def keys() -> None:
    """Keys of a bidder: one file each, under a passphrase; any age tool opens them."""


@keys.command("new")
@click.option("--for", "use", type=click.Choice(["opening", "signing"]), required=True, help="What the key is for.")
@click.option("--lot", "lot_path", type=_FILE, help="The lot file; an opening key belongs to one lot.")
@click.option("--owner", default="", help="Unified code of the organisation (taken from the lot file otherwise).")
@click.option("--suite", type=click.Choice(list(SUITES)), help="The lot file's suite is taken otherwise; else S1.")
@click.option("-o", "--output", type=_NEW, required=True, help="File to write; an existing one is never replaced.")
@_passphrase
@_json
def new_key(
    use: str,
    lot_path: Path | None,
    owner: str,
    suite: str | None,
    output: Path,
    passphrase_env: str | None,
    as_json: bool,
) -> None:
    """Make a key."""
    lot = LotFile.read(lot_path) if lot_path else None
    if use == KeyUse.OPENING and lot is None:
        raise BadArgument(argument="--lot", reason="missing")
    chosen = suite_named(suite) if suite else lot.keyset.suite if lot else DEFAULT
    is_for_lot = lot is not None and use == KeyUse.OPENING
    file = KeyFile(
        use=KeyUse(use),
        tender=lot.tender if lot and is_for_lot else "",
        lot=lot.lot if lot and is_for_lot else "",
        owner=owner or (lot.bidder if lot else ""),
        created=machine_now(),
        private_key=generate_key(chosen),
    )
    _save(file, output, passphrase_of(passphrase_env, output, confirm=True))
    _say_key(file, output, as_json=as_json)


@keys.command("show")
@click.argument("file", type=_FILE)
@_passphrase
@_json
def show_key(file: Path, passphrase_env: str | None, as_json: bool) -> None:
    """Show what a key is for, and its public part. The private part is never printed."""
    _say_key(KeyFile.load(file, passphrase_of(passphrase_env, file)), file, as_json=as_json)


@keys.command("backup")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=_NEW, required=True, help="Where the copy goes, best on another disk.")
@_passphrase
@click.option(
    "--new-passphrase-env", metavar="NAME", help="Variable with the passphrase of the copy (asked for otherwise)."
)
@_json
def backup_key(
    file: Path, output: Path, passphrase_env: str | None, new_passphrase_env: str | None, as_json: bool
) -> None:
    """Write a copy under a passphrase of its own and read it back."""
    _copy(file, output, passphrase_env, new_passphrase_env, as_json=as_json)


@keys.command("restore")
@click.argument("backup", type=_FILE)
@click.option("-o", "--output", type=_NEW, required=True)
@_passphrase
@click.option("--new-passphrase-env", metavar="NAME", help="Variable with the passphrase of the restored file.")
@_json
def restore_key(
    backup: Path, output: Path, passphrase_env: str | None, new_passphrase_env: str | None, as_json: bool
) -> None:
    """Make a key file out of a backup, browser backups included."""
    _copy(backup, output, passphrase_env, new_passphrase_env, as_json=as_json)


@click.command()
@click.option("--lot", "lot_path", type=_FILE, required=True, help="lot.json as downloaded from the centre.")
@click.option("--signing-key", type=_FILE, required=True, help="Key file; its public key must be registered.")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    required=True,
    help="Opening key: a key file, or 130 hex digits. 1 to 3.",
)
@click.option("-o", "--output", type=_NEW, required=True, help="New folder for the sealed bid.")
@_passphrase
@_json
@click.argument("files", nargs=-1, required=True, metavar="PART=FILE…")
def seal(
    lot_path: Path,
    signing_key: Path,
    recipients: tuple[str, ...],
    output: Path,
    passphrase_env: str | None,
    as_json: bool,
    files: tuple[str, ...],
) -> None:
    """Seal a bid on this machine; nothing is sent.

    Example: centre seal --lot lot.json --signing-key sign.age --recipient open.age -o bid price_schedule=price.json
    technical=t.pdf commercial=c.pdf
    """
    lot = LotFile.read(lot_path)
    chosen = chosen_files(lot, files)
    signer = KeyFile.load(signing_key, passphrase_of(passphrase_env, signing_key))
    if signer.use is not KeyUse.SIGNING:
        raise BadArgument(argument=str(signing_key), reason="use")
    openers = [_recipient(one, lot, passphrase_env) for one in recipients]
    total = sum(path.stat().st_size for path in chosen.values())
    with progress("seal", total, as_json=as_json) as advance:
        sealed = seal_folder(lot, chosen, openers, signer.private_key, output, SystemEntropy(), advance)
    told = {
        "folder": str(output),
        "bid_id": sealed.header.binding.bid,
        "rev": sealed.manifest.rev,
        "envelope_hash": sealed.manifest.envelope_hash,
        "size_bytes": sealed.manifest.size_bytes,
    }
    say(told, f"{output}: rev {sealed.manifest.rev}, {sealed.manifest.envelope_hash}", as_json=as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--signing-public-key", default="", help="130 hex digits: also verify the signature.")
@_json
def inspect(folder: Path, signing_public_key: str, as_json: bool) -> None:
    """Check a sealed folder: form, hashes, every byte of ciphertext. Exit 4 when a byte is not the sealed one."""
    bid = SealedFolder.read(folder)
    if bid.manifest.header_hash != bid.header.hash.hex() or bid.manifest.binding_hash != bid.header.binding.hash.hex():
        from foundation.sealing import BadHeader

        raise BadHeader(reason="hash")
    is_signed: bool | None = None
    if signing_public_key:
        is_signed = verifies(load_public(_point(signing_public_key)), bid.signature, bid.manifest.raw)
    with progress("inspect", bid.manifest.size_bytes, as_json=as_json) as advance:
        bid.check_parts(advance)
    told = {
        "tender": bid.header.binding.tender,
        "lot": bid.header.binding.lot,
        "bidder": bid.header.binding.bidder,
        "bid_id": bid.header.binding.bid,
        "rev": bid.manifest.rev,
        "envelope_hash": bid.manifest.envelope_hash,
        "signature_valid": is_signed,
        "parts": [{"id": part.id, "size_bytes": part.size_bytes, "root": part.root} for part in bid.manifest.parts],
    }
    say(told, "\n".join(f"{name}: {value}" for name, value in told.items()), as_json=as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--server", required=True, help="The centre's address, https://…")
@click.option("--token", envvar="CENTRE_TOKEN", required=True, help="Bearer token of a signed-in bidder.")
@click.option("--receipt-vkey", default="", help="Pinned key of the receipts; otherwise the lot file's, from --lot.")
@click.option("--lot", "lot_path", type=_FILE, help="The lot file the bid was sealed with.")
@_json
def submit(folder: Path, server: str, token: str, receipt_vkey: str, lot_path: Path | None, as_json: bool) -> None:
    """Upload a sealed folder, hand it in, and verify the receipt. After a break run the same command again."""
    from tendering.cli_client import Centre
    from tendering.cli_client import submit as hand_in

    bid = SealedFolder.read(folder)
    vkey = receipt_vkey or (LotFile.read(lot_path).receipt_vkey if lot_path else "")
    with Centre(server, token) as centre, progress("upload", bid.manifest.size_bytes, as_json=as_json) as advance:
        if not vkey:
            vkey = LotFile.of(centre.ask("GET", f"/lots/{bid.lot_id}/lot.json")).receipt_vkey
        answer = hand_in(centre, bid, vkey, advance)
    received = f"{answer['receipt_number']} {answer['received_at']} ({folder / 'receipt.note'})"
    say(answer, received, as_json=as_json)


commands: tuple[click.Command, ...] = (keys, seal, inspect, submit)


# --- shared -----------------------------------------------------------------------------------------------------------


def passphrase_of(variable: str | None, file: Path, *, confirm: bool = False) -> str:
    """From the named environment variable, else asked for without echo."""
    if variable:
        value = os.environ.get(variable)
        if value is None:
            raise BadArgument(argument=variable, reason="not_set")
        return value
    asked: str = click.prompt(str(file), hide_input=True, confirmation_prompt=confirm, err=True)
    return asked


@contextmanager
def progress(label: str, total: int, *, as_json: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; nothing where the output is for machines."""
    if as_json or not total:
        yield lambda _bytes: None
        return
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        yield bar.update


def say(told: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else text)


def _copy(source: Path, output: Path, old: str | None, new: str | None, *, as_json: bool) -> None:
    file = KeyFile.load(source, passphrase_of(old, source))
    _save(file, output, passphrase_of(new, output, confirm=True))
    _say_key(file, output, as_json=as_json)


def _save(file: KeyFile, output: Path, passphrase: str) -> None:
    """Write, then read back: a backup that was never opened is only a hope."""
    try:
        file.save(output, passphrase)
    except FileExistsError as error:
        raise BadArgument(argument=str(output), reason="exists") from error
    if KeyFile.load(output, passphrase).public_key != file.public_key:
        raise BadArgument(argument=str(output), reason="not_readable")


def _say_key(file: KeyFile, path: Path, *, as_json: bool) -> None:
    told = {
        "file": str(path),
        "for": file.use.value,
        "suite": suite_of(file.private_key).name,
        "tender": file.tender,
        "lot": file.lot,
        "owner": file.owner,
        "created": instant_text(file.created),
        "public_key": file.public_key.hex(),
    }
    say(told, "\n".join(f"{name}: {value}" for name, value in told.items()), as_json=as_json)


def _recipient(text: str, lot: LotFile, passphrase_env: str | None) -> bytes:
    if _PUBLIC_HEX.fullmatch(text):
        return _point(text)
    path = Path(text)
    if not path.is_file():
        raise BadArgument(argument=text, reason="file")
    file = KeyFile.load(path, passphrase_of(passphrase_env, path))
    if file.use is not KeyUse.OPENING or (file.tender, file.lot) != (lot.tender, lot.lot):
        raise BadArgument(argument=text, reason="use")
    return file.public_key


def _point(text: str) -> bytes:
    try:
        point = bytes.fromhex(text)
        load_public(point)
    except ValueError as error:
        raise BadArgument(argument=text[:40], reason="public_key") from error
    return point
