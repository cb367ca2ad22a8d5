"""What the whole centre holds of deals: deposits of the two bidders, evaluations at every stage, an expert library.

Of each number there is a lot in publicity (``evaluated_lot``) and one that is awarded (``awarded_lot``, to the bidder
of the number); the expert of the number sits on both committees and the bidder of the number has bid in both. On the
first the bidder has paid its deposit and money came under other names: ``arrival`` waits for a decision, ``refund`` was
declined by the bank. ``add_stages`` adds lots at the stages in between, for whoever walks the pages.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select, update

import evaluation.consumers  # noqa: F401 - registers what listens to the end of an opening
from accounts.services.bank import read_secret
from deposits.services import arrivals, refunds
from deposits.services.refunds import BankAnswer, BankStatus
from evaluation.models import EvaluationCase, Expert
from evaluation.services import award, committee, library, report, review, seats, sheets
from evaluation.states import SeatState
from foundation.actor import Actor
from foundation.jobs.models import Job
from foundation.money import Money
from tests import support_opening
from tests.support.tender_world import DEPOSIT, TESTS, OpenLot
from tests.support.whole_centre import WholeCentre, publish, publish_log
from tests.support_bids import FILES, Bidder, make_bidder
from tests.support_evaluation import Evaluation

SPECIALITIES: Final = {1: "A01", 2: "A08"}
"""The lots of a number draw from this speciality, so that the expert of the other number never sits there."""
OTHER_EXPERTS: Final = 15
OTHER_BIDDERS: Final = ("江苏恒筑建工集团有限公司", "无锡梁溪建筑安装工程有限公司")
PRICES: Final = ("11402318.00", "11530077.50", "12001999.00")
"""The first wins; it is the numbered bidder's."""
FIRST_SEATS: Final = 5


def hold_evaluations(centre: WholeCentre) -> None:
    """Both lots of both numbers, with their experts, bidders, deposits and a standing objection."""
    _enter_experts(centre)
    rivals = [make_bidder(centre.world, name) for name in OTHER_BIDDERS]
    for number in (1, 2):
        told = _opened(centre, number, rivals)
        _to_publicity(told, number)
        centre.put("evaluated_lot", number, told.lot_id)
        objection = told.act(centre.people[f"bidder{number}"].actor, award.raise_objection, "评分有误，请复核。")
        centre.put("objection", number, {"lot_id": told.lot_id, "objection_id": objection})
        _decline_refund(centre, number)
        told = _opened(centre, number, rivals, deposit=False)
        _to_publicity(told, number)
        _award(told)
        centre.put("awarded_lot", number, told.lot_id)
    publish_log(centre)


def add_stages(centre: WholeCentre) -> None:
    """Lots of the first people at the stages in between: ``drawing_lot``, ``invited_lot``, ``reviewing_lot``,
    ``signing_lot``, ``ready_lot`` (its publicity is over) and ``contracted_lot``.
    """
    rivals = [make_bidder(centre.world, f"{name[:-4]}二公司") for name in OTHER_BIDDERS]
    opened = {
        kind: _opened(centre, 1, rivals, deposit=False)
        for kind in ("drawing_lot", "invited_lot", "reviewing_lot", "signing_lot", "ready_lot", "contracted_lot")
    }
    for kind, told in opened.items():
        centre.put(kind, 1, told.lot_id)
    told = opened["drawing_lot"]
    told.act(told.host, committee.request_committee, FIRST_SEATS, [SPECIALITIES[1]])
    _draw(opened["invited_lot"], 1)
    told = opened["reviewing_lot"]
    _to_review(told, 1)
    expert = centre.people["expert1"].actor
    told.act(expert, sheets.save, told.passes(failed=["A"])[:4])
    _to_signing(opened["signing_lot"], 1)
    _to_publicity(opened["ready_lot"], 1)
    _end_publicity(opened["ready_lot"])
    told = opened["contracted_lot"]
    _to_publicity(told, 1)
    _award(told)
    for actor in (told.tenderee, told.winner()):
        told.act(actor, award.sign_contract, told.contract_digest())
    told.run_jobs()
    publish_log(centre)


# --- the way of a lot -------------------------------------------------------------------------------------------------


def _opened(centre: WholeCentre, number: int, rivals: list[Bidder], *, deposit: bool = True) -> Evaluation:
    """A lot of the numbered people whose bids were opened."""
    world, people = centre.world, centre.people
    host, tenderee = people[f"agency{number}"].actor, people[f"tenderee{number}"].actor
    lot = world.open_lot(tenderee=tenderee, agency=host, deadline_at=world.clock.now() + timedelta(minutes=61))
    publish(centre, lot)
    with world.units.begin(TESTS) as unit:
        _state_method(unit.session, lot)
    own = centre.bidders[number]
    if deposit:
        _pay(centre, number, lot)
    bidders = [own, *rivals]
    sealed = [
        bidder.seal(lot, files={**FILES, "price_schedule": support_opening.price_schedule(total)})
        for bidder, total in zip(bidders, PRICES, strict=True)
    ]
    for bidder, made in zip(bidders, sealed, strict=True):
        bidder.hand_in(lot, made)
    staff = people["centre_staff1"].actor
    held = support_opening._seat_holders(world, lot, staff)
    supervisor = people[f"supervisor{number}"].actor
    opening = support_opening.Opening(
        world, lot, host, supervisor, staff, bidders, sealed, held, machine=centre.machine
    )
    opening.to_closed()
    assert opening.run_jobs() == []
    return Evaluation(opening, tenderee, PRICES, centre.experts)


