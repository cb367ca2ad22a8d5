"""Robots in the other bidders' seats. Each deed follows from what the centre says of that bidder, never from memory.

A company somebody plays by hand (its bid was sealed with keys the robot does not have) is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from foundation.clock import machine_now
from foundation.sealing import WrongKey
from foundation.sealing.confirmation import confirmation_note, shown_in
from foundation.sealing.suite import sign
from sandbox import cast, samples
from sandbox.autopilot.crew import Crew, Deed, Scene
from sandbox.autopilot.stages import Stage
from sandbox.clients.bidder import BidderClient
from sandbox.clients.deposits import DepositActs
from sandbox.clients.evaluation import ResultActs, contract_of
from sandbox.clients.room import RoomActs
from sandbox.errors import CentreRefused
from sandbox.samples import Offer

HUMAN: Final = "bidder1"
"""Left to whoever tries the demonstration by hand, as long as nobody has chosen a role."""
ACTING: Final = frozenset(
    {Stage.CHECK_IN, Stage.CLOSING, Stage.DECRYPTING, Stage.QUERY, Stage.CONFIRMING, Stage.CONTRACT}
)
"""Stages after the bid in which a bidder does something."""
Act = Callable[[], Any]
_NOT_SIGNED_IN: Final = 401


class Robot:
    """One company's machine. ``paid`` and ``foreign`` only spare questions; the centre's answers decide."""

    def __init__(self, crew: Crew, part: cast.Bidder, number: int) -> None:
        self._crew = crew
        self.part = part
        self.number = number
        self._paid: set[str] = set()
        self._foreign: dict[str, bool] = {}

    @property
    def login(self) -> str:
        return self.part.login

    @property
    def client(self) -> BidderClient:
        return self._crew.bidder(self.login)

    def deed(self, scene: Scene) -> Deed | None:
        """The next deed of this company; None when the stage wants nothing more of it."""
        lot_id = scene.lot_id
        if scene.stage in {Stage.BIDDING, Stage.CHECK_IN} and (bid := self._before_deadline(lot_id)):
            return bid
        if scene.stage not in ACTING or self._is_foreign(lot_id):
            return None
        found = self._contract(lot_id) if scene.stage is Stage.CONTRACT else self._in_room(lot_id, scene.stage)
        return Deed(self.login, *found) if found else None

    def _before_deadline(self, lot_id: str) -> Deed | None:
        deposit = DepositActs(self.client, lot_id)
        status = deposit.status()
        if status == "unpaid" and lot_id not in self._paid:
            return Deed(self.login, "pay_deposit", lambda: self._pay(deposit, lot_id))
        if self.client.lot(lot_id).last is None:
            return Deed(self.login, "seal", lambda: self._seal(lot_id))
        return Deed(self.login, "await_bank") if status == "unpaid" else None

    def _pay(self, deposit: DepositActs, lot_id: str) -> None:
        deposit.open()
        deposit.pay()
        self._paid.add(lot_id)

    def _seal(self, lot_id: str) -> None:
        client = self.client
        lot = client.lot(lot_id)
        page = client.get(f"/lots/{lot_id}")["lot"]
        offer = Offer(
            project_name=page["project_name"],
            lot_name=page["name"],
            lot_code=page["lot_code"],
            tenderee=page["tenderee_name"],
            bidder=self.part.company.zh,
            uscc=lot.bidder,
            total=self.part.price,
            duration_days=self.part.duration_days,
            manager=self.part.manager,
            variant=self.number,
        )
        at = machine_now()
        client.register_keys("robot")
        files = {
            "price_schedule": samples.price_schedule(offer),
            "technical": samples.technical_bid(offer, at),
            "commercial": samples.priced_bill(offer, at),
        }
        client.bid(lot_id, files)

    def _is_foreign(self, lot_id: str) -> bool:
        """Whether this company has no bid here, or one that somebody else sealed for it."""
        if lot_id not in self._foreign:
            client = self.client
            try:
                client.secret_of(client.own_header(lot_id))
                self._foreign[lot_id] = False
            except WrongKey:
                self._foreign[lot_id] = True
            except CentreRefused as refused:
                if refused.status == _NOT_SIGNED_IN:
                    raise
                self._foreign[lot_id] = True
        return self._foreign[lot_id]

    def _in_room(self, lot_id: str, stage: Stage) -> tuple[str, Act] | None:
        client, acts = self.client, RoomActs(self.client, lot_id)
        room: Mapping[str, Any] = client.get(f"/rooms/{lot_id}/seat")
        if stage is Stage.CHECK_IN:
            return None if room["own"]["is_checked_in"] else ("check_in", acts.check_in)
        seat = next((one for one in room["seats"] if one["is_own"]), None)
        if seat is None:
            return None
        if stage is Stage.CLOSING and seat["seal_is_equal"] is None:
            return "check_seal", lambda: acts.seal_check(ok=True)
        if stage is Stage.DECRYPTING and seat["released_at"] is None:
            return "release", lambda: self._release(acts, lot_id)
        if stage is Stage.QUERY and not seat["has_no_objection"]:
            return "no_objection", acts.no_objection
        if stage is Stage.CONFIRMING and seat["confirmed_at"] is None and seat["line"] is not None:
            told = client.get(f"/rooms/{lot_id}/events", after="public:0")["frames"]
            text = confirmation_note(shown_in(room["lot_code"], told), seat["bid"])
            return "confirm", lambda: acts.confirm(sign(client.keys.signing, text).hex())
        return None

    def _release(self, acts: RoomActs, lot_id: str) -> None:
        acts.seal_check(ok=True)
        acts.release(self.client.secret_of(self.client.own_header(lot_id)))

    def _contract(self, lot_id: str) -> tuple[str, Act] | None:
        result = ResultActs(self.client, lot_id)
        if not result.own()["is_awardee"]:
            return None
        contract = contract_of(self.client, lot_id)
        is_ready = bool(contract["sha256"]) and not contract["is_own_signed"]
        return ("sign_contract", result.sign_contract) if is_ready else None


class Robots:
    """All robots of one demonstration centre, in the order of the cast."""

    def __init__(self, crew: Crew) -> None:
        self._robots = [Robot(crew, part, number) for number, part in enumerate(cast.BIDDERS, start=1)]
        self._settled: set[tuple[str, Stage, str]] = set()

    def deeds(self, scene: Scene) -> Iterator[Deed]:
        """The next deed of every company that has one."""
        for robot in self._robots:
            key = (scene.lot_id, scene.stage, robot.login)
            if robot.login == scene.visitor or key in self._settled:
                continue
            found = robot.deed(scene)
            if found is not None:
                yield found
            elif scene.stage not in {Stage.CLOSING, Stage.CONTRACT}:
                # Before the list, or the contract, is there nobody has anything to do yet, and later somebody has.
                self._settled.add(key)
