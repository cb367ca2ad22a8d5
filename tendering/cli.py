"""The bidder's command line: seal without a browser, inspect, hand in (keys: ``cli_keys``).

Exit codes as everywhere: 0 done, 2 usage, 3 refusal, 4 tampering, 5 unavailable. With ``--json`` one object on stdout.
"""

from __future__ import annotations

from pathlib import Path

import click

from foundation.entropy import SystemEntropy
from foundation.sealing.suite import load_public, verifies
from tendering.cli_archive import SEALED, sealed_folder
from tendering.cli_envelope import LotFile, chosen_files, seal_folder
from tendering.cli_errors import SignatureFalse
from tendering.cli_keyring import point, recipient, signing_provider, warn
from tendering.cli_keys import keys
from tendering.cli_progress import progress
from tendering.cli_terminal import FILE, NEW, json_option, passphrase_option, say
from tendering.cli_unseal import unseal


@click.command()
@click.option("--lot", "lot_path", type=FILE, required=True, help="lot.json as downloaded from the centre.")
@click.option("--signing-key", type=FILE, required=True, help="Key file or .p12; its public key must be registered.")
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    required=True,
    help="Opening key: a key file, 130 hex digits, a .p12 or a certificate. 1 to 3.",
)
@click.option("-o", "--output", type=NEW, required=True, help="New folder for the sealed bid.")
@passphrase_option
@json_option
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
    signer, about = signing_provider(signing_key, passphrase_env)
    warnings = {*warn(signing_key, about)}
    openers = []
    for one in recipients:
        public_key, about = recipient(one, lot, passphrase_env)
        openers.append(public_key)
        warnings.update(warn(one, about))
    total = sum(path.stat().st_size for path in chosen.values())
    with progress("seal", total) as advance:
        sealed = seal_folder(lot, chosen, openers, signer, output, SystemEntropy(), advance)
    told = {
        "folder": str(output),
        "bid_id": sealed.header.binding.bid,
        "rev": sealed.manifest.rev,
        "envelope_hash": sealed.manifest.envelope_hash,
        "size_bytes": sealed.manifest.size_bytes,
        "warnings": sorted(warnings),
    }
    say(told, f"{output}: rev {sealed.manifest.rev}, {sealed.manifest.envelope_hash}", as_json=as_json)


@click.command()
@click.argument("folder", type=SEALED)
@click.option("--signing-public-key", default="", help="130 hex digits: also verify the signature.")
@json_option
def inspect(folder: Path, signing_public_key: str, as_json: bool) -> None:
    """Check a sealed folder or the offline encryptor's archive: form, hashes, every byte. Exit 4 where one differs."""
    bid = sealed_folder(folder)
    bid.check_hashes()
    is_signed: bool | None = None
    if signing_public_key:
        is_signed = verifies(load_public(point(signing_public_key)), bid.signature, bid.manifest.raw)
        if not is_signed:
            raise SignatureFalse
    with progress("inspect", bid.manifest.size_bytes) as advance:
        bid.check_parts(advance)
    told = {
        "folder": str(bid.path),
        "suite": bid.manifest.suite.name,
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
@click.argument("folder", type=SEALED)
@click.option("--server", required=True, help="The centre's address, https://…")
@click.option("--token", envvar="CENTRE_TOKEN", required=True, help="Bearer token of a signed-in bidder.")
@click.option("--receipt-vkey", default="", help="Pinned key of the receipts; otherwise the lot file's, from --lot.")
@click.option("--lot", "lot_path", type=FILE, help="The lot file the bid was sealed with.")
@json_option
def submit(folder: Path, server: str, token: str, receipt_vkey: str, lot_path: Path | None, as_json: bool) -> None:
    """Upload a sealed folder or archive, hand it in, verify the receipt. After a break run the same command again."""
    from tendering.cli_client import Centre
    from tendering.cli_client import submit as hand_in

    bid = sealed_folder(folder)
    vkey = receipt_vkey or (LotFile.read(lot_path).receipt_vkey if lot_path else "")
    with Centre(server, token) as centre, progress("upload", bid.manifest.size_bytes) as advance:
        if not vkey:
            vkey = LotFile.of(centre.ask("GET", f"/lots/{bid.lot_id}/lot.json")).receipt_vkey
        answer = hand_in(centre, bid, vkey, advance)
    received = f"{answer['receipt_number']} {answer['received_at']} ({bid.path / 'receipt.note'})"
    say(answer, received, as_json=as_json)


commands: tuple[click.Command, ...] = (keys, seal, inspect, submit, unseal)
