"""Role × route × object, generated from the url map: a route without a row fails, and so does a row without a route.

Every request is made over Units that undo what they wrote, so the cells do not depend on each other.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from accounts.duties import DUTIES, Action, Part
from accounts.roles import Role
from foundation.web.access import rule_of
from tests.support.whole_centre import MISSING_ID, PUBLIC, Person, WholeCentre, hold_opening, make_whole_centre, publish
from tests.support.whole_deals import hold_evaluations

TABLE = Path(__file__).with_name("matrix.toml")
READS = {"GET", "HEAD"}


class Answer(StrEnum):
    """What came back, as far as access is concerned."""

    OK = "ok"
    REACHED = "reached"
    REFUSED = "refused"
    NOT_FOUND = "not_found"
    SIGN_IN = "sign_in"
    BROKEN = "broken"


class Thing(StrEnum):
    """Which thing is asked for."""

    OWN = "own"
    FOREIGN = "foreign"
    MISSING = "missing"


def answer_of(response: TestResponse) -> Answer:
    status = response.status_code
    known = {401: Answer.SIGN_IN, 403: Answer.REFUSED, 404: Answer.NOT_FOUND}
    if status in known:
        return known[status]
    if status < 400:
        return Answer.OK
    # 429 is no verdict about access, and the limits are off here; 503 only says that a neighbour is away.
    return Answer.REACHED if status in {400, 409, 413, 415, 422, 503} else Answer.BROKEN


@dataclass(frozen=True)
class Row:
    """One endpoint of matrix.toml; the file says what the fields mean."""

    endpoint: str
    allow: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    others: str = Answer.REFUSED
    public: str = Answer.SIGN_IN
    object: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    missing: str = Answer.NOT_FOUND
    answer: str = ""
    differs: bool = False
    json: dict[str, Any] | None = None

    def names(self, person: Person) -> bool:
        """Whether the row names the role of this person at all."""
        who = {one.partition(":")[0] for one in (*self.allow, *self.refuse, *self.hide)}
        return "*" in who or person.role in who or ("signed_in" in who and person is not PUBLIC)

    def expected(self, person: Person, thing: Thing, *, is_read: bool) -> set[Answer]:
        """Every answer that is right for this cell."""
        if person is PUBLIC and "*" not in self.allow:
            return {Answer(self.public)}
        if not self.names(person):
            return {Answer(self.others)}
        if thing is Thing.MISSING:
            return self._passed(is_read=is_read) if self.missing == Answer.REACHED else {Answer(self.missing)}
        if self._matches(self.allow, person, thing):
            return self._passed(is_read=is_read)
        return {Answer.REFUSED if self._matches(self.refuse, person, thing) else Answer.NOT_FOUND}

    def _matches(self, who: tuple[str, ...], person: Person, thing: Thing) -> bool:
        general = {"*", person.role} | ({"signed_in"} if person is not PUBLIC else set())
        own = {f"{person.role}:own"} if thing is Thing.OWN else set()
        return bool(set(who) & (general | own))

    def _passed(self, *, is_read: bool) -> set[Answer]:
        return {Answer.OK} if is_read and self.answer != Answer.REACHED else {Answer.OK, Answer.REACHED}


def rows() -> dict[str, Row]:
    read = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        name: Row(name, **{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})
        for name, row in read.items()
    }


ROWS = rows()


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> WholeCentre:
    made = make_whole_centre(tmp_path_factory.mktemp("matrix"))
    hold_opening(made)
    hold_evaluations(made)
    return made


@pytest.fixture(scope="module")
def app(centre: WholeCentre) -> Flask:
    made = centre.passing_app()
    made.config["WTF_CSRF_ENABLED"] = False  # test_forgery.py holds that gate; here it would hide the ones behind it
    return made


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def everybody(centre: WholeCentre) -> list[Person]:
    return [PUBLIC, *centre.people.values()]


def address(app: Flask, centre: WholeCentre, row: Row, rule: Rule, number: int, *, is_missing: bool = False) -> str:
    return centre.address(app, rule, row.object, row.values, number, is_missing=is_missing)


def ask(client: FlaskClient, method: str, url: str, row: Row) -> TestResponse:
    body = {} if row.json is None else row.json
    return client.open(url, method=method, json=None if method in READS else body, buffered=True)


def things(row: Row, person: Person) -> list[tuple[Thing, int]]:
    """What is asked for, and of which number: a missing thing is missed where one's own would be."""
    if not row.object:
        return [(Thing.OWN, 1)]
    if person is PUBLIC:
        return [(Thing.FOREIGN, 1), (Thing.MISSING, 1)]
    return [(Thing.OWN, person.number), (Thing.FOREIGN, 3 - person.number), (Thing.MISSING, person.number)]


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert endpoints - set(ROWS) == set(), "routes without a row in matrix.toml"
    assert set(ROWS) - endpoints == set(), "rows in matrix.toml without a route"


