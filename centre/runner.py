"""The process group: starts the children, waits until each is ready, restarts what dies, stops all of them cleanly.

It imports nothing of the product: children are command lines. Each runs in a session of its own, so that Ctrl-C reaches
the runner alone and a child is ended together with whatever it started. If the runner itself is killed (−9), the
system ends the children (Linux), so that two groups never work on one data folder.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from foundation.clock import monotonic, pause

DONE, UNAVAILABLE = 0, 5
GRACE_SECONDS = 5.0
"""From the request to stop to the kill."""
LOOK_EVERY_SECONDS = 0.05
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
STEADY_SECONDS = 60.0
"""Up for so long, a child has earned the shortest pause again."""
STARTS_BEFORE_GIVING_UP = 3
"""A child that dies this often before it was ever ready will not come up; the whole start has failed."""
LOG_LIMIT_BYTES = 10 * 1024 * 1024

# Run by a bare interpreter in front of each child (20 ms): asks Linux to end it with the runner, then becomes it.
_TIED = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 15)  # PR_SET_PDEATHSIG, SIGTERM
    if os.getppid() != int(sys.argv[1]):
        sys.exit(143)  # the runner died before the request was made
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Restart(enum.Enum):
    """What to do when a child ends by itself."""

    ALWAYS = "always"
    """A server: its end is a failure whatever its exit code."""
    ON_FAILURE = "on_failure"
    """A piece of work that may be finished (exit code 0)."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One child. Ready when ``ready_url`` answers 200, or ``ready_file`` exists, or at once if neither is given.

    ``after``: names of children that must be ready before this one is started.
    """

    name: str
    argv: Sequence[str]
    ready_url: str = ""
    ready_file: Path | None = None
    ready_within_seconds: float = 60.0
    restart: Restart = Restart.ALWAYS
    after: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Runner:
    """``Runner(specs, log_folder=…).run()`` blocks until it is told to stop; the exit code of the group.

    ``say`` takes one line of progress. ``on_ready`` is called once, when every child was ready for the first time.
    What children print goes to ``log_folder/NAME.log``, and with ``echo`` also through ``say``, prefixed by the name.
    """

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        *,
        log_folder: Path,
        say: Callable[[str], None] = print,
        on_ready: Callable[[], None] = lambda: None,
        echo: bool = False,
    ) -> None:
        names = [spec.name for spec in specs]
        if len(set(names)) != len(names) or any(set(s.after) - set(names[:i]) for i, s in enumerate(specs)):
            raise ValueError("children need different names, and may wait only for children named before them")
        self._log_folder, self._echo = log_folder, echo
        self._say, self._on_ready = say, on_ready
        self._children = [_Child(spec, self) for spec in specs]
        self._stop = threading.Event()
        self._signals = 0

    def stop(self) -> None:
        """Ask the group to end; returns at once. From any thread."""
        self._stop.set()

    def pids(self) -> dict[str, int]:
        """The children that run at this moment."""
        return {child.name: child.pid for child in self._children if child.is_running}

    def run(self) -> int:
        self._log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._signals_caught():
            try:
                return self._watch()
            finally:
                self._end_all()

    def say(self, text: str) -> None:
        self._say(text)

    def hear(self, name: str, line: str) -> None:
        """A line of a child's output."""
        if self._echo:
            self._say(f"{name:>9} | {line}")

    def log_of(self, name: str) -> Path:
        return self._log_folder / f"{name}.log"

    def _watch(self) -> int:
        announced = False
        while not self._stop.is_set():
            ready = {child.name for child in self._children if child.was_ready}
            for child in self._children:
                if child.never_started and not ready.issuperset(child.spec.after):
                    continue
                child.look()
                if child.gave_up:
                    self._say(f"{child.name} did not start; the end of {self.log_of(child.name)}:")
                    self._say(self._end_of_log(child.name))
                    return UNAVAILABLE
            if not announced and all(child.was_ready for child in self._children):
                announced = True
                self._on_ready()
            self._stop.wait(LOOK_EVERY_SECONDS)
        return DONE

    def _end_all(self) -> None:
        """In the opposite order of their start: all are asked, all share one limit, the rest are killed."""
        running = [child for child in reversed(self._children) if child.is_running]
        if running:
            self._say(f"stopping {', '.join(child.name for child in running)} …")
        for child in running:
            child.send(signal.SIGTERM)
        limit = monotonic() + GRACE_SECONDS
        for child in running:
            # A second Ctrl-C is somebody in a hurry.
            while child.is_running and monotonic() < limit and self._signals < 2:  # noqa: PLR2004
                pause(LOOK_EVERY_SECONDS)
            if child.is_running:
                self._say(f"{child.name} did not stop in time and was killed")
        for child in self._children:
            child.bury()
        self._say("stopped")

    def _end_of_log(self, name: str, most: int = 3000) -> str:
        try:
            return self.log_of(name).read_bytes()[-most:].decode(errors="replace").rstrip()
        except FileNotFoundError:
            return ""

    @contextlib.contextmanager
    def _signals_caught(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may; whoever runs a group in another one calls stop()
            return
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        self._stop.set()


class _Child:
    """One child through all its lives."""

    def __init__(self, spec: ChildSpec, group: Runner) -> None:
        self.spec, self.name = spec, spec.name
        self.was_ready = False
        self.gave_up = False
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._is_ready = False
        self._is_finished = False
        self._starts = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self._start_at = 0.0
        self._ask_at = 0.0

    @property
    def never_started(self) -> bool:
        return self._starts == 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and not self._has_exited()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def look(self) -> None:
        """One glance, that never waits long: start, ask whether ready, or notice the end."""
        if self._is_finished:
            return
        if self._process is None:
            if monotonic() >= self._start_at:
                self._start()
        elif self._has_exited():
            self._has_ended()
        elif not self._is_ready:
            self._ask()

    def send(self, number: int) -> None:
        """A signal to the child and all that it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def bury(self) -> int:
        """Nothing of the child remains: kill its session, read its last words; its exit code as subprocess gives it."""
        if self._process is None:
            return 0
        self.send(signal.SIGKILL)
        code = self._process.wait()
        if self._reader is not None:
            self._reader.join(1.0)
        self._process = None
        return code

    def _has_exited(self) -> bool:
        """Without collecting it: until ``bury`` its number belongs to it, so no signal can reach a stranger."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _start(self) -> None:
        if self.spec.ready_file is not None:
            self.spec.ready_file.unlink(missing_ok=True)
        self._starts += 1
        self._is_ready = False
        self._started_at = monotonic()
        if self._starts == 1:
            self._group.say(f"{self.name}: starting")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *self.spec.argv],
            env={**os.environ, **self.spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), name=f"log-{self.name}", daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        path = self._group.log_of(self.name)
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        assert process.stdout is not None  # noqa: S101 (for the type checker: it was asked for)
        with process.stdout as lines, path.open("ab", buffering=0) as log:
            for line in lines:
                log.write(line)
                self._group.hear(self.name, line.decode(errors="replace").rstrip())

    def _ask(self) -> None:
        now = monotonic()
        if now < self._ask_at:
            return
        if self._answers():
            self._is_ready = True
            word = "ready" if not self.was_ready else "ready again"
            self.was_ready = True
            self._group.say(f"{self.name}: {word} after {now - self._started_at:.1f} s")
            return
        self._ask_at = now + 2 * LOOK_EVERY_SECONDS
        if now - self._started_at > self.spec.ready_within_seconds:
            self._group.say(f"{self.name}: not ready within {self.spec.ready_within_seconds:.0f} s")
            self.send(signal.SIGKILL)

    def _answers(self) -> bool:
        if self.spec.ready_file is not None:
            return self.spec.ready_file.exists()
        return not self.spec.ready_url or _answers(self.spec.ready_url)

    def _has_ended(self) -> None:
        code = self.bury()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        if self.spec.restart is Restart.NEVER or (self.spec.restart is Restart.ON_FAILURE and code == 0):
            # A piece of work that ended well counts as ready: others may wait for it.
            self._is_finished = True
            self.was_ready = self.was_ready or code == 0
            self.gave_up = not self.was_ready
            self._group.say(f"{self.name}: ended ({how})")
            return
        if not self.was_ready and self._starts >= STARTS_BEFORE_GIVING_UP:
            self.gave_up = True
            return
        if monotonic() - self._started_at > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self._group.say(f"{self.name}: ended ({how}), starting again in {self._pause:.1f} s")
        self._start_at = monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


def _answers(url: str) -> bool:
    """Whether a server of this machine answers 200. Its certificate may be self-signed: nothing secret is asked."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if url.startswith("https:"):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        handlers.append(urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 (OK)
    except (OSError, ValueError, urllib.error.HTTPError):
        return False
