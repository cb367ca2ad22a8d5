"""``centre keys``: make a key, show it, keep a copy of it."""

from __future__ import annotations

from pathlib import Path

import click

from foundation.clock import machine_now
from foundation.sealing import SUITES, KeyFile, KeyUse, generate_key, suite_named, suite_of
from foundation.sealing.suite import DEFAULT
from foundation.sealing.text import instant_text
from tendering.cli_envelope import LotFile
from tendering.cli_errors import BadArgument
from tendering.cli_terminal import FILE, NEW, json_option, passphrase_of, passphrase_option, say


@click.group()
def keys() -> None:
    """Keys of a bidder: one file each, under a passphrase; any age tool opens them."""


@keys.command("new")
@click.option("--for", "use", type=click.Choice(["opening", "signing"]), required=True, help="What the key is for.")
@click.option("--lot", "lot_path", type=FILE, help="The lot file; an opening key belongs to one lot.")
@click.option("--owner", default="", help="Unified code of the organisation (taken from the lot file otherwise).")
@click.option("--suite", type=click.Choice(list(SUITES)), help="The lot file's suite is taken otherwise; else S1.")
@click.option("-o", "--output", type=NEW, required=True, help="File to write; an existing one is never replaced.")
@passphrase_option
@json_option
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
@click.argument("file", type=FILE)
@passphrase_option
@json_option
def show_key(file: Path, passphrase_env: str | None, as_json: bool) -> None:
    """Show what a key is for, and its public part. The private part is never printed."""
    _say_key(KeyFile.load(file, passphrase_of(passphrase_env, file)), file, as_json=as_json)


@keys.command("backup")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=NEW, required=True, help="Where the copy goes, best on another disk.")
@passphrase_option
@click.option(
    "--new-passphrase-env", metavar="NAME", help="Variable with the passphrase of the copy (asked for otherwise)."
)
@json_option
def backup_key(
    file: Path, output: Path, passphrase_env: str | None, new_passphrase_env: str | None, as_json: bool
) -> None:
    """Write a copy under a passphrase of its own and read it back."""
    _copy(file, output, passphrase_env, new_passphrase_env, as_json=as_json)


@keys.command("restore")
@click.argument("backup", type=FILE)
@click.option("-o", "--output", type=NEW, required=True)
@passphrase_option
@click.option("--new-passphrase-env", metavar="NAME", help="Variable with the passphrase of the restored file.")
@json_option
def restore_key(
    backup: Path, output: Path, passphrase_env: str | None, new_passphrase_env: str | None, as_json: bool
) -> None:
    """Make a key file out of a backup, browser backups included."""
    _copy(backup, output, passphrase_env, new_passphrase_env, as_json=as_json)


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
