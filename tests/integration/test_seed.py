"""The demonstration's data: complete, the same after a second run, and for no other folder."""

from __future__ import annotations

import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from accounts import facade as accounts
from accounts.models import Organisation, User
from accounts.passwords import Passwords
from centre.errors import NotADemoFolder
from centre.seed import ACCOUNTS_FILE, seed
from centre.seed_past import FAILED, past_lots
from centre.seed_people import demo_accounts, uscc_of
from foundation.codes import check_uscc
from foundation.journal import JournalEntry, JournalStream, verify_stream
from foundation.runtime import Runtime
from foundation.working_days import civil_date, from_state_council
from keyholding.models import HolderSeat
from keyholding.rules import SeatFacts, choose
from sandbox import cast
from tendering.models import Lot, PastDeal, Project
from tendering.queries.statistics import figures
from tendering.rules import missing
from tendering.services.lots import draft_of
from tendering.services.publication import readiness
from tendering.states import LotState
from tests.support.demo_centre import START, make_runtime


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    runtime = make_runtime(tmp_path_factory.mktemp("demo") / "data")
    seed(runtime)
    return runtime


def counts(runtime: Runtime) -> dict[str, int]:
    with runtime.units.read() as unit:
        kinds = (Organisation, User, HolderSeat, Project, Lot, PastDeal, JournalEntry)
        return {kind.__tablename__: unit.session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds}


def test_a_second_run_changes_nothing(seeded: Runtime) -> None:
    before = counts(seeded)
    folder = seeded.settings.data_dir
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "centre.db" not in path.name}
    seed(seeded)
    assert counts(seeded) == before
    assert {path: path.read_bytes() for path in files} == files


def test_a_folder_that_is_no_demonstration_gets_no_invented_people(tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path / "real", demo=False)
    with pytest.raises(NotADemoFolder):
        seed(runtime)
    assert counts(runtime)["users"] == 0


def test_a_run_that_lost_its_tokens_enrols_the_agents_anew(tmp_path: Path) -> None:
    runtime = make_runtime(tmp_path / "data")
    seed(runtime)
    agents = runtime.settings.data_dir / "demo" / "agents"
    before = {path.name: path.read_text() for path in agents.glob("*.token")}
    (agents / "audit.token").unlink()
    seats = counts(runtime)["holder_seats"]
    seed(runtime)
    after = {path.name: path.read_text() for path in agents.glob("*.token")}
    assert counts(runtime)["holder_seats"] == seats
    assert {name for name in before if before[name] != after[name]} == {"audit.token"}


def test_everybody_can_sign_in_with_the_printed_password_and_holds_the_printed_role(seeded: Runtime) -> None:
    printed = (seeded.settings.data_dir / ACCOUNTS_FILE).read_text(encoding="utf-8")
    with seeded.units.read() as unit:
        for account in demo_accounts():
            user = unit.session.scalars(select(User).where(User.login == account.login)).one()
            assert account.role in accounts.person(unit, user.id).roles
            assert account.login in printed
            assert account.password in printed
        assert Passwords().matches(user.password_hash, cast.PASSWORD)


def test_claims_are_verified_except_the_newcomers(seeded: Runtime) -> None:
    with seeded.units.read() as unit:
        for company in cast.COMPANIES:
            card = accounts.organisation_by_uscc(unit, uscc_of(company))
            assert card is not None
            assert (card.name, card.is_verified) == (company.zh, True)
        assert accounts.organisation_by_uscc(unit, uscc_of(cast.NEWCOMER)) is None
        assert accounts.organisation_by_uscc(unit, seeded.settings.centre_uscc) is not None


def test_codes_are_well_formed_and_all_different() -> None:
    codes = [uscc_of(company) for company in (*cast.COMPANIES, cast.NEWCOMER)]
    assert [check_uscc(code).uscc for code in codes] == codes
    assert len(set(codes)) == len(codes)


def test_tokens_and_the_banks_key_are_for_their_owner_only(seeded: Runtime) -> None:
    folder = seeded.settings.data_dir
    tokens = sorted((folder / "demo" / "agents").glob("*.token"))
    assert len(tokens) == len(cast.GATE_SEATS) + len(cast.CUSTODIAN_SEATS)
    for path in (*tokens, folder / "secrets" / "bank-notices.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_seats_give_a_lawful_choice_of_holders(seeded: Runtime) -> None:
    with seeded.units.read() as unit:
        seats = [
            SeatFacts(s.id, s.side, s.org_id, s.org_name, s.holder_name, s.operator, s.user_id)
            for s in unit.session.scalars(select(HolderSeat).order_by(HolderSeat.appointed_at, HolderSeat.id))
        ]
        for company in cast.TENDEREES:
            card = accounts.organisation_by_uscc(unit, uscc_of(company))
            assert card is not None
            found = choose(seats, tenderee_org_id=card.id, agency_org_id=None, custodians=True)
            assert found.objections == ()
            assert found.choice is not None
            assert found.choice.warnings == ()


def test_the_guided_lot_lacks_only_its_rehearsed_keys(seeded: Runtime) -> None:
    with seeded.units.read() as unit:
        lot = unit.session.scalars(select(Lot).where(Lot.is_guided)).one()
        assert (lot.state, lot.is_imported, missing(draft_of(lot))) == (LotState.DRAFT, False, [])
        project = unit.session.get_one(Project, lot.project_id)
        assert [one.code for one in readiness(unit, lot, project)] == ["tendering.keyset_not_rehearsed"]


def test_past_lots_are_marked_imported_and_make_statistics_in_four_kinds(seeded: Runtime) -> None:
    with seeded.units.read() as unit:
        lots = unit.session.scalars(select(Lot).where(Lot.is_imported)).all()
        shown = figures(unit)
        deals = unit.session.scalars(select(PastDeal)).all()
        assert not any(lot.rulebook_id for lot in lots)
    assert (len(lots), len(deals)) == (60, 60 - len(FAILED))
    assert shown is not None
    assert all(kind.count for kind in shown.kinds)
    assert shown.saving.percent is not None
    assert Decimal(0) < shown.saving.percent < Decimal(15)


def test_past_deals_lie_on_working_days_of_the_last_eighteen_months() -> None:
    today = civil_date(START)
    rows = past_lots(today)
    calendar = from_state_council()
    assert all(calendar.is_working_day(row.deal_on) and row.deal_on < today for row in rows)
    assert min(row.deal_on for row in rows) >= today - timedelta(days=19 * 31)
    assert len({row.name for row in rows}) == len(rows) == 60
    assert past_lots(today) == rows
    assert all((row.amount > row.reserve) is row.is_property for row in rows)


def test_the_journal_of_a_seeded_centre_verifies(seeded: Runtime) -> None:
    with seeded.units.read() as unit:
        streams = unit.session.scalars(select(JournalStream.stream)).all()
        assert sum(verify_stream(unit.session, stream) for stream in streams) > 50
