"""argon2id, with a cap on how many are computed at once: each takes 64 MiB and a good part of a core."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from accounts.errors import PasswordsBusy

AT_ONCE: Final = 2
WAIT_SECONDS: Final = 20.0


class Passwords:
    """Hashes and checks passwords. Slow on purpose: never call it inside a Unit."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = AT_ONCE) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = threading.BoundedSemaphore(at_once)
        self._dummy = ""
        self._dummy_lock = threading.Lock()

    def hash(self, password: str) -> str:
        """Raises PasswordsBusy when no place comes free."""
        with self._place():
            return self._hasher.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right. None (no such login) takes just as long and is never right."""
        compared = password_hash or self._dummy_hash()
        with self._place():
            try:
                right = self._hasher.verify(compared, password)
            except (VerificationError, InvalidHashError):
                return False
        return right and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _dummy_hash(self) -> str:
        with self._dummy_lock:
            if not self._dummy:
                self._dummy = self.hash("nobody has this password")
            return self._dummy

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise PasswordsBusy
        try:
            yield
        finally:
            self._places.release()


_SHARED: Final = Passwords()


def shared() -> Passwords:
    """The one of this process: the cap holds for all its threads together."""
    return _SHARED
