"""Organisations, people, seats and the bank's accounts of the demonstration. Every step may run again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from accounts import passwords
from accounts.models import User
from accounts.services.bank import SHARED_KEY_FILE
from evaluation import facade as evaluation
from evaluation.models import Expert
from foundation.actor import Actor, system
from foundation.codes import synthetic_uscc
from foundation.entropy import url_token
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from foundation.transparency.storage import create_file, replace_file
from keyholding.models import HolderSeat
from keyholding.services.seats import NewSeat, appoint_seat, enrol_agent
from keyholding.states import Side
from sandbox import cast

SEEDER: Final = system("seed")
EVIDENCE: Final = "演示数据 demonstration data"
FIRST_BALANCE_FEN: Final = 80_000_000_00
NEWCOMER_BALANCE_FEN: Final = 1_000_000_00


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One line of ``demo-accounts.txt``; ``host`` is the name its role opens under."""

    login: str
    password: str
    role: str
    host: str
    name: str
    organisation: str


def seed_people(runtime: Runtime) -> None:
    """Enrol everybody of the cast, appoint the holders, enrol their agents, and write what the bank needs."""
    # One hash for all: each takes 64 MiB and a good part of a second, and the password is on the page anyway.
    password_hash = passwords.shared().hash(cast.PASSWORD)
    settings = runtime.settings
    _company(runtime, cast.CENTRE, settings.centre_uscc, password_hash, is_verified=True)
    for company in cast.COMPANIES:
        _company(runtime, company, uscc_of(company), password_hash, is_verified=True)
    _company(runtime, cast.NEWCOMER, uscc_of(cast.NEWCOMER), password_hash, is_verified=False)
    for side, company, login, operator in (*cast.GATE_SEATS, *cast.CUSTODIAN_SEATS):
        _seat(runtime, side, company, login, operator)
    _expert_library(runtime)
    create_file(settings.secrets_dir / SHARED_KEY_FILE, url_token(runtime.units.entropy).encode(), mode=0o600)
    _bank_accounts(demo_folder(runtime) / "bank-accounts.json")


def demo_folder(runtime: Runtime) -> Path:
    """What the demonstration's own processes read: bank accounts, agents' tokens."""
    folder = runtime.settings.data_dir / "demo"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def uscc_of(company: cast.Company) -> str:
    """The synthetic credit code of an invented company."""
    return str(
        synthetic_uscc(company.serial, registrar=company.registrar, kind="2" if company.registrar == "1" else "1")
    )


def _company(runtime: Runtime, company: cast.Company, uscc: str, password_hash: str, *, is_verified: bool) -> None:
    with runtime.units.begin(SEEDER) as unit:
        if user_of(unit, company.people[0].login) is not None:
            return
        org_id = accounts.enrol_organisation(unit, accounts.NewOrganisation(company.zh, uscc, EVIDENCE))
        for person in company.people:
            new = accounts.NewPerson(person.login, person.name, password_hash)
            accounts.enrol_person(unit, org_id, new, person.roles)
        if is_verified:
            accounts.vouch_for(unit, org_id, EVIDENCE)


def user_of(unit: Unit, login: str) -> User | None:
    return unit.session.scalar(select(User).where(User.login == login))


def actor_of(unit: Unit, login: str, role: str) -> Actor:
    """A person of the cast as an actor: the guided lot is drafted by its own clerk, not by a machine."""
    user = user_of(unit, login)
    if user is None:
        raise LookupError(login)
    card = accounts.person(unit, user.id)
    return Actor(
        user_id=card.user_id, org_id=card.org_id, roles=card.roles, role=role, display_name=card.name, source="seed"
    )


def _seat(runtime: Runtime, side: str, company: cast.Company, login: str, operator: str) -> None:
    """Appoint the seat and keep its agent's token (0600); a token file that is missing gets a fresh token."""
    folder = runtime.settings.data_dir / "demo" / "agents"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{company.key}.token"
    if path.exists():
        return
    with runtime.units.begin(SEEDER) as unit:
        user = user_of(unit, login)
        if user is None:
            raise LookupError(login)
        known = unit.session.scalar(select(HolderSeat).where(HolderSeat.user_id == user.id, HolderSeat.is_active))
        seat_id = known.id if known is not None else ""
        if not seat_id:
            new = NewSeat(Side(side), user.org_id, user.name, operator, user.id)
            seat_id = appoint_seat(unit, new)
        token = enrol_agent(unit, seat_id)
    # After the commit: a token on disk that the database does not know would lock its agent out for good.
    create_file(path, f"{token}\n".encode(), mode=0o600)


def _expert_library(runtime: Runtime) -> None:
    """Enter everybody of the library who is not in it."""
    with runtime.units.begin(SEEDER) as unit:
        employers = {bidder.company.zh: bidder.login for bidder in cast.BIDDERS}
        for expert in cast.EXPERTS:
            user = user_of(unit, expert.person.login)
            if user is None or unit.session.scalar(select(Expert.id).where(Expert.user_id == user.id)) is not None:
                continue
            employed_here = user_of(unit, employers.get(expert.employer, ""))
            evaluation.enter_expert(
                unit,
                evaluation.NewExpert(
                    user_id=user.id,
                    employer=expert.employer,
                    specialities=expert.specialities,
                    title=expert.title,
                    years=expert.years,
                    employer_org_id=employed_here.org_id if employed_here is not None else None,
                ),
            )


def _bank_accounts(path: Path) -> None:
    rows = [
        {"number": bidder.account, "holder": bidder.company.zh, "fen": FIRST_BALANCE_FEN} for bidder in cast.BIDDERS
    ]
    rows.append({"number": cast.NEWCOMER_ACCOUNT, "holder": cast.NEWCOMER.zh, "fen": NEWCOMER_BALANCE_FEN})
    replace_file(path, json.dumps(rows, ensure_ascii=False, indent=1).encode(), mode=0o600)


def demo_accounts() -> tuple[DemoAccount, ...]:
    """Everybody who can sign in, in the order of the demonstration's page."""
    companies = (*cast.AGENCIES, *cast.TENDEREES, cast.CENTRE, cast.REGULATOR, cast.AUDIT)
    bidders = (*(bidder.company for bidder in cast.BIDDERS), cast.NEWCOMER)
    return tuple(
        DemoAccount(person.login, cast.PASSWORD, person.roles[0], person.host, person.name, company.zh)
        for company in (*companies, *bidders, *cast.CUSTODIANS, *cast.OTHERS, cast.EXPERT_LIBRARY)
        for person in company.people
    )


def write_accounts(path: Path) -> None:
    """The list the start prints: login, password, role, host name."""
    lines = ["演示账号 · demonstration accounts   (login / password / role / open at)"]
    lines += [f"  {one.login:<17} {one.password:<17} {one.role:<13} {one.host}" for one in demo_accounts()]
    replace_file(path, ("\n".join(lines) + "\n").encode(), mode=0o600)
