"""Sample bid files of the invented bidders: a technical bid and a priced bill as PDF, and the price schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final

from foundation.clock import to_beijing
from foundation.documents.forms import (
    BillItem,
    BillSection,
    SampleBidData,
    SampleBillData,
    SummaryLine,
    render_sample_bid,
    render_sample_bill,
)
from foundation.sealing import PricedItem, PriceSchedule

COPYISTS: Final = (4, 7)
"""Variants whose technical bids share a passage, as if one had copied it from the other: what oversight is to find."""
_COPIED: Final = Path(__file__).with_name("copied_passage.txt")
CENTRE: Final = "武进区公共资源交易中心"
QUALITY: Final = "合格"
_FEN: Final = Decimal("0.01")

_STAFF: Final = (
    ("技术负责人", "高级工程师", "注册结构工程师"),
    ("质量员", "助理工程师", "质量员岗位证书"),
    ("安全员", "助理工程师", "安全生产考核合格证（C 类）"),
    ("资料员", "助理工程师", "资料员岗位证书"),
)
_NAMES: Final = (
    ("许知行", "卢思远", "陈立", "苏见微"),
    ("沈嘉木", "顾清源", "陆安然", "何书白"),
    ("梁叙", "唐景云", "汪以恒", "罗望舒"),
    ("江临川", "钟离昧", "田雨时", "柏舟"),
    ("夏侯远", "傅时雨", "戚明远", "任平生"),
    ("章台", "岑牧之", "秦越", "郁南风"),
    ("陶然", "祝星野", "霍青", "严子期"),
    ("常念", "季怀安", "古道", "边城"),
)
"""A staff for each variant: no two invented bidders share one."""
# (name, model with a figure that differs from bidder to bidder, count, use)
_MACHINES: Final = (
    ("塔式起重机", "QTZ{}", "1 台", "垂直运输"),
    ("施工升降机", "SC200/{}", "1 台", "人货运输"),
    ("电动吊篮", "ZLP{}", "12 台", "外立面修缮"),
    ("混凝土输送泵", "HBT{}", "1 台", "混凝土浇筑"),
)
# (code, name, features, unit, quantity, share of the divisions' sum in per mille)
_ITEMS: Final = (
    ("010902001001", "屋面卷材防水", "1. SBS 改性沥青卷材，厚 4 mm\n2. 热熔法", "m²", "6240.00", 148),
    ("011001003001", "保温隔热墙面", "1. 岩棉板，厚 60 mm\n2. A 级", "m²", "8120.00", 176),
    ("011407001001", "墙面喷刷涂料", "1. 抹灰面\n2. 真石漆，二遍底漆", "m²", "9360.00", 132),
    ("011102003001", "块料楼地面", "1. 玻化砖 800×800\n2. 干硬性水泥砂浆", "m²", "4180.00", 121),
    ("011302001001", "吊顶天棚", "1. 轻钢龙骨\n2. 矿棉板", "m²", "3920.00", 93),
    ("010807001001", "金属（塑钢、断桥）窗", "1. 断桥铝合金\n2. 中空玻璃 6+12A+6", "m²", "1460.00", 138),
    ("030411004001", "配线", "1. BYJ-2.5\n2. 管内穿线", "m", "38200.00", 71),
    ("031001006001", "塑料给水管", "1. PP-R dn25\n2. 热熔连接", "m", "5260.00", 42),
    ("030901010001", "室内消火栓", "1. SN65，带箱", "套", "96.00", 79),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a bidder offers for a lot. ``total`` in CNY; ``variant`` chooses among wordings."""

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    bidder: str
    uscc: str
    total: Decimal
    duration_days: int
    manager: str
    variant: int


def technical_bid(offer: Offer, at: datetime) -> bytes:
    """The technical bid: a PDF of several pages, different for each bidder."""
    days = offer.duration_days
    return render_sample_bid(
        SampleBidData(
            document_number=f"DEMO-TB-{offer.variant:03d}",
            centre=CENTRE,
            demo=True,
            project_name=offer.project_name,
            lot_name=offer.lot_name,
            lot_code=offer.lot_code,
            tenderee=offer.tenderee,
            bidder=offer.bidder,
            bidder_uscc=offer.uscc,
            duration_days=str(days),
            quality=QUALITY,
            project_manager=offer.manager,
            signed_on=_day(at),
            variant=offer.variant,
            staff=_staff(offer),
            machines=tuple((name, model.format(40 + offer.variant * 7), *rest) for name, model, *rest in _MACHINES),
            schedule=_schedule(days),
            annex=tuple(_COPIED.read_text(encoding="utf-8").splitlines()) if offer.variant in COPYISTS else (),
        ),
        at=at,
    )


