"""Entering and annulling bans that an authority decided. Supervisors only (``accounts.duties``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts.facade import Action, Part, add_to_inbox, organisation_by_uscc, part_of
from credit.errors import BanAnnulledAlready, BanEndsBeforeStart, BanKnown
from credit.models import Ban
from foundation.codes import UsccCheckFailed, check_uscc
from foundation.errors import NotFound, NotPermitted, Objection
from foundation.events.credit import BanAnnulled, BanEntered
from foundation.store.unit import Unit

PAGE = "/credit/bans"


@dataclass(frozen=True, slots=True)
class NewBan:
    """What the decision says. It holds from ``starts_at`` to just before ``ends_at``."""

    uscc: str
    name: str
    authority: str
    decision_no: str
    clause: str
    starts_at: datetime
    ends_at: datetime
    document_reference: str


def enter_ban(unit: Unit, new: NewBan) -> str:
    """Record a lawful ban; returns its id. Raises BanEndsBeforeStart, BanKnown, UsccMalformed, NotPermitted."""
    _require_supervisor(unit)
    uscc = code_as_decided(new.uscc)
    if not new.starts_at < new.ends_at:
        raise BanEndsBeforeStart(objections=[Objection("credit.ban_ends_before_start", "ends_at")])
    known = select(Ban.id).where(Ban.uscc == uscc, Ban.authority == new.authority, Ban.decision_no == new.decision_no)
    if unit.session.scalar(known) is not None:
        raise BanKnown(decision_no=new.decision_no)
    holder = organisation_by_uscc(unit, uscc)
    row = Ban(
        id=unit.new_id(),
        uscc=uscc,
        name=holder.name if holder is not None else new.name,
        authority=new.authority,
        decision_no=new.decision_no,
        clause=new.clause,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
        document_reference=new.document_reference,
        entered_by=unit.actor.user_id,
        entered_at=unit.at,
        annulled_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    event = BanEntered(
        ban=row.id,
        uscc=uscc,
        name=row.name,
        authority=row.authority,
        decision_no=row.decision_no,
        clause=row.clause,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        document_reference=row.document_reference,
    )
    unit.append(stream_of(uscc), event)
    if holder is not None:
        params = {
            "authority": row.authority,
            "decision_no": row.decision_no,
            "clause": row.clause,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
        }
        add_to_inbox(unit, holder.id, "inbox.ban_entered", params, PAGE)
    return row.id


def annul_ban(unit: Unit, ban_id: str, ground: str) -> None:
    """The decision was set aside, or the entry was a mistake: the ban holds no more from now on; the entry stays."""
    _require_supervisor(unit)
    row = unit.session.get(Ban, ban_id)
    if row is None:
        raise NotFound(what="ban")
    if row.annulled_at is not None:
        raise BanAnnulledAlready
    row.annulled_at = unit.at
    row.annulled_ground = ground
    unit.session.flush()
    event = BanAnnulled(ban=row.id, uscc=row.uscc, decision_no=row.decision_no, ground=ground)
    unit.append(stream_of(row.uscc), event, reason=ground)
    holder = organisation_by_uscc(unit, row.uscc)
    if holder is not None:
        params = {"decision_no": row.decision_no, "ground": ground}
        add_to_inbox(unit, holder.id, "inbox.ban_annulled", params, PAGE)


def _require_supervisor(unit: Unit) -> None:
    if not any(part_of(role, Action.DECIDE_BAN) is Part.DO for role in unit.actor.roles - {"system"}):
        raise NotPermitted


def code_as_decided(text: str) -> str:
    """The code as the decision states it: one whose check character does not fit may be banned like any other."""
    try:
        return check_uscc(text).uscc
    except UsccCheckFailed as failed:
        return str(failed.fields["code_text"])


def stream_of(uscc: str) -> str:
    """Everything decided of one code."""
    return f"credit:{uscc}"
