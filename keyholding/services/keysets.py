"""From chosen holders to a complete key set."""

from __future__ import annotations

from sqlalchemy import func, select

from foundation.errors import Objection
from foundation.events.keyholding import HolderKeyGiven, KeysetCompleted, KeysetRequested, KeysetRetired
from foundation.ids import KeysetId
from foundation.sealing import NO_ESCROW, Group, Holder, Keyset, Role, is_possession, suite_named
from foundation.store.unit import Unit
from keyholding import access
from keyholding.errors import HoldersRefused, KeyAlreadyGiven, KeysetInUse, KeyUsedElsewhere, ProofRefused
from keyholding.models import EscrowRequest, GateRequest, HolderLoss, HolderSeat, KeysetMember, LotKeyset
from keyholding.rules import (
    CLAUSE,
    CUSTODIANS_THRESHOLD,
    GATE_THRESHOLD,
    Choice,
    SeatFacts,
    choose,
    objections_to_group,
)
from keyholding.services.rehearsals import begin_rehearsal
from keyholding.states import KeysetState, KeysetTrigger


def create_keyset(
    unit: Unit,
    lot_id: str,
    tender_code: str,
    lot_code: str,
    tenderee_org_id: str,
    agency_org_id: str | None,
    *,
    custodians: bool,
    suite: str,
) -> KeysetId:
    """Choose holders and ask their agents for keys of ``suite``; an earlier key set of the lot is retired.

    Raises HoldersRefused with every objection, KeysetInUse once keys of the lot were asked for.
    """
    lost = _lost_seats(unit, lot_id)
    able = [seat for seat in seat_facts(unit) if seat.id not in lost]
    chosen = choose(able, tenderee_org_id=tenderee_org_id, agency_org_id=agency_org_id, custodians=custodians)
    if chosen.choice is None:
        raise HoldersRefused(objections=chosen.objections)
    _retire_current(unit, lot_id)
    row = _add_keyset(unit, lot_id, tender_code, lot_code, suite_named(suite).name, chosen.choice)
    _add_members(unit, row, chosen.choice)
    codes = tuple(warning.code for warning in chosen.choice.warnings)
    unit.append(stream_of(row), KeysetRequested(lot_id, row.id, row.version, codes))
    return KeysetId(row.id)


def seat_facts(unit: Unit) -> list[SeatFacts]:
    """Every standing seat in the order of appointment."""
    rows = unit.session.scalars(
        select(HolderSeat).where(HolderSeat.is_active).order_by(HolderSeat.appointed_at, HolderSeat.id)
    )
    return [
        SeatFacts(
            id=row.id,
            side=row.side,
            org_id=row.org_id,
            org_name=row.org_name,
            holder_name=row.holder_name,
            operator=row.operator,
            user_id=row.user_id,
            is_enrolled=row.agent_token_hash is not None or row.browser_since is not None,
        )
        for row in rows
    ]


def objections_to_publication(unit: Unit, lot_id: str) -> tuple[Objection, ...]:
    """What has come between the choice of the holders and now: a seat that ended, or hands that grew together."""
    row = access.current_keyset(unit, lot_id)
    if row is None:
        return ()
    standing = {seat.id: seat for seat in seat_facts(unit)}
    found: list[Objection] = []
    for role, threshold in ((Role.GATE, row.t), (Role.ESCROW, row.k)):
        members = [one for one in access.members(unit, row.id) if one.role is role]
        found += [
            Objection("keyholding.holder_gone", params={"holder": one.holder_name}, clause=CLAUSE)
            for one in members
            if one.seat_id not in standing
        ]
        found += objections_to_group([standing[one.seat_id] for one in members if one.seat_id in standing], threshold)
    return tuple(found)


def refuse_used(unit: Unit, lot_id: str) -> None:
    """Raises KeysetInUse once keys of the lot were asked for: from then on its key set stays."""
    for asked in (GateRequest, EscrowRequest):
        if unit.session.get(asked, lot_id) is not None:
            raise KeysetInUse


def _lost_seats(unit: Unit, lot_id: str) -> frozenset[str]:
    """Seats that two persons declared lost for this lot; they never come back to it."""
    rows = unit.session.scalars(
        select(HolderLoss.seat_id).where(HolderLoss.lot_id == lot_id, HolderLoss.confirmed_at.is_not(None))
    )
    return frozenset(rows)


