"""The pilot: plays everybody but the visitor, one deed after the other at a human pace, and presses the clock on.

Nothing is remembered that decides: each look asks the centre where the lot stands, and each person's page what it
wants. So the pilot may be killed between any two steps and goes on from there. While nobody has chosen a role it only
takes the other bidders' seats.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from foundation.clock import machine_now, monotonic
from foundation.errors import CentreError
from foundation.sealing import WrongKey
from sandbox import cast
from sandbox.autopilot import doing
from sandbox.autopilot.crew import Crew, Deed, Scene
from sandbox.autopilot.hosting import Host
from sandbox.autopilot.jury import LOGINS as EXPERTS
from sandbox.autopilot.jury import Jury
from sandbox.autopilot.office import Office
from sandbox.autopilot.robots import HUMAN, Robots
from sandbox.autopilot.stages import BEFORE_THE_EXPERTS, OVER, Part, Stage, is_before
from sandbox.clients.http import CentreClient
from sandbox.errors import CentreRefused

log = structlog.get_logger("pilot")
LOOK_SECONDS: Final = 2.0
NOTICE_SECONDS: Final = 10.0
"""How long before a jump of the clock the guide bar says so."""
SAME_SHARE: Final = 0.5
"""Of the pace, when somebody else does what was just done."""
QUICK_SECONDS: Final = 1.0
"""The pace on the way to a seat nobody has yet."""
AGAIN_SECONDS: Final = 8.0
"""A deed that was declined is not tried again earlier."""
GIVE_UP: Final = 3
"""Declined so often, a deed is tried on, but the clock no longer waits for it: a company may be barred, say."""
CLOCK_STAGES: Final = frozenset({Stage.BIDDING, Stage.CHECK_IN, Stage.PUBLICITY})
"""Where only waiting may remain. A window of the room is somebody's right: it is never jumped over unasked."""
BIDDERS: Final = frozenset(part.login for part in cast.BIDDERS)
_NOT_SIGNED_IN: Final = 401


class Team(Protocol):
    """Some of the people of the demonstration."""

    def deeds(self, scene: Scene) -> Iterator[Deed]:
        """The next deed of everybody that has one, asked for one by one."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What the guide says at one look. ``pace``: seconds between two deeds."""

    scene: Scene
    is_run: bool
    is_held: bool
    is_busy: bool
    moment: str
    pace: float

    @property
    def mark(self) -> tuple[object, ...]:
        """What must still be so after a pause."""
        return self.scene, self.is_held, self.is_run


def told_of(deed: Deed, stage: Stage) -> tuple[str, str]:
    """What the guide bar may say of a deed, and of whom.

    Before the deadline never who bids (R1.05), and before the award never who sits on the committee (R4.01).
    """
    if deed.who in BIDDERS and is_before(stage, Stage.CLOSING):
        return "bid", ""
    return deed.what, "" if deed.who in EXPERTS else deed.who


