"""``centre bundle``, ``centre verify``, ``centre export-verifier``: make a bundle, check one, take the checker away."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from foundation.verifier.main import run


@click.command("bundle")
@click.argument("lot")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="A .zip file, or a folder to fill."
)
@click.option("--tier", type=click.Choice(["public", "regulator"]), default="public", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def bundle(lot: str, output: Path, tier: str, as_json: bool) -> None:
    """Write the audit bundle of LOT (its id) after its opening; never before.

    The regulator's tier holds every ciphertext part and the bidders' halves: give it to supervisors only.
    """
    from centre.bootstrap import make_runtime
    from centre.bundles.archive import prepare
    from centre.bundles.errors import TargetTaken
    from centre.bundles.gather import Tier
    from centre.cli import read_settings
    from foundation.ids import parse_id

    if output.exists() and (output.is_file() or any(output.iterdir())):
        raise TargetTaken(path=str(output))
    made = prepare(make_runtime(read_settings()), parse_id(lot), Tier(tier))
    try:
        tell = None if as_json else (lambda name: click.echo(name, err=True))
        if output.suffix == ".zip":
            _write(output, made.zip_bytes(tell))
        else:
            made.write_folder(output, tell)
        told = {"path": str(output), "tier": tier, "log_size": made.log_size, "files": len(made.members) + 1}
    finally:
        made.close()
    click.echo(json.dumps(told) if as_json else str(output))


def _write(path: Path, blocks: Iterator[bytes]) -> None:
    """Under its name only once it is whole."""
    partial = path.with_suffix(".part")
    try:
        with partial.open("xb") as file:
            file.writelines(blocks)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@click.command(
    "verify", context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def verify(arguments: tuple[str, ...]) -> None:
    """Verify an audit bundle, or compare two (--diff OLD NEW): needs no centre and no network.

    Exit codes: 0 verified, 2 usage, 4 does not verify, 5 nothing failed but something could not be checked here.
    """
    from foundation.clock import machine_now

    sys.exit(run(arguments, machine_now(), "centre verify"))


@click.command("export-verifier")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_verifier(file: Path) -> None:
    """Write the verifier as one Python file that needs the package "cryptography" alone."""
    from foundation.verifier.export import single_file

    file.write_text(single_file(), encoding="utf-8")
    click.echo(str(file))
