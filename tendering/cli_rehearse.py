"""``centre rehearse``: does this key open the sealed bid? Tried on this machine; with a server also put on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foundation.sealing import open_header, recover_r_bid, rehearsal_tag
from foundation.sealing.strict import encode_base64
from tendering.cli_archive import SEALED, sealed_folder
from tendering.cli_client import Centre
from tendering.cli_envelope import SealedFolder
from tendering.cli_errors import AnotherBidThere, BadArgument
from tendering.cli_keyring import opening_provider
from tendering.cli_terminal import FILE, json_option, passphrase_option, say


@click.command()
@click.argument("folder", type=SEALED)
@click.option("--key", "key_path", type=FILE, required=True, help="The opening key file, its backup, or a .p12.")
@click.option(
    "--server", default="", help="The centre's address: also put the rehearsal on record before the deadline."
)
@click.option("--token", envvar="CENTRE_TOKEN", default="", help="Bearer token of a signed-in bidder, for --server.")
@passphrase_option
@json_option
def rehearse(folder: Path, key_path: Path, server: str, token: str, passphrase_env: str | None, as_json: bool) -> None:
    """Try an opening key on a sealed folder before the deadline. The key and what it unwraps stay on this machine.

    Exit 0 when the key opens the bid, 3 when it does not, 4 when the folder was changed.

    Example: centre rehearse bid --key open.age --server https://centre.example --token TOKEN
    """
    if server and not token:
        raise BadArgument(argument="--token", reason="missing")
    bid = sealed_folder(folder)
    binding = bid.header.binding
    key = opening_provider(key_path, passphrase_env, of=(binding.tender, binding.lot))
    open_header(bid.header.raw, bid.manifest)
    r_bid = recover_r_bid(bid.header, key)
    told: dict[str, Any] = {"folder": str(folder), "bid_id": binding.bid, "rev": binding.rev, "opens": True}
    text = f"{folder}: rev {binding.rev}, the key opens it"
    if server:
        with Centre(server, token) as centre:
            told["filed_at"] = file_statement(centre, bid, r_bid)
        text += f"; on record at {told['filed_at']}"
    say(told, text, as_json=as_json)


def file_statement(centre: Centre, bid: SealedFolder, r_bid: bytes) -> str:
    """Answer the centre's challenge for the bid it holds; gives the instant. Raises AnotherBidThere, ServerRefused."""
    place, binding = f"/lots/{bid.lot_id}/bid", bid.header.binding
    if centre.ask("GET", f"{place}/header")["header"] != encode_base64(bid.header.raw):
        raise AnotherBidThere(rev=binding.rev)
    asked = centre.ask("POST", f"{place}/rehearsal/challenge", json={})
    if (asked["bid"], asked["rev"]) != (binding.bid, binding.rev):
        raise AnotherBidThere(rev=binding.rev)
    challenge = str(asked["challenge"])
    statement = {
        "bid": binding.bid,
        "rev": binding.rev,
        "challenge": challenge,
        "tag": rehearsal_tag(bid.header, challenge, r_bid),
    }
    return str(centre.ask("POST", f"{place}/rehearsal", json=statement)["filed_at"])
