"""``centre agents``: the holders' agents of a demonstration, a thread a seat, in one process.

In real life each runs on its holder's own machine (``centre holder-agent``); here they share a process to spare memory,
each with its own token, folder and keys. Whoever tries the demonstration can let an agent rest (``<seat>.paused``).
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Final

import click
import structlog

from foundation.errors import CentreError, Unavailable
from keyholding.agent import HolderAgent, client_of, fetch_policy

log = structlog.get_logger("agents")
LOOK_SECONDS: Final = 1.0
FIRST_TRIES: Final = 120


def paused_mark(folder: Path, name: str) -> Path:
    """While this file is there the agent of seat ``name`` rests."""
    return folder / f"{name}.paused"


def token_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.token"))


class Standing:
    """All agents of one folder of tokens; state lies beside each token. ``ca_file``: a self-signed centre's PEM."""

    def __init__(self, server_url: str, folder: Path, ca_file: str | None = None) -> None:
        self._server_url = server_url
        self._folder = folder
        self._ca_file = ca_file
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, policy_text: str) -> int:
        """Start a thread a token; returns how many."""
        for token_file in token_files(self._folder):
            name = token_file.stem
            thread = threading.Thread(target=self._stand, args=(name, token_file, policy_text), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return len(self._threads)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)

    def _stand(self, name: str, token_file: Path, policy_text: str) -> None:
        state = self._folder / name
        # A policy pinned earlier stays: a restarted centre keeps its keys, so a differing one is an alarm.
        text = "" if (state / "policy.txt").exists() else policy_text
        token = token_file.read_text(encoding="ascii").strip()
        client = client_of(self._server_url, self._ca_file)
        agent = HolderAgent(self._server_url, token, state, text, client=client)
        try:
            while not self._stop.is_set():
                if not paused_mark(self._folder, name).exists():
                    try:
                        agent.poll()
                    except CentreError as error:
                        log.warning("no_answer", seat=name, error=error.code)
                self._stop.wait(LOOK_SECONDS)
        finally:
            agent.close()


def policy_of(server_url: str, stop: threading.Event, ca_file: str | None = None) -> str:
    """The centre's policy, waited for: at the very start the cosigner's key may not be known yet."""
    for _ in range(FIRST_TRIES):
        try:
            return fetch_policy(server_url, ca_file)
        except Unavailable:
            if stop.wait(0.5):
                break
    return fetch_policy(server_url, ca_file)


@click.command("agents")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written once all agents look for work.")
def agents(ready_file: Path | None) -> None:
    """Run the agents of all holders of a demonstration centre."""
    from centre.bootstrap import configure_logging
    from centre.cli import read_settings

    settings = read_settings()
    configure_logging(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server_url = f"{settings.scheme}://localhost:{settings.web_port}"
    ca_file = str(settings.tls_certificate) if settings.tls_certificate else None
    standing = Standing(server_url, settings.data_dir / "demo" / "agents", ca_file)
    count = standing.start(policy_of(server_url, stop, ca_file))
    log.info("agents_ready", count=count)
    if ready_file is not None:
        ready_file.write_text(str(os.getpid()), encoding="ascii")
    stop.wait()
    standing.stop()
