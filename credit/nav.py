from __future__ import annotations

from accounts.roles import Role
from foundation.web.nav import FOOTER, PUBLIC_ROLE, Nav


def register(nav: Nav) -> None:
    nav.add(PUBLIC_ROLE, "信用与监督", "Bans", "credit.bans", order=50)
    nav.add(Role.SUPERVISOR, "禁入", "Bans", "credit.bans", order=40)
    nav.add(FOOTER, "信用与监督", "Bans", "credit.bans", order=20)
