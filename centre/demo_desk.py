"""What the demonstration's own page shows and does, apart from HTTP: clock, accounts, agents, companies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from accounts import sessions
from accounts.queries import claim_card
from accounts.states import ClaimWay
from centre import democlock
from centre.demo_agents import paused_mark, token_files
from centre.demo_limits import NextMoment
from centre.demo_moments import next_moment, refuse_while_running
from centre.errors import NothingToWaitFor, SomethingRuns
from centre.seed_people import DemoAccount, demo_accounts, user_of
from foundation.clock import DemoClock
from foundation.codes import synthetic_uscc
from foundation.errors import Conflict, NotFound
from foundation.events.accounts import SignedIn
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from keyholding.models import HolderSeat
from keyholding.rules import is_present
from sandbox import cast
from tendering.models import Lot

SAMPLE_SERIALS: Final = range(10_000, 900_000)
SAMPLE_NAMES: Final = ("屿川", "砚北", "禾木", "澜山", "青塬", "朴野", "云渡", "知行", "明皋", "汀洲", "序章", "远岫")
SAMPLE_ROLE: Final = "bidder"
VERIFICATION_AMOUNT: Final = "1.00"


class NoTransferWanted(Conflict):
    """The organisation has no verification by transfer under way."""

    code = "centre.demo_no_transfer_wanted"


@dataclass(frozen=True, slots=True)
class GuidedLot:
    """The lot of the guided tour. ``moment`` is None where nothing is waited for; ``running`` says what runs now."""

    lot_id: str
    name: str
    state: str
    moment: NextMoment | None
    running: str


@dataclass(frozen=True, slots=True)
class AgentLine:
    """A holder's agent: ``is_there`` it asked for work a short while ago, ``is_resting`` somebody let it rest."""

    name: str
    holder: str
    organisation: str
    side: str
    is_there: bool
    is_resting: bool


@dataclass(frozen=True, slots=True)
class ClockNow:
    now: datetime
    is_running: bool


def guided_lot(unit: Unit) -> Lot | None:
    """The guided lot; the newest where there are several."""
    return unit.session.scalar(select(Lot).where(Lot.is_guided).order_by(Lot.created_at.desc(), Lot.id.desc()).limit(1))


def lot_of(unit: Unit, lot_id: str) -> Lot:
    """The lot the clock shall follow: a named one, else the guided one. Raises NotFound."""
    lot = unit.session.get(Lot, lot_id) if lot_id else guided_lot(unit)
    if lot is None or lot.is_imported:
        raise NotFound(what="lot")
    return lot


def describe(unit: Unit, lot: Lot) -> GuidedLot:
    moment, running = None, ""
    try:
        moment = next_moment(unit, lot)
        refuse_while_running(unit, lot)
    except NothingToWaitFor:
        pass
    except SomethingRuns as runs:
        running = str(runs.fields.get("what", ""))
    return GuidedLot(lot.id, lot.name, str(lot.state), moment, running)


def clock_now(unit: Unit) -> ClockNow:
    row = unit.session.get(democlock.ClockRow, democlock.ROW)
    return ClockNow(unit.at, row is not None and row.running)


def to_next_moment(unit: Unit, lot_id: str) -> NextMoment:
    """Jump to the next legal instant of the lot. Raises SomethingRuns, NothingToWaitFor."""
    lot = lot_of(unit, lot_id)
    refuse_while_running(unit, lot)
    moment = next_moment(unit, lot)
    democlock.move(unit, to=moment.at, why=f"{moment.key} {moment.rule_id}")
    return moment


def forget_cached(runtime: Runtime) -> None:
    """Let this process see the moved clock at once; the others do within a tenth of a second."""
    if isinstance(runtime.clock, DemoClock):
        runtime.clock.refresh()


def agent_lines(unit: Unit, folder: Path, machine: datetime) -> tuple[AgentLine, ...]:
    """Every agent of the demonstration, with its seat."""
    seats = {company.key: login for _, company, login, _ in (*cast.GATE_SEATS, *cast.CUSTODIAN_SEATS)}
    lines = []
    for token_file in token_files(folder):
        user = user_of(unit, seats.get(token_file.stem, ""))
        seat = unit.session.scalar(
            select(HolderSeat).where(HolderSeat.user_id == (user.id if user else ""), HolderSeat.is_active)
        )
        if seat is None:
            continue
        name = token_file.stem
        there, resting = is_present(seat.last_seen_at, machine), paused_mark(folder, name).exists()
        lines.append(AgentLine(name, seat.holder_name, seat.org_name, str(seat.side), there, resting))
    return tuple(lines)


def let_agent_rest(folder: Path, name: str, *, rests: bool) -> None:
    """Stop or start one agent. Raises NotFound."""
    if name not in {one.stem for one in token_files(folder)}:
        raise NotFound(what="agent")
    mark = paused_mark(folder, name)
    if rests:
        mark.touch(mode=0o600)
    else:
        mark.unlink(missing_ok=True)


def account_named(login: str) -> DemoAccount:
    """One of the printed accounts; nobody else can be entered by a button."""
    for one in demo_accounts():
        if one.login == login:
            return one
    raise NotFound(what="account")


def enter_as(unit: Unit, login: str, *, source: str, user_agent: str) -> str:
    """A session of a demonstration account; returns its token."""
    user = user_of(unit, account_named(login).login)
    if user is None:
        raise NotFound(what="account")
    return open_session_of(unit, user.id, source=source, user_agent=user_agent)


def open_session_of(unit: Unit, user_id: str, *, source: str, user_agent: str) -> str:
    row, token = sessions.open_session(unit, user_id, source=source, user_agent=user_agent)
    unit.append(f"user:{user_id}", SignedIn(user=user_id, session=row.id, user_agent=row.user_agent))
    return token


@dataclass(frozen=True, slots=True)
class SampleCompany:
    user_id: str
    login: str
    name: str
    uscc: str


def add_sample_company(unit: Unit, password_hash: str) -> SampleCompany:
    """An invented company of the visitor's own; its claim to its code is not verified, as in life."""
    serial = SAMPLE_SERIALS.start + int.from_bytes(unit.entropy.token(6), "big") % len(SAMPLE_SERIALS)
    name = f"常州{SAMPLE_NAMES[serial % len(SAMPLE_NAMES)]}建设{serial}号有限公司"
    uscc = str(synthetic_uscc(serial))
    org_id = accounts.enrol_organisation(unit, accounts.NewOrganisation(name, uscc))
    login = f"sample{serial}"
    person = accounts.NewPerson(login, "演示用户", password_hash, is_password_given=True)
    user_id = accounts.enrol_person(unit, org_id, person, [SAMPLE_ROLE])
    return SampleCompany(str(user_id), login, name, uscc)


def wanted_reference(unit: Unit) -> tuple[str, str]:
    """Name of the actor's organisation and the reference its verification transfer must carry."""
    claim = claim_card(unit)
    if claim.way != ClaimWay.TRANSFER or not claim.reference or claim.state != "pending":
        raise NoTransferWanted
    return accounts.organisation(unit, accounts.require_organisation(unit.actor)).name, claim.reference
