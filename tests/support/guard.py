"""Keeps one server alive for as long as the test run lives, and not a second longer.

``python guard.py WATCHED_PID SIGNAL USER COMMAND…`` starts the command (as USER, "-" for this one), sends it SIGNAL
when it is itself terminated or when the watched process has gone, and kills it after five seconds. A run that is
killed (−9) so leaves no server behind. Standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

GRACE_SECONDS = 5.0


def main() -> int:
    watched, how_to_stop, user = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    asked_to_stop = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    other_user = {"user": user, "group": user_group(user), "extra_groups": []} if user != "-" else {}
    child = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL, **other_user)
    while child.poll() is None and not asked_to_stop and is_alive(watched):
        time.sleep(0.1)
    if child.poll() is None:
        child.send_signal(how_to_stop)
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
    return child.wait()


def user_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
