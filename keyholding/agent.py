"""A holder's standing agent: makes a key for each lot on its own machine and gives it up only on evidence of its own.

It speaks HTTP to the centre and believes nothing it hears: whether a window is closed, or a bid frozen and missing, it
reads from log entries proved under the policy pinned at enrolment (``evidence.py``). Every step can be repeated.
"""

from __future__ import annotations

import base64
import os
import signal
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import httpx
import structlog

from foundation.clock import machine_now, monotonic
from foundation.errors import CentreError, Unavailable
from foundation.ids import parse_id
from foundation.sealing import BadShare, Role, WrongKey, prove_possession, suite_named
from foundation.sealing.strict import decode_base64
from foundation.transparency.storage import create_file
from keyholding import evidence
from keyholding.agent_state import OWNER_ONLY, StateFolder
from keyholding.backup import restore_backup, restore_paper, write_backup, write_paper
from keyholding.dummy import private_hex
from keyholding.errors import AgentUnknown, EvidenceRefused, ServerOutOfReach, ServerRefused
from keyholding.evidence import LotNames, MissingEntries, ShownEntry

log = structlog.get_logger("holder_agent")

POLL_SECONDS: Final = 1.0
WAIT_MAX_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 20.0
_NEW: Final = click.Path(exists=False, dir_okay=False, path_type=Path)
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_AWAY: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the tasks came to: tasks done, tasks waiting for evidence, tasks refused (with codes)."""

    done: int = 0
    waiting: int = 0
    refused: tuple[str, ...] = ()


@dataclass
class _Patience:
    """A refused task is looked at again, but ever more seldom."""

    not_before: dict[str, float] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)

    def is_due(self, name: str) -> bool:
        return monotonic() >= self.not_before.get(name, 0.0)

    def failed(self, name: str) -> None:
        self.fails[name] = self.fails.get(name, 0) + 1
        self.not_before[name] = monotonic() + min(WAIT_MAX_SECONDS, 2.0 ** self.fails[name])


class HolderAgent:
    """One seat's agent. ``policy_text`` may be "" once a policy is pinned in ``state_dir``.

    ``client`` is for tests and for several agents in one process; else one is made for ``server_url``.
    Raises StateFolderBusy, PolicyRefused.
    """

    def __init__(
        self,
        server_url: str,
        token: str,
        state_dir: Path,
        policy_text: str = "",
        *,
        passphrase: str = "",
        client: httpx.Client | None = None,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self.state = StateFolder(state_dir, policy_text=policy_text, passphrase=passphrase)
        self._client = client or client_of(server_url)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._now = now
        self._patience = _Patience()

    def close(self) -> None:
        """Give the folder free."""
        self._client.close()
        self.state.close()

    def run(self, stop: threading.Event, *, poll_seconds: float = POLL_SECONDS) -> None:
        """Look and work until ``stop``; waits up to 30 s between tries while the centre is out of reach."""
        fails = 0
        while not stop.is_set():
            try:
                self.poll()
                fails = 0
            except (Unavailable, AgentUnknown, ServerRefused) as error:
                fails += 1
                log.warning("no_answer", error=str(error), tries=fails)
            stop.wait(min(WAIT_MAX_SECONDS, poll_seconds * 2 ** min(fails, 10)))

    def poll(self) -> Round:
        """Do every open task once. Raises ServerOutOfReach, AgentUnknown; a task's own failure is in the answer."""
        done, waiting, refused = 0, 0, []
        for task in self._tasks():
            name = f"{task.get('kind')} {task.get('keyset_id')} {task.get('rehearsal_id', '')}"
            if not self._patience.is_due(name):
                continue
            try:
                self._do(task)
            except Unavailable:
                waiting += 1  # not proved yet, or out of reach: look again in a second
            except CentreError as error:
                self._patience.failed(name)
                reason = str(error.fields.get("reason", ""))
                refused.append(f"{error.code}:{reason}" if reason else error.code)
                log.warning("task_refused", kind=task.get("kind"), lot=task.get("lot_id"), error=refused[-1])
            else:
                done += 1
                log.info("task_done", kind=task.get("kind"), lot=task.get("lot_id"))
        return Round(done, waiting, tuple(refused))

    def _tasks(self) -> list[dict[str, Any]]:
        tasks = self._ask("GET", "/agent/tasks").get("tasks")
        if not isinstance(tasks, list) or not all(isinstance(one, dict) for one in tasks):
            raise ServerOutOfReach(reason="form")
        return tasks

    def _do(self, task: Mapping[str, Any]) -> None:
        """Do one task. What the server sends is only ever a question; a malformed one is refused."""
        deeds = {
            "make_key": self._make_key,
            "rehearse": self._rehearse,
            "release_gate_key": self._release_gate_key,
            "release_escrow_shares": self._release_escrow_shares,
        }
        try:
            lot = LotNames(parse_id(task["lot_id"]), str(task["tender"]), str(task["lot_code"]))
            keyset_id, role = parse_id(task["keyset_id"]), Role(task["role"])
            deed = deeds[task["kind"]]
        except (KeyError, ValueError, TypeError) as error:
            raise EvidenceRefused(reason="task_form") from error
        deed(task, lot, keyset_id, role)

    def _make_key(self, task: Mapping[str, Any], lot: LotNames, keyset_id: str, role: Role) -> None:
        try:
            suite = suite_named(_text(task, "suite"))
        except ValueError as error:
            raise EvidenceRefused(reason="task_form", field="suite") from error
        key = self.state.make_key(lot, keyset_id, role, self._now, suite)
        proof = prove_possession(key.private_key, lot.tender, lot.lot_code, role)
        body = {"public_key": key.public_key.hex(), "proof": base64.b64encode(proof).decode()}
        self._ask("POST", f"/agent/keysets/{keyset_id}/key", body)

    def _rehearse(self, task: Mapping[str, Any], lot: LotNames, keyset_id: str, role: Role) -> None:
        key = self.state.key(lot, keyset_id, role).private_key
        answer: dict[str, str]
        try:
            share = evidence.rehearsal_share_of(
                _bytes(task, "header"),
                lot=lot,
                keyset_json=_text(task, "keyset"),
                role=role,
                index=_number(task, "index"),
                key=key,
            )
            answer = {"share": share.hex()}
        except (BadShare, WrongKey) as error:
            answer = {"fault": "wrap" if isinstance(error, BadShare) else "wrong_key"}
        self._ask("POST", f"/agent/rehearsals/{parse_id(_text(task, 'rehearsal_id'))}/share", answer)

    def _release_gate_key(self, task: Mapping[str, Any], lot: LotNames, keyset_id: str, role: Role) -> None:
        key = self.state.key(lot, keyset_id, Role.GATE).private_key
        if role is not Role.GATE:
            raise EvidenceRefused(reason="task_form")
        shown = self._shown(_text(task, "entry_id"))
        evidence.permit_gate_release(shown, lot, self.state.policy, self._now())
        self._ask("POST", f"/agent/lots/{lot.lot_id}/gate-key", {"private_key": private_hex(key)})

    def _release_escrow_shares(self, task: Mapping[str, Any], lot: LotNames, keyset_id: str, _role: Role) -> None:
        key = self.state.key(lot, keyset_id, Role.ESCROW).private_key
        facts = evidence.establish_missing(self._missing_entries(task), lot, self.state.policy, self._now())
        self.state.pin_frozen(lot.lot_id, facts.entry)
        answers: list[dict[str, str]] = []
        for one in task.get("bids") or ():
            bid = _text(one, "bid")
            try:
                share = evidence.escrow_share_of(
                    bid,
                    _bytes(one, "header"),
                    _text(one, "manifest").encode(),
                    facts=facts,
                    lot=lot,
                    keyset_json=_text(task, "keyset"),
                    index=_number(task, "index"),
                    key=key,
                )
            except BadShare as error:
                answers.append({"bid": bid, "fault": str(error.fields.get("reason", "wrap"))})
            else:
                answers.append({"bid": bid, "share": share.hex()})
        if answers:
            self._ask("POST", f"/agent/lots/{lot.lot_id}/escrow-shares", {"shares": answers})

    def _missing_entries(self, task: Mapping[str, Any]) -> MissingEntries:
        apart = task.get("long_entries")
        long_entries = apart if isinstance(apart, dict) else {}
        names = ("published_entry_id", "frozen_entry_id", "list_entry_id", "ended_entry_id")
        published, frozen, listed, ended = (self._shown(_text(task, name), long_entries) for name in names)
        wanted = {one["request_entry_id"] for one in task.get("bids") or () if one.get("request_entry_id")}
        requests = tuple(self._shown(str(one)) for one in sorted(wanted))
        return MissingEntries(published, frozen, listed, ended, requests)

    def _shown(self, entry_id: str, apart: Mapping[str, Any] | None = None) -> ShownEntry:
        """A log entry with its proof; raises Unavailable while it is not cosigned yet."""
        found = self._ask("GET", f"/log/entries/{parse_id(entry_id)}")
        data = (apart or {}).get(entry_id)
        entry, proof = _text(found, "entry_text"), _text(found, "tlog_proof")
        return ShownEntry(entry.encode(), proof, data if isinstance(data, dict) else None)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._client.request(method, path, json=body, headers=self._headers)
            answer = response.json()
        except httpx.HTTPError as error:
            raise ServerOutOfReach(reason=type(error).__name__) from error
        except ValueError as error:
            raise ServerOutOfReach(reason="not_json") from error
        if response.status_code in _AWAY:
            raise ServerOutOfReach(reason=str(response.status_code))
        if response.status_code == 401:  # noqa: PLR2004 - not signed in
            raise AgentUnknown
        if not response.is_success or not isinstance(answer, dict):
            code = answer.get("code", "") if isinstance(answer, dict) else ""
            raise ServerRefused(status=response.status_code, answer=str(code)[:80], reason=str(code)[:80])
        return answer


