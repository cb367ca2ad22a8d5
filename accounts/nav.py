"""Where people find their work list, their organisation, their messages and, for those who decide, the desks."""

from __future__ import annotations

from accounts.roles import GRANTED, Role
from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add(Role.CENTRE_STAFF, "单位核验", "Verifications", "verification.desk", order=70)
    nav.add(Role.ADMINISTRATOR, "用户与权限", "People and roles", "people.show_people", order=10)
    for role in GRANTED:
        # The first place of every role: people land here after signing in.
        nav.add(role, "待办", "Work list", "accounts.show_desk", order=0)
        nav.add(role, "消息", "Messages", "accounts.show_inbox", order=80)
        nav.add(role, "单位与密钥", "Firm and keys", "accounts.account", order=90)
