"""kill -9 between the mail server's "250" and our noting it: one double at most, under the same Message-ID (R3.52)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.notices import rules
from tests.integration.support_notices import Post, make_post
from tests.support.mail_server import MailServer, make_mail_server

ROOT = Path(__file__).resolve().parents[2]
SENDER = """
import os, signal, sys
from pathlib import Path
from accounts.notices import delivery
from foundation.notices import configured
from foundation.notices.message import Channel
from tests.integration.support_notices import reopened_post

post = reopened_post(Path(sys.argv[1]), smtp_url=sys.argv[2])

class Deadly:
    def __init__(self, line):
        self.line = line
    def open(self):
        return self
    def send(self, message):
        self.line.send(message)
        os.kill(os.getpid(), signal.SIGKILL)
    def close(self):
        pass

delivery.send_due(post, Channel.EMAIL, provider=lambda *of: Deadly(configured.provider_of(*of).open()))
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = make_mail_server().start()
    yield made
    made.stop()


@pytest.fixture
def post(tmp_path: Path, server: MailServer) -> Post:
    return make_post(tmp_path, smtp_url=f"smtp://localhost:{server.port}")


def send_and_die(post: Post) -> None:
    settings = post.runtime.settings
    command = [sys.executable, "-c", SENDER, str(settings.data_dir), settings.smtp_url]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()


def test_a_killed_sender_causes_one_double_with_the_same_identifier(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    post.tell()
    send_and_die(post)
    assert len(server.taken) == 1
    assert post.attempts() == [(1, "sending", "")]
    assert post.send() == 0, "whoever holds it may still be alive"
    post.ahead = rules.LEASE + timedelta(seconds=1)
    assert post.send() == 1
    assert post.send() == 0
    assert len(server.taken) == 2
    assert len({str(mail["Message-ID"]) for mail in server.taken}) == 1
    assert post.attempts() == [(1, "interrupted", "interrupted"), (2, "sent", "")]
