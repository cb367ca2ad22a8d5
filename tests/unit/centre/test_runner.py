"""The process group with real children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from centre import runner
from centre.lockfile import DataFolderInUse, DataFolderLock
from centre.runner import ChildSpec, Restart, Runner
from tests.support.guard import is_alive
from tests.support.services import free_port

WAIT = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
PAUSE = "\nwhile True: time.sleep(1)"


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def server(name: str, folder: Path, extra: str = "") -> ChildSpec:
    """A child that says it is ready by a file and ends when asked."""
    ready = folder / f"{name}.ready"
    return ChildSpec(
        name,
        child(f"{WAIT}{extra}\nprint('up', flush=True); open({str(ready)!r}, 'w').close(){PAUSE}"),
        ready_file=ready,
    )


def eventually(is_so: Callable[[], object], seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < limit, "it never came to be so"
        time.sleep(0.02)


class Group:
    """A runner in a thread, and what it said."""

    def __init__(self, specs: list[ChildSpec], folder: Path, *, echo: bool = False) -> None:
        self.said: list[str] = []
        self.ready = threading.Event()
        self.code: int | None = None
        self.runner = Runner(specs, log_folder=folder / "log", say=self.said.append, on_ready=self.ready.set, echo=echo)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.code = self.runner.run()

    def join(self) -> int | None:
        self._thread.join(30)
        return self.code

    def stop(self) -> int | None:
        self.runner.stop()
        return self.join()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Group]]:
    groups: list[Group] = []

    def begin(*specs: ChildSpec, echo: bool = False) -> Group:
        groups.append(Group(list(specs), tmp_path, echo=echo))
        return groups[-1]

    yield begin
    for group in groups:
        group.stop()


def test_children_are_started_announced_once_and_stopped_without_a_trace(start, tmp_path: Path) -> None:
    group = start(server("web", tmp_path), server("room", tmp_path))
    assert group.ready.wait(20)
    pids = group.runner.pids()
    assert set(pids) == {"web", "room"}
    assert group.stop() == runner.DONE
    assert not any(is_alive(pid) for pid in pids.values())
    assert [line for line in group.said if "killed" in line] == []
    assert sum("web: ready" in line for line in group.said) == 1
    assert group.said[-1] == "stopped"


def test_a_killed_child_is_started_again_and_the_others_stay(start, tmp_path: Path) -> None:
    group = start(server("web", tmp_path), server("room", tmp_path))
    assert group.ready.wait(20)
    before = group.runner.pids()
    os.kill(before["web"], signal.SIGKILL)
    eventually(lambda: any("web: ready again" in line for line in group.said))
    after = group.runner.pids()
    assert after["web"] != before["web"]
    assert after["room"] == before["room"]
    assert any("web: ended (signal SIGKILL), starting again in 0.5 s" in line for line in group.said)


def test_what_a_killed_child_had_started_dies_with_it(start, tmp_path: Path) -> None:
    noted = tmp_path / "grandchild"
    code = f"""
