"""What accounts put on the work lists: claims to decide, the own claim, messages not read yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Select, select

from accounts.models import Claim, ClaimVerdict
from accounts.queries import desk
from accounts.queries.own import unread
from accounts.roles import SELF_SERVICE, Role
from accounts.states import ClaimState
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import WorkItem

CLAIMS: Final = 20


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role(Role.CENTRE_STAFF):
        yield from _to_decide(unit, actor)
    if actor.has_role(*SELF_SERVICE) and actor.org_id is not None:
        yield from _own_claim(unit, actor)
    if actor.user_id is not None and (count := unread(unit)):
        yield WorkItem(f"阅读 {count} 条新消息", f"Read new messages: {count}", "/inbox")


def _to_decide(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    found = desk.verification_desk(unit, limit=CLAIMS)
    mine = set(unit.session.scalars(_said_by(str(actor.user_id), [claim.id for claim in found.claims])))
    for claim in found.claims:
        if claim.id in mine:
            continue  # the second officer is another one
        title = ("核验单位代码", "Verify the code of a firm")
        yield WorkItem(*title, f"/staff/verifications/{claim.id}", claim.org_name, None, "R1.04")
    for code in found.overrides:
        title = ("核对校验位不符的代码", "Check a code whose check character differs")
        yield WorkItem(*title, f"/staff/verifications/codes/{code.org_id}", code.org_name, None, "R7.20")


def _said_by(officer_id: str, claim_ids: list[str]) -> Select[str]:
    """Claims on which this officer has spoken in their present round."""
    return (
        select(ClaimVerdict.claim_id)
        .join(Claim, (Claim.id == ClaimVerdict.claim_id) & (Claim.round == ClaimVerdict.round))
        .where(ClaimVerdict.officer_id == officer_id, ClaimVerdict.claim_id.in_(claim_ids))
    )


def _own_claim(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    state = unit.session.scalar(select(Claim.state).where(Claim.org_id == actor.org_id))
    if state in {ClaimState.UNVERIFIED, ClaimState.REJECTED}:
        title = ("完成单位核验", "Have your firm verified")
        yield WorkItem(*title, "/account/verification", actor.org_name, None, "R1.04")
