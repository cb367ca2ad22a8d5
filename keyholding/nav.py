"""Where holders and the appointing desk find their pages."""

from __future__ import annotations

from accounts.roles import Role
from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add(Role.GATE_HOLDER, "我的席位", "My key seat", "keyholding.my_seats", order=10)
    nav.add(Role.CUSTODIAN, "我的席位", "My key seat", "keyholding.my_seats", order=10)
    for role in (Role.CENTRE_STAFF, Role.ADMINISTRATOR):
        nav.add(role, "启封席位", "Key holders", "keyholding.show_seats", order=60)
