"""Sixty concluded deals of eighteen months, so that lists and statistics have something to show.

Imported: no keyset, no sealed bids, no proofs, and every page says so. A fixed list, turned into dates before "now".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from accounts import facade as accounts
from centre.seed_people import SEEDER, user_of
from foundation import codes
from foundation.money import Money
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council, start_of_day
from sandbox import cast
from tendering.models import Lot, PastDeal, Project
from tendering.rulebook import RulebookKind
from tendering.services.codes import DEAL_CATEGORIES, INDUSTRY
from tendering.states import LotState

MONTHS: Final = 18
PER_MONTH: Final = (3, 4, 3, 3, 4, 3, 4, 3, 3, 4, 3, 3, 4, 3, 3, 4, 3, 3)
_WAN: Final = 10_000_00
"""Fen in 10,000 yuan."""

WORKS: Final = (
    ("湖塘老旧小区外立面修缮工程", 862), ("前黄镇农村道路提档升级工程", 1240), ("淹城遗址公园步道改造工程", 418),
    ("武进区第三实验小学风雨操场工程", 690), ("滆湖西岸生态护坡工程", 2310), ("横林污水管网完善工程", 1785),
    ("礼嘉卫生院门诊楼装修工程", 536), ("雪堰桥危桥改造工程", 947), ("洛阳镇文化活动中心幕墙维修", 389),
    ("延政路交通信号优化工程", 455), ("嘉泽花木市场消防改造工程", 612), ("遥观镇河道清淤工程", 834),
    ("高新区标准厂房二期土建工程", 4126), ("西太湖片区绿化提升工程", 1098), ("牛塘社区服务中心改造工程", 327),
    ("寨桥泵站更新改造工程", 1463), ("武进图书馆屋面防水维修", 268), ("南夏墅学校食堂扩建工程", 1376),
    ("湟里镇农田水利配套工程", 2054), ("春秋路雨污分流改造工程", 1622),
)  # fmt: skip
PROCUREMENT: Final = (
    ("区中小学课桌椅采购", 386), ("区级机关办公电脑采购", 214), ("公安视频监控维护服务", 528), ("环卫清扫车采购", 742),
    ("区人民医院彩超设备采购", 465), ("政务云资源租赁服务", 618), ("学校食堂食材配送服务", 934),
    ("区档案馆数字化服务", 157),
    ("消防救援装备采购", 296), ("养老机构护理床采购", 118), ("区图书馆图书采购", 86), ("道路照明灯具采购", 331),
    ("应急指挥车采购", 175), ("社区矫正信息系统升级", 92), ("垃圾分类智能设备采购", 283), ("中学实验室设备采购", 347),
)  # fmt: skip
STATE_PROPERTY: Final = (
    ("湖塘老粮库房屋三年租赁权", 142), ("区属停车场五年经营权", 386), ("报废公务用车一批转让", 37),
    ("花园街商铺租赁权", 96), ("国有林场苗木一批转让", 58), ("区文体中心广告位经营权", 74),
    ("原横山桥粮站土地房屋转让", 812), ("区交通集团旧设备一批转让", 63), ("人民路写字楼三层租赁权", 128),
    ("西太湖码头泊位经营权", 245), ("废旧电缆一批转让", 22), ("武进影院物业租赁权", 167),
)  # fmt: skip
RURAL_PROPERTY: Final = (
    ("雪堰镇雅浦村鱼塘五年承包经营权", 46), ("嘉泽镇南庄村农田流转", 83), ("前黄镇杨桥村集体厂房租赁权", 124),
    ("礼嘉镇陆庄村果园承包经营权", 39), ("湟里镇西墅村仓库租赁权", 27), ("洛阳镇岑村村集体商铺租赁权", 68),
    ("遥观镇塘桥村集体厂房租赁权", 156), ("横林镇崔北村农田流转", 51), ("牛塘镇卢西村停车场经营权", 33),
    ("寨桥村农业大棚租赁权", 29), ("南夏墅街道华阳村厂房租赁权", 97), ("雪堰镇城西回民村茶园承包经营权", 44),
)  # fmt: skip
KINDS: Final = (
    ("works", WORKS), ("procurement", PROCUREMENT), ("state_property", STATE_PROPERTY),
    ("rural_property", RURAL_PROPERTY),
)  # fmt: skip
FAILED: Final = frozenset({9, 31, 47})
"""Numbers of lots that failed for want of bidders: they have no deal."""


@dataclass(frozen=True, slots=True)
class PastLot:
    """One imported lot. ``change_permille`` is what was saved below (or gained above) the reserve."""

    number: int
    name: str
    kind: str
    reserve: Money
    change_permille: int
    deal_on: date
    awardee: str

    @property
    def is_property(self) -> bool:
        return self.kind in {"state_property", "rural_property"}

    @property
    def difference(self) -> Money:
        return Money(self.reserve.fen * self.change_permille // 1000)

    @property
    def amount(self) -> Money:
        return self.reserve + self.difference if self.is_property else self.reserve - self.difference


def past_lots(today: date) -> tuple[PastLot, ...]:
    """The list, for a demonstration that begins on ``today``: the same names and figures, other dates."""
    calendar = from_state_council()
    found, number = [], 0
    names = [[*rows] for _, rows in KINDS]
    for back in range(MONTHS, 0, -1):
        for place in range(PER_MONTH[MONTHS - back]):
            # Whichever kind has the largest share left: every kind then has deals in every season.
            kind_at = max(range(len(KINDS)), key=lambda at: len(names[at]) / len(KINDS[at][1]))
            name, wan = names[kind_at].pop(0)
            on = calendar.roll_forward(today - timedelta(days=30 * back - 7 * place - number % 5))
            found.append(
                PastLot(
                    number=number,
                    name=name,
                    kind=KINDS[kind_at][0],
                    reserve=Money(wan * _WAN + number * 1317_00),
                    change_permille=31 + number * 37 % 88,
                    deal_on=min(on, calendar.add_working_days(today, -1)),
                    awardee=cast.BIDDERS[number * 5 % len(cast.BIDDERS)].company.zh,
                )
            )
            number += 1
    return tuple(found)


def seed_past(runtime: Runtime) -> int:
    """Import the past lots, all in one transaction; returns how many there are afterwards."""
    with runtime.units.begin(SEEDER) as unit:
        known = unit.session.scalar(select(func.count()).select_from(Lot).where(Lot.is_imported)) or 0
        if known:
            return known
        owners = [_org_of(unit, company.people[0].login) for company in cast.TENDEREES]
        agencies = [_org_of(unit, company.people[0].login) for company in cast.AGENCIES]
        rows = past_lots(civil_date(unit.at))
        for row in rows:
            _import(unit, runtime, row, owners[row.number % 2], agencies[row.number // 2 % 2])
        return len(rows)


def _org_of(unit: Unit, login: str) -> str:
    user = user_of(unit, login)
    if user is None:
        raise LookupError(login)
    return str(accounts.organisation(unit, user.org_id).id)


def _import(unit: Unit, runtime: Runtime, row: PastLot, tenderee: str, agency: str) -> None:
    settings = runtime.settings
    entered = row.deal_on - timedelta(days=34)
    # A sequence no counter of this centre reaches: dates of the past may have several lots a day.
    sequence = 9000 + row.number
    project_code = codes.project_code(INDUSTRY, settings.region_code, entered, sequence, codes.DATE_AND_SEQUENCE)
    tender_code = codes.tender_project_code(project_code, 1)
    project = Project(
        id=unit.new_id(), project_code=project_code, tender_code=tender_code, name=row.name,
        location="常州市武进区", fund_source="财政资金" if not row.is_property else "——", approval="",
        trade_kind=row.kind, is_state_funded=not row.is_property, tenderee_org_id=tenderee, agency_org_id=agency,
        created_at=_office_hour(entered), is_imported=True,
    )  # fmt: skip
    published = _office_hour(entered + timedelta(days=1))
    deadline = _office_hour(row.deal_on - timedelta(days=8))
    has_failed = row.number in FAILED
    lot = Lot(
        id=unit.new_id(), project_id=project.id, number=1, lot_code=codes.lot_code(tender_code, 1),
        unified_deal_code=codes.unified_deal_code(
            DEAL_CATEGORIES[row.kind], codes.Uscc(settings.centre_uscc), entered, 900_000 + row.number
        ),
        name=row.name, state=LotState.FAILED if has_failed else LotState.OPENED, scope="", qualification="", quality="",
        subject="works", estimate=row.reserve, ceiling=row.reserve, deposit=Money(0), duration_days=None,
        validity_days=90, rulebook_kind=RulebookKind.WORKS_BELOW_THRESHOLD, rulebook_id=None, method_id=None,
        method_params=None, publish_at=published, published_at=published, deadline_at=deadline, submitted_by=None,
        approved_by=None, is_imported=True, created_at=_office_hour(entered), is_guided=False,
    )  # fmt: skip
    unit.session.add(project)
    unit.session.flush()
    unit.session.add(lot)
    unit.session.flush()
    if not has_failed:
        deal = PastDeal(
            lot_id=lot.id, awardee_name=row.awardee, amount=row.amount, saved=row.difference, deal_on=row.deal_on
        )
        unit.session.add(deal)


def _office_hour(on: date) -> datetime:
    """09:30 Beijing."""
    return start_of_day(on) + timedelta(hours=9, minutes=30)
