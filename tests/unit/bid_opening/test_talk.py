"""Talk, decided without a database: who is heard when, how much, what is hidden, and that none of it moves the room."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bid_opening import frames, talk
from bid_opening.ceremony import HAPPENS_IN, LIVE, STEP_OF, RoomState, Seat
from bid_opening.errors import AlreadyDone, NoSeat
from bid_opening.room.channel import Channel
from bid_opening.room.wire import PLAIN
from bid_opening.states import Phase
from bid_opening.talk import Paper, SaidBefore, Speaker, Ticket
from bid_opening.talk_errors import TalkIsClosed, TalkIsFull, TicketIsClosed, TooFast
from foundation.errors import InvalidInput
from foundation.events import bid_opening as e

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
SEATS = (Seat(1, "org-1", "甲公司", "u1", "b1"), Seat(2, "org-2", "乙公司", "u2", "b2"))
BIDDER = Speaker("bidder", "org-1", "user-1", "甲公司", 1)
DUTY = Speaker("duty", "centre", "user-9", "交易中心")
NOTHING = SaidBefore(0, 0)
TALK = (e.MessageSaid, e.MessageHidden, e.HelpAsked, e.HelpAnswered, e.HelpClosed, e.DocumentShown)


def room(phase: Phase = Phase.DECRYPTING) -> RoomState:
    listed = phase in LIVE and phase is not Phase.INTAKE_CLOSED
    return RoomState(phase=phase, lot="lot", seats=SEATS if listed else ())


@pytest.mark.parametrize("phase", Phase)
def test_there_is_talk_from_the_list_to_the_end_and_at_no_other_time(phase: Phase) -> None:
    is_open = phase in LIVE and phase is not Phase.INTAKE_CLOSED
    if is_open:
        assert talk.say(room(phase), BIDDER, "收到", AT, NOTHING).text == "收到"
        return
    for voice in (BIDDER, DUTY):
        with pytest.raises(TalkIsClosed):
            talk.say(room(phase), voice, "收到", AT, NOTHING)
    with pytest.raises(TalkIsClosed):
        talk.ask_help(room(phase), "org-1", "u", "line", "?", newest=None, next_number=1)
    with pytest.raises(TalkIsClosed):
        talk.show_document(room(phase), Paper("upload", "图纸", "ab", 1), "u", shown=())


def test_a_suspension_before_the_list_opens_no_talk() -> None:
    """SUSPENDED is a live phase; without a list its talk would still tell who is there."""
    with pytest.raises(TalkIsClosed):
        talk.say(RoomState(phase=Phase.SUSPENDED, lot="lot"), BIDDER, "在吗", AT, NOTHING)


def test_talk_is_no_step_and_no_event_of_the_ceremony() -> None:
    assert not set(TALK) & (set(STEP_OF) | set(HAPPENS_IN))


def test_messages_are_numbered_and_carry_the_seat() -> None:
    said = talk.say(room(), BIDDER, "  请问\n何时唱标？ ", AT, SaidBefore(7, 1))
    assert (said.number, said.seat, said.role, said.text) == (8, 1, "bidder", "请问 何时唱标？")


@pytest.mark.parametrize("text", ["", "   ", "\u200b\u202e", "x" * (talk.MESSAGE_MAX + 1)])
def test_empty_and_long_words_are_refused_at_their_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        talk.say(room(), BIDDER, text, AT, NOTHING)
    assert [one.field for one in refused.value.objections] == ["message"]
    assert talk.say(room(), BIDDER, "x" * talk.MESSAGE_MAX, AT, NOTHING)


def test_characters_that_turn_a_line_around_are_taken_out() -> None:
    assert talk.clean("报价\u202e999\u200f 元\x00", "message", 300) == "报价999 元"


def test_one_voice_has_a_pace_and_a_measure() -> None:
    count, span = talk.PACE
    newest = tuple(AT - timedelta(seconds=number) for number in range(count))
    with pytest.raises(TooFast):
        talk.say(room(), BIDDER, "又一条", AT, SaidBefore(count, count, newest))
    assert talk.say(room(), BIDDER, "又一条", AT + span, SaidBefore(count, count, newest))
    with pytest.raises(TalkIsFull):
        talk.say(room(), BIDDER, "又一条", AT, SaidBefore(500, talk.MESSAGES_OF_ONE))
    with pytest.raises(TalkIsFull):
        talk.say(room(), DUTY, "又一条", AT, SaidBefore(talk.MESSAGES_OF_ROOM, 0))


def test_hiding_names_a_reason_of_the_list_and_happens_once_also_after_the_end() -> None:
    hidden = talk.hide(room(Phase.CLOSED), DUTY, 3, "abuse", is_hidden=False)
    assert (hidden.number, hidden.reason, hidden.role) == (3, "abuse", "duty")
    with pytest.raises(AlreadyDone):
        talk.hide(room(), DUTY, 3, "abuse", is_hidden=True)
    with pytest.raises(InvalidInput):
        talk.hide(room(), DUTY, 3, "because", is_hidden=False)


def test_a_call_for_help_goes_on_in_its_open_ticket() -> None:
    first = talk.ask_help(room(), "org-2", "u", "decrypt", "解密失败", newest=None, next_number=4)
    assert (first.ticket, first.seat, first.topic) == (4, 2, "decrypt")
    is_open = Ticket(4, 2, "org-2", "decrypt", 1, is_closed=False)
    again = talk.ask_help(room(), "org-2", "u", "other", "补充", newest=is_open, next_number=5)
    assert (again.ticket, again.topic) == (4, "decrypt")
    closed = Ticket(4, 2, "org-2", "decrypt", 2, is_closed=True)
    assert talk.ask_help(room(), "org-2", "u", "line", "又断了", newest=closed, next_number=5).ticket == 5


def test_who_has_no_seat_gets_no_help_here_and_a_closed_ticket_no_answer() -> None:
    with pytest.raises(NoSeat):
        talk.ask_help(room(), "org-3", "u", "line", "?", newest=None, next_number=1)
    with pytest.raises(InvalidInput):
        talk.ask_help(room(), "org-1", "u", "weather", "?", newest=None, next_number=1)
    closed = Ticket(1, 1, "org-1", "line", 2, is_closed=True)
    with pytest.raises(TicketIsClosed):
        talk.answer_help(room(), closed, "duty", "好了")
    with pytest.raises(TicketIsClosed):
        talk.close_help(room(), closed, "duty")
    full = Ticket(1, 1, "org-1", "line", talk.LINES_OF_TICKET, is_closed=False)
    with pytest.raises(TalkIsFull):
        talk.answer_help(room(), full, "duty", "好了")
    late = Ticket(1, 1, "org-1", "line", 1, is_closed=False)
    assert talk.answer_help(room(Phase.CLOSED), late, "duty", "已说明").org_id == "org-1"


def test_a_paper_is_shown_once_and_their_number_is_limited() -> None:
    paper = Paper("document", "招标文件", "ab" * 32, 10)
    assert talk.show_document(room(), paper, "u", shown=("cd",)).number == 2
    with pytest.raises(AlreadyDone):
        talk.show_document(room(), paper, "u", shown=(paper.sha256,))
    with pytest.raises(TalkIsFull):
        talk.show_document(room(), paper, "u", shown=tuple(map(str, range(talk.DOCUMENTS_MAX))))


def test_a_hidden_frame_keeps_everything_but_its_words() -> None:
    (message,) = frames.messages(talk.say(room(), BIDDER, "不当言论", AT, NOTHING))
    text = frames.write(message, seq=9, at=AT, state=room(), entry_id="e1")
    before, after = json.loads(text), json.loads(talk.without_text(text))
    assert before["data"]["text"] == "不当言论"
    assert "不当言论" not in talk.without_text(text)
    before["data"]["text"] = ""
    assert after == before


def written(event: e.MessageSaid | e.MessageHidden, seq: int) -> str:
    (message,) = frames.messages(event)
    return frames.write(message, seq=seq, at=AT, state=room(), entry_id=f"e{seq}")


def test_a_room_process_gives_hidden_words_to_no_late_comer() -> None:
    """It keeps frames in memory: a client that comes back with an old number is served from there, not the table."""
    said = [talk.say(room(), BIDDER, f"第{n}句", AT, SaidBefore(n - 1, 0)) for n in (1, 2, 3)]
    # Words that look like a frame hide nothing.
    said.append(talk.say(room(), BIDDER, '"type":"message_hidden","data":{"number":1}', AT, SaidBefore(3, 0)))
    channel = Channel("public")
    channel.append([(event.number, written(event, event.number)) for event in said])
    before = channel.bytes_after(1, PLAIN).decode(errors="replace")
    channel.append([(5, written(talk.hide(room(), DUTY, 2, "abuse", is_hidden=False), 5))])
    after = channel.bytes_after(1, PLAIN).decode(errors="replace")
    assert "第2句" in before
    assert "第2句" not in after
    assert "第3句" in after
    texts = [json.loads(text) for text in channel.texts_after(0, 10)]
    assert [(one["seq"], one["data"]["number"]) for one in texts] == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 2)]
    assert texts[1]["data"]["text"] == ""


def test_the_log_holds_no_words_and_help_is_private() -> None:
    assert "text" not in e.MessageSaid.PUBLIC_FIELDS
    asked = talk.ask_help(room(), "org-1", "u", "line", "密码忘了", newest=None, next_number=1)
    told = {message.audience: dict(message.data) for message in frames.messages(asked)}
    assert set(told) == {"staff", "bidder:org-1"}
    assert "密码忘了" not in json.dumps(told, ensure_ascii=False)