class Pilot:
    """Everybody but the visitor. ``doing_file``: where the guide bar reads what goes on."""

    def __init__(self, server: str, home: Path, doing_file: Path, certificate: Path | None = None) -> None:
        self._crew = Crew(server, home, certificate)
        # The visitor's own eyes: whether it is the visitor's turn is told to nobody else.
        self._visitor = CentreClient(server, certificate=certificate, away_seconds=5.0)
        self._doing_file = doing_file
        self._robots = Robots(self._crew)
        self._teams: Sequence[Team] = (
            Office(self._crew),
            Host(self._crew),
            self._robots,
            Jury(self._crew),
        )
        self._entered = ""
        self._declined: dict[tuple[str, str, Scene], tuple[int, float]] = {}
        self._noticed: tuple[object, ...] = ()
        self._last_what = ""

    def run(self, stop: threading.Event) -> None:
        """Look and act until told to stop."""
        while not stop.is_set():
            has_acted = False
            try:
                has_acted = self.look(stop)
            except (CentreRefused, CentreError) as error:
                log.info("pilot_waits", error=error.code, about=str(error))
            if not has_acted:
                stop.wait(LOOK_SECONDS)
        self._visitor.close()
        self._crew.close()

    def look(self, stop: threading.Event) -> bool:
        """One look and at most one deed; whether something was done."""
        look = self._see()
        if look is None:
            return False
        if look.is_held or look.scene.stage in OVER:
            self._tell()
            return False
        deed = self._next_deed(look)
        if deed is not None:
            self._tell(*told_of(deed, look.scene.stage))
            # Many do the same at once in life; here they follow each other faster.
            pace = look.pace * SAME_SHARE if deed.what == self._last_what else look.pace
            if deed.do is None or stop.wait(pace):
                return False
            self._last_what = deed.what
            return self._is_still(look) and self._perform(deed, look.scene)
        return look.is_run and self._press(look, stop)

    # What there is to see --------------------------------------------------------------------------------------

    def _see(self) -> Look | None:
        """None where there is no guided lot."""
        told = self._crew.public.get("/demo/guide")["guide"]
        run = told["run"]
        if not told["lot_id"]:
            return None
        if run is not None:
            told = self._with_visitors_eyes(told)
        stage = Stage(told["stage"])
        pace = float(run["pace_seconds"]) if run is not None else 0.0
        if run is not None and run["part"] == Part.EXPERT and stage in BEFORE_THE_EXPERTS:
            pace = min(pace, QUICK_SECONDS)
        return Look(
            scene=Scene(
                str(told["lot_id"]), stage, HUMAN if run is None else self._visitor.login, is_turn=bool(told["turn"])
            ),
            is_run=run is not None,
            is_held=run is not None and bool(run["is_held"]),
            is_busy=bool(told["running"]),
            moment=str(told["moment"]),
            pace=pace,
        )

    def _with_visitors_eyes(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """The guide as the visitor sees it; as everybody does for the public, and before an expert is drawn."""
        if told["run"]["part"] == Part.PUBLIC:
            self._visitor.login = ""
            return told
        if self._visitor.token and self._entered == told["run"]["started_at"]:
            try:
                own: Mapping[str, Any] = self._visitor.get("/demo/guide")["guide"]
            except CentreRefused as refused:
                if refused.status != _NOT_SIGNED_IN:
                    raise
            else:
                if own["is_yours"]:
                    return own
        try:
            entered = self._crew.public.post("/demo/run/enter")
        except CentreRefused as refused:
            if refused.problem != "centre.demo_nobody_drawn":
                raise
            self._visitor.login = ""
            return told
        self._visitor.act_as(str(entered["login"]), str(entered["token"]))
        self._entered = str(told["run"]["started_at"])
        answer: Mapping[str, Any] = self._visitor.get("/demo/guide")["guide"]
        return answer

    def _is_still(self, before: Look) -> bool:
        """Whether nothing happened during a pause that makes the deed unwanted."""
        now = self._see()
        return now is not None and now.mark == before.mark

    # Deeds ---------------------------------------------------------------------------------------------------------

    def _next_deed(self, look: Look) -> Deed | None:
        """The first deed of any team; a person that only waits lets the others go first."""
        waiting = None
        for team in self._teams if look.is_run else (self._robots,):
            try:
                for found in team.deeds(look.scene):
                    tries, at = self._declined.get((found.who, found.what, look.scene), (0, 0.0))
                    if found.do is not None and (not tries or monotonic() - at > AGAIN_SECONDS):
                        return found
                    if tries < GIVE_UP:
                        waiting = waiting or Deed(found.who, found.what)
            except CentreRefused as refused:
                self._note_refusal("look", refused)
        return waiting

    def _perform(self, deed: Deed, scene: Scene) -> bool:
        if deed.do is None:
            return False
        try:
            deed.do()
        except (CentreRefused, WrongKey) as refused:
            # Somebody was quicker, or plays this company by hand: the next look says what is left to do.
            key = (deed.who, deed.what, scene)
            self._declined[key] = (self._declined.get(key, (0, 0.0))[0] + 1, monotonic())
            if isinstance(refused, CentreRefused):
                self._note_refusal(deed.what, refused)
            return False
        return True

    def _note_refusal(self, deed: str, refused: CentreRefused) -> None:
        log.info("deed_declined", deed=deed, code=refused.problem, status=refused.status)
        if refused.status == _NOT_SIGNED_IN:
            self._crew.forget_all()

    # The clock -----------------------------------------------------------------------------------------------------

    def _press(self, look: Look, stop: threading.Event) -> bool:
        """Press the clock on where only waiting remains, never when the visitor is due; whether it was pressed."""
        if look.scene.is_turn or look.is_busy or not look.moment or look.scene.stage not in CLOCK_STAGES:
            self._tell()
            return False
        if self._noticed != (look.scene.lot_id, look.scene.stage):
            seconds = min(NOTICE_SECONDS, look.pace * NOTICE_SECONDS)
            self._tell(jump_in=seconds)
            if stop.wait(seconds):
                return False
            now = self._see()
            if now is None or now.mark != look.mark or now.scene.is_turn or now.is_busy or now.moment != look.moment:
                return False
            self._noticed = (look.scene.lot_id, look.scene.stage)
        try:
            self._crew.public.post("/demo/clock/next", {"lot_id": look.scene.lot_id})
        except CentreRefused as refused:
            self._note_refusal("clock", refused)
            return False
        return True

    def _tell(self, what: str = "", who: str = "", *, jump_in: float = 0.0) -> None:
        at = machine_now()
        jump_at = at + timedelta(seconds=jump_in) if jump_in else None
        doing.write(self._doing_file, doing.Doing(at, what, who, jump_at))
