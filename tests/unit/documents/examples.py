"""Filled-in papers of one invented tender, shared by the tests of this folder."""

from datetime import UTC, datetime

from foundation.documents.forms import (
    Answer,
    Attachment,
    BidTraceData,
    BidTraceStep,
    BillItem,
    BillSection,
    ClarificationData,
    DrawnCoefficient,
    FailedOpeningData,
    FailedOpeningSeat,
    KeysetSeat,
    MethodParameter,
    OpeningRecordBid,
    OpeningRecordData,
    Party,
    SampleBidData,
    SampleBillData,
    SubmissionReceiptData,
    SummaryLine,
    TenderDocumentData,
    TenderNoticeData,
    TextSection,
)

AT = datetime(2026, 11, 24, 2, 5, 0, tzinfo=UTC)
SHA = "5f1c8a0277e419bd0c3ad1f2b86e97405d1ba6c4e8f3925706fbd8a13e52d94e"
CENTRE = "武进区公共资源交易中心"
PROJECT = "武进高级中学新校区修缮工程"
LOT = "武进高级中学新校区修缮工程（施工）"
LOT_CODE = "E3204120001202611240001001"
TENDEREE = Party(
    name="常州市武进区教育局（招标人）", address="武进区延政中路 12 号", contact="沈工", phone="0519-0000 0001"
)
AGENCY = Party(name="江苏衡澄工程咨询有限公司", address="武进区花园街 6 号", contact="陆之恒", phone="0519-0000 0002")
REGULATOR = Party(name="常州市武进区住房和城乡建设局", phone="0519-0000 0003")
BIDDERS = (
    "常州澄岳建设工程有限公司",
    "江苏恒筑建工集团有限公司",
    "无锡梁溪建筑安装工程有限公司",
    "苏州东吴营造有限公司",
    "南京钟山建设发展有限公司",
    "镇江京口建筑工程有限公司",
    "扬州广陵建设有限公司",
    "泰州海陵市政建筑工程有限公司",
)


def bid(index: int, **changes: str) -> OpeningRecordBid:
    values = {
        "number": f"{index + 1:02d}",
        "name": BIDDERS[index % len(BIDDERS)] + ("" if index < len(BIDDERS) else f"第{index}分公司"),
        "total_price": f"{11_402_318 + index * 7_311:,}.{index % 100:02d}",
        "duration_days": "240",
        "quality": "合格",
        "project_manager": f"周予安\n苏1322020{index:07d}",
        "deposit_form": "电子保函",
        "deposit_status": "有效",
        "decrypt_result": "已解密",
        "decrypted_at": f"2026-11-24 09:4{index % 10}:18",
        "representative": "许知行",
        "confirm_result": f"已确认 10:1{index % 10}:02",
        "objections": "",
    }
    return OpeningRecordBid(**(values | changes))


def opening_record(rows: int = 8, **changes: object) -> OpeningRecordData:
    bids = [bid(index) for index in range(rows)]
    if rows > 5:
        bids[3] = bid(
            3, deposit_form="转账", deposit_status="已到账", objections="对 05 号投标人项目经理在建工程有异议"
        )
        bids[5] = bid(
            5,
            total_price="",
            duration_days="",
            quality="",
            project_manager="",
            decrypt_result="未解密，视为撤销",
            decrypted_at="",
            representative="",
            confirm_result="未签到",
        )
    values: dict[str, object] = {
        "document_number": "WJ-KB-2026-0147",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "tenderee": TENDEREE.name,
        "tender_agency": AGENCY.name,
        "ceiling_price": "12,860,000.00",
        "bid_deadline": "2026-11-24 09:30:00",
        "opened_at": "2026-11-24 09:30:04",
        "closed_at": "2026-11-24 10:21:40",
        "bids_received": str(rows),
        "bids_opened": str(rows - 1),
        "freeze_root_sha256": SHA,
        "coefficients": (
            DrawnCoefficient(
                name="评标基准价系数 K",
                value="96.5%",
                value_set="95%，95.5%，96%，96.5%，97%，97.5%，98%",
                drawn_at="2026-11-24 10:03:12",
                transcript_sha256=SHA[::-1],
            ),
        ),
        "bids": tuple(bids),
        "remarks": (
            "拒收 1 份：镇江丹徒建筑有限公司，2026-11-24 09:30:00.412 到达，晚于截止时间，依第 2.5 条不予接收。",
            "06 号投标人未签到，未在解密时间内解密，依《电子招标投标办法》第三十一条视为撤销。",
        ),
        "host": "陆之恒（江苏衡澄工程咨询有限公司）",
        "tenderee_representative": "沈工",
        "supervisor": "何监（武进区住房和城乡建设局）",
        "attendance": ("01、02、03、04、05、07、08 号投标人在线签到", "见证人 1 人", "公众旁听 14 人"),
    }
    return OpeningRecordData(**(values | changes))


