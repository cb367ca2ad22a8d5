"""The agency as host of the opening room: each step as soon as the room waits for its host and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sandbox.autopilot.crew import Crew, Deed, Scene
from sandbox.autopilot.office import AGENCY
from sandbox.autopilot.stages import Stage
from sandbox.clients.clerk import ClerkClient, HostActs

REPLY: Final = "已当场核对并复读，与投标文件一致，记入开标记录。"
IN_ROOM: Final = frozenset(
    {Stage.CLOSING, Stage.DECRYPTING, Stage.GATE, Stage.DRAW, Stage.READING, Stage.QUERY, Stage.CONFIRMING}
)


class Host:
    """The host of one demonstration centre."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def deeds(self, scene: Scene) -> Iterator[Deed]:
        """The host's next step; nothing while the room waits for others."""
        # Once decryption has begun nobody compares its seal any more: the visitor is waited for.
        if scene.stage not in IN_ROOM or (scene.stage is Stage.CLOSING and scene.is_turn):
            return
        clerk = self._crew.person(AGENCY, ClerkClient)
        room: Mapping[str, Any] = clerk.get(f"/rooms/{scene.lot_id}/host")
        step = next_step(room, clerk.room(scene.lot_id))
        if step is not None:
            yield step


def next_step(room: Mapping[str, Any], host: HostActs) -> Deed | None:
    """What the host does with the room in this state."""
    match room["next_step"]:
        case "host_starts":
            return Deed(AGENCY, "start_decryption", host.start_decryption)
        case "gate_released":
            return Deed(AGENCY, "draw", host.draw)
        case "host_reads":
            return Deed(AGENCY, "start_reading", host.start_reading)
        case "reading":
            return Deed(AGENCY, "start_query", host.start_query)
        case "query":
            return _in_query(room, host)
        case _:
            return None


def _in_query(room: Mapping[str, Any], host: HostActs) -> Deed | None:
    waiting = next((one for one in room["objections"] if one["answered_at"] is None), None)
    if waiting is not None:
        return Deed(AGENCY, "answer_objection", lambda: host.answer(str(waiting["id"]), REPLY))
    objected = {one["seat"] for one in room["objections"]}
    readable = [one for one in room["seats"] if one["line"] is not None]
    if readable and all(one["has_no_objection"] or one["number"] in objected for one in readable):
        return Deed(AGENCY, "start_confirming", host.start_confirming)
    return None