import subprocess
started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(noted)!r}, "w").write(str(started.pid))
"""
    group = start(server("web", tmp_path, extra=code))
    assert group.ready.wait(20)
    grandchild = int(noted.read_text())
    os.kill(group.runner.pids()["web"], signal.SIGKILL)
    eventually(lambda: not _runs(grandchild))


def test_the_pause_before_a_start_grows(start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.1)
    ready = tmp_path / "ready"
    group = start(
        ChildSpec("web", child(f"open({str(ready)!r}, 'w').close(); import time; time.sleep(0.3)"), ready_file=ready)
    )
    eventually(lambda: sum("starting again" in line for line in group.said) >= 3)
    pauses = [float(line.split()[-2]) for line in group.said if "starting again" in line]
    assert pauses == sorted(pauses)
    assert pauses[2] > pauses[0]


def test_a_child_that_never_comes_up_ends_the_start_and_shows_its_last_words(
    start, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.01)
    broken = ChildSpec("web", child("import sys; sys.exit('the port is taken')"), ready_file=tmp_path / "never")
    group = start(server("room", tmp_path), broken)
    assert group.join() == runner.UNAVAILABLE
    assert any("the port is taken" in line for line in group.said)
    assert not group.ready.is_set()
    assert group.runner.pids() == {}


def test_a_child_that_does_not_get_ready_in_time_counts_as_ended(start, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(runner, "FIRST_PAUSE_SECONDS", 0.01)
    idle = ChildSpec("web", child(f"{WAIT}{PAUSE}"), ready_file=tmp_path / "never", ready_within_seconds=0.3)
    group = start(idle)
    assert group.join() == runner.UNAVAILABLE
    assert any("not ready within" in line for line in group.said)


def test_a_child_that_does_not_stop_is_killed_within_the_limit(start, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(runner, "GRACE_SECONDS", 0.3)
    ready = tmp_path / "ready"
    deaf = (
        f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(ready)!r}, 'w').close(){PAUSE}"
    )
    group = start(ChildSpec("web", child(deaf), ready_file=ready))
    assert group.ready.wait(20)
    pid = group.runner.pids()["web"]
    assert group.stop() == runner.DONE
    assert not is_alive(pid)
    assert "web did not stop in time and was killed" in group.said


def test_a_child_waits_for_those_it_needs_and_finished_work_counts_as_ready(start, tmp_path: Path) -> None:
    seed = ChildSpec(
        "seed", child("import time; time.sleep(0.2)"), ready_file=tmp_path / "none", restart=Restart.ON_FAILURE
    )
    web = ChildSpec("web", child(f"{WAIT}{PAUSE}"), after=("seed",))
    group = start(seed, web)
    assert group.ready.wait(20)
    assert group.said.index("seed: ended (exit code 0)") < group.said.index("web: starting")


def test_failed_work_that_is_not_repeated_ends_the_start(start, tmp_path: Path) -> None:
    seed = ChildSpec("seed", child("raise SystemExit(3)"), ready_file=tmp_path / "none", restart=Restart.NEVER)
    assert start(seed).join() == runner.UNAVAILABLE


def test_a_child_is_ready_when_its_address_answers_200(start) -> None:
    port = free_port()
    code = f"""
import http.server
class Answer(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Answer.asked += 1
        self.send_response(200 if Answer.asked > 2 else 503)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", {port}), Answer).serve_forever()
"""
    group = start(ChildSpec("web", child(code), ready_url=f"http://127.0.0.1:{port}/readyz"))
    assert group.ready.wait(20)


def test_output_goes_to_a_log_and_with_the_name_to_the_console(start, tmp_path: Path) -> None:
    group = start(server("web", tmp_path), echo=True)
    assert group.ready.wait(20)
    eventually(lambda: "      web | up" in group.said)
    assert group.stop() == runner.DONE
    assert (tmp_path / "log" / "web.log").read_text() == "up\n"


def test_two_children_of_one_name_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different names"):
        Runner([server("web", tmp_path), server("web", tmp_path)], log_folder=tmp_path)
    with pytest.raises(ValueError, match="only for children named before"):
        Runner([ChildSpec("web", ["true"], after=("room",))], log_folder=tmp_path)


GROUP = """
import sys
from pathlib import Path
from centre.lockfile import DataFolderLock
from centre.runner import ChildSpec, Runner

CODE = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); time.sleep(60)"
folder = Path(sys.argv[1])


def tell():
    lock.tell(address="http://localhost:8000")
    print("pid", *group.pids().values(), flush=True)


with DataFolderLock(folder) as lock:
    group = Runner([ChildSpec("web", [sys.executable, "-c", CODE])], log_folder=folder, on_ready=tell)
    sys.exit(group.run())
"""


def start_process(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """The group as a program of its own, and the pid of its child once it runs."""
    program = subprocess.Popen([sys.executable, "-c", GROUP, str(folder)], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    for line in program.stdout:
        if line.startswith("pid "):
            return program, int(line.split()[1])
    raise AssertionError("the group did not start")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_group_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    program, pid = start_process(tmp_path)
    with program:
        program.send_signal(number)
        assert program.wait(20) == 0
    assert not is_alive(pid)


def test_a_runner_that_is_killed_takes_its_children_with_it_and_frees_the_folder(tmp_path: Path) -> None:
    program, pid = start_process(tmp_path)
    with program:
        program.kill()
        program.wait(20)
    eventually(lambda: not _runs(pid))
    with DataFolderLock(tmp_path):
        pass


def test_a_second_start_is_refused_and_told_who_holds_the_folder(tmp_path: Path) -> None:
    program, _pid = start_process(tmp_path)
    with program:
        with pytest.raises(DataFolderInUse) as refused, DataFolderLock(tmp_path):
            pass
        assert refused.value.fields["pid"] == program.pid
        assert refused.value.fields["address"] == "http://localhost:8000"
        program.terminate()
        program.wait(20)
    with DataFolderLock(tmp_path):
        pass


def _runs(pid: int) -> bool:
    """Alive and no zombie: an orphan may wait for its new parent to collect it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
