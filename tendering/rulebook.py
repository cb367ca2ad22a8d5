"""Law and local policy as frozen, dated data, each value with its clause.

A lot is stamped with the id of the rulebook in force on the day it is published and keeps it to its end: a new law is
a new entry here, never an ``if`` on a date. Values marked ``is_configurable`` are local policy that the centre may
move within ``bound``; the rest is fixed. Sources: domain rules R1.30-R1.50, R1.70-R1.73, R2.01, R3.04-R3.14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from types import MappingProxyType

from foundation.errors import InvalidInput, Objection
from foundation.money import Money

RuleValue = int | Decimal | Money


class RulebookKind(StrEnum):
    """Which body of rules a works tender stands under."""

    WORKS_MANDATORY = "works_mandatory"
    """必须招标, or chosen to be run as such: the statutory time limits hold."""
    WORKS_BELOW_THRESHOLD = "works_below_threshold"
    """限额以下 or voluntary: no statutory limits, the local defaults of R1.73."""


class LotSubject(StrEnum):
    WORKS = "works"
    GOODS = "goods"
    SURVEY_DESIGN = "survey_design"


class RuleUnit(StrEnum):
    DAY = "day"
    WORKING_DAY = "working_day"
    MINUTE = "minute"
    MINUTE_OF_DAY = "minute_of_day"
    COUNT = "count"
    RATE = "rate"
    MONEY = "money"
    FLAG = "flag"


class Authority(StrEnum):
    LAW = "law"
    LOCAL_POLICY = "local_policy"


class NoRulebookInForce(InvalidInput):
    """No rulebook of that kind covers the day (fields: ``on``, ``kind``)."""

    code = "tendering.no_rulebook_in_force"


class PolicyRefused(InvalidInput):
    """A configured value is unknown, fixed by law, or outside its legal bound; every one is listed."""

    code = "tendering.policy_refused"


@dataclass(frozen=True, slots=True)
class Bound:
    """Closed interval of lawful values; None is open."""

    minimum: RuleValue | None = None
    maximum: RuleValue | None = None

    def nearest(self, value: RuleValue) -> RuleValue:
        """``value`` itself when lawful, else the end of the interval it passed."""
        # Values of one rule always have one type, so the comparisons are between equals.
        if self.minimum is not None and value < self.minimum:  # type: ignore[operator]
            return self.minimum
        if self.maximum is not None and value > self.maximum:  # type: ignore[operator]
            return self.maximum
        return value

    def allows(self, value: RuleValue) -> bool:
        return self.nearest(value) == value


@dataclass(frozen=True, slots=True)
class Rule:
    """One value of law or policy. ``id`` is the domain rule, ``source`` the text it was taken from."""

    id: str
    key: str
    value: RuleValue
    unit: RuleUnit
    clause_zh: str
    clause_en: str
    source: str
    bound: Bound = Bound()
    authority: Authority = Authority.LAW
    is_configurable: bool = False


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules in force for one kind of tender from ``effective_from`` to ``effective_to`` (both included)."""

    id: str
    kind: RulebookKind
    effective_from: date
    effective_to: date | None
    rules: Mapping[str, Rule]

    def is_in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    def rule(self, key: str) -> Rule:
        """The rule ``key``; an unknown key is a bug (KeyError)."""
        return self.rules[key]

    def has(self, key: str) -> bool:
        return key in self.rules

    def number(self, key: str) -> int:
        """A whole number in the rule's unit (days, minutes, a count)."""
        value = self.rules[key].value
        if not isinstance(value, int):
            raise _wrong_kind(self.rules[key])
        return value

    def rate(self, key: str) -> Decimal:
        value = self.rules[key].value
        if not isinstance(value, Decimal):
            raise _wrong_kind(self.rules[key])
        return value

    def money(self, key: str) -> Money:
        value = self.rules[key].value
        if not isinstance(value, Money):
            raise _wrong_kind(self.rules[key])
        return value

    def flag(self, key: str) -> bool:
        """A yes-or-no rule (stored as 1 or 0); a rule that this rulebook does not have is no."""
        return key in self.rules and self.number(key) == 1

    def configured(self, revision: str, settings: Mapping[str, RuleValue]) -> Rulebook:
        """The same rulebook with local policy set; its id carries ``revision`` so that a stamp names exact values.

        Refuses (:class:`PolicyRefused`) unknown keys, values fixed by law, wrong types and values out of bound.
        """
        found: list[Objection] = []
        rules = dict(self.rules)
        for key, value in settings.items():
            rule = self.rules.get(key)
            objection = _policy_objection(key, value, rule)
            if objection is not None:
                found.append(objection)
            elif rule is not None:
                rules[key] = replace(rule, value=value)
        if found:
            raise PolicyRefused(objections=found)
        return replace(self, id=f"{self.id}+{revision}", rules=MappingProxyType(rules))


