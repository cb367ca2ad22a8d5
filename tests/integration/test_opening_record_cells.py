"""The opening record is the journal: every cell of the paper is what ``fold`` of the room's stream says."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bid_opening.ceremony import RoomState, Seat, fold_all
from bid_opening.confirming import shown_sha256
from bid_opening.services import acts, faults, record, rooms
from deposits.services import arrivals
from deposits.states import Outcome
from foundation.documents.reading import read_tables
from foundation.documents.signing import check_pdf
from foundation.events.tendering import LotPublished
from foundation.journal import read_stream
from foundation.money import Money
from tendering import facade as tendering
from tests.integration.test_opening_records import tenderee_of
from tests.integration.test_opening_story import text_of
from tests.support.tender_world import DEADLINE, TESTS
from tests.support_bids import FILES
from tests.support_opening import NAMES, Opening, make_opening, price_schedule

BEIJING = timezone(timedelta(hours=8))
SECRET = bytes(32)


def squeezed(text: str) -> str:
    return "".join(text.split())


def told(opening: Opening) -> Opening:
    """A missing bid, words that differ, two objections, one signed and one unsigned confirmation, one silent bidder."""
    publish_with_deposit(opening)
    pay(opening, 0, "250000.00")
    pay(opening, 1, "1.00")
    opening.to_window_closed(released=[0, 1, 2])
    if opening.state.until is not None:
        opening.pass_window()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    first, second = (bidder.actor for bidder in opening.bidders[:2])
    opening.act(first, acts.raise_objection, "请复读工期")
    opening.act(second, acts.raise_objection, "请核对质量")
    opening.act(second, acts.raise_objection, "请核对总价")
    answered, by_tenderee, taken_back = opening.state.objections
    opening.act(opening.host, acts.answer, answered.id, "已复读")
    opening.act(tenderee_of(opening), acts.answer, by_tenderee.id, "与投标文件一致")
    opening.act(second, acts.withdraw_objection, taken_back.id)
    opening.at(opening.world.clock.now() + timedelta(minutes=11))
    opening.look()
    opening.confirm(0)
    opening.confirm(1, signed=False)
    missing = next(seat.number for seat in opening.state.seats if not seat.is_recoverable)
    opening.act(opening.host, faults.propose, missing, "bidder", "未在时限内解密，平台运行正常")
    opening.act(opening.supervisor, faults.confirm, missing)
    opening.at(opening.world.clock.now() + timedelta(minutes=11))
    opening.look()
    assert opening.run_jobs() == []
    return opening


def publish_with_deposit(opening: Opening) -> None:
    with opening.world.units.begin(TESTS) as unit:
        card = tendering.lot_card(unit, opening.lot.id)
        unit.append(
            f"lot:{card.id}",
            LotPublished(
                lot=card.id,
                tender=card.tender_code,
                lot_code=card.lot_code,
                unified_deal_code=card.unified_deal_code,
                name=card.name,
                deadline_at=DEADLINE,
                ceiling=card.ceiling.text(),
                deposit="250000.00",
                rulebook=card.rulebook_id,
                method=card.method_id,
                escrow_rule=card.escrow_rule,
                keyset="",
                documents=(),
            ),
        )


def pay(opening: Opening, index: int, amount: str) -> None:
    bidder = opening.bidders[index].actor
    with opening.world.units.begin(TESTS) as unit:
        number = arrivals.sub_account_number(SECRET, opening.lot.id, str(bidder.org_id))
        arrivals.note_account(unit, opening.lot.id, str(bidder.org_id), number)
        at = DEADLINE - timedelta(hours=2)
        notice = arrivals.ArrivalNotice(
            f"s{index}", number, bidder.org_name, "6222000011112222", Money.yuan(amount), at
        )
        outcome = arrivals.receive_arrival(unit, notice, notice.serial.encode())
    assert outcome is Outcome.MATCHED


def folded(opening: Opening) -> RoomState:
    with opening.world.units.read() as unit:
        entries = read_stream(unit.session, rooms.stream_of(opening.lot.id), limit=100_000)
    return fold_all((entry.event, entry.at) for entry in entries)


def clock_of(at: datetime, style: str) -> str:
    return at.astimezone(UTC).astimezone(BEIJING).strftime(style)


def cells_of(seat: Seat, state: RoomState, deposits: dict[str, str]) -> list[str]:
    """What the row of this seat must say, from the folded journal and from nothing else."""
    opened_at = seat.released_at or seat.escrowed_at
    price = f"{Money.yuan(seat.total).grouped()}{seat.total_words}" if seat.total is not None else "—"
    key = "投标人解密" if seat.released_at else "备份启封" if seat.escrowed_at else "未解密"
    confirmed = "未确认，视为无异议"
    if seat.confirmed_at is not None:
        confirmed = ("签名确认" if seat.confirmation else "登录确认") + clock_of(seat.confirmed_at, "%H:%M:%S")
    who = {"agency": "招标代理代招标人答复：", "tenderee": "招标人答复："}
    objections = "".join(
        f"异议：{one.text}" + ("已撤回" if one.is_withdrawn else f"{who[one.side]}{one.answer}")
        for one in state.objections
        if one.seat == seat.number
    )
    return [
        f"{seat.number:02d}",
        seat.name,
        price,
        str(seat.duration_days or "—"),
        (seat.quality or "—") if seat.total is not None else "—",
        seat.project_manager or "—",
        deposits.get(seat.org_id, "未经本平台收取"),
        key + (clock_of(opened_at, "%Y-%m-%d%H:%M:%S") if opened_at else ""),
        confirmed,
        objections or "无",
    ]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Opening:
    """Read only."""
    odd = json.loads(price_schedule("12001999.00", "经理2").decode()) | {"total_words": "壹元整"}
    files = {2: {**FILES, "price_schedule": json.dumps(odd, ensure_ascii=False).encode()}}
    return told(make_opening(tmp_path_factory.mktemp("record"), bids=len(NAMES), files=files))


def paper(opening: Opening) -> bytes:
    content = record.read_record(opening.world.runtime, opening.lot.id)
    assert content is not None
    return content


def test_every_row_of_the_record_is_what_the_journal_folds_to(closed: Opening) -> None:
    state = folded(closed)
    org = [str(bidder.actor.org_id) for bidder in closed.bidders]
    deposits = {org[0]: "转账已到账", org[1]: "转账不符"}
    tables = read_tables(paper(closed))
    rows = [row for table in tables for row in table.rows if len(row) == 10 and row[0].isdigit()]
    found = [[squeezed(cell) for cell in row] for row in rows]
    assert found == [[squeezed(cell) for cell in cells_of(seat, state, deposits)] for seat in state.seats]
    assert [row[7] for row in found].count("未解密") == 1
    assert sum("签名确认" in row[8] for row in found) == 1
    assert sum("登录确认" in row[8] for row in found) == 1


def test_the_head_the_draws_and_the_remarks_are_the_journals_too(closed: Opening) -> None:
    state, text = folded(closed), squeezed(text_of(paper(closed)))
    assert state.opens_at is not None
    with closed.world.units.read() as unit:
        card = tendering.lot_card(unit, closed.lot.id)
    for value in (card.lot_code, card.name, card.tenderee_name, card.agency_name, card.ceiling.grouped()):
        assert squeezed(value) in text
    assert squeezed(clock_of(state.opens_at, "%Y-%m-%d %H:%M:%S")) in text
    drawn_rows = [
        [squeezed(cell) for cell in row]
        for table in read_tables(paper(closed))
        for row in table.rows
        if len(row) == 5 and row[0] in {drawn.name for drawn in state.draws}
    ]
    assert drawn_rows == [
        [
            drawn.name,
            drawn.value,
            "、".join(drawn.pool),
            clock_of(drawn.drawn_at, "%Y-%m-%d%H:%M:%S"),
            hashlib.sha256(drawn.transcript.encode()).hexdigest(),
        ]
        for drawn in state.draws
    ]
    odd = next(seat for seat in state.seats if "words_differ" in seat.remarks)
    assert f"{odd.number:02d}号：投标报价大写与小写不一致" in text
    missing = next(seat for seat in state.seats if not seat.is_recoverable)
    assert f"{missing.number:02d}号：未在规定时间内解密" in text
    assert shown_sha256(closed.lot.lot_code, state) in text


def test_the_record_is_signed_by_the_centre_and_says_so_of_these_very_bytes(closed: Opening) -> None:
    content = paper(closed)
    signer = record.signer_of(closed.world.runtime)
    assert record.CENTRE in check_pdf(content, signer.certificate).subject
    record.issue_record(closed.world.runtime, closed.lot.id)
    assert paper(closed) == content
