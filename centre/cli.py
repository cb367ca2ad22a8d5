"""``centre``: the command line. Exit codes: 0 done, 2 usage, 3 refusal, 4 tampering, 5 unavailable."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from foundation.errors import CentreError
from foundation.settings import Settings
from foundation.version import VERSION

USAGE: Final = 2


class LazyGroup(click.Group):
    """Sub-commands by module name, imported when used: ``centre --help`` must not load the whole product."""

    LAZY: Final = {
        "seal": "tendering.cli:seal",
        "inspect": "tendering.cli:inspect",
        "submit": "tendering.cli:submit",
        "rehearse": "tendering.cli_rehearse:rehearse",
        "unseal": "tendering.cli_unseal:unseal",
        "keys": "tendering.cli_keys:keys",
        "holder-agent": "keyholding.agent:holder_agent",
        "demo": "sandbox.cli:demo",
        "bank": "sandbox.cli:bank",
        "agents": "centre.demo_agents:agents",
        "bots": "sandbox.cli:bots",
        "seed-demo": "centre.seed:seed_demo",
        "score": "evaluation.cli:score_command",
        "check": "centre.check:check",
        "draw": "centre.draw:draw",
        "drill": "centre.drills.cli:drill",
        "bundle": "centre.bundles.cli:bundle",
        "verify": "centre.bundles.cli:verify",
        "export-verifier": "centre.bundles.cli:export_verifier",
        "admin": "centre.admin:admin",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = self.LAZY.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name=None, version=VERSION, prog_name="centre")
def group() -> None:
    """公共资源交易中心 · An electronic public-resource trading centre.

    Settings come from the environment (docs/reference/settings.md).
    """


@group.command()
@click.option("--demo", is_flag=True, help="A demonstration centre: sample people, clock control, no legal force.")
@click.option("--tls", is_flag=True, help="Make (or reuse) a self-signed certificate and serve https on both ports.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of database, files and keys (default: var).")
@click.option("--port", type=click.IntRange(0, 65534), default=0, help="First port to try for the pages.")
@click.option("--echo", is_flag=True, help="Show what the processes print, not only their log files.")
def up(demo: bool, tls: bool, data_dir: Path | None, port: int, echo: bool) -> None:
    """Start everything: web, room, worker, cosigner (and in demo bank, agents, bots). Ctrl-C stops it."""
    from centre.up import UpOptions, bring_up

    if data_dir is not None:
        os.environ["CENTRE_DATA_DIR"] = str(data_dir)
    if demo:
        os.environ["CENTRE_DEMO"] = "1"
    sys.exit(bring_up(read_settings(), UpOptions(demo=demo, tls=tls, echo=echo, port=port), say))


@group.command()
def web() -> None:
    """Run the pages alone."""
    from centre.web import run_web

    run_web(_runtime())


@group.command()
def room() -> None:
    """Run the opening rooms and the intake of ciphertext alone."""
    from centre.room import run_room

    run_room(_runtime())


@group.command()
@click.option("--ready-file", type=click.Path(), help="Written once the worker works.")
def worker(ready_file: str | None) -> None:
    """Run the dispatcher with its workers, the publisher and the look-rounds."""
    from centre.worker import run_worker

    run_worker(_runtime(), ready_file=ready_file)


@group.command()
def cosigner() -> None:
    """Run the log's cosigner (normally on the regulator's machine)."""
    from centre.cosigner import run_cosigner

    run_cosigner(read_settings())


def _runtime() -> Any:
    from centre.bootstrap import configure_logging, make_runtime

    settings = read_settings()
    configure_logging(settings.log_level)
    return make_runtime(settings)


def read_settings() -> Settings:
    """The settings, or every problem with them at once (exit 2)."""
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            click.echo(f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}", err=True)
        sys.exit(USAGE)


def say(text: str) -> None:
    click.echo(text)


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point: turns the four kinds of failure into exit codes, and sentences in the reader's language."""
    if argv is None:
        _guard_output()
    try:
        group.main(args=list(argv) if argv is not None else None, standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except CentreError as error:
        report(error, as_json="--json" in (argv or sys.argv))
        sys.exit(error.exit_code)


def _guard_output() -> None:
    """Before any command: no process of the centre, agents, bank and robots included, prints what its variables hold.

    Left to itself structlog draws tracebacks with all local variables, which here are keys and halves of keys.
    """
    from foundation.logs import LEVELS, configure_logging

    wanted = os.environ.get("CENTRE_LOG_LEVEL", "").lower()
    configure_logging(wanted if wanted in LEVELS else "info")  # a command that reads the settings refuses what is not


def report(error: CentreError, *, as_json: bool, out: Callable[[str], None] | None = None) -> None:
    """Say what went wrong: one JSON object, or sentences."""
    from foundation import i18n

    write = out or (lambda text: click.echo(text, err=True))
    language: i18n.Lang = i18n.EN if os.environ.get("LANG", "").startswith("en") else i18n.ZH
    sentence = i18n.sentence("errors", error.code, error.fields, language)
    objections = [
        {"code": o.code, "field": o.field, "detail": i18n.sentence("errors", o.code, o.params, language)}
        for o in getattr(error, "objections", ())
    ]
    if as_json:
        click.echo(json.dumps({"error": error.code, "detail": sentence, "objections": objections}, ensure_ascii=False))
        return
    write(sentence)
    for objection in objections:
        write("  - " + " · ".join(part for part in (objection["field"], objection["detail"]) if part))
