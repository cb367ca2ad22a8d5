"""``centre bank``, ``centre bots``, ``centre demo``: the demonstration's own processes and its story."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from foundation.errors import Unavailable

DEFAULT_PORT: Final = "8000"


def data_dir() -> Path:
    """The data folder as every process of the centre reads it; the sandbox knows nothing else of the settings."""
    return Path(os.environ.get("CENTRE_DATA_DIR", "var")).expanduser().resolve()


def centre_url() -> str:
    """Where the centre's pages are, as its runner told this process."""
    scheme = "https" if os.environ.get("CENTRE_TLS_CERTIFICATE") else "http"
    return f"{scheme}://localhost:{os.environ.get('CENTRE_WEB_PORT', DEFAULT_PORT)}"


def centre_certificate() -> Path | None:
    """The PEM file that a centre with ``--tls`` made for itself; what it speaks is trusted on no other ground."""
    path = os.environ.get("CENTRE_TLS_CERTIFICATE")
    return Path(path) if path else None


def stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@click.command("bank")
def bank() -> None:
    """Run the bank of a demonstration centre (address: CENTRE_BANK_URL)."""
    from sandbox.bank import CENTRE_ACCOUNT, BankServer, CentreClock, DepositBook

    address = urlsplit(os.environ.get("CENTRE_BANK_URL", ""))
    if not address.hostname or not address.port:
        raise Unavailable(what="CENTRE_BANK_URL")
    folder = data_dir()
    book = DepositBook(folder / "demo" / "bank.db", CentreClock(centre_url(), centre_certificate()))
    book.open_account(CENTRE_ACCOUNT, "武进区公共资源交易中心", 0)
    listed = folder / "demo" / "bank-accounts.json"
    if listed.exists():
        for row in json.loads(listed.read_text(encoding="utf-8")):
            book.open_account(str(row["number"]), str(row["holder"]), int(row["fen"]))
    key_file = folder / "secrets" / "bank-notices.key"
    server = BankServer(address.hostname, address.port, book, centre_url(), key_file, centre_certificate())
    stop = stop_on_signals()
    threading.Thread(target=server.serve, name="bank").start()
    stop.wait()
    server.stop()


@click.command("bots")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written once the clients look for work.")
def bots(ready_file: Path | None) -> None:
    """Play everybody but the visitor at the guided lot; as long as nobody chose a role, the other bidders only."""
    from sandbox.autopilot.pilot import Pilot

    stop = stop_on_signals()
    folder = data_dir() / "demo"
    pilot = Pilot(centre_url(), folder / "bots", folder / "doing.json", centre_certificate())
    if ready_file is not None:
        ready_file.write_text(str(os.getpid()), encoding="ascii")
    pilot.run(stop)


@click.command("demo")
@click.option("--headless", is_flag=True, required=True, help="Run the whole story without a browser.")
@click.option("--bidders", type=click.IntRange(3, 8), default=8, show_default=True, help="How many companies bid.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the summary here.")
@click.option(
    "--server", default="", help="A running demonstration centre (http://localhost:PORT); else one is started."
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file to trust for https; that of the centre found in the data folder is known.",
)
@click.option("--pause-at", default="", help="Wait for a line on standard input before this stage.")
def demo(
    headless: bool, bidders: int, json_file: Path | None, server: str, certificate: Path | None, pause_at: str
) -> None:
    """Play one tender from publication to the last refund by HTTP and sockets (exit 3 or 4 when anything is off)."""
    from sandbox.story import StoryOptions, play
    from sandbox.story_centre import open_centre

    if not headless:
        raise click.UsageError("--headless")

    def say(text: str) -> None:
        click.echo(text)

    def before(stage: str) -> None:
        if pause_at in {stage, "all"}:
            click.echo(f"PAUSED {stage}")
            sys.stdin.readline()

    with open_centre(server, data_dir(), say, certificate) as centre:
        options = StoryOptions(server=centre.url, bidders=bidders, certificate=centre.certificate)
        summary = play(options, say=say, before=before)
    text = json.dumps(summary, ensure_ascii=False, indent=1)
    if json_file is not None:
        json_file.write_text(f"{text}\n", encoding="utf-8")
    else:
        click.echo(text)
