"""A small town for tests of tenders: organisations, and a lot that takes bids, with the private keys of its holders.

The lot is put into the database as publication leaves it, so that tests of later stages need not walk the way there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select

import foundation.jobs.models
import foundation.journal.models
import foundation.publication.models  # noqa: F401 - registers its tables
from accounts.services.claims import vouch
from accounts.services.registration import NewOrganisation, NewPerson, add_organisation, add_person
from foundation.actor import Actor, system
from foundation.clock import Clock, SteppingClock
from foundation.codes import synthetic_uscc
from foundation.entropy import SystemEntropy
from foundation.ids import OrgId, UserId
from foundation.money import Money
from foundation.runtime import Runtime
from foundation.sealing import NO_ESCROW, S1, Group, Holder, Keyset, Role, Suite, generate_key, prove_possession
from foundation.sealing.suite import PrivateKey, public_bytes
from foundation.settings import Settings
from foundation.storage import open_store
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from foundation.transparency.keys import Algorithm, SigningKey
from keyholding.models import LotKeyset
from keyholding.states import KeysetState
from tendering.models import Lot, Project
from tendering.states import LotState

NOW = datetime(2026, 11, 23, 7, 2, 47, 318000, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
SIDES = ("tenderee_side", "regulator", "audit")
TESTS = system("tests")
NOBODY = "!"
DEPOSIT = Money(25_000_000)


@dataclass(frozen=True)
class OpenLot:
    """A lot that takes bids. ``gate`` and ``escrow`` are the holders' private keys, in seat order."""

    id: str
    lot_code: str
    tender_code: str
    keyset: Keyset
    gate: tuple[PrivateKey, ...]
    escrow: tuple[PrivateKey, ...]
    deadline_at: datetime


class TenderWorld:
    """One centre's database, store and keys, with a clock that stands until it is told to step."""

    def __init__(self, engine: Engine, folder: Path, clock: Clock, *, demo: bool = False) -> None:
        entropy = SystemEntropy()
        Base.metadata.create_all(engine)
        self.engine = engine
        self.folder = folder
        self.units = Units(engine, clock, entropy)
        self.runtime = Runtime(
            settings=Settings(data_dir=folder, demo=demo),
            units=self.units,
            clock=clock,
            objects=open_store(f"file://{folder / 'objects'}"),
            log_key=SigningKey.generate("centre.localhost/log", Algorithm.ED25519, entropy),
            receipt_key=SigningKey.generate("centre.localhost/log/receipt", Algorithm.ED25519, entropy),
            scratch_dir=folder / "scratch",
        )
        self._serial = 0

    @property
    def clock(self) -> SteppingClock:
        assert isinstance(self.runtime.clock, SteppingClock)
        return self.runtime.clock

    def organisation(
        self, name: str, *roles: str, verified: bool = True, login: str = "", password_hash: str = NOBODY
    ) -> Actor:
        """An organisation with one person in these roles. ``NOBODY`` as hash lets nobody sign in."""
        self._serial += 1
        uscc = synthetic_uscc(self._serial)
        with self.units.begin(TESTS) as unit:
            org_id = add_organisation(unit, NewOrganisation(name, uscc))
            if verified:
                vouch(unit, org_id, "tests")
        return self.person(org_id, name, roles, login=login or f"p{self._serial:04d}", password_hash=password_hash)

    def person(
        self, org_id: str, org_name: str, roles: Iterable[str], *, login: str, password_hash: str = NOBODY
    ) -> Actor:
        """One more person of an organisation."""
        held = tuple(roles)
        with self.units.begin(TESTS) as unit:
            user_id = add_person(unit, org_id, NewPerson(login, f"人{login}", password_hash), held)
        return Actor(UserId(user_id), OrgId(org_id), frozenset(held), held[0], f"人{login}", org_name, source="test")

    def open_lot(
        self,
        *,
        deadline_at: datetime = DEADLINE,
        escrow: bool = True,
        deposit: Money = DEPOSIT,
        tenderee: Actor | None = None,
        agency: Actor | None = None,
        suite: Suite = S1,
        beside: OpenLot | None = None,
    ) -> OpenLot:
        """A published works lot with a rehearsed 2-of-3 key set (and 2-of-3 custodians).

        ``beside``: a lot whose project it belongs to, as the next one of it.
        """
        tenderee = tenderee or (None if beside else self.organisation("武进区教育局", "tenderee"))
        self._serial += 1
        project_code = beside.tender_code[:-3] if beside else f"E3204120001{self._serial:06d}"
        number = self._next_number(beside) if beside else 1
        tender_code, lot_code = f"{project_code}001", f"{project_code}001{number:03d}"
        gate = tuple(generate_key(suite) for _ in range(3))
        custodians = tuple(generate_key(suite) for _ in range(3)) if escrow else ()
        keyset = make_keyset(tender_code, lot_code, gate, custodians, suite)
        with self.units.begin(TESTS) as unit:
            project_id, lot_id, at = unit.new_id(), unit.new_id(), unit.at
            if beside is not None:
                project_id = unit.session.get_one(Lot, beside.id).project_id
            if tenderee is not None:
                unit.session.add(
                    Project(
                        id=project_id,
                        project_code=project_code,
                        tender_code=tender_code,
                        name="武进高级中学新校区修缮工程",
                        location="武进区湖塘镇",
                        fund_source="财政资金 100%",
                        trade_kind="works",
                        is_state_funded=True,
                        tenderee_org_id=tenderee.org_id,
                        agency_org_id=agency.org_id if agency else None,
                        created_at=at,
                    )
                )
                unit.session.flush()
            unit.session.add(
                Lot(
                    id=lot_id,
                    project_id=project_id,
                    number=number,
                    lot_code=lot_code,
                    unified_deal_code=f"A01-{synthetic_uscc(999)}-20261124-{self._serial:06d}",
                    name="武进高级中学新校区修缮工程（施工）" + (f"{number} 标段" if number > 1 else ""),
                    state=LotState.OPEN,
                    quality="合格",
                    ceiling=Money(1_286_000_000),
                    deposit=deposit,
                    duration_days=180,
                    rulebook_id="works-2026",
                    method_id="jiangsu-1",
                    method_params={},
                    escrow_rule="compulsory" if escrow else "none",
                    suite=suite.name,
                    published_at=at - timedelta(days=21),
                    deadline_at=deadline_at,
                    created_at=at - timedelta(days=30),
                )
            )
            unit.session.add(_keyset_row(unit.new_id(), lot_id, keyset, at))
        return OpenLot(lot_id, lot_code, tender_code, keyset, gate, custodians, deadline_at)

    def _next_number(self, beside: OpenLot) -> int:
        with self.units.read() as unit:
            project_id = unit.session.get_one(Lot, beside.id).project_id
            return 1 + len(unit.session.scalars(select(Lot.id).where(Lot.project_id == project_id)).all())

    def lot_state(self, lot: OpenLot) -> LotState:
        with self.units.read() as unit:
            return unit.session.get_one(Lot, lot.id).state


