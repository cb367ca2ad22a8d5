"""Several holders' agents in one process: for a demonstration, where one machine plays every holder.

Real holders run ``centre holder-agent`` on machines of their own; agents under one operator are refused as a quorum.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import click
import structlog
from pydantic import BaseModel, TypeAdapter

from foundation.errors import Unavailable
from foundation.settings import Settings
from keyholding.agent import HolderAgent, client_of, fetch_policy
from keyholding.errors import PolicyRefused

log = structlog.get_logger("holder_agents")
ROSTER: Final = "agents.json"
RETRY_SECONDS: Final = 1.0


class RosterEntry(BaseModel):
    """One agent: a name for its folder, and its token."""

    name: str
    token: str


def read_roster(path: Path) -> tuple[RosterEntry, ...]:
    """``[{"name": …, "token": …}, …]``: the file is private to the demonstration's own machine."""
    return TypeAdapter(tuple[RosterEntry, ...]).validate_json(path.read_bytes())


def run_roster(
    roster: Sequence[RosterEntry],
    folder: Path,
    make: Callable[[RosterEntry, Path, str], HolderAgent],
    policy: Callable[[], str],
    stop: threading.Event,
    ready: Callable[[], None],
) -> None:
    """Run every agent in a thread of its own until ``stop``; each keeps its keys under ``folder/<name>``.

    The policy is asked for only by agents that have none pinned, and until the centre states one.
    """
    with ExitStack() as opened:
        agents: list[HolderAgent] = []
        for entry in roster:
            state = folder / entry.name
            text = "" if (state / "policy.txt").exists() else _policy_when_there(policy, stop)
            if stop.is_set():
                return
            agents.append(opened.enter_context(closing(make(entry, state, text))))
        threads = [threading.Thread(target=agent.run, args=(stop,), daemon=True) for agent in agents]
        for thread in threads:
            thread.start()
        ready()
        for thread in threads:
            thread.join()


def _policy_when_there(policy: Callable[[], str], stop: threading.Event) -> str:
    while not stop.is_set():
        try:
            return policy()
        except Unavailable as error:
            log.info("no_policy_yet", error=str(error))
            stop.wait(RETRY_SECONDS)
    return ""


@click.command("agents")
@click.option("--server", default="", help="Address of the centre (default: this data folder's own).")
@click.option("--roster", type=click.Path(dir_okay=False, path_type=Path), help="Default: agents/agents.json there.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Written once every agent works.")
def agents(server: str, roster: Path | None, ready_file: Path | None) -> None:
    """Run the agents of all holders of a demonstration centre in one process."""
    settings = Settings()
    if not settings.demo:
        raise PolicyRefused(reason="not_a_demonstration")
    path = roster or settings.data_dir / "agents" / ROSTER
    origin = server or settings.web_origin
    ca = str(settings.tls_certificate) if settings.tls_certificate else None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def make(entry: RosterEntry, state: Path, text: str) -> HolderAgent:
        return HolderAgent(origin, entry.token, state, text, client=client_of(origin, ca))

    def ready() -> None:
        if ready_file is not None:
            ready_file.write_text("ready\n", encoding="ascii")

    run_roster(read_roster(path), path.parent, make, lambda: fetch_policy(origin, ca), stop, ready)