def _wrong_kind(rule: Rule) -> TypeError:
    return TypeError(f"{rule.key} is {type(rule.value).__name__}")


def _policy_objection(key: str, value: RuleValue, rule: Rule | None) -> Objection | None:
    if rule is None:
        return Objection("tendering.policy_unknown", key, {"key": key})
    if not rule.is_configurable:
        return Objection("tendering.policy_fixed", key, {"key": key, "value": rule.value}, rule.id)
    if type(value) is not type(rule.value) or not rule.bound.allows(value):
        nearest = rule.bound.nearest(value) if type(value) is type(rule.value) else rule.value
        return Objection(
            "tendering.policy_out_of_bound", key, {"key": key, "value": value, "nearest": nearest}, rule.id
        )
    return None


def _law(  # one row of a table
    rule_id: str, key: str, value: RuleValue, unit: RuleUnit, source: str, zh: str, en: str, bound: Bound | None = None
) -> Rule:
    """A value of law; with ``bound`` the law leaves room and the centre may configure within it."""
    return Rule(
        rule_id, key, value, unit, zh, en, source, bound or Bound(value, value), Authority.LAW, bound is not None
    )


def _local(  # one row of a table
    rule_id: str, key: str, value: RuleValue, unit: RuleUnit, bound: Bound, zh: str, en: str, source: str = "cfg"
) -> Rule:
    """Local policy: always configurable within ``bound``."""
    return Rule(rule_id, key, value, unit, zh, en, source, bound, Authority.LOCAL_POLICY, is_configurable=True)


_U = RuleUnit
_YES = 1

