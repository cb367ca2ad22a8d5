"""From read models to what a page draws: clock, ruler, log, gate, hall. Nothing is decided here."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import current_app

from bid_opening import queries
from bid_opening.ceremony import Attendant
from bid_opening.frames import told_types
from bid_opening.queries import Announcement, Hall, HallRow, RoomPage
from bid_opening.queries.fault_board import FaultBoard, fault_board
from bid_opening.queries.talk import TalkPage, talk_page
from bid_opening.services import rooms, sessions
from bid_opening.states import Phase
from bid_opening.views import board
from foundation.errors import NotFound
from foundation.i18n import EN, catalogue, current_lang, instant, pick, sentence, term
from foundation.store.unit import Unit
from keyholding import facade as keyholding

FEED_LINES: Final = 40
SCREEN_ROWS: Final = 6
WORD_PREFIXES: Final = (
    "room_key.",
    "room_seal.",
    "room_seat.",
    "bid_fault.",
    "halt",
    "opening_failure.",
    "attendant.",
    "room_phase.",
    "freeze_waiting.",
    "beacon_source.",
    "talk_role.",
    "talk_hidden.",
    "help_topic.",
    "shown_source.",
    "price_remark.",
    "mark_meaning.",
    "client_code.",
    "culprit.",
    "absence.",
    "refusal_ground.",
    "identity_check.",
    "fault_consequence.",
    "health_",
)

STAGES: Final[tuple[tuple[Phase, str, str], ...]] = (
    (Phase.CHECK_IN, "签到", "Sign-in"),
    (Phase.INTAKE_CLOSED, "截止冻结", "Freeze"),
    (Phase.LIST_PUBLISHED, "公布名单", "Bidder list"),
    (Phase.DECRYPTING, "解密", "Decrypt"),
    (Phase.GATE_RELEASED, "启封", "Gate"),
    (Phase.PARAM_DRAWN, "抽取系数", "Draw K"),
    (Phase.READING, "唱标", "Reading"),
    (Phase.QUERY, "异议", "Objections"),
    (Phase.CONFIRMING, "确认", "Confirm"),
    (Phase.CLOSED, "结束", "Close"),
)
"""The ruler. What is not named here belongs to the stage it leads to."""

_NOW: Final[dict[Phase, int]] = {
    Phase.SCHEDULED: 0,
    Phase.CHECK_IN: 0,
    Phase.INTAKE_CLOSED: 1,
    Phase.FROZEN: 1,
    Phase.LIST_PUBLISHED: 2,
    Phase.DECRYPTING: 3,
    Phase.WINDOW_CLOSED: 4,
    Phase.GATE_RELEASED: 5,
    Phase.PARAM_DRAWN: 6,
    Phase.READING: 6,
    Phase.QUERY: 7,
    Phase.CONFIRMING: 8,
    Phase.CLOSED: 10,
}


@dataclass(frozen=True, slots=True)
class ClockView:
    """The strip on top: what runs, until when, since when. ``left`` while it stands still."""

    label: str
    text: str
    until: datetime | None = None
    starts: datetime | None = None
    left: timedelta | None = None
    total: int = 0
    gone: float = 0
    step: int = 5
    kind: str = "run"


@dataclass(frozen=True, slots=True)
class FeedLine:
    """One line of the log."""

    at: datetime
    text: str
    number: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class GateSeat:
    """One gate holder: which side, who, and whether its key is public."""

    side: str
    name: str
    is_released: bool


@dataclass(frozen=True, slots=True)
class Gate:
    threshold: int
    seats: tuple[GateSeat, ...]
    custodians: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a room page draws besides the room itself."""

    name: str
    clock: ClockView
    ruler: tuple[tuple[str, str, str], ...]
    rows: tuple[board.Row, ...]
    tally: tuple[tuple[str, str, str, int], ...]
    feed: tuple[FeedLine, ...]
    gate: Gate | None
    strip: board.Strip | None
    offers: dict[str, str]
    """Act → why not yet ("" when it is possible)."""
    heads: dict[str, int]
    words: dict[str, Any]
    seats: dict[int, dict[str, Any]]
    faults: FaultBoard
    orgs: dict[int, str]
    """Seat → organisation, for staff only: what presence is told by."""
    room_port: int
    talk: TalkPage
    session_lots: int
    """How many lots open together with this one, itself included."""
    present: tuple[Attendant, ...]
    """Who of the official side came, as everybody was told."""


