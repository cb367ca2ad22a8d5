"""Child processes to be measured: pinned to one processor, their processor time and memory read from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
SERVER_CPU, CLIENT_CPU = 0, 1


class Child:
    """A Python process that is talked to by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def say(self, line: str) -> None:
        into = _pipe(self.process.stdin)
        into.write(line + "\n")
        into.flush()

    def hear(self) -> str:
        """The next line it prints. Raises RuntimeError when it has gone."""
        line = _pipe(self.process.stdout).readline()
        if not line:
            raise RuntimeError(f"process {self.pid} ended with {self.process.wait(5)}")
        return line.strip()

    def cpu_seconds(self) -> float:
        """Processor time of all its threads, those that ended included (Linux: the clock of another process)."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def memory_kib(self) -> int:
        """Its resident set."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"process {self.pid} has gone")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("started without pipes")
    return pipe


@contextmanager
def child(arguments: Sequence[str], *, cpu: int, environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run ``python ARGUMENTS`` on one processor (where there is more than one); stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if cpu in os.sched_getaffinity(0):
        os.sched_setaffinity(process.pid, {cpu})  # before it has threads: they inherit it
    try:
        yield Child(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            _pipe(pipe).close()
