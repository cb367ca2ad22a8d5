"""What the commands of the bidder share: options, the passphrase prompt, the answer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import click

from tendering.cli_errors import BadArgument

FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW: Final = click.Path(path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
passphrase_option = click.option(
    "--passphrase-env", metavar="NAME", help="Environment variable holding the passphrase (otherwise it is asked for)."
)


def passphrase_of(variable: str | None, file: Path, *, confirm: bool = False) -> str:
    """From the named environment variable, else asked for without echo."""
    if variable:
        value = os.environ.get(variable)
        if value is None:
            raise BadArgument(argument=variable, reason="not_set")
        return value
    asked: str = click.prompt(str(file), hide_input=True, confirmation_prompt=confirm, err=True)
    return asked


def say(told: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else text)
