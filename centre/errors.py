"""Refusals of starting and steering a centre."""

from __future__ import annotations

from foundation.errors import Conflict


class NotADemoFolder(Conflict):
    """The data folder was not created for demonstration (or was, and is asked to be a real one)."""

    code = "centre.not_a_demo_folder"


class NothingToWaitFor(Conflict):
    """The guided lot has no next legal moment."""

    code = "centre.nothing_to_wait_for"


class SomethingRuns(Conflict):
    """An upload, a seal or a window is running: the clock must not jump over it."""

    code = "centre.something_runs"


class NobodyDrawn(Conflict):
    """The visitor plays an expert, and the draw of experts has seated nobody yet."""

    code = "centre.demo_nobody_drawn"


class NobodyPlays(Conflict):
    """No run is on: a role is chosen on the demonstration's start page."""

    code = "centre.demo_nobody_plays"