def bid_trace(**changes: object) -> BidTraceData:
    values: dict[str, object] = {
        "document_number": "TJ-5F1C8A0277E4",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "bidder": BIDDERS[0],
        "bidder_uscc": "91320412MA1XN3YK4P",
        "bid": SHA[:32],
        "bid_deadline": "2026-11-24 09:30:00",
        "made_at": "2026-11-24 10:10:04",
        "steps": (
            BidTraceStep(
                at="2026-11-23 15:02:47.318", text="收妥第 1 版", evidence=(f"密文哈希 {SHA}", f"流水摘要 {SHA}")
            ),
            BidTraceStep(at="—", text="第 1 版的日志凭证将在 15:03:47 前给出"),
        ),
    }
    return BidTraceData(**(values | changes))


def failed_opening(**changes: object) -> FailedOpeningData:
    values: dict[str, object] = {
        "document_number": "WJ-LB-2026-0012",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "tenderee": TENDEREE.name,
        "tender_agency": AGENCY.name,
        "bid_deadline": "2026-11-24 09:30:00",
        "failed_at": "2026-11-24 10:10:04",
        "cause": "解密份数不足",
        "ground": "解密时限内解密的投标文件少于招标文件规定的继续开标最少家数。",
        "count": "2",
        "minimum": "3",
        "freeze_root_sha256": SHA,
        "seats": tuple(
            FailedOpeningSeat(number=f"{index + 1:02d}", name=bid(index).name, decrypt_result="未解密")
            for index in range(3)
        ),
        "host": "陆之恒（江苏衡澄工程咨询有限公司）",
        "tenderee_representative": "沈工",
        "supervisor": "何监（武进区住房和城乡建设局）",
    }
    return FailedOpeningData(**(values | changes))


def receipt(**changes: object) -> SubmissionReceiptData:
    values: dict[str, object] = {
        "document_number": "WJ-HZ-2026-01982",
        "centre": CENTRE,
        "demo": True,
        "receipt_number": "HZ-7QK4-M2XD-9FHC",
        "serial_number": "0000001982",
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "bidder": BIDDERS[0],
        "bidder_uscc": "91320412MA1XXXXX0K",
        "ciphertext_sha256": SHA,
        "header_sha256": SHA[::-1],
        "size_bytes": "48,217,336 字节（46.0 MiB）",
        "received_at": "2026-11-23 15:02:47.318",
        "bid_deadline": "2026-11-24 09:30:00",
        "keyset_fingerprint": SHA[16:] + SHA[:16],
        "signature": "MEUCIQDx3p0m7b0Q4n7l5b0Zt0aJ0yqgV7oVwWq3m2n1s0kKcgIgQwS5H8k1b2c3d4e5f6a7b8c9d0e1f2a3b0c=",
        "signing_key": "WJ-TC-2026-03",
        "inclusion": "第 4,182 条；证明将在下一检查点后给出",
        "verify_url": "https://centre.example/verify/HZ-7QK4-M2XD-9FHC",
    }
    return SubmissionReceiptData(**(values | changes))


def _tender() -> dict[str, object]:
    return {
        "document_number": "WJ-ZB-2026-0147",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "project_code": "E3204120001202611240001",
        "deal_code": "A01-12320412014108203X-20261124-000147-1",
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "tenderee": TENDEREE,
        "tender_agency": AGENCY,
        "regulator": REGULATOR,
        "approval": "武行审投〔2026〕118 号",
        "funding": "财政资金 100%，资金已落实",
        "location": "常州市武进区湖塘镇",
        "scope": "教学楼、宿舍楼屋面及外立面修缮，室内装饰装修，给排水、电气及消防改造，建筑面积约 18,600 平方米。",
        "contract_estimate": "13,000,000.00 元",
        "ceiling_price": "12,860,000.00 元",
        "duration_days": "240 日历天",
        "quality": "符合《建筑工程施工质量验收统一标准》合格标准",
        "qualification": (
            "具备有效的营业执照和安全生产许可证；",
            "具备建筑工程施工总承包二级及以上资质；",
            "拟派项目经理具备建筑工程专业二级及以上注册建造师执业资格和安全生产考核合格证书（B 类），无其他在建工程；",
            "未被列入依法实施且在有效期内的限制投标名单。",
        ),
        "consortium": "不接受联合体投标",
        "bid_deposit": "250,000.00 元",
        "deposit_forms": "转账（须自基本账户转出）、银行保函、保险保函、担保保函，均以电子形式提交",
        "documents_from": "2026-10-30 09:00:00",
        "documents_until": "2026-11-24 09:30:00",
        "bid_deadline": "2026-11-24 09:30:00",
        "opening_place": "电子交易平台网上开标大厅（不见面开标）",
        "decrypt_minutes": "30",
        "method": "综合评估法（评标基准价方法一）",
        "site": "https://centre.example/lots/" + LOT_CODE,
        "published_on": "2026 年 10 月 30 日",
    }


