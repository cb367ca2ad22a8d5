"""The worker's look at what is served: at its start, and every minute."""

from __future__ import annotations

from typing import Final

from foundation.actor import system
from foundation.jobs.registry import periodic
from foundation.runtime import Runtime
from tendering.clients import releases

ACTOR: Final = system("publisher")
SECONDS: Final = 60.0


@periodic("tendering.client_releases", SECONDS)
def release_clients(runtime: Runtime) -> None:
    """Log programs that are new or changed; a look that finds nothing only reads."""
    with runtime.units.read(ACTOR) as unit:
        is_logged = all(one.entry_id for one in releases.shown(unit))
    if not is_logged:
        with runtime.units.begin(ACTOR) as unit:
            releases.release(unit)
