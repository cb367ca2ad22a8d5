"""For development and demonstrations: messages are laid into a folder or written to the console, and go nowhere."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from foundation.notices.mail import written
from foundation.notices.message import Outgoing
from foundation.transparency.storage import replace_file

SENDER: Final = "centre@localhost"
_NAME: Final = re.compile(r"[^A-Za-z0-9.@_-]")


@dataclass(frozen=True, slots=True)
class FileProvider:
    """One file a message, named by its Message-ID: the same message again replaces itself, as a mail server may do."""

    folder: Path

    def open(self) -> FileProvider:
        return self

    def send(self, message: Outgoing) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{_NAME.sub('_', message.message_id)}.eml"
        replace_file(path, written(message, SENDER).as_bytes(), mode=0o600)

    def check(self) -> None:
        """Always open."""

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass(frozen=True, slots=True)
class ConsoleProvider:
    """Writes to standard error. A code stays in the dark: what a console shows is often kept."""

    def open(self) -> ConsoleProvider:
        return self

    def send(self, message: Outgoing) -> None:
        text = "(a code; it is not shown on a console)" if message.is_secret else message.text
        sys.stderr.write(f"--- {message.to} · {message.subject}\n{text}\n")
        sys.stderr.flush()

    def check(self) -> None:
        """Always open."""

    def close(self) -> None:
        """Nothing is kept open."""
