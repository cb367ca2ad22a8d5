"""Acts of evaluation and deposits whose answers are lost: done once, and never taken for a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.clients.deposits import DepositActs
from sandbox.clients.evaluation import CommitteeClerk, ExpertClient, all_passed, done_once, is_past
from sandbox.clients.http import CentreClient
from sandbox.errors import CentreRefused
from tests.unit.sandbox.test_clients import Answer, web

LOT = "01900000-0000-7000-8000-000000000001"
LATE: Answer = (409, {"code": "foundation.wrong_state", "title": "too late"})


def test_a_seat_that_was_taken_by_a_lost_request_is_no_refusal() -> None:
    acts = iter(["answer", "wait"])

    def handle(method: str, path: str, _: bytes) -> Answer:
        return (200, {"rows": [{"lot_id": LOT, "next_act": next(acts)}]}) if method == "GET" else LATE

    with web(handle) as url, ExpertClient(url) as expert:
        expert.accept(LOT)
    assert next(acts, None) is None, "it looked again whether it is done"


def test_a_seat_that_is_refused_for_a_reason_says_so() -> None:
    def handle(method: str, path: str, _: bytes) -> Answer:
        return (200, {"rows": [{"lot_id": LOT, "next_act": "answer"}]}) if method == "GET" else LATE

    with web(handle) as url, ExpertClient(url) as expert, pytest.raises(CentreRefused) as refused:
        expert.accept(LOT)
    assert refused.value.problem == "foundation.wrong_state"


def test_an_expert_whose_turn_it_is_not_sends_nothing() -> None:
    sent: list[str] = []

    def handle(method: str, path: str, _: bytes) -> Answer:
        sent.append(method)
        return 200, {"rows": []}

    with web(handle) as url, ExpertClient(url) as expert:
        expert.sign(LOT)
        expert.decline(LOT, "busy")
        expert.submit_sheet(LOT, {})
    assert set(sent) == {"GET"}


def test_what_was_done_before_gives_nothing_and_everything_else_is_refused() -> None:
    answers: list[Answer] = [(409, {"code": "evaluation.committee_known"}), (403, {"code": "foundation.not_permitted"})]
    with web(lambda *_: answers.pop(0)) as url, CentreClient(url) as client:
        assert done_once(client, "/x") is None
        with pytest.raises(CentreRefused):
            done_once(client, "/x")


@pytest.mark.parametrize(("state", "step", "reached"), [("review", "review", True), ("awarded", "review", True)])
def test_states_of_an_evaluation_have_an_order(state: str, step: str, *, reached: bool) -> None:
    assert is_past(state, step) is reached
    assert not is_past(None, step)
    assert not is_past("forming", step)


def test_a_step_the_lost_request_has_made_is_not_made_twice() -> None:
    posted: list[str] = []

    def handle(method: str, path: str, _: bytes) -> Answer:
        if method == "POST":
            posted.append(path)
            return LATE
        state = "review" if posted else "forming"
        return 200, {"desk": {"state": state, "papers": []}}

    with web(handle) as url, CentreClient(url) as client:
        clerk = CommitteeClerk(client, LOT)
        clerk.start_review()
        clerk.start_review()
    assert posted == [f"/lots/{LOT}/evaluation"]


def test_a_deposit_that_arrived_meanwhile_is_not_paid_again() -> None:
    statuses = iter(["unpaid", "arrived"])
    posted: list[str] = []

    def handle(method: str, path: str, _: bytes) -> Answer:
        if method == "POST":
            posted.append(path)
            return 409, {"code": "deposits.deposit_paid"}
        return 200, {"deposit": {"status": next(statuses), "number": "3204128000000000001", "arrivals": []}}

    with web(handle) as url, CentreClient(url) as client:
        acts = DepositActs(client, LOT)
        acts.pay()
        acts.pay()
    assert posted == [f"/lots/{LOT}/deposit/pay"]


def test_marks_that_pass_fill_every_cell() -> None:
    sheet: dict[str, Any] = {
        "codes": ["B", "A"],
        "items": [{"key": "compliance", "kind": "pass"}, {"key": "plan_safety", "kind": "subjective", "most": "3"}],
    }
    row = {"compliance": {"verdict": "pass"}, "plan_safety": {"points": "3"}}
    assert all_passed(sheet) == {"B": row, "A": row}
