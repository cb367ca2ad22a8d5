"""The only loaders that check who asks. Alerts exist for supervisors alone: for everybody else there is none."""

from __future__ import annotations

from accounts.roles import Role
from foundation.errors import NotFound, NotPermitted
from foundation.store.unit import Unit
from oversight.models import Alert


def require_supervisor(unit: Unit) -> None:
    """Raises NotPermitted for everybody else, the platform's own processes included."""
    if not unit.actor.has_role(Role.SUPERVISOR):
        raise NotPermitted(what="oversight")


def alert(unit: Unit, alert_id: str) -> Alert:
    require_supervisor(unit)
    row = unit.session.get(Alert, alert_id)
    if row is None:
        raise NotFound(what="alert")
    return row
