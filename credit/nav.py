from __future__ import annotations

from accounts.roles import Role
from foundation.web.nav import FOOTER, PUBLIC_ROLE, Nav


def register(nav: Nav) -> None:
    nav.add(PUBLIC_ROLE, "信用", "Credit", "credit_standing.index", order=50)
    nav.add(Role.BIDDER, "我的信用", "My standing", "credit_standing.mine", order=60)
    nav.add(Role.CENTRE_STAFF, "信用记录", "Credit records", "credit_records.show_desk", order=55)
    nav.add(Role.SUPERVISOR, "信用记录", "Credit records", "credit_records.show_desk", order=38)
    nav.add(Role.SUPERVISOR, "禁入", "Bans", "credit.bans", order=40)
    nav.add(FOOTER, "信用", "Credit", "credit_standing.index", order=20)