def test_rows_name_roles_and_things_that_exist(centre: WholeCentre) -> None:
    known = {role.value for role in Role} | {"*", "signed_in"}
    named = {one.partition(":")[0] for row in ROWS.values() for one in (*row.allow, *row.refuse, *row.hide)}
    assert named - known == set()
    assert {row.object for row in ROWS.values()} - set(centre.objects) - {""} == set()


@pytest.mark.parametrize("endpoint", sorted(ROWS))
def test_every_cell_answers_as_the_table_says(app: Flask, centre: WholeCentre, endpoint: str) -> None:
    row, wrong = ROWS[endpoint], []
    for rule, method in routes(app):
        if rule.endpoint != endpoint:
            continue
        for person in everybody(centre):
            client = centre.client(person, app)
            for thing, number in things(row, person):
                url = address(app, centre, row, rule, number, is_missing=thing is Thing.MISSING)
                response = ask(client, method, url, row)
                got, right = answer_of(response), row.expected(person, thing, is_read=method in READS)
                if got not in right:
                    wrong.append(
                        f"{method} {rule.rule} as {person.name}, {thing} thing: {got} "
                        f"({response.status_code} {code_of(response)}), not {'/'.join(sorted(right))}"
                    )
    assert not wrong, "\n".join(["", *wrong])


def code_of(response: TestResponse) -> str:
    body = response.get_json(silent=True)
    return str(body.get("code", "")) if isinstance(body, dict) else ""


# --- what is hidden looks like what is not there ----------------------------------------------------------------------


def hidden_cells(app: Flask, centre: WholeCentre) -> Iterator[tuple[Row, Rule, str, Person]]:
    for rule, method in routes(app):
        row = ROWS[rule.endpoint]
        if not row.object or row.differs or row.missing != Answer.NOT_FOUND:
            continue
        for person in everybody(centre):
            is_hidden = row.expected(person, Thing.FOREIGN, is_read=method in READS) == {Answer.NOT_FOUND}
            if is_hidden and person is not PUBLIC:
                yield row, rule, method, person


def test_somebody_elses_thing_and_a_missing_one_are_told_in_the_same_words(app: Flask, centre: WholeCentre) -> None:
    """Status, body and its length are equal but for the number of the request and the id that was asked for."""
    compared, differing = 0, []
    for row, rule, method, person in hidden_cells(app, centre):
        told = []
        for is_missing in (False, True):
            url = address(app, centre, row, rule, 3 - person.number, is_missing=is_missing)
            response = ask(centre.client(person, app), method, url, row)
            told.append((response.status_code, stripped(response, url)))
        compared += 1
        if told[0] != told[1]:
            differing.append(f"{method} {rule.rule} as {person.name}: {told[0]} but {told[1]}")
    assert not differing, "\n".join(["", *differing])
    assert compared > 40


def stripped(response: TestResponse, url: str) -> str:
    body = response.get_json(silent=True)
    assert isinstance(body, dict)
    text = str({name: value for name, value in body.items() if name != "request_id"})
    for part in url.split("/"):
        text = text.replace(part, "…") if len(part) == len(MISSING_ID) else text
    return text