def priced_bill(offer: Offer, at: datetime) -> bytes:
    """The priced bill of quantities whose sum is exactly the offer's total."""
    items = priced_items(offer)
    divisions = sum((item.amount for item in items), Decimal(0))
    measures, fees, tax = _rest(offer.total, divisions)
    return render_sample_bill(
        SampleBillData(
            document_number=f"DEMO-BQ-{offer.variant:03d}",
            centre=CENTRE,
            demo=True,
            project_name=offer.project_name,
            lot_name=offer.lot_name,
            lot_code=offer.lot_code,
            tenderee=offer.tenderee,
            bidder=offer.bidder,
            total=f"{offer.total:,.2f}",
            total_in_words=in_words(offer.total),
            summary=(
                SummaryLine(name="分部分项工程费", amount=f"{divisions:,.2f}"),
                SummaryLine(name="措施项目费", amount=f"{measures:,.2f}", note="含安全文明施工费"),
                SummaryLine(name="规费", amount=f"{fees:,.2f}"),
                SummaryLine(name="税金", amount=f"{tax:,.2f}", note="税率 9%"),
            ),
            sections=(
                BillSection(
                    title="建筑装饰与安装工程",
                    items=tuple(
                        BillItem(
                            code=item.code,
                            name=item.name,
                            features=features,
                            unit=item.unit,
                            quantity=f"{item.quantity:,.2f}",
                            unit_price=f"{item.unit_price:,.2f}",
                            amount=f"{item.amount:,.2f}",
                        )
                        for item, (_, _, features, *_) in zip(items, _ITEMS, strict=True)
                    ),
                    subtotal=f"{divisions:,.2f}",
                ),
            ),
            signed_on=_day(at),
        ),
        at=at,
    )


def price_schedule(offer: Offer) -> bytes:
    """The part ``price_schedule`` (format page §8) with the same figures as the bill."""
    return PriceSchedule(
        currency="CNY",
        total=offer.total.quantize(_FEN),
        duration_days=offer.duration_days,
        quality=QUALITY,
        project_manager=offer.manager,
        items=priced_items(offer),
    ).to_bytes()


def priced_items(offer: Offer) -> tuple[PricedItem, ...]:
    """Quantities are the tenderee's, unit prices follow from the total; amount = quantity times unit price."""
    target = offer.total * Decimal("0.78")
    whole = sum(share for *_, share in _ITEMS)
    items = []
    for number, (code, name, _, unit, quantity, share) in enumerate(_ITEMS):
        # Each bidder is strong in another trade, by at most two per cent.
        lean = 1 + Decimal((number * 7 + offer.variant * 5) % 9 - 4) / 200
        price = (target * share / whole * lean / Decimal(quantity)).quantize(_FEN, ROUND_HALF_UP)
        amount = (price * Decimal(quantity)).quantize(_FEN, ROUND_HALF_UP)
        items.append(PricedItem(code, name, unit, Decimal(quantity), price, amount))
    return tuple(items)


def _rest(total: Decimal, divisions: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Measures, fees and tax so that everything adds up to the total."""
    tax = (total - total / Decimal("1.09")).quantize(_FEN, ROUND_HALF_UP)
    fees = (total * Decimal("0.025")).quantize(_FEN, ROUND_HALF_UP)
    return total - divisions - tax - fees, fees, tax


def _staff(offer: Offer) -> tuple[tuple[str, ...], ...]:
    names = _NAMES[offer.variant % len(_NAMES)]
    rows = ((post, name, *rest) for (post, *rest), name in zip(_STAFF, names, strict=True))
    return (("项目经理", offer.manager, "工程师", "一级注册建造师"), *rows)


def _schedule(days: int) -> tuple[tuple[str, ...], ...]:
    marks = (1, 15, days * 4 // 9, days * 9 // 10, days)
    names = ("施工准备", "屋面及外立面修缮", "室内装饰及机电", "调试、验收")
    return tuple(
        (name, f"第 {first} 日", f"第 {last} 日", str(last - first + 1))
        for name, first, last in zip(names, (1, *(mark + 1 for mark in marks[1:-1])), marks[1:], strict=True)
    )


def _day(at: datetime) -> str:
    local = to_beijing(at)
    return f"{local.year} 年 {local.month} 月 {local.day} 日"


_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_PLACES: Final = ("", "拾", "佰", "仟")
_GROUPS: Final = ("", "万", "亿")


def in_words(amount: Decimal) -> str:
    """An amount in capital figures (大写), to the fen: 12.30 → 壹拾贰元叁角整."""
    fen = int((amount * 100).to_integral_value(ROUND_HALF_UP))
    yuan, rest = divmod(fen, 100)
    text = f"{_whole_in_words(yuan)}元" if yuan else ""
    jiao, cent = divmod(rest, 10)
    if not rest:
        return f"{text or '零元'}整"
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif text:
        text += "零"
    return f"{text}{_DIGITS[cent]}分" if cent else f"{text}整"


def _whole_in_words(number: int) -> str:
    text, group, needs_zero = "", 0, False
    while number:
        number, four = divmod(number, 10_000)
        part = _four_in_words(four)
        if part:
            text = f"{part}{_GROUPS[group]}{'零' if needs_zero and text else ''}{text}"
        needs_zero = four < 1000 and bool(number)  # noqa: PLR2004 - a group of four digits that begins with nought
        group += 1
    return text


def _four_in_words(number: int) -> str:
    text, pending = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if pending and text else "") + _DIGITS[digit] + _PLACES[place]
            pending = False
        else:
            pending = True
    return text