# fmt: off
_SHARED = (
    _law("R1.34", "answer.objection_days", 3, _U.DAY, "REG 22", "收到异议之日起三日内答复，答复前暂停招标投标活动",
        "Answer an objection within 3 days; the tender pauses until then"),
    _law("R1.36", "opening.min_bidders", 3, _U.COUNT, "REG 44, ZTB 28", "投标人少于三个的，不得开标，应当重新招标",
        "With fewer than 3 bidders nothing is opened; tender again"),
    _law("R1.39", "award.max_candidates", 3, _U.COUNT, "REG 53", "中标候选人不超过三个，并标明排序",
        "At most 3 award candidates, ranked"),
    _law("R1.40", "publicity.start_days", 3, _U.DAY, "REG 54", "收到评标报告之日起三日内公示中标候选人",
        "Publish the candidates within 3 days of the report"),
    _law("R1.40", "publicity.candidate_days", 3, _U.DAY, "REG 54", "公示期不得少于三日，末日为工作日",
        "Publicity lasts at least 3 days and ends on a working day", Bound(3, 30)),
    _law("R1.44", "contract.sign_days", 30, _U.DAY, "ZTB 46", "自中标通知书发出之日起三十日内订立合同",
        "Sign within 30 days of the award notice", Bound(1, 30)),
    _law("R1.45", "award.report_days", 15, _U.DAY, "ZTB 47", "确定中标人之日起十五日内提交书面报告",
        "Report to the regulator within 15 days of deciding"),
    _law("R1.48", "ceiling.minimum_price_forbidden", _YES, _U.FLAG, "REG 27", "招标人不得规定最低投标限价",
        "No minimum bid price may be set"),
    _law("R1.70", "tender.mandatory_threshold", Money.yuan("4000000.00"), _U.MONEY, "D16 5",
        "施工单项合同估算价四百万元以上必须招标", "Works of 4 million yuan and more must be tendered"),
    _law("R2.01", "deposit.rate_cap", Decimal("0.02"), _U.RATE, "REG 26", "投标保证金不得超过项目估算价的百分之二",
        "A deposit is at most 2 % of the estimate"),
    _law("R2.01", "deposit.abs_cap_works", Money.yuan("800000.00"), _U.MONEY, "30号令 37",
        "施工、货物投标保证金最高不超过八十万元", "For works and goods at most 800,000 yuan"),
    _law("R2.01", "deposit.abs_cap_survey_design", Money.yuan("100000.00"), _U.MONEY, "2号令 24",
        "勘察设计投标保证金最高不超过十万元", "For survey and design at most 100,000 yuan"),
    _law("R2.11", "deposit.refund_days", 5, _U.DAY, "REG 57", "合同签订后五日内退还投标保证金及利息",
        "Deposits and interest go back within 5 days of the contract", Bound(1, 5)),
    _local("R2.02", "tender.bid_validity_days", 90, _U.DAY, Bound(30, 180),
        "投标有效期自投标截止之日起算，保证金有效期与之一致",
        "Bids hold from the deadline on, and deposits as long", "REG 25"),
    _local("R3.04", "opening.checkin_lead_minutes", 1440, _U.MINUTE, Bound(30, 4320), "开标前一日起可签到",
        "Signing in begins one day before the opening"),
    _local("R3.04", "opening.emergency_checkin_minutes", 30, _U.MINUTE, Bound(10, 120),
        "开标前三十分钟内可应急签到", "Emergency signing in within the last 30 minutes"),
    # 5 minutes with automatic invalidity would be judged unfair (R3.06): hence the lower end of this bound.
    _local("R3.06", "opening.decrypt_minutes", 30, _U.MINUTE, Bound(10, 120),
        "解密时限由招标文件载明，一般三十分钟",
        "The decryption window stands in the tender document, usually 30 minutes"),
    _local("R3.32", "opening.common_failure_share", Decimal("0.30"), _U.RATE, Bound(Decimal("0.10"), Decimal("0.60")),
        "同几分钟内报告解密失败的席位超过此比例的，时钟自动停止，记为平台原因",
        "When more than this share of the seats fails within the same minutes the clock stops by itself", "cfg"),
    _local("R3.14", "opening.confirm_minutes", 10, _U.MINUTE, Bound(5, 30), "逾期未确认视为无异议",
        "Silence until the end of the window means no objection"),
    _local("R3.10", "opening.min_decrypted_to_continue", 3, _U.COUNT, Bound(1, 3),
        "解密成功的投标文件少于规定数量的，不再继续", "Below this number of decrypted bids the opening ends",
        "EB20 31, cfg"),
    _local("R1.13", "tender.deadline_slot_minutes", 15, _U.MINUTE, Bound(1, 60), "投标截止时间为整刻钟",
        "Deadlines stand on the quarter hour"),
    _local("R1.13", "tender.deadline_from_minute", 8 * 60 + 30, _U.MINUTE_OF_DAY, Bound(0, 12 * 60),
        "投标截止时间不早于工作日 8:30", "Deadlines are not before 08:30 of a working day"),
    _local("R1.13", "tender.deadline_until_minute", 17 * 60 + 30, _U.MINUTE_OF_DAY, Bound(12 * 60, 24 * 60 - 1),
        "投标截止时间不晚于工作日 17:30", "Deadlines are not after 17:30 of a working day"),
)

_STATUTORY_TIMES = (
    _law("R1.30", "tender.doc_available_days", 5, _U.DAY, "REG 16", "招标文件的发售期不得少于五日",
        "Documents are available for at least 5 days", Bound(5, 60)),
    _law("R1.31", "tender.min_prep_days", 20, _U.DAY, "ZTB 24",
        "自招标文件开始发出之日起至投标截止之日止，最短不得少于二十日",
        "From the day documents are issued to the deadline at least 20 days", Bound(20, 120)),
    _law("R1.33", "tender.clarify_before_days", 15, _U.DAY, "REG 21",
        "可能影响投标文件编制的澄清或者修改，应在截止时间至少十五日前发出；不足的应当顺延",
        "A change that affects bids is published at least 15 days before the deadline, or the deadline moves",
        Bound(15, 60)),
    _law("R1.34", "tender.objection_before_days", 10, _U.DAY, "REG 22",
        "对招标文件有异议的，应在投标截止时间十日前提出", "Object to the documents 10 days before the deadline"),
    _local("R1.48", "ceiling.is_required", _YES, _U.FLAG, Bound(0, 1),
        "国有资金投资的施工招标设最高投标限价，并在招标文件中载明", "Publicly funded works state a ceiling price",
        "REG 27, cfg"),
)