def _retire_current(unit: Unit, lot_id: str) -> None:
    refuse_used(unit, lot_id)
    current = access.current_keyset(unit, lot_id)
    if current is not None:
        retired = KeysetRetired(lot_id, current.id, current.version, current.hash)
        unit.transition(current, KeysetTrigger.RETIRE, stream_of(current), retired)


def _add_keyset(unit: Unit, lot_id: str, tender_code: str, lot_code: str, suite: str, choice: Choice) -> LotKeyset:
    last = unit.session.scalar(select(func.max(LotKeyset.version)).where(LotKeyset.lot_id == lot_id)) or 0
    row = LotKeyset(
        id=unit.new_id(),
        lot_id=lot_id,
        tender=tender_code,
        lot_code=lot_code,
        version=last + 1,
        state=KeysetState.COLLECTING,
        suite=suite,
        t=GATE_THRESHOLD,
        m=len(choice.gate),
        k=CUSTODIANS_THRESHOLD if choice.custodians else 0,
        n=len(choice.custodians),
        warnings=[{"code": one.code, "first": one.first, "second": one.second} for one in choice.warnings],
        requested_at=unit.at,
        completed_at=None,
        rehearsed_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def _add_members(unit: Unit, row: LotKeyset, choice: Choice) -> None:
    for role, seats in ((Role.GATE, choice.gate), (Role.ESCROW, choice.custodians)):
        for index, seat in enumerate(seats):
            unit.session.add(
                KeysetMember(
                    keyset_id=row.id,
                    seat_id=seat.id,
                    role=role,
                    index=index,
                    side=seat.side,
                    org_name=seat.org_name,
                    holder_name=seat.holder_name,
                    operator=seat.operator,
                    public_key=None,
                    ready_at=None,
                )
            )
    unit.session.flush()


def give_key(unit: Unit, seat: HolderSeat, keyset_id: str, public_key: bytes, proof: bytes) -> KeysetState:
    """Take an agent's public key with its proof of possession; the last one completes the key set.

    Idempotent. Raises ProofRefused, KeyAlreadyGiven, KeyUsedElsewhere, NotYourKeyset; returns the state after.
    """
    row = access.locked_keyset(unit, keyset_id)
    member = access.member_of(unit, keyset_id, seat.id)
    if member.public_key == public_key.hex():
        return row.state
    if member.public_key is not None or row.state is not KeysetState.COLLECTING:
        raise KeyAlreadyGiven
    suite = suite_named(row.suite)
    if not is_possession(proof, row.tender, row.lot_code, member.role, public_key, suite):
        raise ProofRefused(objections=[Objection("keyholding.proof_refused", "proof", clause="R1.24")])
    if unit.session.scalar(select(KeysetMember.seat_id).where(KeysetMember.public_key == public_key.hex())):
        raise KeyUsedElsewhere
    member.public_key, member.proof, member.ready_at = public_key.hex(), proof.hex(), unit.at
    unit.session.flush()
    given = HolderKeyGiven(
        row.lot_id, row.id, seat.id, member.role.value, member.index, member.holder_name, public_key.hex()
    )
    unit.append(stream_of(row), given)
    everybody = access.members(unit, keyset_id)
    if all(one.public_key for one in everybody):
        _complete(unit, row, everybody)
    return row.state


def _complete(unit: Unit, row: LotKeyset, everybody: list[KeysetMember]) -> None:
    keyset = keyset_of_members(row, everybody)
    keyset.check_proofs()
    row.json_text, row.hash, row.completed_at = keyset.to_bytes().decode(), keyset.hash, unit.at
    completed = KeysetCompleted(row.lot_id, row.id, row.version, row.hash, row.json_text)
    unit.transition(row, KeysetTrigger.COMPLETE, stream_of(row), completed)
    begin_rehearsal(unit, row)


def keyset_of_members(row: LotKeyset, everybody: list[KeysetMember]) -> Keyset:
    """The key set as the sealing library knows it; every key must be there."""

    def holders(role: Role) -> tuple[Holder, ...]:
        return tuple(
            Holder(one.seat_id, one.side.value, bytes.fromhex(one.public_key or ""), bytes.fromhex(one.proof))
            for one in everybody
            if one.role is role
        )

    escrow = Group(row.k, holders(Role.ESCROW)) if row.n else NO_ESCROW
    gate = Group(row.t, holders(Role.GATE))
    return Keyset(row.tender, row.lot_code, row.version, gate, escrow, suite_named(row.suite))


def stream_of(row: LotKeyset) -> str:
    return f"keyset:{row.id}"
