"""The compulsory rehearsal: every holder opens its share of a dummy before the lot may be published."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from foundation.errors import Tampering
from foundation.events.keyholding import KeysetRehearsed, RehearsalFailed, RehearsalShareGiven, RehearsalStarted
from foundation.sealing import Keyset, Role, seat, suite_named
from foundation.store.unit import Unit
from keyholding import access
from keyholding.dummy import Dummy, fits, open_dummy, seal_dummy
from keyholding.errors import KeysetNotReady, RehearsalOver
from keyholding.models import HolderSeat, KeysetMember, LotKeyset, Rehearsal, RehearsalShare
from keyholding.states import KeysetState, KeysetTrigger, RehearsalState, RehearsalTrigger


def start_rehearsal(unit: Unit, lot_id: str) -> None:
    """Start a rehearsal after a failed one. Nothing happens while one is running or after one was passed.

    Raises KeysetNotReady while keys are missing.
    """
    current = access.current_keyset(unit, lot_id)
    if current is None or current.state is KeysetState.COLLECTING:
        raise KeysetNotReady(state=str(current.state) if current else "none")
    row = access.locked_keyset(unit, current.id)
    if row.state is KeysetState.COMPLETE and running(unit, row.id) is None:
        begin_rehearsal(unit, row)


def running(unit: Unit, keyset_id: str) -> Rehearsal | None:
    """The rehearsal under way."""
    return unit.session.scalar(
        select(Rehearsal).where(Rehearsal.keyset_id == keyset_id, Rehearsal.state == RehearsalState.RUNNING)
    )


def begin_rehearsal(unit: Unit, row: LotKeyset) -> Rehearsal:
    """Seal a dummy to a complete key set; the agents find it among their tasks."""
    last = unit.session.scalar(select(func.max(Rehearsal.number)).where(Rehearsal.keyset_id == row.id)) or 0
    dummy = seal_dummy(Keyset.parse(row.json_text.encode()), unit.entropy, unit.at)
    rehearsal = Rehearsal(
        id=unit.new_id(),
        keyset_id=row.id,
        number=last + 1,
        state=RehearsalState.RUNNING,
        header=dummy.header,
        manifest=dummy.manifest,
        ciphertext=dummy.ciphertext,
        opening_key=dummy.opening_key,
        header_hash=suite_named(row.suite).digest(dummy.header).hex(),
        content_hash=dummy.content_hash,
        started_at=unit.at,
        ended_at=None,
    )
    unit.session.add(rehearsal)
    unit.session.flush()
    started = RehearsalStarted(row.lot_id, row.id, rehearsal.id, rehearsal.number, rehearsal.header_hash)
    unit.append(f"keyset:{row.id}", started)
    return rehearsal


def give_rehearsal_share(
    unit: Unit, holder: HolderSeat, rehearsal_id: str, share: bytes | None, fault: str = ""
) -> RehearsalState:
    """Take one holder's share of the dummy; the last one ends the rehearsal.

    ``share`` None: the agent could not open its wrap (``fault``). A share that does not fit fails the rehearsal and
    names the holder. Idempotent. Raises RehearsalOver, NotYourKeyset.
    """
    row = access.locked_keyset(unit, access.rehearsal(unit, rehearsal_id).keyset_id)
    rehearsal = access.rehearsal(unit, rehearsal_id)
    unit.session.refresh(rehearsal)
    member = access.member_of(unit, row.id, holder.id)
    if unit.session.get(RehearsalShare, (rehearsal_id, holder.id)) is not None:
        return rehearsal.state
    if rehearsal.state is not RehearsalState.RUNNING or rehearsal.header is None:
        if rehearsal.state is RehearsalState.PASSED:
            return rehearsal.state  # the answer to its last share was lost on the way
        raise RehearsalOver
    if share is None or not fits(rehearsal.header, seat(member.role, member.index), share):
        cause = "commitment" if share is not None else fault[:40] or "wrap"
        _fail(unit, row, rehearsal, member, cause)
        return rehearsal.state
    unit.session.add(RehearsalShare(rehearsal_id=rehearsal_id, seat_id=holder.id, share=share.hex()))
    unit.session.flush()
    given = RehearsalShareGiven(
        row.lot_id, row.id, rehearsal_id, holder.id, member.role.value, member.index, member.holder_name
    )
    unit.append(f"keyset:{row.id}", given)
    _finish_if_all(unit, row, rehearsal)
    return rehearsal.state


def _finish_if_all(unit: Unit, row: LotKeyset, rehearsal: Rehearsal) -> None:
    everybody = access.members(unit, row.id)
    rows = unit.session.scalars(select(RehearsalShare).where(RehearsalShare.rehearsal_id == rehearsal.id))
    shares = {one.seat_id: bytes.fromhex(one.share) for one in rows}
    if any(member.seat_id not in shares for member in everybody):
        return

    def of(role: Role) -> dict[int, bytes]:
        return {one.index: shares[one.seat_id] for one in everybody if one.role is role}

    gate, escrow = of(Role.GATE), of(Role.ESCROW)
    try:
        open_dummy(_dummy_of(rehearsal), Keyset.parse(row.json_text.encode()), gate, escrow)
    except Tampering as error:
        # Every share fitted its commitment, so the dummy itself is at fault: the platform's doing.
        _fail(unit, row, rehearsal, None, str(error.fields.get("reason", "combination")))
        return
    _destroy(unit, rehearsal)
    rehearsed = KeysetRehearsed(
        row.lot_id, row.id, row.version, row.hash, rehearsal.header_hash, len(gate), len(escrow)
    )
    row.rehearsed_at = unit.at
    unit.transition(row, KeysetTrigger.PASS_REHEARSAL, f"keyset:{row.id}", rehearsed)
    _set_state(unit, rehearsal, RehearsalTrigger.PASS)


def _fail(unit: Unit, row: LotKeyset, rehearsal: Rehearsal, member: KeysetMember | None, cause: str) -> None:
    rehearsal.culprit = member.holder_name if member else ""
    rehearsal.cause = cause
    role, index = (member.role.value, member.index) if member else ("", 0)
    failed = RehearsalFailed(row.lot_id, row.id, rehearsal.id, role, index, rehearsal.culprit, cause)
    _destroy(unit, rehearsal)
    _set_state(unit, rehearsal, RehearsalTrigger.FAIL)
    unit.append(f"keyset:{row.id}", failed)


def _set_state(unit: Unit, rehearsal: Rehearsal, trigger: RehearsalTrigger) -> None:
    # The key set's row is locked (access.locked_keyset), so nobody else moves this one.
    rehearsal.state = rehearsal.MACHINE.advance(rehearsal.state, trigger)
    rehearsal.ended_at = unit.at
    unit.session.flush()


def _destroy(unit: Unit, rehearsal: Rehearsal) -> None:
    rehearsal.header = rehearsal.manifest = rehearsal.ciphertext = rehearsal.opening_key = None
    unit.session.execute(delete(RehearsalShare).where(RehearsalShare.rehearsal_id == rehearsal.id))


def _dummy_of(rehearsal: Rehearsal) -> Dummy:
    return Dummy(
        header=rehearsal.header or b"",
        manifest=rehearsal.manifest or b"",
        ciphertext=rehearsal.ciphertext or b"",
        opening_key=rehearsal.opening_key or "",
        content_hash=rehearsal.content_hash,
    )
