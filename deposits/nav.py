"""Where deposits stand in the navigation."""

from __future__ import annotations

from accounts.roles import Role
from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add(Role.BIDDER, "保证金", "Deposits", "deposits.own_deposits", order=35)
    for role in (Role.CENTRE_STAFF, Role.SUPERVISOR):
        nav.add(role, "保证金", "Deposits", "deposit_desk.show_desk", order=35)