def _state_method(session: object, lot: OpenLot) -> None:
    from tendering.models import Lot

    values = {"method_id": "jiangsu-1", "method_params": {}, "scope": "教学楼修缮"}
    session.execute(update(Lot).where(Lot.id == lot.id).values(**values))  # type: ignore[attr-defined]


def _draw(told: Evaluation, number: int) -> None:
    """Committee asked for and drawn. Experts decline until the numbered one is asked: nothing else is made up."""
    import evaluation.tasks

    told.act(told.host, committee.request_committee, FIRST_SEATS, [SPECIALITIES[number]])
    told.act(told.tenderee, committee.contribute, "春江潮水连海平")
    told.act(told.supervisor, committee.contribute, "海上明月共潮生")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    wanted = f"test-expert{number}"
    sitting = {seat.user_id for seat in told.seats(SeatState.INVITED)}
    while wanted not in {_login(told, user_id) for user_id in sitting}:
        told.act(told.experts[min(sitting)], seats.decline, "当日出差")
        sitting = {seat.user_id for seat in told.seats(SeatState.INVITED)}


def _login(told: Evaluation, user_id: str) -> str:
    return told.experts[user_id].display_name.removeprefix("人")


def _to_review(told: Evaluation, number: int) -> None:
    _draw(told, number)
    told.accept_all()
    told.act(told.host, review.start_review)


def _to_signing(told: Evaluation, number: int) -> None:
    _to_review(told, number)
    for member in told.members():
        told.act(member, sheets.submit, told.passes())


def _to_publicity(told: Evaluation, number: int) -> None:
    _to_signing(told, number)
    for member in told.members():
        told.act(member, report.sign)
    assert told.run_jobs() == []
    told.act(told.host, award.publish_candidates)
    assert told.run_jobs() == []


def _end_publicity(told: Evaluation) -> None:
    """The three days are not waited for: every other lot would be past its deadline."""
    with told.world.units.begin(TESTS) as unit:
        ended = update(EvaluationCase).where(EvaluationCase.id == told.lot_id).values(publicity_until=unit.at)
        unit.session.execute(ended)


def _award(told: Evaluation) -> None:
    _end_publicity(told)
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []


# --- experts ----------------------------------------------------------------------------------------------------------


def _enter_experts(centre: WholeCentre) -> None:
    """The experts of both numbers and fifteen more."""
    for number in (1, 2):
        actor = centre.people[f"expert{number}"].actor
        centre.put("expert", number, _enter(centre, actor, (SPECIALITIES[number],)))
        centre.experts[str(actor.user_id)] = actor
    for number in range(1, OTHER_EXPERTS + 1):
        actor = centre.world.organisation(f"江苏第{number:02d}设计院", "expert", login=f"drawn-expert{number:02d}")
        _enter(centre, actor, tuple(SPECIALITIES.values()))
        centre.experts[str(actor.user_id)] = actor


def _enter(centre: WholeCentre, actor: Actor, specialities: tuple[str, ...]) -> str:
    with centre.units.begin(centre.people["centre_staff1"].actor) as unit:
        new = library.NewExpert(str(actor.user_id), actor.org_name, specialities, "高级工程师", 12)
        library.enter_expert(unit, new)
        return unit.session.scalars(select(Expert.id).where(Expert.user_id == str(actor.user_id))).one()


# --- deposits ---------------------------------------------------------------------------------------------------------


def _pay(centre: WholeCentre, number: int, lot: OpenLot) -> None:
    """The numbered bidder's deposit is in, and twice somebody else has paid into its sub-account."""
    actor = centre.people[f"bidder{number}"].actor
    account = arrivals.sub_account_number(
        read_secret(centre.world.runtime.settings.secrets_dir), lot.id, str(actor.org_id)
    )
    with centre.units.begin(actor) as unit:
        arrivals.note_account(unit, lot.id, str(actor.org_id), account)
    for nth, payer in enumerate((actor.org_name, "周予安", "常州市澄岳劳务服务部"), 1):
        serial = f"DB{number}00{nth}"
        with centre.units.begin(TESTS) as unit:
            amount = DEPOSIT if payer == actor.org_name else Money.yuan("3000.00")
            notice = arrivals.ArrivalNotice(serial, account, payer, f"320412000000{number}{nth}", amount, unit.at)
            arrivals.receive_arrival(unit, notice, serial.encode())
    centre.put("receipt", number, {"lot_id": lot.id, "serial": f"DB{number}001"})
    centre.put("arrival", number, {"lot_id": lot.id, "serial": f"DB{number}002"})


def _decline_refund(centre: WholeCentre, number: int) -> None:
    """Its third arrival was sent back and the bank did not take the order."""
    with centre.units.begin(centre.people["centre_staff1"].actor) as unit:
        refund = refunds.return_arrival(unit, f"DB{number}003")
    with centre.units.begin(TESTS) as unit:
        refunds.settle(unit, BankAnswer(f"{refund}-1", BankStatus.REJECTED, why="收款账户已销户"))
        unit.session.execute(delete(Job).where(Job.task == refunds.SEND_TASK))  # no bank runs here that it could ask
    lot_id = centre.objects["evaluated_lot"][number]
    centre.put("refund", number, {"lot_id": lot_id, "refund_id": refund})