def desk(unit: Unit, room: RoomPage, name: str) -> Desk:
    """The page's parts for one desk. A gallery listens to the public audience only, whoever looks."""
    wanted = ("public",) if name == "gallery" else room.audiences
    return Desk(
        name=name,
        clock=clock(room),
        ruler=ruler(room),
        rows=board.rows(room),
        tally=board.tally(room),
        feed=tuple(line(one) for one in reversed(room.announcements[-FEED_LINES:])),
        gate=gate(unit, room),
        strip=board.strip(room),
        offers={one.act: "" if one.is_allowed else why(one.code, one.params or {}) for one in room.offers},
        heads={audience: room.heads[audience] for audience in wanted},
        words=words(),
        faults=fault_board(unit, room.lot_id),
        orgs=_orgs(unit, room) if room.is_staff and name != "gallery" else {},
        seats={seat.number: board.plain(room, seat) for seat in room.seats},
        room_port=current_app.config["ROOM_PORT"],
        session_lots=len(sessions.lots_of(unit, room.lot_id)),
        present=rooms.state_of(unit, room.lot_id).attendants,
        talk=talk_page(unit, room.lot_id),
    )


def _orgs(unit: Unit, room: RoomPage) -> dict[int, str]:
    return {seat.number: seat.org_id for seat in rooms.state_of(unit, room.lot_id).seats}


# --- time -----------------------------------------------------------------------------------------------------------


def clock(room: RoomPage) -> ClockView:
    """What the room waits for, and the window it runs in."""
    waits = term(f"room_next.{room.next_step}")
    now, until = room.server_now, room.until
    match room.phase:
        case Phase.SCHEDULED | Phase.CHECK_IN:
            return ClockView(pick("距开标还有", "Until the opening"), waits, until=room.opens_at)
        case Phase.DECRYPTING if room.window_ended_at is not None:
            return ClockView(pick("等待备份保管人，还剩", "Custodians have"), waits, until=until)
        case Phase.CONFIRMING if room.next_step == "attribution":
            return ClockView(pick("现在", "Now"), waits, kind="pause")
        case Phase.DECRYPTING | Phase.QUERY | Phase.CONFIRMING if until is not None:
            label = {
                Phase.DECRYPTING: pick("解密窗口还剩", "Decryption window closes in"),
                Phase.QUERY: pick("提出异议还剩", "Time for objections"),
                Phase.CONFIRMING: pick("确认记录还剩", "Time to confirm"),
            }[room.phase]
            return _window(label, waits, started(room), until, now)
        case Phase.SUSPENDED:
            left = left_of(room)
            return ClockView(pick("时钟已停", "The clock stands"), waits, left=left, kind="pause")
        case Phase.FAILED | Phase.ABORTED:
            return ClockView(term(f"room_phase.{room.phase}"), waits, kind="bad")
        case Phase.CLOSED:
            return ClockView(term("room_phase.closed"), waits, kind="ok")
        case _:
            return ClockView(pick("现在", "Now"), waits)


def _window(label: str, waits: str, starts: datetime, until: datetime, now: datetime) -> ClockView:
    total = max(1, round((until - starts).total_seconds() / 60))
    gone = max(0.0, (now - starts).total_seconds() / 60)
    return ClockView(label, waits, until=until, starts=starts, total=total, gone=gone, step=_step(total))


def _step(total: int) -> int:
    """Minutes between two ticks, so that there are between three and eight."""
    return next((step for step in (1, 2, 5, 10, 15, 30) if total / step <= 8), 60)  # noqa: PLR2004 - ticks


def started(room: RoomPage) -> datetime:
    """When the present phase began."""
    return next((at for phase, at in reversed(room.phase_times) if phase is room.phase), room.server_now)


def left_of(room: RoomPage) -> timedelta | None:
    """What was left when the clock was stopped, as it was told."""
    for told in reversed(room.announcements):
        if told.type == "bid_opening.suspended":
            seconds = told.params.get("left_seconds")
            return None if seconds is None else timedelta(seconds=seconds)
    return None


def ruler(room: RoomPage) -> tuple[tuple[str, str, str], ...]:
    """(name, time or count, done/now/"") of each stage."""
    phase = room.phase
    if room.suspension is not None:
        phase = room.suspension.since
    now = _NOW.get(phase, -1)
    if now < 0:  # failed or aborted: done is what was entered
        now = max((_NOW.get(entered, 0) for entered, _ in room.phase_times), default=0)
        ended = True
    else:
        ended = False
    times = dict(room.phase_times)
    found = []
    for index, (stage, zh, en) in enumerate(STAGES):
        state = "done" if index < now else "now" if index == now and not ended else ""
        found.append((pick(zh, en), _under(room, stage, times.get(stage), state), state))
    return tuple(found)