def _text(values: object, name: str) -> str:
    value = values.get(name) if isinstance(values, Mapping) else None
    if not isinstance(value, str):
        raise EvidenceRefused(reason="task_form", field=name)
    return value


def _bytes(values: object, name: str) -> bytes:
    raw = decode_base64(_text(values, name))
    if raw is None:
        raise EvidenceRefused(reason="task_form", field=name)
    return raw


def _number(values: Mapping[str, Any], name: str) -> int:
    value = values.get(name)
    if type(value) is not int:
        raise EvidenceRefused(reason="task_form", field=name)
    return value


def client_of(server_url: str, ca_file: str | None = None) -> httpx.Client:
    """The client of one agent; ``ca_file`` is a certificate to trust beside the machine's own."""
    context = ssl.create_default_context(cafile=ca_file)
    return httpx.Client(base_url=server_url, timeout=TIMEOUT_SECONDS, verify=context)


def fetch_policy(server_url: str, ca_file: str | None = None) -> str:
    """The policy as the centre states it. Trusting it is trusting the centre once: compare it with a paper copy.

    Raises ServerOutOfReach.
    """
    try:
        with client_of(server_url, ca_file) as client:
            response = client.get("/log/policy")
            response.raise_for_status()
    except httpx.HTTPError as error:
        raise ServerOutOfReach(reason=type(error).__name__) from error
    return response.text


