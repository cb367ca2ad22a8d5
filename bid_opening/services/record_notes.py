"""What the opening record's remarks say of attendance, identity, refusal and the clock (R3.15, R3.16), in Chinese."""

from __future__ import annotations

from collections.abc import Iterator

from bid_opening import identity_rules, intervals
from bid_opening.ceremony import RoomState, Seat
from bid_opening.services import identity
from foundation.i18n import ZH, sentence, term
from foundation.store.unit import Unit


def notes_of_seat(unit: Unit, state: RoomState, seat: Seat) -> list[str]:
    """The remarks about one bidder, in the order things happened."""
    return [
        sentence("terms", f"record_remark.{code}", {"seat": f"{seat.number:02d}", **params}, ZH)
        for code, params in _told(unit, state, seat)
    ]


def _told(unit: Unit, state: RoomState, seat: Seat) -> Iterator[tuple[str, dict[str, object]]]:
    if identity.was_by_papers(unit, state.lot, seat.org_id):
        yield "emergency", {}
    if seat.absence is not None:
        text = f"（{seat.absence.text}）" if seat.absence.text else ""
        yield "absence", {"reason": seat.absence.reason, "text": text}
    passed = [what for what in identity_rules.CHECKS if (one := seat.check_of(what)) and one.is_passed]
    if passed:
        yield "identity_passed", {"checked": "、".join(term(f"identity_check.{what}", ZH) for what in passed)}
    for one in seat.checks:
        if not one.is_passed:
            yield "identity_failed", {"what": one.what, "reason": one.reason}
    if seat.refusal is not None:
        yield "refused", {"ground": seat.refusal.ground, "why": seat.refusal.why}


def notes_of_clock(state: RoomState) -> list[str]:
    """Every finished pause and extension with its seconds, then their sums (R3.06)."""
    found = [
        sentence(
            "terms",
            "record_remark.interval",
            {"kind": one.kind, "starts": one.starts, "ends": one.ends, "seconds": one.seconds},
            ZH,
        )
        for one in state.intervals
        if one.ends is not None
    ]
    if found:
        sums = {
            "paused": intervals.total_seconds(state, intervals.PAUSE),
            "extended": intervals.total_seconds(state, intervals.EXTENSION),
        }
        found.append(sentence("terms", "record_remark.interval_total", sums, ZH))
    return found