def _under(room: RoomPage, stage: Phase, at: datetime | None, state: str) -> str:
    """The second line of a stage: what is known of it now."""
    seats = room.seats
    if stage is Phase.DECRYPTING and seats and state:
        given = sum(1 for seat in seats if seat.released_at or seat.escrowed_at)
        asked = sum(1 for seat in seats if not seat.refusal)
        return pick(f"{given}/{asked} 已交密钥", f"{given}/{asked} released")
    if stage is Phase.PARAM_DRAWN and room.draws:
        return "，".join(f"{one.name} {one.value}" for one in room.draws)
    if stage is Phase.LIST_PUBLISHED and seats:
        return pick(f"{len(seats)} 家", f"{len(seats)} bidders")
    if at is not None and state:
        return _time(at)
    return {
        Phase.CHECK_IN: pick("开标前", "before the opening"),
        Phase.INTAKE_CLOSED: _time(room.opens_at) if room.opens_at else "",
        Phase.GATE_RELEASED: pick("三方交钥", "holders' keys"),
        Phase.PARAM_DRAWN: pick("可复算", "replayable"),
        Phase.READING: pick("逐家", "one by one"),
        Phase.QUERY: pick("当场答复", "answered here"),
        Phase.CONFIRMING: pick("不操作视为无异议", "silence is assent"),
        Phase.CLOSED: pick("签发记录", "record"),
    }.get(stage, "")


def _time(at: datetime) -> str:
    return instant(at, "time")


# --- words ----------------------------------------------------------------------------------------------------------


def line(told: Announcement) -> FeedLine:
    return FeedLine(
        told.at, sentence("events", told.type, board.told_values(told.params)), str(told.seq), told.entry_id
    )


def why(code: str, params: dict[str, Any]) -> str:
    """Why an act is not possible yet, from the refusal it would get."""
    return sentence("errors", code, params)


def words() -> dict[str, Any]:
    """The sentences of frames and the terms they use, as templates in the reader's language: for the page's script."""
    book, lang = catalogue(), current_lang()
    place = 1 if lang == EN else 0
    kinds = {name for rules in told_types().values() for _, name in rules}
    events, terms = book.sections["events"], book.sections["terms"]
    return {
        "sentences": {
            kind: events[f"bid_opening.{kind}"][place] for kind in sorted(kinds) if f"bid_opening.{kind}" in events
        },
        "terms": {code: text[place] for code, text in sorted(terms.items()) if code.startswith(WORD_PREFIXES)},
    }


# --- the gate -------------------------------------------------------------------------------------------------------


def gate(unit: Unit, room: RoomPage) -> Gate | None:
    """Who holds the gate, and whose key is public already."""
    card = keyholding.keyset_of(unit, room.lot_id)
    if card is None:
        return None
    released = keyholding.gate_keys(unit, room.lot_id)
    seats = tuple(
        GateSeat(_side(one.side), one.org_name or one.name, one.index in released)
        for one in card.holders
        if one.role == "gate"
    )
    return Gate(card.t, seats, sum(1 for one in card.holders if one.role != "gate"))


def _side(side: str) -> str:
    return {
        "tenderee_side": pick("招标方", "Tenderee"),
        "regulator": pick("行业监管", "Regulator"),
        "audit": pick("纪检审计", "Audit"),
    }.get(side, side)


# --- the hall -------------------------------------------------------------------------------------------------------


def search(hall: Hall, wanted: str) -> Hall:
    """Only openings whose lot, code, project or tenderee contains the words."""
    words_ = wanted.strip().casefold().split()
    if not words_:
        return hall

    def fits(row: HallRow) -> bool:
        text = f"{row.lot_name} {row.lot_code} {row.project_name} {row.tenderee_name}".casefold()
        return all(word in text for word in words_)

    def kept(rows: tuple[HallRow, ...]) -> tuple[HallRow, ...]:
        return tuple(filter(fits, rows))

    return dataclasses.replace(
        hall, live=kept(hall.live), today=kept(hall.today), coming=kept(hall.coming), over=kept(hall.over)
    )


def screen(hall: Hall) -> tuple[HallRow, ...]:
    """The rows of the wall: under way, today's, then the next ones; by time, six at most."""
    rows = (*hall.live, *hall.today, *hall.coming)[:SCREEN_ROWS]
    return tuple(sorted(rows, key=lambda row: (row.opens_at, row.lot_id)))


def feature(unit: Unit, hall: Hall) -> tuple[RoomPage, Desk] | None:
    """The room nearest its next legal instant, as the public sees it."""
    candidates = [(row.until or row.opens_at, row) for row in (*hall.live, *hall.today, *hall.coming)]
    if not candidates:
        return None
    _, row = min(candidates, key=lambda one: (one[1] not in hall.live, one[0]))
    try:
        room = queries.room_page(unit, row.lot_id)
    except NotFound:
        return None
    return room, desk(unit, room, "gallery")