@click.command("holder-agent")
@click.option("--server", default="", help="Address of the centre, such as https://centre.example.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--state", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the keys.")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The log policy (keys of log and cosigner) as the regulator gave it to you; pinned on the first run.",
)
@click.option("--pin-from-server", is_flag=True, help="First run only: pin the policy the centre shows, and print it.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="Certificate to trust for https.")
@click.option("--once", is_flag=True, help="Do what is asked now, by hand, and end.")
@click.option("--backup", type=_NEW, help="Write every key and the policy into one age file, and end.")
@click.option("--paper", type=_NEW, help="Write every key as a sheet to print, and end.")
@click.option("--restore", type=_FILE, help="Bring keys back from an age file or from typed sheets, and end.")
def holder_agent(
    server: str,
    token_file: Path | None,
    state: Path,
    policy: Path | None,
    pin_from_server: bool,
    ca: str | None,
    once: bool,
    **kept: Path | None,
) -> None:
    """Keep the keys of a gate holder or custodian on this machine, and release them only on cosigned evidence.

    Key files are encrypted where HOLDER_AGENT_PASSPHRASE is set in the environment. The passphrase of a backup is
    asked for, or taken from HOLDER_BACKUP_PASSPHRASE.
    """
    text = policy.read_text(encoding="utf-8") if policy else ""
    if any(kept.values()):
        _keep(state, text, **kept)
        return
    if not server or token_file is None:
        raise click.UsageError("--server and --token-file are needed")
    if not text and pin_from_server and not (state / "policy.txt").exists():
        text = fetch_policy(server, ca)
        click.echo(f"已固定以下信任策略，请与书面副本核对 · pinned; compare with your paper copy:\n{text}")
    token = token_file.read_text(encoding="ascii").strip()
    agent = HolderAgent(server, token, state, text, passphrase=_own_passphrase(), client=client_of(server, ca))
    try:
        if once:
            _say_and_fail(agent.poll())
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        agent.run(stop)
    finally:
        agent.close()


def _keep(state: Path, policy_text: str, backup: Path | None, paper: Path | None, restore: Path | None) -> None:
    passphrase = os.environ.get("HOLDER_BACKUP_PASSPHRASE") or click.prompt(
        "备份口令 · passphrase of the backup", hide_input=True, confirmation_prompt=restore is None, err=True
    )
    if backup is not None:
        _write_new(backup, write_backup(state, passphrase))
    if paper is not None:
        _write_new(paper, write_paper(state, passphrase, _own_passphrase()).encode())
    if restore is not None:
        data = restore.read_bytes()
        if data.startswith(b"etender-paper/"):
            found = restore_paper(state, data.decode("utf-8"), passphrase, policy_text, _own_passphrase())
        else:
            found = restore_backup(state, data, passphrase)
        click.echo(f"恢复 {found.keys} 把密钥 · {found.lots} 个标段 (keys, lots)")


def _write_new(path: Path, data: bytes) -> None:
    if not create_file(path, data, mode=OWNER_ONLY):
        raise click.UsageError(f"{path} is there already")
    click.echo(f"已写入 {path} (written)")


def _own_passphrase() -> str:
    return os.environ.get("HOLDER_AGENT_PASSPHRASE", "")


def _say_and_fail(result: Round) -> None:
    click.echo(f"完成 {result.done} · 等待 {result.waiting} · 拒绝 {len(result.refused)} (done, waiting, refused)")
    for code in result.refused:
        click.echo(f"  {code}")
    if result.refused:
        raise EvidenceRefused(reason=result.refused[0])


__all__ = ["HolderAgent", "Round", "client_of", "fetch_policy", "holder_agent"]