_BELOW_THRESHOLD_TIMES = (
    _local("R1.73", "tender.notice_workdays", 3, _U.WORKING_DAY, Bound(3, 20), "限额以下项目公告期不少于三个工作日",
        "Below the threshold a notice stands at least 3 working days"),
    _local("R1.73", "tender.doc_available_days", 3, _U.DAY, Bound(3, 60), "限额以下项目招标文件获取期不少于三日",
        "Below the threshold documents are available at least 3 days"),
    _local("R1.73", "tender.min_prep_days", 5, _U.DAY, Bound(5, 60), "限额以下项目投标准备期不少于五日",
        "Below the threshold at least 5 days to prepare"),
    _local("R1.73", "tender.clarify_before_days", 3, _U.DAY, Bound(1, 30),
        "限额以下项目的澄清或者修改应在截止时间三日前发出",
        "Below the threshold changes come 3 days before the deadline"),
    _local("R1.73", "tender.objection_before_days", 2, _U.DAY, Bound(1, 10),
        "限额以下项目对招标文件的异议应在截止时间二日前提出",
        "Below the threshold object 2 days before the deadline"),
    _local("R1.73", "ceiling.is_required", 0, _U.FLAG, Bound(0, 1), "限额以下项目可不设最高投标限价",
        "Below the threshold a ceiling price is optional"),
)

_SINCE_N1117 = (
    _law("R4.24", "award.lots_drawing_forbidden", _YES, _U.FLAG, "N1117 (二)",
        "不得以抽签、摇号、抓阄等方式确定投标人、中标候选人或者中标人",
        "Bidders, candidates and winners are never chosen by drawing lots"),
)
# fmt: on


def _book(
    book_id: str, kind: RulebookKind, dates: tuple[date, date | None], *groups: tuple[Rule, ...]
) -> tuple[str, Rulebook]:
    rules = [rule for group in groups for rule in group]
    by_key = {rule.key: rule for rule in rules}
    if len(by_key) != len(rules):
        msg = f"{book_id} holds a key twice"
        raise ValueError(msg)
    return book_id, Rulebook(book_id, kind, dates[0], dates[1], MappingProxyType(by_key))


_REG_2019 = (date(2019, 3, 2), date(2022, 8, 31))
_SINCE_2022 = (date(2022, 9, 1), None)

RULEBOOKS: Mapping[str, Rulebook] = MappingProxyType(
    dict(
        (
            _book("works-mandatory-2019", RulebookKind.WORKS_MANDATORY, _REG_2019, _SHARED, _STATUTORY_TIMES),
            _book(
                "works-mandatory-2022",
                RulebookKind.WORKS_MANDATORY,
                _SINCE_2022,
                _SHARED,
                _STATUTORY_TIMES,
                _SINCE_N1117,
            ),
            _book(
                "works-below-threshold-2019",
                RulebookKind.WORKS_BELOW_THRESHOLD,
                _REG_2019,
                _SHARED,
                _BELOW_THRESHOLD_TIMES,
            ),
            _book(
                "works-below-threshold-2022",
                RulebookKind.WORKS_BELOW_THRESHOLD,
                _SINCE_2022,
                _SHARED,
                _BELOW_THRESHOLD_TIMES,
            ),
        )
    )
)
"""Every rulebook by id. A published one is never edited: lots stamped with it would change."""


def rulebook_in_force(on: date, kind: RulebookKind) -> Rulebook:
    """The rulebook for a tender published on the civil date ``on``; :class:`NoRulebookInForce` before March 2019."""
    for book in RULEBOOKS.values():
        if book.kind is kind and book.is_in_force(on):
            return book
    raise NoRulebookInForce(on=on, kind=kind)


def must_be_tendered(estimate: Money, rulebook: Rulebook, *, is_state_funded: bool) -> bool:
    """Whether works of this estimate are 必须招标 (R1.70: the threshold itself is included)."""
    return is_state_funded and estimate >= rulebook.money("tender.mandatory_threshold")


def deposit_cap(estimate: Money, subject: LotSubject, rulebook: Rulebook) -> Money:
    """The largest lawful bid deposit: a share of the estimate, and never above the absolute cap (R2.01).

    Rounded down, because half a fen more would already be above the law's limit.
    """
    key = "deposit.abs_cap_survey_design" if subject is LotSubject.SURVEY_DESIGN else "deposit.abs_cap_works"
    return min(estimate.portion(rulebook.rate("deposit.rate_cap"), ROUND_DOWN), rulebook.money(key))
