"""Standard wording of the tender document that is the same for every lot of this release (Chinese paper)."""

from __future__ import annotations

from typing import Final

from foundation.documents.forms import TextSection

CENTRE: Final = "武进区公共资源交易中心"
OPENING_PLACE: Final = "电子交易平台网上开标大厅（不见面开标）"
CONSORTIUM: Final = "不接受联合体投标"
DEPOSIT_FORMS: Final = "转账（须自基本账户转出）、银行保函、保险保函、担保保函，均以电子形式提交"
NO_DEPOSIT: Final = "不收取"
SUITES: Final = {"S1": "S1（P-256 · HKDF-SHA-256 · AES-256-GCM）", "S2": "S2 国密（SM2 · SM3 · SM4-GCM）"}
MAX_BID_SIZE: Final = "2 GiB"
MEDIA: Final = ("江苏省公共资源交易网", "常州市公共资源交易网", "本平台")
REGULATOR: Final = "工程所在地行政监督部门"

BID_PARTS: Final = (
    "投标函及投标函附录",
    "资格审查资料",
    "施工组织设计（技术标，PDF）",
    "已标价工程量清单（PDF）与价格文件",
)
REJECTION_GROUNDS: Final = (
    "未按规定提供投标保证金的；",
    "投标函未经电子签名的；",
    "投标报价高于招标控制价的；",
    "投标工期超过招标文件规定的；",
    "附有招标人不能接受的条件的；",
    "法律、行政法规规定应当否决的其他情形。",
)
CONTRACT_POINTS: Final = (
    TextSection(title="合同价款", paragraphs=("单价合同。工程量按实际完成并经确认的数量结算。",)),
    TextSection(title="履约保证金", paragraphs=("不超过中标合同金额的 10%，可以保函形式提交。",)),
    TextSection(title="工程质量保证金", paragraphs=("不超过工程价款结算总额的 3%。",)),
    TextSection(
        title="合同签订", paragraphs=("自中标通知书发出之日起 30 日内，按照招标文件和中标人的投标文件订立书面合同。",)
    ),
)
SIDES: Final = {"tenderee_side": "招标人席", "regulator": "监管席", "audit": "审计席"}
"""Names of the gate seats by side; custodians are numbered."""

DRAWN: Final = "启封后、开价前公开抽取"
FIXED: Final = "招标文件固定"
