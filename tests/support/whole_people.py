"""What the whole centre holds of its people: keys, claims, records, bans, and the seats of key holders."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from accounts import facade
from accounts.models import Claim, ClaimDocument, Organisation, OrganisationKey, UserSession
from accounts.states import ClaimState, ClaimWay, KeyPurpose, UsccGround
from credit.acts import Act
from credit.record_services import NewRecord, enter_record, publish_record
from credit.services import NewBan, enter_ban
from foundation.clock import machine_now
from foundation.codes import synthetic_uscc
from foundation.sealing import generate_key, public_hex
from foundation.store.unit import Unit
from keyholding.models import HolderSeat, LotKeyset, Rehearsal
from keyholding.states import RehearsalState, Side
from tendering.self_check import LINES, CheckLine, LineState
from tendering.services.self_checks import file_check
from tests.support.tender_world import TESTS

if TYPE_CHECKING:
    from tests.support.whole_centre import WholeCentre

PDF = b"%PDF-1.7\n% a paper of the tender\n"


def add_accounts(centre: WholeCentre, number: int) -> None:
    bidder = centre.people[f"bidder{number}"].actor
    with centre.units.begin(TESTS) as unit:
        own = unit.session.scalars(select(UserSession).where(UserSession.user_id == bidder.user_id)).one()
        key = OrganisationKey(
            id=unit.new_id(),
            org_id=bidder.org_id,
            purpose=KeyPurpose.SIGNING,
            public_key=public_hex(generate_key()),
            label="test",
            registered_at=unit.at,
            registered_by=None,
            retired_at=None,
        )
        unit.session.add(key)
        centre.put("session", number, own.id)
        centre.put("key", number, key.id)
        centre.put("user", number, str(bidder.user_id))
        centre.put("login", number, f"test-bidder{number}")
        _add_claim(centre, unit, number)
    with centre.units.begin(bidder) as unit:
        lines = [CheckLine(name, LineState.OK, "") for name in LINES]
        centre.put("self_check", number, file_check(unit, lines, "tests").id)
    with centre.units.begin(centre.people[f"supervisor{number}"].actor) as unit:
        centre.put("ban", number, enter_ban(unit, _ban(unit, number)))
    _add_record(centre, number)


def _add_claim(centre: WholeCentre, unit: Unit, number: int) -> None:
    """The observer's organisation asks two officers to believe its papers, and a code that does not compute."""
    org_id = centre.people[f"observer{number}"].actor.org_id
    claim = unit.session.scalars(select(Claim).where(Claim.org_id == org_id)).one()
    claim.state, claim.way, claim.round, claim.started_at = ClaimState.PENDING, ClaimWay.DOCUMENTS, 1, unit.at
    organisation = unit.session.get_one(Organisation, org_id)
    organisation.uscc_ground, organisation.override_evidence = UsccGround.OVERRIDDEN, "旧证"
    name = f"claims/{claim.id}.pdf"
    centre.world.runtime.objects.put_once(name, PDF)
    document = ClaimDocument(
        id=unit.new_id(),
        claim_id=claim.id,
        round=1,
        title="营业执照",
        media_type="application/pdf",
        object_name=name,
        size_bytes=len(PDF),
        sha256=hashlib.sha256(PDF).hexdigest(),
        filed_at=unit.at,
    )
    unit.session.add(document)
    centre.put("claim", number, claim.id)
    centre.put("claim_document", number, document.id)
    centre.put("code_org", number, str(org_id))


def _add_record(centre: WholeCentre, number: int) -> None:
    """A published record of the bidder's organisation, to which it may still object."""
    people = centre.people
    with centre.units.begin(people[f"centre_staff{number}"].actor) as unit:
        uscc = facade.organisation(unit, str(people[f"bidder{number}"].actor.org_id)).uscc
        new = NewRecord(
            uscc=centre.put("bidder_uscc", number, uscc),
            name="",
            act=Act.BOND_NOT_GIVEN,
            authority="武进区住房和城乡建设局",
            decision_no=f"武住建决〔2026〕{number} 号",
            clause="",
            facts="中标后未按招标文件要求提交履约保证金。",
            lot_code="",
            effective_at=unit.at - timedelta(days=30),
            months=6,
            document_reference="决定书",
        )
        centre.put("credit_record", number, enter_record(unit, new))
    with centre.units.begin(people[f"supervisor{number}"].actor) as unit:
        publish_record(unit, centre.objects["credit_record"][number])


def _ban(unit: Unit, number: int) -> NewBan:
    return NewBan(
        uscc=synthetic_uscc(800_000 + number),
        name=f"被禁入企业{number}",
        authority="常州市住房和城乡建设局",
        decision_no=f"常住建罚〔2026〕{number} 号",
        clause="招标投标法 53",
        starts_at=unit.at - timedelta(days=30),
        ends_at=unit.at + timedelta(days=300),
        document_reference="决定书",
    )


def add_holders(centre: WholeCentre, number: int) -> None:
    holder = centre.people[f"gate_holder{number}"].actor
    lot = centre.lots[f"open{number}"]
    with centre.units.begin(TESTS) as unit:
        keyset = unit.session.scalars(select(LotKeyset).where(LotKeyset.lot_id == lot.id)).one()
        seat = HolderSeat(
            id=unit.new_id(),
            side=Side.AUDIT,
            org_id=holder.org_id,
            org_name=holder.org_name,
            user_id=holder.user_id,
            holder_name=holder.display_name,
            operator="公证处机房",
            agent_token_hash=None,
            browser_since=unit.at if number == 1 else None,
            last_seen_at=None,
            warned_at=None,
            is_active=True,
            appointed_at=unit.at,
        )
        unit.session.add(seat)
        rehearsal = Rehearsal(
            id=unit.new_id(),
            keyset_id=keyset.id,
            number=1,
            state=RehearsalState.PASSED,
            header_hash="0" * 64,
            content_hash="0" * 64,
            started_at=machine_now(),
        )
        unit.session.add(rehearsal)
        centre.put("seat", number, seat.id)
        centre.put("keyset", number, keyset.id)
        centre.put("rehearsal", number, rehearsal.id)
