"""Tendering's entries in the masthead, by role."""

from __future__ import annotations

from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add("public", "交易公告", "Notices", "tendering.list_notices", order=10)
    nav.add("bidder", "找项目", "Find projects", "tendering.list_notices", order=20)
    for role in ("agency", "tenderee"):
        nav.add(role, "我的项目", "My projects", "projects.my_projects", order=10)
        nav.add(role, "模拟时间表", "Timetable", "projects.simulate", order=30)
        nav.add(role, "交易公告", "Notices", "tendering.list_notices", order=40)
    nav.add("tenderee", "待批", "Approvals", "publication.approvals", order=20)
    nav.add("centre_staff", "待发布", "To publish", "publication.publications", order=10)
    for role in ("centre_staff", "supervisor", "witness", "observer", "expert"):
        nav.add(role, "交易公告", "Notices", "tendering.list_notices", order=60)
    nav.add("footer", "模拟时间表", "Simulate a timetable", "projects.simulate", order=40)
