"""Chromium: ``CHROMIUM``, else chromium or google-chrome on PATH, else apt-get when root.

``python -m tests.support.chromium`` does the installing before the tests start, so that no test waits for it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.services import Choice, ServiceMissing

VARIABLE = "CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No sandbox: test machines are containers, often run as root; the pages are our own.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HINT = f"no Chromium: set {VARIABLE}, or install chromium, or leave the browser tests out with --no-browser"


def choose() -> Choice:
    """Raises ServiceMissing when there is none and none can be installed."""
    if path := os.environ.get(VARIABLE):
        return Choice(f"{VARIABLE} ({path})", path)
    if path := find():
        return Choice(path, path)
    if _may_install():
        return Choice("to be installed by apt-get")
    raise ServiceMissing(HINT)


def path() -> str:
    """Chromium's path; installs it where that is possible. Raises ServiceMissing with a hint otherwise."""
    choice = choose()
    return choice.url or install()


def find() -> str:
    return next((found for name in NAMES if (found := shutil.which(name))), "")


def install() -> str:
    """``apt-get install chromium``, once with a fresh package list; one process at a time."""
    with (Path(tempfile.gettempdir()) / "centre-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found := find():
            return found
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install_ = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"]
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, stdout=sys.stderr)
        done = subprocess.run(install_, check=False, env=environment, stdout=sys.stderr)
        found = find()
        if done.returncode or not found:
            raise ServiceMissing(HINT)
        return found


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


if __name__ == "__main__":
    try:
        print(f"set-up: Chromium is {path()}")
    except ServiceMissing as error:
        # Not the end: the browser tests will fail with the same hint, the others can still run.
        print(f"set-up: {error}", file=sys.stderr)
