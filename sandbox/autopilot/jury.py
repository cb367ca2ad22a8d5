"""The experts of the library at their own machines: whoever is drawn takes the seat, scores alone, signs the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox import cast
from sandbox.autopilot.crew import Crew, Deed, Scene
from sandbox.autopilot.marks import marks_for
from sandbox.autopilot.stages import Stage
from sandbox.clients.evaluation import ExpertClient

SITTING: Final = frozenset({Stage.SEATS, Stage.SCORING, Stage.SIGNING})
LOGINS: Final = tuple(expert.person.login for expert in cast.EXPERTS)


class Jury:
    """All experts of one demonstration centre. Who of them is drawn, only their own pages say."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def deeds(self, scene: Scene) -> Iterator[Deed]:
        """The next deed of every expert that has one."""
        if scene.stage not in SITTING:
            return
        # Everybody is asked at every look: a seat may change hands up to the signing.
        for login in LOGINS:
            if login == scene.visitor:
                continue
            expert = self._crew.person(login, ExpertClient)
            if found := self._deed(expert, scene.lot_id, expert.next_act(scene.lot_id)):
                yield found

    def _deed(self, expert: ExpertClient, lot_id: str, act: str) -> Deed | None:
        match act:
            case "answer":
                return Deed(expert.login, "take_seat", lambda: expert.accept(lot_id))
            case "score":
                return Deed(expert.login, "score", lambda: self._score(expert, lot_id))
            case "sign":
                return Deed(expert.login, "sign_report", lambda: expert.sign(lot_id))
            case _:
                return None

    def _score(self, expert: ExpertClient, lot_id: str) -> None:
        sheet = expert.sheet(lot_id)
        if sheet is not None:
            expert.submit_sheet(lot_id, marks_for(expert.login, sheet))
