"""Who appears in the demonstration: invented organisations and people. Seed, robots and story read the same list."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

PASSWORD: Final = "demo-centre-2026"  # noqa: S105 - shown on the demonstration's own page
"""The same for everybody, so that whoever tries the demonstration needs to remember one."""

PROJECT_NAME: Final = "武进高级中学新校区修缮工程"
LOT_NAME: Final = "武进高级中学新校区修缮工程（施工）"
CEILING: Final = Decimal("12860000.00")
DEPOSIT: Final = Decimal("250000.00")
ESTIMATE: Final = Decimal("13000000.00")
DURATION_DAYS: Final = 240


@dataclass(frozen=True, slots=True)
class Person:
    """``host`` is the name under which the role opens beside the others in one browser."""

    login: str
    name: str
    roles: tuple[str, ...]
    host: str = "localhost"


@dataclass(frozen=True, slots=True)
class Company:
    """``serial`` makes the synthetic credit code (``foundation.codes.synthetic_uscc``), ``kind`` its registrar."""

    key: str
    zh: str
    en: str
    serial: int
    people: tuple[Person, ...]
    registrar: str = "9"


@dataclass(frozen=True, slots=True)
class Bidder:
    """One of the eight: a company with its price (CNY), period, project manager and bank account."""

    company: Company
    price: Decimal
    duration_days: int
    manager: str
    account: str

    @property
    def login(self) -> str:
        return self.company.people[0].login


def _bidder(number: int, zh: str, en: str, price: str, manager: str, person: str) -> Bidder:
    who = Person(f"bidder{number}", person, ("bidder",), "bidder.localhost")
    company = Company(f"bidder{number}", zh, en, 200 + number, (who,))
    return Bidder(company, Decimal(price), DURATION_DAYS - number, manager, f"32041266{number:08d}")


BIDDERS: Final = (
    _bidder(1, "常州澄岳建设工程有限公司", "Changzhou Chengyue Construction", "11658460.00", "周予安", "顾明舟"),
    _bidder(2, "江苏屹川建设集团有限公司", "Jiangsu Yichuan Construction Group", "12296800.00", "许知行", "陆启文"),
    _bidder(3, "常州明塬建筑工程有限公司", "Changzhou Mingyuan Building Works", "11986500.00", "陈立", "沈亦清"),
    _bidder(4, "江苏淳和建工有限公司", "Jiangsu Chunhe Construction", "12148200.00", "方承远", "宋知遥"),
    _bidder(5, "无锡梁砚建设有限公司", "Wuxi Liangyan Construction", "12412350.00", "何景行", "梁书言"),
    _bidder(6, "常州渰里建筑有限公司", "Changzhou Yanli Building", "11742600.00", "吴思齐", "蒋怀瑾"),
    _bidder(7, "江苏朴筑修缮工程有限公司", "Jiangsu Puzhu Restoration", "12203700.00", "郑以宁", "韩若谷"),
    _bidder(8, "南京栖梧建设工程有限公司", "Nanjing Qiwu Construction", "12077900.00", "孙念之", "叶知秋"),
)

NEWCOMER: Final = Company(
    "newcomer",
    "江苏凌汀建设有限公司",
    "Jiangsu Lingting Construction",
    209,
    (Person("newcomer", "程未央", ("bidder",), "bidder.localhost"),),
)
"""A company whose claim to its code is not verified yet: it may look and download, not seal."""
NEWCOMER_ACCOUNT: Final = "3204126600000009"

TENDEREES: Final = (
    Company(
        "tenderee",
        "武进高级中学",
        "Wujin Senior High School",
        101,
        (
            Person("tenderee", "沈启航", ("tenderee",), "tenderee.localhost"),
            Person("school-holder", "唐守拙", ("gate_holder",), "tenderee.localhost"),
        ),
        registrar="1",
    ),
    Company(
        "tenderee2",
        "武进区澄湖水利工程建设管理所",
        "Chenghu Water Works Office",
        102,
        (
            Person("tenderee2", "姚若川", ("tenderee",), "tenderee.localhost"),
            Person("water-holder", "冯静姝", ("gate_holder",), "tenderee.localhost"),
        ),
        registrar="1",
    ),
)

AGENCIES: Final = (
    Company(
        "agency",
        "江苏衡澄工程咨询有限公司",
        "Jiangsu Hengcheng Engineering Consulting",
        111,
        (Person("agency", "陆之恒", ("agency",), "agency.localhost"),),
    ),
    Company(
        "agency2",
        "常州允衡招标代理有限公司",
        "Changzhou Yunheng Tendering",
        112,
        (Person("agency2", "曹允文", ("agency",), "agency.localhost"),),
    ),
)

CENTRE: Final = Company(
    "centre",
    "武进区公共资源交易中心",
    "Wujin Public Resource Trading Centre",
    0,  # its own code stands in the settings
    (
        Person("centre", "孟昭然", ("centre_staff",), "centre.localhost"),
        Person("centre2", "白砚秋", ("centre_staff",), "centre.localhost"),
        Person("administrator", "贺知新", ("administrator",), "centre.localhost"),
    ),
)
REGULATOR: Final = Company(
    "regulator",
    "武进区住房和城乡建设局",
    "Wujin Housing and Construction Bureau",
    121,
    (
        Person("supervisor", "秦怀远", ("supervisor",), "supervisor.localhost"),
        Person("regulator-holder", "范守正", ("gate_holder",), "supervisor.localhost"),
    ),
    registrar="1",
)
AUDIT: Final = Company(
    "audit",
    "武进区审计局",
    "Wujin Audit Office",
    122,
    (Person("audit-holder", "鲁明镜", ("gate_holder",), "supervisor.localhost"),),
    registrar="1",
)
CUSTODIANS: Final = (
    Company(
        "notary", "常州市武进公证处", "Wujin Notary Office", 131, (Person("notary", "严谨之", ("custodian",)),), "1"
    ),
    Company(
        "association",
        "常州市建筑行业协会",
        "Changzhou Construction Association",
        132,
        (Person("association", "骆成章", ("custodian",)),),
        "5",
    ),
    Company(
        "neighbour",
        "新北区公共资源交易中心",
        "Xinbei Public Resource Trading Centre",
        133,
        (Person("neighbour", "温如玉", ("custodian",)),),
        "1",
    ),
)
OTHERS: Final = (
    Company(
        "public-notary",
        "常州市钟楼公证处",
        "Zhonglou Notary Office",
        141,
        (Person("witness", "裴见之", ("witness",), "supervisor.localhost"),),
        "1",
    ),
    Company(
        "newspaper",
        "武进日报社",
        "Wujin Daily",
        142,
        (Person("observer", "闻一舟", ("observer",)),),
        "1",
    ),
)


@dataclass(frozen=True, slots=True)
class Expert:
    """A person of the expert library: its account, who employs it, and what the draw looks at (R4.02)."""

    person: Person
    employer: str
    specialities: tuple[str, ...]
    title: str
    years: int


def _expert(number: int, name: str, employer: str, specialities: str, title: str, years: int) -> Expert:
    person = Person(f"expert{number}", name, ("expert",), "expert.localhost")
    return Expert(person, employer, tuple(specialities.split()), title, years)


EXPERTS: Final = (
    _expert(1, "穆怀谦", "江苏衡岳建筑设计研究院有限公司", "A08 A06", "正高级工程师", 24),
    _expert(2, "冉书桐", "常州工程职业学院建筑系", "A08", "教授", 27),
    _expert(3, "詹若谷", "常州市建筑工程质量监督服务所", "A08 A06", "高级工程师", 18),
    _expert(4, "甄玉衡", "江苏中澜工程造价咨询有限公司", "A06 A08", "一级造价工程师", 15),
    _expert(5, "桑榆晚", "常州市建筑科学研究院", "A08", "高级工程师", 20),
    _expert(6, "翁景澄", "江苏正衡项目管理有限公司", "A08 A06", "高级工程师", 13),
    _expert(7, "阮知白", "南京林野大学土木工程学院", "A08", "副教授", 16),
    _expert(8, "娄承志", "常州市城建档案馆", "A08", "高级工程师", 22),
    _expert(9, "路遥之", "江苏苏澄监理有限公司", "A08 A06", "注册监理工程师", 14),
    _expert(10, "卞素心", "无锡建工技术服务中心", "A06 A08", "一级造价工程师", 17),
    _expert(11, "屈云舟", "常州市房屋安全鉴定中心", "A08", "正高级工程师", 26),
    _expert(12, "邢若水", "江苏匠原工程咨询有限公司", "A08 A06", "高级工程师", 12),
    _expert(13, "闵修远", "常州大湖规划建筑设计院", "A08", "高级建筑师", 19),
    _expert(14, "柏子衿", "江苏润衡造价师事务所", "A06 A08", "一级造价工程师", 11),
    _expert(15, "计东篱", "常州市学校后勤基建服务中心", "A08", "高级工程师", 21),
    _expert(16, "储明远", "苏州沧浪工程检测有限公司", "A08", "高级工程师", 10),
    _expert(17, "葛如璋", "江苏华塬电气设计有限公司", "A08 A06", "高级工程师", 15),
    _expert(18, "丰一粟", "常州市消防技术服务中心", "A08", "高级工程师", 12),
    _expert(19, "酆长卿", BIDDERS[1].company.zh, "A08", "高级工程师", 16),
    _expert(20, "全初晓", "江苏恒坤工程管理有限公司", "A08 A06", "工程师", 5),
)
"""Eighteen who may be drawn; the last two show recusal (a bidder's engineer) and the eight years of R4.02."""
EXPERT_LIBRARY: Final = Company(
    "expert-library",
    "常州市综合评标专家库管理中心",
    "Changzhou Expert Library",
    151,
    tuple(expert.person for expert in EXPERTS),
    registrar="1",
)

COMPANIES: Final = (
    *TENDEREES,
    *AGENCIES,
    REGULATOR,
    AUDIT,
    *CUSTODIANS,
    *OTHERS,
    EXPERT_LIBRARY,
    *(bidder.company for bidder in BIDDERS),
)
"""All whose claims are verified; the centre itself and the newcomer come extra."""

GATE_SEATS: Final = (
    ("tenderee_side", TENDEREES[0], "school-holder", "武进高级中学信息室"),
    ("tenderee_side", TENDEREES[1], "water-holder", "澄湖水利所信息室"),
    ("regulator", REGULATOR, "regulator-holder", "武进区住建局信息中心"),
    ("audit", AUDIT, "audit-holder", "武进区审计局信息科"),
)
"""(side, company, login of the holder, who runs the machine)."""
CUSTODIAN_SEATS: Final = tuple(
    ("custodian", company, company.people[0].login, f"{company.zh}机房") for company in CUSTODIANS
)