def tender_notice(**changes: object) -> TenderNoticeData:
    media = ("江苏省公共资源交易网", "常州市公共资源交易网", "本平台")
    return TenderNoticeData(**(_tender() | {"media": media} | changes))


def tender_document(**changes: object) -> TenderDocumentData:
    values: dict[str, object] = {
        "clarification_deadline": "2026-11-08 17:00:00",
        "objection_deadline": "2026-11-14 09:30:00",
        "bid_validity_days": "90 日历天（自投标截止之日起）",
        "check_in_from": "2026-11-23 09:30:00",
        "confirm_minutes": "10",
        "min_decrypted": "3",
        "suite": "S1（P-256 · HKDF-SHA-256 · AES-256-GCM）",
        "keyset_fingerprint": SHA,
        "client_sha256": SHA[16:] + SHA[:16],
        "gate_threshold": "3 席中任意 2 席",
        "gate_holders": (
            KeysetSeat(seat="招标人席", holder="江苏衡澄工程咨询有限公司", fingerprint=SHA[:32]),
            KeysetSeat(seat="监管席", holder="武进区住房和城乡建设局", fingerprint=SHA[16:48]),
            KeysetSeat(seat="审计席", holder="武进区审计局", fingerprint=SHA[32:]),
        ),
        "escrow_rule": "compulsory",
        "escrow_threshold": "3 家中任意 2 家",
        "custodians": (
            KeysetSeat(seat="保管人一", holder="常州市武进公证处", fingerprint=SHA[8:40]),
            KeysetSeat(seat="保管人二", holder="常州市建筑行业协会", fingerprint=SHA[12:44]),
            KeysetSeat(seat="保管人三", holder="新北区公共资源交易中心", fingerprint=SHA[20:52]),
        ),
        "max_bid_size": "2 GiB",
        "bid_parts": ("投标函及投标函附录", "资格审查资料", "施工组织设计（技术标，PDF）", "已标价工程量清单（PDF）"),
        "method_summary": "施工组织设计、答辩、投标报价、信用四项计分，合计 100 分；得分最高的投标人为第一中标候选人。",
        "method_parameters": (
            MethodParameter(name="施工组织设计", value="12 分", determined="评标委员会评审"),
            MethodParameter(name="项目经理答辩", value="2 分", determined="评标委员会评审"),
            MethodParameter(name="投标报价", value="81 分", determined="按评标基准价计算"),
            MethodParameter(name="信用", value="5 分", determined="信用分 × 5 / 100"),
            MethodParameter(
                name="K（评标基准价系数）", value="95%—98%，步长 0.5%", determined="启封后、开价前公开抽取"
            ),
            MethodParameter(name="去除比例", value="20%", determined="固定，n ≥ 7 时两端各去除"),
            MethodParameter(name="e 高 / e 低", value="0.9 / 0.6 分", determined="每偏离 1% 扣分，直线内插"),
        ),
        "rejection_grounds": (
            "未按规定提供投标保证金的；",
            "投标函未经电子签名的；",
            "投标报价高于招标控制价的；",
            "投标工期超过招标文件规定的；",
            "附有招标人不能接受的条件的。",
        ),
        "contract_points": (
            TextSection(title="合同价款", paragraphs=("单价合同。工程量按实际完成并经确认的数量结算。",)),
            TextSection(title="履约保证金", paragraphs=("不超过中标合同金额的 10%，可以保函形式提交。",)),
            TextSection(title="工程质量保证金", paragraphs=("不超过工程价款结算总额的 3%。",)),
        ),
        "attachments": (
            Attachment(name="施工图纸.zip", size="182.4 MiB", sha256=SHA),
            Attachment(name="招标工程量清单.xlsx", size="1.2 MiB", sha256=SHA[::-1]),
        ),
        "rulebook": "js-works-2026-01",
    }
    return TenderDocumentData(**(_tender() | values | changes))


