"""What views need of the process: its runtime and its Units."""

from __future__ import annotations

from typing import cast

from flask import current_app

from foundation.runtime import Runtime
from foundation.store.unit import Units


def runtime() -> Runtime:
    """The runtime this application was built with."""
    return cast("Runtime", current_app.extensions["runtime"])


def units() -> Units:
    """What a view opens its Units with."""
    return runtime().units