def test_nobody_listens_to_the_audience_of_another_bidder(app: Flask, centre: WholeCentre) -> None:
    lot_id = centre.objects["open_lot"][1]
    own = centre.people["bidder1"].actor.org_id
    allowed = {"staff": {"agency1", "tenderee1", *(f"{role}{n}" for role in WATCHING for n in (1, 2))}}
    allowed[f"bidder:{own}"] = {"bidder1"}
    for audience, right in allowed.items():
        answers = {
            person.name: answer_of(
                centre.client(person, app).get(f"/rooms/{lot_id}/events", query_string={"after": f"{audience}:0"})
            )
            for person in everybody(centre)
        }
        assert {name for name, answer in answers.items() if answer is Answer.OK} == right
        assert {answers[name] for name in set(answers) - right} == {Answer.REFUSED}


WATCHING = ("supervisor", "centre_staff", "witness")


def test_a_tenderee_without_an_agency_runs_its_own_tender(app: Flask, centre: WholeCentre) -> None:
    """The rows above are of tenders with an agency; where there is none, the tenderee stands in its place."""
    own, other = centre.people["tenderee1"], centre.people["tenderee2"]
    lot = centre.world.open_lot(tenderee=own.actor)
    publish(centre, lot)
    for endpoint, row in ROWS.items():
        if endpoint.startswith("room_acts.") and "tenderee" in row.refuse:
            (rule,) = app.url_map.iter_rules(endpoint)
            url = rule.rule.replace("<lot_id>", lot.id)
            assert answer_of(ask(centre.client(own, app), "POST", url, row)) is Answer.REACHED, endpoint
            assert answer_of(ask(centre.client(other, app), "POST", url, row)) is Answer.REFUSED, endpoint


# --- separation of duties ---------------------------------------------------------------------------------------------

