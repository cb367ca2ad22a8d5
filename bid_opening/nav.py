"""Where the openings stand in the navigation."""

from __future__ import annotations

from foundation.web.nav import Nav

ROLES = ("public", "bidder", "agency", "tenderee", "supervisor", "centre_staff", "witness", "observer")


def register(nav: Nav) -> None:
    for role in ROLES:
        nav.add(role, "开标大厅", "Openings", "rooms.hall", order=20)
    nav.add("centre_staff", "值守台", "Duty desk", "duty.show", order=21)
