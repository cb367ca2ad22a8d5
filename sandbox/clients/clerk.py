"""The people who prepare and run a tender: agency or tenderee (clerk, host), approver, the centre's staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.clients.http import CentreClient
from sandbox.clients.room import RoomActs
from sandbox.errors import StoryBroken


class ClerkClient(CentreClient):
    """Drafts lots and hosts openings (agency, or a tenderee without one)."""

    def create_project(self, **fields: Any) -> str:
        return str(self.post("/projects/new", fields)["project_id"])

    def create_lot(self, project_id: str, **fields: Any) -> str:
        return str(self.post(f"/projects/{project_id}/lots/new", fields)["lot_id"])

    def edit_lot(self, lot_id: str, **fields: Any) -> Any:
        return self.post(f"/lots/{lot_id}/edit", fields)

    def simulate(self, **query: str) -> Any:
        """The statutory timetable for planned dates (``publish_at``, ``bid_deadline``, ``rulebook_kind``)."""
        return self.get("/timetable", **query)["plan"]

    def use_dates(self, lot_id: str, publish_at: str, bid_deadline: str) -> Any:
        return self.post(f"/lots/{lot_id}/timetable", {"publish_at": publish_at, "bid_deadline": bid_deadline})

    def preparation(self, lot_id: str) -> Mapping[str, Any]:
        lot: Mapping[str, Any] = self.get(f"/lots/{lot_id}/preparation")["lot"]
        return lot

    def prepare_keys(self, lot_id: str, *, seconds: float = 90.0) -> None:
        """Ask the holders for their keys, wait for them, rehearse, wait for that. May be repeated from any point."""
        if self.preparation(lot_id)["state"] == "draft":
            self.post(f"/lots/{lot_id}/keyset")
        self.wait_for("holders' keys", lambda: _keyset_state(self.preparation(lot_id)) != "collecting", seconds=seconds)
        if self.preparation(lot_id)["state"] == "keyset":
            self.post(f"/lots/{lot_id}/rehearsal")
        self.wait_for("rehearsal", lambda: self.preparation(lot_id)["state"] != "keyset", seconds=seconds)

    def submit_for_approval(self, lot_id: str) -> Any:
        return self.post(f"/lots/{lot_id}/submit-for-approval")

    def open_questions(self, lot_id: str) -> list[Mapping[str, Any]]:
        """Questions waiting for an answer; nothing in them names the asker."""
        return list(self.get(f"/lots/{lot_id}/questions")["lot"]["waiting"])

    def clarify(self, lot_id: str, answers: Mapping[str, str], *, changes: str = "", affects_bids: bool = False) -> Any:
        body = {"answers": dict(answers), "changes": changes, "affects_bids": affects_bids}
        return self.post(f"/lots/{lot_id}/clarifications/new", body)

    def room(self, lot_id: str) -> HostActs:
        return HostActs(self, lot_id)


class HostActs(RoomActs):
    """The host's desk."""

    def start_decryption(self) -> Any:
        return self.act("start-decryption")

    def draw(self) -> Any:
        return self.act("draw")

    def start_reading(self) -> Any:
        return self.act("start-reading")

    def start_query(self) -> Any:
        return self.act("start-query")

    def answer(self, objection_id: str, text: str) -> Any:
        return self.act("answer", objection_id=objection_id, text=text)

    def start_confirming(self) -> Any:
        return self.act("start-confirming")

    def close(self) -> Any:
        return self.act("close")


class ApproverClient(CentreClient):
    """The tenderee: approves what its agency drafted."""

    def approve(self, lot_id: str) -> Any:
        return self.post(f"/lots/{lot_id}/approve")


class CentreStaffClient(CentreClient):
    """The centre's officer at the format check."""

    def publish(self, lot_id: str, *, seconds: float = 120.0) -> None:
        """Order the papers and wait until the lot is published. Raises StoryBroken when the papers failed."""
        self.post(f"/lots/{lot_id}/publish")

        def look() -> bool:
            lot = self.get(f"/lots/{lot_id}/preparation")["lot"]
            order = lot.get("order") or {}
            if order.get("state") == "failed":
                raise StoryBroken(stage="publish", what=str(order.get("fault_code")))
            return str(lot["state"]) == "open"

        self.wait_for("publication", look, seconds=seconds)


def _keyset_state(lot: Mapping[str, Any]) -> str:
    return str((lot.get("keyset") or {}).get("state", "collecting"))