ACTS: dict[str, tuple[Action, frozenset[Part]] | str] = {
    **dict.fromkeys(
        ("projects.add_project", "projects.add_lot", "projects.edit", "projects.choose_method", "projects.use_dates"),
        (Action.PUBLISH_NOTICE, frozenset({Part.DRAFT})),
    ),
    **dict.fromkeys(
        ("publication.request_keyset", "publication.start_rehearsal", "publication.submit", "publication.cancel"),
        (Action.PUBLISH_NOTICE, frozenset({Part.DRAFT})),
    ),
    "questions.clarify": (Action.PUBLISH_NOTICE, frozenset({Part.DRAFT})),
    "publication.approve": (Action.PUBLISH_NOTICE, frozenset({Part.APPROVE})),
    "publication.publish": (Action.PUBLISH_NOTICE, frozenset({Part.CHECK})),
    "publication.send_back": (Action.PUBLISH_NOTICE, frozenset({Part.APPROVE, Part.CHECK})),
    "questions.ask": (Action.RUN_ROOM, frozenset({Part.OWN})),
    **dict.fromkeys(
        (
            "opening_keys.register_keys",
            "opening_keys.retire_key",
            "bids.start_upload",
            "bids.put_segment",
            "bids.submit_seal",
            "bids.withdraw",
            "bids.sample_files",
            "rehearsals.ask_challenge",
            "rehearsals.file_statement",
            "self_check.take",
            "self_check.file_result",
        ),
        (Action.SEE_SEALED_BIDS, frozenset({Part.OWN})),
    ),
    **dict.fromkeys(
        ("room_acts.check_in", "room_acts.check_seal", "room_acts.release", "room_acts.no_objection"),
        (Action.RUN_ROOM, frozenset({Part.OWN})),
    ),
    "room_acts.confirm": (Action.RUN_ROOM, frozenset({Part.OWN})),
    "sessions.check_in": (Action.RUN_ROOM, frozenset({Part.OWN})),
    "sessions.act": (Action.RUN_ROOM, frozenset({Part.DO})),
    "room_attendance.emergency_sign_in": (Action.RUN_ROOM, frozenset({Part.OWN})),
    **dict.fromkeys(
        ("room_attendance.explain_absence", "room_attendance.check_identity"),
        (Action.RUN_ROOM, frozenset({Part.DO})),
    ),
    **dict.fromkeys(
        ("room_attendance.propose_refusal", "room_attendance.withdraw_refusal"),
        (Action.SUSPEND_ROOM, frozenset({Part.PROPOSE})),
    ),
    "room_faults.report": (Action.RUN_ROOM, frozenset({Part.OWN})),
    "room_faults.give_reason": (Action.SUSPEND_ROOM, frozenset({Part.RAISE})),
    **dict.fromkeys(
        ("room_faults.propose", "room_faults.withdraw"),
        (Action.SUSPEND_ROOM, frozenset({Part.PROPOSE, Part.CONFIRM})),
    ),
    "room_faults.confirm": (Action.SUSPEND_ROOM, frozenset({Part.CONFIRM})),
    "room_attendance.decide_refusal": (Action.SUSPEND_ROOM, frozenset({Part.CONFIRM})),
    "room_acts.request_escrow": (Action.RUN_ROOM, frozenset({Part.OWN})),
    "room_acts.confirm_escrow": (Action.RUN_ROOM, frozenset({Part.ASSIST})),
    "room_beacons.hand_in": (Action.RUN_ROOM, frozenset({Part.ASSIST})),
    "room_talk.ask_help": (Action.RUN_ROOM, frozenset({Part.OWN})),
    "room_talk.answer_help": (Action.RUN_ROOM, frozenset({Part.ASSIST})),
    "room_talk.close_help": (Action.RUN_ROOM, frozenset({Part.OWN, Part.ASSIST})),
    "room_talk.show_document": (Action.RUN_ROOM, frozenset({Part.DO})),
    # Words are no act of the ceremony: whoever has a part in the room has a voice, the host side and officials hide.
    "room_talk.say": "bidder agency tenderee supervisor centre_staff",
    "room_talk.hide": "agency tenderee supervisor centre_staff",
    "room_acts.raise_objection": (Action.ANSWER_OBJECTION, frozenset({Part.RAISE})),
    "room_acts.withdraw_objection": (Action.ANSWER_OBJECTION, frozenset({Part.RAISE})),
    "room_acts.answer": (Action.ANSWER_OBJECTION, frozenset({Part.DO, Part.DRAFT})),
    **dict.fromkeys(
        ("room_acts.start_decryption", "room_acts.start_reading", "room_acts.start_query", "room_acts.close"),
        (Action.RUN_ROOM, frozenset({Part.DO})),
    ),
    "room_acts.start_confirming": (Action.RUN_ROOM, frozenset({Part.DO})),
    "room_acts.extend": (Action.RUN_ROOM, frozenset({Part.DO})),
    "room_acts.draw": (Action.DRAW, frozenset({Part.DO})),
    **dict.fromkeys(
        (
            "room_acts.suspend",
            "room_acts.abort",
            "room_acts.propose_extension",
            "room_acts.resume",
            "room_acts.withdraw_halt",
        ),
        (Action.SUSPEND_ROOM, frozenset({Part.PROPOSE, Part.CONFIRM})),
    ),
    "room_acts.confirm_halt": (Action.SUSPEND_ROOM, frozenset({Part.CONFIRM})),
    # Asking for experts, replacing them and the review's beginning follow the draw; what is told of them is a notice.
    **dict.fromkeys(
        ("evaluation.request_committee", "evaluation.rerun_recusal", "evaluation.start_review"),
        (Action.DRAW, frozenset({Part.DO})),
    ),
    **dict.fromkeys(
        ("evaluation.publish_candidates", "evaluation.declare_failed"),
        (Action.PUBLISH_NOTICE, frozenset({Part.DRAFT})),
    ),
    **dict.fromkeys(
        ("reviews.answer", "reviews.write_sheet", "reviews.sign"),
        (Action.SCORE, frozenset({Part.DO})),
    ),
    "evaluation.answer_objection": (Action.ANSWER_OBJECTION, frozenset({Part.DO, Part.DRAFT})),
    "results.raise_objection": (Action.ANSWER_OBJECTION, frozenset({Part.RAISE})),
    # No rows of §17: the tenderee alone decides (its agency reads the page and is refused, as the rows above hold), the
    # two parties sign, tenderee and supervisor add their words to a draw, the centre keeps the expert library.
    # A rehearsal changes nothing of the lot: its sides and the centre may order one.
    "drills.order": "agency tenderee centre_staff",
    **dict.fromkeys(("evaluation.decide_tie", "evaluation.decide_award"), "agency tenderee"),
    "results.sign_contract": "tenderee bidder",
    "expert_draws.contribute": "tenderee supervisor",
    **dict.fromkeys(("experts.enter_expert", "experts.suspend"), "centre_staff"),
    **dict.fromkeys(
        ("deposit_desk.return_arrival", "deposit_desk.order_again", "deposit_desk.end_case"),
        (Action.MOVE_DEPOSIT, frozenset({Part.DO})),
    ),
    # A bidder's own deposit is its own money.
    **dict.fromkeys(
        ("deposits.open_account", "deposits.pay_deposit", "deposits.return_arrival", "deposits.order_again"), "bidder"
    ),
    "credit.enter_ban": (Action.DECIDE_BAN, frozenset({Part.DO})),
    "credit.annul_ban": (Action.DECIDE_BAN, frozenset({Part.DO})),
    "credit_records.enter_record": (Action.ENTER_CREDIT, frozenset({Part.DO, Part.CONFIRM})),
    **dict.fromkeys(
        (
            "credit_records.publish_record",
            "credit_records.drop_record",
            "credit_records.answer_objection",
            "credit_records.annul_record",
            "credit_records.repair_record",
        ),
        (Action.ENTER_CREDIT, frozenset({Part.CONFIRM})),
    ),
    "credit_standing.file_objection": (Action.ENTER_CREDIT, frozenset({Part.RAISE})),
    "verification.decide_claim": (Action.VERIFY_CLAIM, frozenset({Part.DO})),
    **dict.fromkeys(("notices.send_again", "notices.send_all_again"), "centre_staff"),
    "verification.decide_code": (Action.VERIFY_CLAIM, frozenset({Part.DO})),
    "people.add_person": (Action.ASSIGN_ROLES, frozenset({Part.DO})),
    "people.assign_roles": (Action.ASSIGN_ROLES, frozenset({Part.DO})),
    # Nor are alerts: only the supervising authority deals with signs of collusion (R6.00).
    **dict.fromkeys(("oversight.take_up", "oversight.explain", "oversight.refer"), "supervisor"),
    # Appointing holders is no row of §17; who may is decided here: never somebody who trades or holds a key.
    **dict.fromkeys(
        ("keyholding.appoint_seat", "keyholding.enrol_agent", "keyholding.retire_seat"), "centre_staff administrator"
    ),
    # A lost holder is declared by one person and confirmed by another, of the host side or the centre (R1.26).
    **dict.fromkeys(("holders.declare_loss", "holders.confirm_loss"), "agency tenderee centre_staff"),
    # A holder acts for its own seat: gate keys by gate holders, shares by custodians, as the key set says.
    **dict.fromkeys(
        (
            "holder_desk.act_by_hand",
            "holder_desk.give_key",
            "holder_desk.give_rehearsal_share",
            "holder_desk.give_gate_key",
            "holder_desk.give_escrow_shares",
        ),
        "gate_holder custodian",
    ),
}
HOSTING = {Part.DO, Part.DRAFT, Part.PROPOSE}


