"""Where oversight stands in the navigation."""

from __future__ import annotations

from accounts.roles import Role
from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add(Role.SUPERVISOR, "预警", "Alerts", "oversight.list_alerts", order=20)
    for role in (Role.PUBLIC, Role.SUPERVISOR):
        nav.add(role, "统计", "Statistics", "statistics.show_statistics", order=60)
    nav.add("footer", "检测规则", "Detectors", "oversight.show_detectors", order=40)
    nav.add("footer", "交易统计", "Statistics", "statistics.show_statistics", order=45)
