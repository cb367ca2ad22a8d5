"""Why there is no drill."""

from __future__ import annotations

from foundation.errors import Conflict


class DrillNotPossible(Conflict):
    """Only a published lot whose deadline is still to come is rehearsed. Field: ``state``."""

    code = "centre.drill_not_possible"


class DrillNotOver(Conflict):
    """The drill is still under way, or was interrupted before it had a result."""

    code = "centre.drill_not_over"