def test_every_act_of_a_role_is_a_duty_of_that_role(app: Flask) -> None:
    """``@allow`` of each unsafe route against ``accounts.duties``: equal, and nothing unsafe is left out."""
    bound = {}
    for rule, method in routes(app):
        access = rule_of(app, rule.endpoint)
        if access is not None and access.roles and method not in READS:
            bound[rule.endpoint] = {str(role) for role in access.roles}
    assert set(bound) == set(ACTS)
    for endpoint, roles in bound.items():
        duty = ACTS[endpoint]
        if isinstance(duty, str):
            assert roles == set(duty.split()), endpoint
            continue
        action, parts = duty
        right = {role.value for role, part in DUTIES[action].items() if part in parts}
        # A tenderee without an agency is its own host; with one, the loaders refuse it (the rows above).
        stands_in = {"tenderee"} if "agency" in right and parts & HOSTING else set()
        assert right <= roles <= right | stands_in, endpoint


def test_the_rows_say_what_the_rules_say_about_roles(app: Flask) -> None:
    """A row that names a role the route never admits, or leaves one out that it does, would test nothing."""
    for rule, _ in routes(app):
        access, row = rule_of(app, rule.endpoint), ROWS[rule.endpoint]
        assert access is not None
        if access.roles:
            named = {one.partition(":")[0] for one in (*row.allow, *row.refuse, *row.hide)}
            assert named == {str(role) for role in access.roles}, rule.endpoint
