"""``centre seed-demo``: fills a demonstration folder; running it again changes nothing."""

from __future__ import annotations

import click

from centre import bootstrap
from centre.errors import NotADemoFolder
from centre.seed_credit import seed_credit
from centre.seed_guided import seed_guided
from centre.seed_past import seed_past
from centre.seed_people import demo_accounts, seed_people, write_accounts
from foundation.runtime import Runtime

ACCOUNTS_FILE = "demo-accounts.txt"


def seed(runtime: Runtime) -> dict[str, object]:
    """Everything of the demonstration, in an order that a crash at any point can be repeated from.

    Raises NotADemoFolder: a production centre is never given invented people.
    """
    settings = runtime.settings
    if not (settings.demo and bootstrap.is_demo_folder(settings.data_dir)):
        raise NotADemoFolder(folder=settings.data_dir.name, wanted="demo")
    seed_people(runtime)
    past = seed_past(runtime)
    seed_credit(runtime)
    guided = seed_guided(runtime)
    write_accounts(settings.data_dir / ACCOUNTS_FILE)
    return {"accounts": len(demo_accounts()), "past_lots": past, "guided_lot": guided}


@click.command("seed-demo")
def seed_demo() -> None:
    """Fill a demonstration folder with invented organisations, people, past deals and a lot to publish."""
    from centre.cli import read_settings

    done = seed(bootstrap.make_runtime(read_settings()))
    click.echo(f"演示数据 · demonstration data: {done['accounts']} accounts, {done['past_lots']} past lots")