def make_keyset(
    tender: str, lot: str, gate: tuple[PrivateKey, ...], escrow: tuple[PrivateKey, ...], suite: Suite = S1
) -> Keyset:
    """The key set of these private keys; ids say role and seat."""

    def holders(role: Role, keys: tuple[PrivateKey, ...]) -> tuple[Holder, ...]:
        return tuple(
            Holder(
                id=f"{role.value}-{seat}",
                side=SIDES[seat % 3] if role is Role.GATE else "custodian",
                public_key=public_bytes(key.public_key()),
                proof=prove_possession(key, tender, lot, role),
            )
            for seat, key in enumerate(keys)
        )

    custodians = Group(2, holders(Role.ESCROW, escrow)) if escrow else NO_ESCROW
    gates = Group(2, holders(Role.GATE, gate))
    return Keyset(tender=tender, lot=lot, number=1, gate=gates, escrow=custodians, suite=suite)


def _keyset_row(row_id: str, lot_id: str, keyset: Keyset, at: datetime) -> LotKeyset:
    return LotKeyset(
        id=row_id,
        lot_id=lot_id,
        tender=keyset.tender,
        lot_code=keyset.lot,
        version=1,
        state=KeysetState.REHEARSED,
        suite=keyset.suite.name,
        t=2,
        m=3,
        k=keyset.escrow.threshold,
        n=len(keyset.escrow.holders),
        json_text=keyset.to_bytes().decode(),
        hash=keyset.hash,
        warnings=[],
        requested_at=at,
        completed_at=at,
        rehearsed_at=at,
    )


def make_world(folder: Path, *, url: str = "", at: datetime = NOW, demo: bool = False) -> TenderWorld:
    """A world on SQLite in ``folder``, or on the database at ``url``."""
    engine = open_engine(url or f"sqlite:///{folder / 'world.db'}", pool_size=80)
    return TenderWorld(engine, folder, SteppingClock(at), demo=demo)