def clarification(**changes: object) -> ClarificationData:
    values: dict[str, object] = {
        "document_number": "WJ-CQ-2026-0147-01",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "sequence": "1",
        "tenderee": TENDEREE.name,
        "tender_agency": AGENCY.name,
        "answers": (
            Answer(
                question="工程量清单第 38 项外墙真石漆的做法与图纸 JZ-12 不一致，以哪个为准？",
                answer="以图纸 JZ-12 为准，清单第 38 项的项目特征相应修改，见第二部分。",
                asked_at="2026-11-02 10:14:09",
            ),
            Answer(question="答辩是否可以远程进行？", answer="可以。答辩通过平台视频进行，时间另行通知。"),
        ),
        "changes": ("工程量清单第 38 项（编码 011407001003）项目特征改为“真石漆，二遍底漆，分格缝 20 mm”。",),
        "bid_deadline": "2026-11-24 09:30:00",
        "new_deadline": "2026-11-27 09:30:00",
        "attachments": (Attachment(name="招标工程量清单（修订 1）.xlsx", size="1.2 MiB", sha256=SHA),),
        "published_at": "2026-11-05 16:20:00",
    }
    return ClarificationData(**(values | changes))


def sample_bid(**changes: object) -> SampleBidData:
    values: dict[str, object] = {
        "document_number": "CY-TB-2026-031",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "tenderee": TENDEREE.name,
        "bidder": BIDDERS[0],
        "bidder_uscc": "91320412MA1XXXXX0K",
        "duration_days": "238",
        "quality": "合格",
        "project_manager": "周予安",
        "signed_on": "2026 年 11 月 22 日",
        "variant": 1,
        "staff": (
            ("项目经理", "周予安", "工程师", "一级注册建造师"),
            ("技术负责人", "许知行", "高级工程师", "注册结构工程师"),
            ("安全员", "陈立", "助理工程师", "安全生产考核合格证（C 类）"),
        ),
        "machines": (("塔式起重机", "QTZ63", "1 台", "垂直运输"), ("施工升降机", "SC200/200", "1 台", "人货运输")),
        "schedule": (
            ("施工准备", "第 1 日", "第 15 日", "15"),
            ("屋面及外立面修缮", "第 16 日", "第 110 日", "95"),
            ("室内装饰及机电", "第 60 日", "第 215 日", "156"),
            ("调试、验收", "第 216 日", "第 238 日", "23"),
        ),
    }
    return SampleBidData(**(values | changes))


def sample_bill(items: int = 24, **changes: object) -> SampleBillData:
    lines = tuple(
        BillItem(
            code=f"0114070010{index:02d}",
            name=("墙面喷刷涂料", "屋面卷材防水", "块料楼地面", "吊顶天棚")[index % 4],
            features="1. 基层类型：抹灰面\n2. 涂料品种：真石漆，二遍底漆",
            unit="m²",
            quantity=f"{1200 + index * 37:,}.00",
            unit_price=f"{86 + index}.50",
            amount=f"{(1200 + index * 37) * (86 + index):,}.00",
        )
        for index in range(items)
    )
    values: dict[str, object] = {
        "document_number": "CY-TB-2026-031-2",
        "centre": CENTRE,
        "demo": True,
        "project_name": PROJECT,
        "lot_name": LOT,
        "lot_code": LOT_CODE,
        "tenderee": TENDEREE.name,
        "bidder": BIDDERS[0],
        "total": "11,402,318.00",
        "total_in_words": "壹仟壹佰肆拾万贰仟叁佰壹拾捌元整",
        "summary": (
            SummaryLine(name="分部分项工程费", amount="9,120,004.00"),
            SummaryLine(name="措施项目费", amount="1,012,330.00", note="含安全文明施工费 268,400.00"),
            SummaryLine(name="规费", amount="328,511.00"),
            SummaryLine(name="税金", amount="941,473.00", note="税率 9%"),
        ),
        "sections": (BillSection(title="建筑装饰工程", items=lines, subtotal="9,120,004.00"),),
        "signed_on": "2026 年 11 月 22 日",
    }
    return SampleBillData(**(values | changes))
