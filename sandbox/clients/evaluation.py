"""The people between read-out and contract: who asks for the committee, who draws, who scores, who objects and signs.

Every act may be repeated: one that is done already changes nothing and raises nothing, so a client may be killed
between any two of them. What is refused for another reason comes as CentreRefused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.clients.clerk import ApproverClient
from sandbox.clients.http import CentreClient
from sandbox.errors import CentreRefused

ALREADY: Final = frozenset(
    {
        "evaluation.committee_known",
        "evaluation.contribution_known",
        "evaluation.already_answered",
        "evaluation.confirmed_already",
    }
)
"""The centre's ways to say that an act was done before."""
STATES: Final = ("forming", "review", "signing", "reported", "publicity", "awarded", "contracted")
Marks = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Code → item of the rubric → cell: ``verdict`` ("pass", "fail"), ``points``, ``clause``, ``reason``."""


def done_once(client: CentreClient, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The answer, or None where the act was done before. Raises CentreRefused for every other reason."""
    try:
        return client.post(path, body)
    except CentreRefused as refused:
        if refused.problem in ALREADY:
            return None
        raise


def is_past(state: str | None, step: str) -> bool:
    """Whether an evaluation in ``state`` has reached ``step`` (both of STATES)."""
    return state in STATES and STATES.index(str(state)) >= STATES.index(step)


class DeskActs:
    """What the tenderee's side (agency, or tenderee) does on its desk of one lot."""

    def __init__(self, client: CentreClient, lot_id: str) -> None:
        self.client = client
        self.lot_id = lot_id

    def desk(self) -> Mapping[str, Any]:
        """How far the evaluation is; ``state`` None before there is a case."""
        found: Mapping[str, Any] = self.client.get(f"/lots/{self.lot_id}/evaluation")["desk"]
        return found

    def state(self) -> str | None:
        found = self.desk()["state"]
        return None if found is None else str(found)

    def wait_for_state(self, step: str, *, seconds: float = 120.0) -> None:
        """Until the evaluation has reached ``step``. Raises NotInTime."""
        self.client.wait_for(f"evaluation {step}", lambda: is_past(self.state(), step), seconds=seconds)

    def wait_for_paper(self, kind: str, *, seconds: float = 120.0) -> None:
        """Until a PDF is there: "report", "candidates" or "contract". Raises NotInTime."""
        self.client.wait_for(f"{kind} pdf", lambda: kind in self.desk()["papers"], seconds=seconds)

    def report(self) -> bytes:
        """The signed report (PDF)."""
        return self.client.get_bytes(f"/lots/{self.lot_id}/evaluation/report.pdf")

    def objections(self) -> list[Mapping[str, Any]]:
        """Objections to the result with id, text, time limit and answer ("" while open)."""
        return list(self.desk()["objections"])

    def answer_objection(self, objection_id: str, text: str) -> Any:
        """Answer; the stay of this objection is lifted with it."""
        path = f"/lots/{self.lot_id}/objections/{objection_id}/answer"
        return done_once(self.client, path, {"text": text})

    def _step(self, path: str, step: str) -> None:
        """An act that brings the evaluation to ``step``; done before: nothing."""
        if is_past(self.state(), step):
            return
        try:
            self.client.post(f"/lots/{self.lot_id}/{path}")
        except CentreRefused:
            # An answer that was lost makes the client ask twice; the second time the state has moved on.
            if not is_past(self.state(), step):
                raise


class CommitteeClerk(DeskActs):
    """Who runs the evaluation: the agency, or a tenderee without one."""

    def request_committee(self, size: int = 5, specialities: str = "") -> None:
        """Fix the pool of experts and ask for contributions to the draw."""
        done_once(self.client, f"/lots/{self.lot_id}/committee", {"size": size, "specialities": specialities})

    def start_review(self) -> None:
        """Put the bids under codes and hand out the sheets, once every seat is accepted."""
        self._step("evaluation", "review")

    def publish_candidates(self, *, seconds: float = 120.0) -> None:
        """Publish the candidates as soon as the report's PDF is there. Raises NotInTime."""
        self.wait_for_paper("report", seconds=seconds)
        self._step("candidates", "publicity")


class TendereeClient(ApproverClient):
    """The tenderee: contributes to the draw, decides the award, signs the contract."""

    def contribute(self, lot_id: str, words: str) -> str:
        """Add words to the draw of experts; the salt they were mixed with, "" where they were in already."""
        return contribute(self, lot_id, words)

    def award(self, lot_id: str, *, seconds: float = 120.0) -> None:
        """Decide for the first candidate once publicity is over and the candidates' PDF is there."""
        desk = DeskActs(self, lot_id)
        desk.wait_for_paper("candidates", seconds=seconds)
        desk._step("award", "awarded")  # noqa: SLF001 - of this module

    def sign_contract(self, lot_id: str) -> bool:
        return sign_contract(self, lot_id)


class SupervisorClient(CentreClient):
    """The supervising authority's person: contributes to the draw, reads the report, looks at alerts."""

    def waiting_draws(self) -> list[Mapping[str, Any]]:
        """Draws by lot; ``is_in``: this side's words are there."""
        return list(self.get("/draws")["rows"])

    def contribute(self, lot_id: str, words: str) -> str:
        """Add words to the draw of experts; the salt they were mixed with, "" where they were in already."""
        return contribute(self, lot_id, words)


class ExpertClient(CentreClient):
    """An expert at its own machine."""

    def reviews(self) -> list[Mapping[str, Any]]:
        """Its seats; ``next_act``: answer, score, sign, wait or done."""
        return list(self.get("/reviews")["rows"])

    def next_act(self, lot_id: str) -> str:
        """What this lot wants of the expert now; "" where it has no seat."""
        return next((str(row["next_act"]) for row in self.reviews() if row["lot_id"] == lot_id), "")

    def accept(self, lot_id: str) -> None:
        """Take the seat, with the oath and the statement that no ground for recusal is known."""
        self._act(lot_id, ("answer",), "", {"answer": "accept", "oath": True, "free": True})

    def decline(self, lot_id: str, reason: str) -> None:
        """Can not come; the next ticket is asked."""
        self._act(lot_id, ("answer",), "", {"answer": "decline", "reason": reason})

    def recuse(self, lot_id: str, reason: str) -> None:
        """Declare a ground for recusal; what was marked so far is void."""
        self._act(lot_id, ("answer", "wait", "score"), "", {"answer": "recuse", "reason": reason})

    def _act(self, lot_id: str, acts: tuple[str, ...], path: str, body: Mapping[str, Any]) -> None:
        """Do what is this expert's turn. Where the answer was lost and it is nobody's turn any more, it is done."""
        if self.next_act(lot_id) not in acts:
            return
        try:
            self.post(f"/reviews/{lot_id}{path}", body)
        except CentreRefused:
            if self.next_act(lot_id) in acts:
                raise

    def review(self, lot_id: str) -> Mapping[str, Any]:
        """The page of one seat: parties, own sheet (while scoring), report (from the lock on)."""
        found: Mapping[str, Any] = self.get(f"/reviews/{lot_id}")["review"]
        return found

    def sheet(self, lot_id: str) -> Mapping[str, Any] | None:
        """Its own sheet: ``codes`` in this expert's order, ``items``, ``cells``; None while there is none."""
        found: Mapping[str, Any] | None = self.review(lot_id)["sheet"]
        return found

    def bid_file(self, lot_id: str, code: str) -> bytes:
        """The technical part of the bid under this code (PDF)."""
        return self.get_bytes(f"/reviews/{lot_id}/files/{code}.pdf")

    def save_sheet(self, lot_id: str, marks: Marks) -> None:
        """Keep what is entered so far; a cell left out is empty again."""
        self.post(f"/reviews/{lot_id}/sheet", {"act": "save", "marks": _plain(marks)})

    def submit_sheet(self, lot_id: str, marks: Marks) -> None:
        """Hand the sheet in."""
        self._act(lot_id, ("score",), "/sheet", {"act": "submit", "marks": _plain(marks)})

    def sign(self, lot_id: str, dissent: str = "") -> None:
        """Sign the report, or dissent from it in writing."""
        self._act(lot_id, ("sign",), "/signature", {"dissent": dissent})


