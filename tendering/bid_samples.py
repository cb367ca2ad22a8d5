"""Sample bid files of a demonstration centre: invented figures that add up, different for each bidder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.documents.forms import (
    BillItem,
    BillSection,
    SampleBidData,
    SampleBillData,
    SummaryLine,
    render_sample_bid,
    render_sample_bill,
)
from foundation.i18n import ZH, instant
from foundation.money import Money
from tendering.queries.bids import Workbench

CENTRE: Final = "武进区公共资源交易中心"
_MANAGERS: Final = ("周予安", "许知行", "陈立", "沈嘉木", "顾清源", "陆安然", "何书白", "梁叙")
_ITEMS: Final = (
    ("011407001001", "墙面喷刷涂料", "1. 基层类型：抹灰面\n2. 涂料品种：真石漆", "m²", 6200),
    ("010902001001", "屋面卷材防水", "1. 卷材：SBS 改性沥青\n2. 厚度：4 mm", "m²", 3100),
    ("011102003001", "块料楼地面", "1. 面层：防滑地砖 800×800", "m²", 4800),
    ("011302001001", "吊顶天棚", "1. 龙骨：轻钢龙骨\n2. 面层：矿棉板", "m²", 3900),
    ("030411001001", "配管配线", "1. 材质：JDG 管\n2. 导线：BV 2.5", "m", 12800),
    ("031001006001", "塑料给水管", "1. 材质：PP-R\n2. 规格：DN25", "m", 2600),
)


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A rendered file for one part of a bid."""

    part: str
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SampleBid:
    """Files, and what goes into the price schedule (``total`` in yuan)."""

    files: tuple[SampleFile, ...]
    total: str
    duration_days: int
    quality: str
    project_manager: str


def sample_bid(lot: Workbench, *, at: datetime) -> SampleBid:
    """Render a technical and a commercial bid. Takes a tenth of a second or two: call it outside any Unit."""
    seed = hashlib.sha256(f"{lot.lot_code}\n{lot.bidder_uscc}\n".encode()).digest()
    variant, days = seed[0], max(1, (lot.duration_days or 180) - seed[1] % 5)
    manager = _MANAGERS[seed[2] % len(_MANAGERS)]
    ceiling = lot.ceiling.fen or 1_000_000_000
    bill, total = _bill(lot, ceiling * (9000 + int.from_bytes(seed[3:5], "big") % 800) // 10_000, at)
    technical = SampleBidData(
        document_number=f"TB-{seed[5:8].hex().upper()}",
        centre=CENTRE,
        demo=True,
        project_name=lot.project_name,
        lot_name=lot.lot_name,
        lot_code=lot.lot_code,
        tenderee=lot.tenderee_name,
        bidder=lot.bidder_name,
        bidder_uscc=lot.bidder_uscc,
        duration_days=str(days),
        quality=lot.quality or "合格",
        project_manager=manager,
        signed_on=_day(at),
        variant=variant,
        staff=(
            ("项目经理", manager, "工程师", "一级注册建造师"),
            ("技术负责人", _MANAGERS[(seed[2] + 3) % len(_MANAGERS)], "高级工程师", "注册结构工程师"),
            ("安全员", _MANAGERS[(seed[2] + 5) % len(_MANAGERS)], "助理工程师", "安全生产考核合格证（C 类）"),
        ),
        machines=(("塔式起重机", "QTZ63", "1 台", "垂直运输"), ("施工升降机", "SC200/200", "1 台", "人货运输")),
        schedule=(
            ("施工准备", "第 1 日", f"第 {days // 10 + 1} 日", str(days // 10 + 1)),
            (
                "主体施工",
                f"第 {days // 10 + 2} 日",
                f"第 {days - days // 8} 日",
                str(days - days // 8 - days // 10 - 1),
            ),
            ("调试、验收", f"第 {days - days // 8 + 1} 日", f"第 {days} 日", str(days // 8)),
        ),
    )
    pdf = "application/pdf"
    return SampleBid(
        files=(
            SampleFile("technical", "技术标.pdf", pdf, render_sample_bid(technical, at=at)),
            SampleFile("commercial", "商务标.pdf", pdf, render_sample_bill(bill, at=at)),
        ),
        total=total.text(),
        duration_days=days,
        quality=lot.quality or "合格",
        project_manager=manager,
    )


def _bill(lot: Workbench, wanted_fen: int, at: datetime) -> tuple[SampleBillData, Money]:
    """A bill that adds up, near the total wanted: quantities are fixed, unit prices follow."""
    works = wanted_fen * 80 // 100
    items, subtotal = [], 0
    for code, name, features, measure, quantity in _ITEMS:
        unit_price = works // len(_ITEMS) // quantity
        amount = unit_price * quantity
        subtotal += amount
        items.append(
            BillItem(
                code=code,
                name=name,
                features=features,
                unit=measure,
                quantity=f"{quantity:,}.00",
                unit_price=Money(unit_price).grouped(),
                amount=Money(amount).grouped(),
            )
        )
    measures, fees, tax = subtotal * 8 // 100, subtotal * 3 // 100, subtotal * 9 // 100
    total = Money(subtotal + measures + fees + tax)
    data = SampleBillData(
        document_number=f"{lot.lot_code[-6:]}-2",
        centre=CENTRE,
        demo=True,
        project_name=lot.project_name,
        lot_name=lot.lot_name,
        lot_code=lot.lot_code,
        tenderee=lot.tenderee_name,
        bidder=lot.bidder_name,
        total=total.grouped(),
        total_in_words=total.in_words(),
        summary=(
            SummaryLine(name="分部分项工程费", amount=Money(subtotal).grouped()),
            SummaryLine(name="措施项目费", amount=Money(measures).grouped(), note="含安全文明施工费"),
            SummaryLine(name="规费", amount=Money(fees).grouped()),
            SummaryLine(name="税金", amount=Money(tax).grouped(), note="税率 9%"),
        ),
        sections=(BillSection(title="建筑装饰与安装工程", items=tuple(items), subtotal=Money(subtotal).grouped()),),
        signed_on=_day(at),
    )
    return data, total


def _day(at: datetime) -> str:
    year, month, day = instant(at, "date", ZH).split("-")
    return f"{year} 年 {int(month)} 月 {int(day)} 日"
