"""The cosigner under kill -9: whatever it has said is still known when it comes back."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigner import CosignerClient
from foundation.transparency.cosigning import AddCheckpoint, CosignerRecord, origin_hash
from foundation.transparency.errors import CosignerUnavailable
from foundation.transparency.notes import Note
from tests.unit.transparency.logbook import ORIGIN, ROOT, Logbook, cosigner_key

KEY = cosigner_key()

SERVER = """
import sys
from pathlib import Path
from foundation.clock import machine_now
from foundation.transparency.cosigner import running
from tests.unit.transparency.logbook import cosigner_key, log_key

with running("127.0.0.1", 0, Path(sys.argv[1]), cosigner_key(), [str(log_key().verifier)], now=machine_now) as server:
    print(server.url, flush=True)
    server.serve_forever()
"""

# Dies by its own hand at the n-th line executed in the files that decide and write.
DIES_AT = """
import os, signal, sys
from pathlib import Path
from foundation.transparency.cosigning import AddCheckpoint, Cosigner, CosignerRecord
from tests.unit.transparency.logbook import NOON, Logbook, cosigner_key, log_key

left = int(sys.argv[2])
body = Path(sys.argv[3]).read_bytes()

def trace(frame, event, arg):
    global left
    if not frame.f_code.co_filename.endswith(("transparency/cosigning.py", "transparency/storage.py")):
        return None
    if event == "line":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace

with CosignerRecord(Path(sys.argv[1])) as record:
    cosigner = Cosigner(cosigner_key(), [log_key().verifier], record)
    sys.settrace(trace)
    reply = cosigner.add_checkpoint(body, NOON)
    sys.settrace(None)
    print(reply.status.value)
"""


@contextmanager
def _server(state: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", SERVER, str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def _size(state: Path) -> int:
    with CosignerRecord(state) as record:
        note = record.latest(ORIGIN)
    return Checkpoint.parse(Note.parse(note).text).size if note else 0


@pytest.mark.slow
def test_a_killed_cosigner_never_forgets_what_it_signed(tmp_path: Path) -> None:
    book = Logbook()
    answered = 0
    for _ in range(4):
        with _server(tmp_path) as (process, url):
            client = CosignerClient(url, str(KEY.verifier))
            threading.Timer(0.15, process.send_signal, [signal.SIGKILL]).start()
            with suppress(CosignerUnavailable):
                while True:
                    book.append([b"entry"])
                    client.add_checkpoint(book.checkpoint(), book.reader().consistency_proof)
                    answered = book.edge.size
            client.close()
        assert answered <= _size(tmp_path) <= book.edge.size
    assert answered > 0


@pytest.mark.slow
def test_it_may_die_at_any_line(tmp_path: Path) -> None:
    book = Logbook([b"a"])
    first = AddCheckpoint(0, (), book.checkpoint())
    book.append([b"b"])
    second = AddCheckpoint(1, tuple(book.reader().consistency_proof(1)), book.checkpoint())
    (tmp_path / "first").write_text(str(first), encoding="utf-8")
    (tmp_path / "second").write_text(str(second), encoding="utf-8")
    state = tmp_path / "state"
    assert _run(state, 0, tmp_path / "first") == "200\n"
    begin = (state / f"{origin_hash(ORIGIN)}.checkpoint").read_bytes()
    seen, line = set(), 1
    while not (answer := _run(state, line, tmp_path / "second")):
        seen.add(_size(state))
        (state / f"{origin_hash(ORIGIN)}.checkpoint").write_bytes(begin)
        line += 1
    assert answer == "200\n"
    assert seen == {1, 2}


def _run(state: Path, line: int, body: Path) -> str:
    command = [sys.executable, "-c", DIES_AT, str(state), str(line), str(body)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout
