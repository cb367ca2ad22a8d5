"""Agency, tenderee, supervisor and the centre's officer at their desks: from the keys to the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from sandbox.autopilot.crew import Crew, Deed, Scene
from sandbox.autopilot.stages import Stage
from sandbox.clients.clerk import CentreStaffClient, ClerkClient
from sandbox.clients.evaluation import CommitteeClerk, DeskActs, SupervisorClient, TendereeClient, contract_of

AGENCY: Final = "agency"
TENDEREE: Final = "tenderee"
SUPERVISOR: Final = "supervisor"
OFFICER: Final = "centre"
WORDS: Final = {TENDEREE: "秋水共长天一色", SUPERVISOR: "清风徐来，水波不兴"}
"""What each puts into the draw of experts: any words do, as long as nobody else chose them."""
ANSWER_TO_QUESTION: Final = "以招标文件及图纸为准，本答复不影响投标文件编制。"
ANSWER_TO_OBJECTION: Final = "经核对评标报告和计算过程，评标结果与招标文件一致，维持公示结果。"


class Office:
    """Desk work of one demonstration centre. Each deed is asked for by the page of the person who does it."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._looks: dict[Stage, Callable[[str, str], Iterator[Deed]]] = {
            Stage.KEYS: self._keys,
            Stage.SUBMIT: self._submit,
            Stage.APPROVE: self._approve,
            Stage.PUBLISH: self._publish,
            Stage.BIDDING: self._questions,
            Stage.CHECK_IN: self._questions,
            Stage.COMMITTEE: self._committee,
            Stage.EXPERTS: self._words,
            Stage.SEATS: self._start,
            Stage.CANDIDATES: self._candidates,
            Stage.PUBLICITY: self._objections,
            Stage.AWARD: self._award,
            Stage.CONTRACT: self._contract,
        }

    def deeds(self, scene: Scene) -> Iterator[Deed]:
        """What the stage wants of anybody but the visitor."""
        look = self._looks.get(scene.stage)
        if look is not None:
            yield from look(scene.lot_id, scene.visitor)

    def _clerk(self) -> ClerkClient:
        return self._crew.person(AGENCY, ClerkClient)

    def _tenderee(self) -> TendereeClient:
        return self._crew.person(TENDEREE, TendereeClient)

    def _officer(self) -> CentreStaffClient:
        return self._crew.person(OFFICER, CentreStaffClient)

    def _keys(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        clerk = self._clerk()
        lot = clerk.preparation(lot_id)
        if lot["state"] == "draft":
            yield Deed(AGENCY, "ask_for_keys", lambda: clerk.post(f"/lots/{lot_id}/keyset"))
        elif (lot["keyset"] or {}).get("state", "collecting") != "collecting":
            yield Deed(AGENCY, "rehearse", lambda: clerk.prepare_keys(lot_id))

    def _submit(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        clerk = self._clerk()
        if clerk.preparation(lot_id)["state"] == "rehearsed":
            yield Deed(AGENCY, "submit", lambda: clerk.submit_for_approval(lot_id))

    def _approve(self, lot_id: str, visitor: str) -> Iterator[Deed]:
        if visitor != TENDEREE and self._tenderee().get(f"/lots/{lot_id}/preparation")["lot"]["state"] == "submitted":
            yield Deed(TENDEREE, "approve", lambda: self._tenderee().approve(lot_id))

    def _publish(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        officer = self._officer()
        lot = officer.get(f"/lots/{lot_id}/preparation")["lot"]
        order = (lot["order"] or {}).get("state", "")
        if lot["state"] == "approved" and order in {"", "failed"}:
            yield Deed(OFFICER, "publish", lambda: officer.post(f"/lots/{lot_id}/publish"))

    def _questions(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        clerk = self._clerk()
        waiting = clerk.open_questions(lot_id)
        if waiting:
            answers = {str(one["question_id"]): ANSWER_TO_QUESTION for one in waiting}
            yield Deed(AGENCY, "answer_question", lambda: clerk.clarify(lot_id, answers))

    def _committee(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        desk = CommitteeClerk(self._clerk(), lot_id)
        found = desk.desk()
        if found["is_opened"] and found["committee"]["draw"] is None:
            yield Deed(AGENCY, "ask_for_committee", desk.request_committee)

    def _words(self, lot_id: str, visitor: str) -> Iterator[Deed]:
        missing = DeskActs(self._clerk(), lot_id).desk()["committee"]["waiting_for"]
        if "tenderee" in missing and visitor != TENDEREE:
            yield Deed(TENDEREE, "contribute", lambda: self._tenderee().contribute(lot_id, WORDS[TENDEREE]))
        if "supervisor" in missing and visitor != SUPERVISOR:
            supervisor = self._crew.person(SUPERVISOR, SupervisorClient)
            yield Deed(SUPERVISOR, "contribute", lambda: supervisor.contribute(lot_id, WORDS[SUPERVISOR]))

    def _start(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        desk = CommitteeClerk(self._clerk(), lot_id)
        count = desk.desk()["committee"]
        if count["size"] and count["accepted"] == count["size"]:
            yield Deed(AGENCY, "start_review", desk.start_review)
        elif count["draw"] == "exhausted" and not count["invited"]:
            yield Deed(AGENCY, "ask_for_committee", lambda: desk.request_committee(int(count["size"])))

    def _candidates(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        desk = CommitteeClerk(self._clerk(), lot_id)
        if "report" in desk.desk()["papers"]:
            yield Deed(AGENCY, "publish_candidates", desk.publish_candidates)

    def _objections(self, lot_id: str, _visitor: str) -> Iterator[Deed]:
        desk = DeskActs(self._clerk(), lot_id)
        for one in desk.objections():
            if not one["answer"]:
                answer = partial(desk.answer_objection, str(one["id"]), ANSWER_TO_OBJECTION)
                yield Deed(AGENCY, "answer_objection", answer)

    def _award(self, lot_id: str, visitor: str) -> Iterator[Deed]:
        if visitor != TENDEREE and "candidates" in DeskActs(self._tenderee(), lot_id).desk()["papers"]:
            yield Deed(TENDEREE, "award", lambda: self._tenderee().award(lot_id))

    def _contract(self, lot_id: str, visitor: str) -> Iterator[Deed]:
        if visitor == TENDEREE:
            return
        contract: dict[str, Any] = dict(contract_of(self._tenderee(), lot_id))
        if contract["sha256"] and not contract["is_own_signed"]:
            yield Deed(TENDEREE, "sign_contract", lambda: self._tenderee().sign_contract(lot_id))
