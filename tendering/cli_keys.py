"""``centre keys``: make a key, show it, keep a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from foundation.clock import machine_now
from foundation.sealing import (
    SUITES,
    KeyFile,
    KeyUse,
    Role,
    fingerprint,
    generate_key,
    prove_possession,
    suite_named,
    suite_of,
)
from foundation.sealing.strict import encode_base64
from foundation.sealing.suite import DEFAULT
from foundation.sealing.text import TOKEN, instant_text
from tendering.cli_envelope import LotFile
from tendering.cli_errors import BadArgument
from tendering.cli_keyring import CA_KEY_CENTRE, EXPIRED, about_certificate, load_key, warn
from tendering.cli_terminal import FILE, NEW, json_option, passphrase_of, passphrase_option, say

USES: Final = {"sealing": KeyUse.OPENING, "opening": KeyUse.OPENING, "signing": KeyUse.SIGNING, "holding": KeyUse.GATE}
"""What ``--for`` takes. Sealing and opening are the two sides of one key."""
HOLDING: Final = {"gate": KeyUse.GATE, "escrow": KeyUse.ESCROW}
_SEATS: Final = {KeyUse.GATE: Role.GATE, KeyUse.ESCROW: Role.ESCROW}


@click.group()
def keys() -> None:
    """Keys of a bidder: one file each, under a passphrase; any age tool opens them."""


@keys.command("new")
@click.option("--for", "use", type=click.Choice(list(USES)), required=True, help="What the key is for.")
@click.option("--lot", "lot_path", type=FILE, help="The lot file; a key for sealing (opening) belongs to one lot.")
@click.option("--role", type=click.Choice(list(HOLDING)), default="gate", help="Holding: a gate or an escrow seat.")
@click.option("--tender", default="", help="Holding: code of the tender, where there is no lot file.")
@click.option("--lot-code", default="", help="Holding: code of the lot, where there is no lot file.")
@click.option("--owner", default="", help="Unified code of the organisation (taken from the lot file otherwise).")
@click.option("--suite", type=click.Choice(list(SUITES)), help="The lot file's suite is taken otherwise; else S1.")
@click.option("-o", "--output", type=NEW, required=True, help="File to write; an existing one is never replaced.")
@passphrase_option
@json_option
def new_key(
    use: str,
    lot_path: Path | None,
    role: str,
    tender: str,
    lot_code: str,
    owner: str,
    suite: str | None,
    output: Path,
    passphrase_env: str | None,
    as_json: bool,
) -> None:
    """Make a key: for sealing (that opens one's own bid), for signing, or for holding a seat of the gate or escrow."""
    lot = LotFile.read(lot_path) if lot_path else None
    wanted = HOLDING[role] if use == "holding" else USES[use]
    if wanted is KeyUse.OPENING and lot is None:
        raise BadArgument(argument="--lot", reason="missing")
    chosen = suite_named(suite) if suite else lot.keyset.suite if lot else DEFAULT
    if wanted is KeyUse.SIGNING:
        tender = lot_code = ""
    elif lot is not None:
        tender, lot_code = lot.tender, lot.lot
    elif not (TOKEN.fullmatch(tender) and TOKEN.fullmatch(lot_code)):
        raise BadArgument(argument="--tender, --lot-code", reason="missing")
    file = KeyFile(
        use=wanted,
        tender=tender,
        lot=lot_code,
        owner=owner or (lot.bidder if lot and use != "holding" else ""),
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
    """Show what a key file or a PKCS#12 file (.p12, .pfx) is for, and its public part. Never the private part."""
    key = load_key(file, passphrase_env)
    if isinstance(key, KeyFile):
        _say_key(key, file, as_json=as_json)
        return
    found = ((EXPIRED, not key.is_valid_at(machine_now())), (CA_KEY_CENTRE, key.is_for_opening))
    codes = [code for code, is_so in found if is_so]
    _say({"file": str(file), **about_certificate(key), "warnings": warn(file, codes)}, as_json=as_json)


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
    if file.use is KeyUse.OPENING:
        told["fingerprint"] = fingerprint(file.tender, file.lot, file.public_key)
    if file.use in _SEATS:
        proof = prove_possession(file.private_key, file.tender, file.lot, _SEATS[file.use])
        told["proof"] = encode_base64(proof)
    _say(told, as_json=as_json)


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    say(told, "\n".join(f"{name}: {value}" for name, value in told.items() if value), as_json=as_json)
