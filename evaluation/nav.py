"""Where evaluation stands in the navigation."""

from __future__ import annotations

from foundation.web.nav import Nav


def register(nav: Nav) -> None:
    nav.add("expert", "我的评审", "My reviews", "reviews.my_reviews", order=10)
    nav.add("supervisor", "抽取复核", "Draws of experts", "expert_draws.list_draws", order=30)
    nav.add("centre_staff", "专家库", "Experts", "experts.list_experts", order=50)
    for role in ("public", "bidder", "agency", "tenderee", "supervisor", "centre_staff"):
        nav.add(role, "结果公示", "Results", "results.list_results", order=30)
