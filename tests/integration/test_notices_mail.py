"""E-mail that a real server receives: verification, words, refusals, retries, a killed sender, choices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.notices import addressing, choices, delivery, queries, rules, staff, ways
from accounts.notices.errors import AddressKnown, AddressUnfit, CodeOver, NothingToSendAgain, TooManyCodes
from accounts.notices.kinds import Kind
from accounts.notices.models import NoticeAddress, NoticeDelivery
from accounts.notices.states import DeliveryState
from foundation.actor import system
from foundation.errors import NotFound
from foundation.events.bid_opening import BidsFrozen
from foundation.jobs.models import Job
from foundation.notices.message import Channel, Outgoing
from tests.integration.support_notices import CODE, Post, make_post
from tests.support.mail_server import MailServer, make_mail_server

LOT = "019323aa-0000-7000-8000-000000000001"
BID_LINK = f"/lots/{LOT}/bid"
REMINDER = {"lot": "漕桥标准厂房一期", "hours": 24, "deadline": "2026-12-11T01:30:00.000Z"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    made = make_mail_server().start()
    yield made
    made.stop()


@pytest.fixture
def post(tmp_path: Path, server: MailServer) -> Post:
    return make_post(tmp_path, smtp_url=f"smtp://localhost:{server.port}", mail_from="centre@wujin.example")


def freeze(post: Post) -> None:
    with post.town.units.begin(system("test")) as unit:
        unit.append(f"room:{LOT}", BidsFrozen(lot=LOT, bids=(), tree_size=1))


def code_in(server: MailServer) -> str:
    return CODE.findall(server.texts[-1])[0]


# --- addresses ---------------------------------------------------------------


def test_an_address_is_used_once_its_code_came_back(post: Post, server: MailServer) -> None:
    address_id = post.add("zhou@firm.example")
    post.tell()
    assert post.send() == 1, "the code alone: the address is not verified"
    assert server.envelopes == [("centre@wujin.example", ["zhou@firm.example"])]
    assert post.verify(address_id, code_in(server)) is None
    post.tell()
    assert post.send() == 1
    assert "冒名公司" in server.texts[-1]
    assert "claimed your code" in server.texts[-1]


def test_a_code_is_in_no_row_and_no_job(post: Post, server: MailServer, tmp_path: Path) -> None:
    post.add("zhou@firm.example")
    post.send()
    code = code_in(server)
    with post.town.units.read() as unit:
        kept = [
            vars(row) for model in (NoticeAddress, NoticeDelivery, Job) for row in unit.session.scalars(select(model))
        ]
    assert kept
    assert not any(code in str(row) for row in kept)
    assert code not in str(server.taken[-1]["Subject"])


def test_a_wrong_code_counts_and_five_of_them_end_it(post: Post, server: MailServer) -> None:
    address_id = post.add("zhou@firm.example")
    post.send()
    right = code_in(server)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    assert [post.verify(address_id, wrong) for _ in range(rules.CODE_TRIES)] == [4, 3, 2, 1, 0]
    with pytest.raises(CodeOver):
        post.verify(address_id, right)


def test_a_new_code_makes_the_old_one_void_and_codes_are_few(post: Post, server: MailServer) -> None:
    address_id = post.add("zhou@firm.example")
    post.send()
    old = code_in(server)
    for _ in range(rules.CODES_PER_HOUR - 1):
        with post.town.units.begin(post.bidder) as unit:
            addressing.send_code(unit, address_id)
    with pytest.raises(TooManyCodes), post.town.units.begin(post.bidder) as unit:
        addressing.send_code(unit, address_id)
    with pytest.raises(CodeOver):
        post.verify(address_id, old)
    post.send()
    assert post.verify(address_id, code_in(server)) is None


def test_many_people_cannot_flood_one_stranger(post: Post) -> None:
    for _ in range(rules.CODES_PER_HOUR):
        other = post.town.person(str(post.bidder.org_id), "bidder")
        with post.town.units.begin(other) as unit:
            addressing.add_address(unit, Channel.EMAIL, "stranger@elsewhere.example")
    with pytest.raises(TooManyCodes):
        post.add("stranger@elsewhere.example")


def test_a_code_runs_out(post: Post, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    address_id = post.add("zhou@firm.example")
    post.send()
    post.ahead = timedelta(minutes=rules.CODE_MINUTES)
    monkeypatch.setattr(addressing, "machine_now", post.now)
    with pytest.raises(CodeOver):
        post.verify(address_id, code_in(server))


def test_the_old_address_serves_until_the_new_one_is_verified(post: Post, server: MailServer) -> None:
    old = post.verified("old@firm.example")
    new = post.add("new@firm.example")
    post.send()
    code = code_in(server)
    post.tell()
    post.send()
    assert server.envelopes[-1][1] == ["old@firm.example"]
    assert post.verify(new, code) is None
    post.tell()
    post.send()
    assert server.envelopes[-1][1] == ["new@firm.example"]
    with pytest.raises(NotFound), post.town.units.begin(post.bidder) as unit:
        addressing.remove_address(unit, old)
    with pytest.raises(AddressKnown):
        post.add("new@firm.example")


def test_nobody_verifies_or_removes_the_address_of_another(post: Post, server: MailServer) -> None:
    address_id = post.add("zhou@firm.example")
    post.send()
    other = post.town.person(str(post.bidder.org_id), "bidder")
    with pytest.raises(NotFound), post.town.units.begin(other) as unit:
        addressing.verify(unit, address_id, code_in(server))
    with pytest.raises(NotFound), post.town.units.begin(other) as unit:
        addressing.remove_address(unit, address_id)
    assert post.verify(address_id, code_in(server)) is None


@pytest.mark.parametrize(
    "text", ["", "zhou", "zhou@", "a@b", "周@firm.example", "a@b.c\nBcc: x@y.z", "a b@c.d", "a@b..c"]
)
def test_an_address_that_could_break_a_header_is_refused(post: Post, text: str) -> None:
    with pytest.raises(AddressUnfit):
        post.add(text)


# --- words -------------------------------------------------------------------


def test_before_the_freeze_a_mail_names_no_lot_and_afterwards_it_does(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    post.send()
    before = server.texts[-1] + str(server.taken[-1]["Subject"])
    assert "漕桥" not in before
    assert LOT not in before
    assert "2026-12-11" not in before
    assert "投标准备提醒" in before
    assert "/inbox" in before
    freeze(post)
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    post.send()
    assert "漕桥标准厂房一期" in server.texts[-1]
    assert BID_LINK in server.texts[-1]


def test_a_mail_says_it_in_both_languages_the_chosen_one_first(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    with post.town.units.begin(post.bidder) as unit:
        choices.choose(unit, {f"{kind}:email" for kind in Kind}, choices.Manner("en"))
    post.tell()
    post.send()
    text = server.texts[-1]
    assert text.index("claimed your code") < text.index("也登记了代码")
    assert str(server.taken[-1]["Subject"]).startswith("Trading centre:")


# --- failures ----------------------------------------------------------------


def test_a_server_that_asks_to_come_later_is_tried_again_under_the_same_message_id(
    post: Post, server: MailServer
) -> None:
    post.verified("zhou@firm.example")
    server.conduct.data = "451 4.3.0 later"
    post.tell()
    assert post.send() == 0
    assert post.send() == 0, "not before its time"
    server.conduct.data = "250 taken"
    post.ahead = timedelta(seconds=rules.BACKOFF[0] + 1)
    assert post.send() == 1
    (row,) = post.deliveries()
    assert str(server.taken[0]["Message-ID"]) == f"<{row.id}@localhost>"
    assert post.attempts() == [(1, "failed", "busy"), (2, "sent", "")]


def test_seven_failures_give_a_message_up_and_staff_sends_it_again(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    server.conduct.rcpt = "450 4.2.1 mailbox busy"
    post.tell()
    for _ in range(rules.ATTEMPTS_MAX):
        assert post.send() == 0
        post.ahead += timedelta(seconds=max(rules.BACKOFF) + 1)
    (row,) = post.deliveries()
    assert (row.state, row.reason, row.attempts) == (DeliveryState.GIVEN_UP, "busy", rules.ATTEMPTS_MAX)
    server.conduct.rcpt = "250 ok"
    officer, _ = post.town.officers()
    with post.town.units.begin(officer) as unit:
        staff.send_again(unit, row.id)
    with pytest.raises(NothingToSendAgain), post.town.units.begin(officer) as unit:
        staff.send_again(unit, row.id)
    assert post.send() == 1
    assert [one[0] for one in post.attempts()] == list(range(1, rules.ATTEMPTS_MAX + 2))


def test_a_refused_recipient_is_given_up_at_once_and_the_next_still_gets_its_mail(
    post: Post, server: MailServer
) -> None:
    post.verified("gone@firm.example")
    server.conduct.rcpt = "550 5.1.1 nobody here"
    post.tell()
    assert post.send() == 0
    server.conduct.rcpt = "250 ok"
    other = post.town.person(str(post.bidder.org_id), "bidder")
    post.verified("li@firm.example", who=other)
    post.tell()
    assert post.send() == 2
    assert [row.state for row in post.deliveries()].count(DeliveryState.GIVEN_UP) == 1


def test_a_server_that_is_away_uses_up_one_attempt_of_one_message(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    for _ in range(3):
        post.tell()
    server.stop()
    assert post.send() == 0
    assert sorted(row.attempts for row in post.deliveries()) == [0, 0, 1]
    ways.check_ways(post.runtime)
    with post.town.units.read() as unit:
        trouble = {one.channel: one.trouble for one in queries.desk(unit, post.runtime.settings).channels}
    assert trouble["email"] == "unreachable"
    back = make_mail_server(port=server.port).start()
    post.ahead = timedelta(seconds=rules.BACKOFF[0] + 1)
    assert post.send() == 3
    assert back.connections == 1, "three mails over one connection"
    ways.check_ways(post.runtime)
    back.stop()
    with post.town.units.read() as unit:
        assert not any(one.trouble for one in queries.desk(unit, post.runtime.settings).channels)


def test_a_message_that_would_come_too_late_is_not_sent(post: Post, server: MailServer) -> None:
    from accounts.inbox import tell

    post.verified("zhou@firm.example")
    with post.town.units.begin(system("test")) as unit:
        stale = unit.at + timedelta(minutes=5)
        tell(unit, (str(post.bidder.org_id),), "inbox.second_claim", {}, "/account", stale_at=stale)
    post.town.clock.step(timedelta(minutes=5))
    assert post.send() == 0
    assert [(row.state, row.reason) for row in post.deliveries()] == [(DeliveryState.GIVEN_UP, "too_late")]
    assert server.taken == []


class Killed(BaseException):
    """The process is gone: nothing after this line runs."""


def test_a_sender_killed_after_sending_leaves_one_double_with_the_same_identifier(
    post: Post, server: MailServer
) -> None:
    post.verified("zhou@firm.example")
    post.tell()

    def deadly(settings, channel):  # type: ignore[no-untyped-def]
        from foundation.notices.configured import provider_of

        line = provider_of(settings, channel).open()

        class Deadly:
            def open(self):  # type: ignore[no-untyped-def]
                return self

            def send(self, message: Outgoing) -> None:
                line.send(message)
                raise Killed

            def close(self) -> None:
                line.close()

        return Deadly()

    with pytest.raises(Killed):
        post.send(provider=deadly)
    assert post.send() == 0, "its lease still runs: it might be alive"
    post.ahead = rules.LEASE + timedelta(seconds=1)
    assert post.send() == 1
    assert len(server.taken) == 2
    assert len({str(mail["Message-ID"]) for mail in server.taken}) == 1
    assert post.attempts() == [(1, "interrupted", "interrupted"), (2, "sent", "")]


def test_a_message_interrupted_twice_is_not_sent_a_third_time(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    post.tell()

    def dying(settings, channel):  # type: ignore[no-untyped-def]
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            post.send(provider=dying)
        post.ahead += rules.LEASE + timedelta(seconds=1)
    assert post.send() == 0
    assert [(row.state, row.reason) for row in post.deliveries()] == [(DeliveryState.GIVEN_UP, "interrupted")]
    assert server.taken == []


# --- choices -----------------------------------------------------------------


def test_what_is_switched_off_does_not_go_out_and_leaves_the_inbox_of_its_reader_alone(
    post: Post, server: MailServer
) -> None:
    post.verified("zhou@firm.example")
    other = post.town.person(str(post.bidder.org_id), "bidder")
    with post.town.units.begin(post.bidder) as unit:
        choices.choose(unit, set(), choices.Manner())
    post.tell()
    post.tell("inbox.lot_cancelled", f"/lots/{LOT}", lot="甲", deadline="2026-12-11T01:30:00.000Z")
    assert post.send() == 0
    assert server.taken == []
    assert post.deliveries() == []
    assert post.town.inbox(post.bidder) == ["inbox.lot_cancelled"], "what a right hangs on stays"
    assert sorted(post.town.inbox(other)) == ["inbox.lot_cancelled", "inbox.second_claim"]
    with post.town.units.begin(post.bidder) as unit:
        choices.choose(unit, {f"{kind}:inbox" for kind in Kind}, choices.Manner())
    assert len(post.town.inbox(post.bidder)) == 2, "nothing was lost"


def test_quiet_hours_hold_back_what_can_wait_and_nothing_else(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    everything = {f"{kind}:{place}" for kind in Kind for place in choices.PLACES}
    with post.town.units.begin(post.bidder) as unit:
        # It is 09:42 in Beijing.
        choices.choose(unit, everything, choices.Manner("zh-Hans", 9 * 60, 11 * 60))
    post.tell()
    post.tell("inbox.award_notice", "/inbox", lot="甲")
    assert post.send() == 1
    assert "结果与决定" in str(server.taken[-1]["Subject"])
    post.ahead = timedelta(minutes=79)
    assert post.send() == 1


# --- who may see what --------------------------------------------------------


def test_staff_sees_no_delivery_of_a_lot_before_its_freeze(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    server.conduct.rcpt = "550 5.1.1 nobody here"
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    post.tell()
    post.send()
    officer, _ = post.town.officers()
    hidden = next(row for row in post.deliveries() if row.lot_id)
    with post.town.units.read(officer) as unit:
        shown = queries.desk(unit, post.runtime.settings)
    assert [one.kind for one in shown.failures] == ["account"]
    assert shown.failures[0].to == "z***@***"
    with pytest.raises(NotFound), post.town.units.begin(officer) as unit:
        staff.send_again(unit, hidden.id)
    freeze(post)
    with post.town.units.read(officer) as unit:
        assert len(queries.desk(unit, post.runtime.settings).failures) == 2
    server.conduct.rcpt = "250 ok"
    with post.town.units.begin(officer) as unit:
        staff.send_all_again(unit, Channel.EMAIL)
    assert post.send() == 2


def test_a_reader_sees_its_own_log_and_nobody_elses(post: Post, server: MailServer) -> None:
    post.verified("zhou@firm.example")
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    post.send()
    with post.town.units.read(post.bidder) as unit:
        (line,) = queries.own_log(unit)
    assert (line.code, line.state, len(line.attempts)) == ("inbox.reminder_not_sealed", "sent", 1)
    other = post.town.person(str(post.bidder.org_id), "bidder")
    with post.town.units.read(other) as unit:
        assert queries.own_log(unit) == ()


def test_a_job_names_no_reader(post: Post) -> None:
    post.verified("zhou@firm.example")
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    with post.town.units.read() as unit:
        jobs = [f"{job.key} {job.payload}" for job in unit.session.scalars(select(Job))]
    assert len(jobs) == 1
    assert not any(text in jobs[0] for text in (str(post.bidder.org_id), str(post.bidder.user_id), LOT))


def test_on_postgresql_two_senders_never_take_the_same_message(
    tmp_path: Path, server: MailServer, postgres_url: str
) -> None:
    post = make_post(tmp_path, postgres_url, smtp_url=f"smtp://localhost:{server.port}")
    post.verified("zhou@firm.example")
    post.tell()
    post.tell("inbox.reminder_not_sealed", BID_LINK, **REMINDER)
    units, runtime = post.town.units, post.runtime
    with units.begin(delivery.WORKER) as one, units.begin(delivery.WORKER) as other:
        begun = [delivery._begin_next(runtime, unit, Channel.EMAIL, post.now()) for unit in (one, other, other)]
    taken = [each.delivery_id for each in begun if each is not None]
    assert begun[2] is None
    assert sorted(taken) == sorted(row.id for row in post.deliveries())
    post.ahead = rules.LEASE + timedelta(seconds=1)
    assert post.send() == 2
    officer, _ = post.town.officers()
    with units.read(officer) as unit:
        assert queries.desk(unit, runtime.settings).failures == ()
    post.town.units.engine.dispose()