class ResultActs:
    """A bidder between publication and contract."""

    def __init__(self, client: CentreClient, lot_id: str) -> None:
        self.client = client
        self.lot_id = lot_id

    def own(self) -> Mapping[str, Any]:
        """Its own result: ``row``, ``steps``, ``objections``, ``notice`` (award, loser or "")."""
        found: Mapping[str, Any] = self.client.get(f"/lots/{self.lot_id}/my-result")["own"]
        return found

    def object(self, text: str) -> str:
        """Object to the result within publicity; award and contract are stayed. The objection's id."""
        raised = next((one for one in self.own()["objections"] if one["text"] == text), None)
        if raised is not None:
            return str(raised["id"])
        return str(self.client.post(f"/lots/{self.lot_id}/objections", {"text": text})["objection"])

    def notice(self, *, seconds: float = 120.0) -> bytes:
        """The award notice, or the notice to a loser, once its PDF is made. Raises NotInTime."""
        self.client.wait_for("notice pdf", lambda: self.own()["notice"], seconds=seconds)
        return self.client.get_bytes(f"/lots/{self.lot_id}/my-result/notice.pdf")

    def sign_contract(self) -> bool:
        return sign_contract(self.client, self.lot_id)


def contribute(client: CentreClient, lot_id: str, words: str) -> str:
    """Add words to the draw, as the lot's tenderee or as a supervisor; the salt, "" where they were in already."""
    told = done_once(client, f"/lots/{lot_id}/committee/draw", {"words": words})
    return "" if told is None else str(told["salt"])


def draws_of(client: CentreClient, lot_id: str) -> Sequence[Mapping[str, Any]]:
    """Every draw of experts of the lot as everybody sees it: pool, contributions, transcript, tickets."""
    draws: Sequence[Mapping[str, Any]] = client.get(f"/lots/{lot_id}/committee/draw")["draw_page"]["draws"]
    return draws


def public_result(client: CentreClient, lot_id: str) -> Mapping[str, Any]:
    """Candidates, all bids and the calculation, from the publication on."""
    found: Mapping[str, Any] = client.get(f"/lots/{lot_id}/candidates")["result"]
    return found


def contract_of(client: CentreClient, lot_id: str) -> Mapping[str, Any]:
    """The contract as one of its parties sees it; ``sha256`` "" while the paper is being made."""
    found: Mapping[str, Any] = client.get(f"/lots/{lot_id}/contract")["contract"]
    return found


def sign_contract(client: CentreClient, lot_id: str, *, seconds: float = 120.0) -> bool:
    """Sign the issued paper as one of the parties; whether the contract is concluded now. Raises NotInTime."""
    seen = client.wait_for("contract paper", lambda: _with_paper(client, lot_id), seconds=seconds)
    if not seen["is_own_signed"]:
        done_once(client, f"/lots/{lot_id}/contract", {"sha256": seen["sha256"]})
    return contract_of(client, lot_id)["contracted_at"] is not None


def _with_paper(client: CentreClient, lot_id: str) -> Mapping[str, Any] | None:
    seen = contract_of(client, lot_id)
    return seen if seen["sha256"] else None


def all_passed(sheet: Mapping[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """Marks that pass every bid in every item and give every scored item its most points."""
    return {code: {item["key"]: _good(item) for item in sheet["items"]} for code in sheet["codes"]}


def _good(item: Mapping[str, Any]) -> dict[str, str]:
    return {"verdict": "pass"} if item["kind"] == "pass" else {"points": str(item["most"])}


def _plain(marks: Marks) -> dict[str, dict[str, dict[str, str]]]:
    return {code: {item: dict(cell) for item, cell in row.items()} for code, row in marks.items()}
