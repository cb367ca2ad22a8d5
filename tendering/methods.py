"""Scoring methods as data: what a tender document fixes, and which coefficients are drawn from which list.

The catalogue is the Jiangsu numbering 方法一 … 方法五 (R4.30-R4.36) with the two-sided linear price score (R4.39);
nothing is ranked or computed here. Rates are decimal fractions as text ("0.975"), so that a published parameter set
has one byte form and no float ever touches it. 方法六 exists in local numbering without a known formula and is not
offered (R4.37).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from foundation.errors import InvalidInput, Objection

ParameterValue = str | tuple[str, ...]

MAX_POOL = 101
"""Longest list a coefficient may be drawn from: one percent in steps of a hundredth, both ends."""

_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_SEPARATORS = re.compile(r"[\s,;、，；]+")
_HUNDRED = Decimal(100)


class ParameterKind(StrEnum):
    RATE = "rate"
    """One fraction."""
    RATE_SET = "rate_set"
    """The list one fraction is drawn from in public."""
    POINTS = "points"
    COUNT = "count"
    CHOICE = "choice"


class DrawSource(StrEnum):
    DOCUMENT = "document"
    """From a list fixed in the tender document; drawn before any price is decrypted."""
    BIDS = "bids"
    """From the valid bids themselves, so only once they are read (B of 方法五)."""


class ParametersRefused(InvalidInput):
    """The parameter set does not fit its method; every fault is listed."""

    code = "tendering.parameters_refused"


class UnknownMethod(InvalidInput):
    code = "tendering.unknown_method"


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter of a method: its symbol, what it may be, and where the bounds come from.

    ``step`` (for rates): every value is a multiple of it. ``places``: digits after the point in the canonical text.
    """

    key: str
    symbol: str
    kind: ParameterKind
    zh: str
    en: str
    default: ParameterValue
    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(1)
    step: Decimal = Decimal("0.001")
    places: int = 3
    choices: tuple[tuple[str, str, str], ...] = ()
    clause: str = "R4.30"


@dataclass(frozen=True, slots=True)
class DrawSpec:
    """One public draw: ``coefficient`` is the name in the draw's transcript."""

    coefficient: str
    source: DrawSource
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class MethodSpec:
    id: str
    zh: str
    en: str
    formula: str
    clause: str
    parameters: tuple[ParameterSpec, ...]
    draws: tuple[DrawSpec, ...] = ()
    needs_ceiling: bool = False

    def parameter(self, key: str) -> ParameterSpec:
        """The parameter ``key``; an unknown one is a bug (KeyError)."""
        for spec in self.parameters:
            if spec.key == key:
                return spec
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class MethodParameters:
    """A checked set: every parameter of the method, canonical texts, sets ascending without repeats."""

    method_id: str
    values: Mapping[str, ParameterValue]

    def decimal(self, key: str) -> Decimal:
        return Decimal(self.text(key))

    def count(self, key: str) -> int:
        return int(self.text(key))

    def text(self, key: str) -> str:
        value = self.values[key]
        if not isinstance(value, str):
            msg = f"{key} is a set"
            raise TypeError(msg)
        return value

    def pool(self, key: str) -> tuple[str, ...]:
        value = self.values[key]
        if isinstance(value, str):
            msg = f"{key} is one value"
            raise TypeError(msg)
        return value

    def as_document(self) -> dict[str, str | list[str]]:
        """For canonical JSON: what is published, stored and hashed."""
        return {key: value if isinstance(value, str) else list(value) for key, value in sorted(self.values.items())}


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One line of the parameter table in a tender document, in both languages."""

    key: str
    symbol: str
    label_zh: str
    label_en: str
    text_zh: str
    text_en: str
    is_drawn: bool
    clause: str


def steps(first: str, last: str, step: str) -> tuple[str, ...]:
    """("0.950", "0.955", … "0.980"): every multiple from ``first`` to ``last``, both included, three places."""
    found, value = [], Decimal(first)
    while value <= Decimal(last):
        found.append(f"{value:.3f}")
        value += Decimal(step)
    return tuple(found)


_D = Decimal
_K = ParameterKind
_WORK_TYPES = (
    ("building", "房屋建筑", "Building"),
    ("decoration", "装饰装修", "Decoration"),
    ("installation", "机电安装", "Installation"),
    ("municipal", "市政", "Municipal works"),
    ("landscaping", "绿化", "Landscaping"),
)
K2_MINIMUM: Mapping[str, Decimal] = MappingProxyType(
    {
        "building": _D("0.90"),
        "decoration": _D("0.88"),
        "installation": _D("0.88"),
        "municipal": _D("0.86"),
        "landscaping": _D("0.84"),
    }
)
"""Lowest K2 by type of work (R4.32); the highest is 1."""

# fmt: off
_SCORING = (
    ParameterSpec("full_points", "F", _K.POINTS, "报价满分", "Full price points", "100.00", _D(1), _D(100),
                  _D("0.01"), 2, clause="R4.39"),
    ParameterSpec("e_high", "e₁", _K.POINTS, "每高于基准价 1% 扣分", "Points lost per 1 % above the benchmark",
                  "0.90", _D("0.1"), _D(5), _D("0.01"), 2, clause="R4.39"),
    ParameterSpec("e_low", "e₂", _K.POINTS, "每低于基准价 1% 扣分", "Points lost per 1 % below the benchmark", "0.60",
                  _D("0.1"), _D(5), _D("0.01"), 2, clause="R4.39"),
    ParameterSpec("deviation_places", "", _K.COUNT, "偏差率小数位数", "Decimal places of the deviation", "4", _D(2),
                  _D(8), clause="R0.02"),
    ParameterSpec("score_places", "", _K.COUNT, "得分小数位数", "Decimal places of the score", "2", _D(1), _D(4),
                  clause="R0.02"),
)
_TRIMMING = (
    ParameterSpec("trim_high_share", "G₂", _K.RATE, "去除最高报价的比例（7 家及以上）",
                  "Share of highest bids dropped (7 or more bids)", "0.200", _D(0), _D("0.30"), _D("0.01")),
    ParameterSpec("trim_low_share", "G₁", _K.RATE, "去除最低报价的比例（7 家及以上）",
                  "Share of lowest bids dropped (7 or more bids)", "0.200", _D(0), _D("0.30"), _D("0.01")),
    ParameterSpec("drop_highest_from", "", _K.COUNT, "仅去一个最高价的起始家数",
                  "Only the highest is dropped from … bids on", "4", _D(3), _D(6)),
    ParameterSpec("drop_highest_until", "", _K.COUNT, "仅去一个最高价的终止家数",
                  "Only the highest is dropped up to … bids", "6", _D(4), _D(9)),
)
_K_POOL = ParameterSpec("K", "K", _K.RATE_SET, "K 值抽取集", "Values K is drawn from", steps("0.950", "0.980",
                        "0.005"), _D("0.95"), _D("1.01"), _D("0.005"), clause="R4.31")
_WORK_TYPE = ParameterSpec("work_type", "", _K.CHOICE, "工程类别", "Type of works", "building", choices=_WORK_TYPES,
                           clause="R4.36")

METHODS: Mapping[str, MethodSpec] = MappingProxyType({spec.id: spec for spec in (
    MethodSpec("jiangsu-1", "方法一", "Method 1", "A × K", "R4.31", (_K_POOL, *_TRIMMING, *_SCORING),
               (DrawSpec("K", DrawSource.DOCUMENT, "抽取 K 值", "Draw of K"),)),
    MethodSpec("jiangsu-2", "方法二", "Method 2", "A × K1 × Q1 + B × K2 × (1 − Q1)", "R4.32", (
        _WORK_TYPE,
        ParameterSpec("K1", "K1", _K.RATE_SET, "K1 值抽取集", "Values K1 is drawn from", steps("0.950", "0.980",
                      "0.005"), _D("0.95"), _D("1.01"), _D("0.005"), clause="R4.32"),
        ParameterSpec("Q1", "Q1", _K.RATE_SET, "Q1 值抽取集", "Values Q1 is drawn from", steps("0.650", "0.850",
                      "0.050"), _D("0.65"), _D("0.85"), _D("0.05"), clause="R4.32"),
        ParameterSpec("K2", "K2", _K.RATE, "K2 值", "K2", "0.950", _D("0.84"), _D(1), _D("0.001"), clause="R4.32"),
        *_TRIMMING, *_SCORING),
        (DrawSpec("K1", DrawSource.DOCUMENT, "抽取 K1 值", "Draw of K1"),
         DrawSpec("Q1", DrawSource.DOCUMENT, "抽取 Q1 值", "Draw of Q1")), needs_ceiling=True),
    MethodSpec("jiangsu-3", "方法三", "Method 3", "次低评标价 / second-lowest evaluated price", "R4.33", _SCORING),
    MethodSpec("jiangsu-4", "方法四", "Method 4", "A × K", "R4.34", (
        ParameterSpec("K", "K", _K.RATE, "K 值（固定，不抽取）", "K (fixed, not drawn)", "0.950", _D("0.80"), _D(1),
                      _D("0.001"), clause="R4.34"),
        *_TRIMMING, *_SCORING)),
    MethodSpec("jiangsu-5", "方法五（ABC 合成法）", "Method 5 (ABC)", "(A × wA + B × wB + C × wC) × K", "R4.35", (
        _WORK_TYPE,
        ParameterSpec("delta", "Δ", _K.RATE_SET, "下浮率 Δ 抽取集", "Values the markdown Δ is drawn from",
                      steps("0.060", "0.120", "0.010"), _D("0.06"), _D("0.20"), _D("0.01"), clause="R4.36"),
        ParameterSpec("K", "K", _K.RATE_SET, "K 值抽取集", "Values K is drawn from", steps("0.950", "0.980", "0.005"),
                      _D("0.95"), _D("0.98"), _D("0.005"), clause="R4.35"),
        ParameterSpec("weight_a", "wA", _K.RATE, "A 的权重", "Weight of A", "0.500", clause="R4.35"),
        ParameterSpec("weight_b", "wB", _K.RATE, "B 的权重", "Weight of B", "0.300", clause="R4.35"),
        ParameterSpec("weight_c", "wC", _K.RATE, "C 的权重", "Weight of C", "0.200", clause="R4.35"),
        ParameterSpec("limit_mean_weight", "", _K.RATE, "下限 L 中均值的权重", "Weight of the mean in the limit L",
                      "0.700", clause="R4.35"),
        ParameterSpec("limit_cut", "", _K.RATE, "下限 L 的下浮率", "Cut of the limit L", "0.250", _D(0), _D("0.50"),
                      clause="R4.35"),
        ParameterSpec("band_low", "", _K.RATE, "B 抽取带下沿（× A）", "Lower edge of the bands for B (× A)", "0.890",
                      _D("0.70"), clause="R4.35"),
        ParameterSpec("band_middle", "", _K.RATE, "B 抽取带分界（× A）", "Border of the bands for B (× A)", "0.920",
                      _D("0.70"), clause="R4.35"),
        ParameterSpec("band_high", "", _K.RATE, "B 抽取带上沿（× A）", "Upper edge of the bands for B (× A)", "0.950",
                      _D("0.70"), clause="R4.35"),
        *_SCORING),
        (DrawSpec("delta", DrawSource.DOCUMENT, "抽取 Δ 值", "Draw of Δ"),
         DrawSpec("K", DrawSource.DOCUMENT, "抽取 K 值", "Draw of K"),
         DrawSpec("B", DrawSource.BIDS, "抽取 B 值", "Draw of B")), needs_ceiling=True),
)})
# fmt: on


def method(method_id: str) -> MethodSpec:
    """The method with this id; :class:`UnknownMethod` otherwise."""
    spec = METHODS.get(method_id)
    if spec is None:
        raise UnknownMethod(method=method_id[:40])
    return spec


def default_parameters(method_id: str) -> MethodParameters:
    return validate_parameters(method_id, {})


def validate_parameters(method_id: str, params: Mapping[str, object]) -> MethodParameters:
    """Check and canonise a parameter set; what is left out takes its default.

    A rate is decimal text ("0.97") or a percentage ("97%"); a set is a sequence of them or one text with separators.
    Raises :class:`UnknownMethod`, or :class:`ParametersRefused` with every fault (unknown key, unreadable value, out
    of bounds, off step, repeated or empty set, sums that do not fit). Floats are refused, never rounded.
    """
    spec = method(method_id)
    known = {parameter.key for parameter in spec.parameters}
    found = [Objection("tendering.parameter_unknown", key, {"name": key}) for key in params if key not in known]
    values: dict[str, ParameterValue] = {}
    for parameter in spec.parameters:
        given = params.get(parameter.key, parameter.default)
        value = _canonical(parameter, given)
        if isinstance(value, Objection):
            found.append(value)
        else:
            values[parameter.key] = value
    checked = MethodParameters(method_id, MappingProxyType(values))
    if not found:
        found = _between_parameters(checked)
    if found:
        raise ParametersRefused(objections=found, method=method_id)
    return checked


def draw_pools(method_id: str, params: MethodParameters | Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The list each coefficient is drawn from, frozen with the tender document: {"K": ("0.950", "0.955", …)}.

    In the order of drawing. Draws from the bids themselves (B of 方法五) are not here: their pool is only known later.
    """
    checked = params if isinstance(params, MethodParameters) else validate_parameters(method_id, params)
    draws = method(method_id).draws
    return {d.coefficient: checked.pool(d.coefficient) for d in draws if d.source is DrawSource.DOCUMENT}


def parameter_rows(params: MethodParameters) -> tuple[ParameterRow, ...]:
    """The parameter table of the tender document, in the order of the method's specification."""
    spec = method(params.method_id)
    drawn = {draw.coefficient for draw in spec.draws}
    rows = []
    for parameter in spec.parameters:
        zh, en = _shown(parameter, params.values[parameter.key])
        rows.append(
            ParameterRow(
                parameter.key,
                parameter.symbol,
                parameter.zh,
                parameter.en,
                zh,
                en,
                parameter.key in drawn,
                parameter.clause,
            )
        )
    return tuple(rows)


def _shown(spec: ParameterSpec, value: ParameterValue) -> tuple[str, str]:
    if not isinstance(value, str):
        return "、".join(map(_percent, value)), ", ".join(map(_percent, value))
    if spec.kind is ParameterKind.CHOICE:
        return next((zh, en) for choice, zh, en in spec.choices if choice == value)
    text = _percent(value) if spec.kind is ParameterKind.RATE else value
    return text, text


def _percent(rate: str) -> str:
    text = f"{Decimal(rate) * _HUNDRED:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def _canonical(spec: ParameterSpec, given: object) -> ParameterValue | Objection:
    """The canonical text or texts of one given value, or what is wrong with it."""
    if spec.kind is ParameterKind.CHOICE:
        choices = tuple(choice for choice, _, _ in spec.choices)
        if given in choices:
            return str(given)
        return _fault("tendering.parameter_not_offered", spec, given=str(given)[:40], offered=", ".join(choices))
    if spec.kind is not ParameterKind.RATE_SET:
        return _number(spec, given)
    if isinstance(given, str):
        given = [part for part in _SEPARATORS.split(unicodedata.normalize("NFKC", given).strip()) if part]
    if not isinstance(given, (list, tuple)):
        return _fault("tendering.parameter_unreadable", spec, given=str(given)[:40])
    if not given:
        return _fault("tendering.parameter_empty_set", spec)
    if len(given) > MAX_POOL:
        return _fault("tendering.parameter_set_too_long", spec, count=len(given), most=MAX_POOL)
    texts: list[str] = []
    for part in given:
        text = _number(spec, part)
        if isinstance(text, Objection):
            return text
        if text in texts:
            return _fault("tendering.parameter_repeated", spec, given=text)
        texts.append(text)
    # Ascending whatever the order of typing: the pool's lines are hashed into the draw's transcript.
    return tuple(sorted(texts, key=Decimal))


def _number(spec: ParameterSpec, given: object) -> str | Objection:
    is_whole = spec.kind is ParameterKind.COUNT
    text = str(given) if type(given) in {int, Decimal} else given
    if not isinstance(text, str):
        return _fault("tendering.parameter_unreadable", spec, given=str(given)[:40])
    text = unicodedata.normalize("NFKC", text).strip()
    is_percent = text.endswith("%") and spec.kind in {ParameterKind.RATE, ParameterKind.RATE_SET}
    plain = text.removesuffix("%").rstrip() if is_percent else text
    if not _NUMBER.fullmatch(plain) or (is_whole and "." in plain):
        return _fault("tendering.parameter_unreadable", spec, given=text[:40])
    value = Decimal(plain) / _HUNDRED if is_percent else Decimal(plain)
    if not spec.minimum <= value <= spec.maximum:
        return _fault("tendering.parameter_out_of_bounds", spec, given=text, least=spec.minimum, most=spec.maximum)
    if is_whole:
        return str(int(value))
    if value % spec.step:
        return _fault("tendering.parameter_off_step", spec, given=text, step=spec.step)
    return f"{value:.{spec.places}f}"


def _between_parameters(checked: MethodParameters) -> list[Objection]:
    """Rules that tie several parameters together."""
    spec = method(checked.method_id)
    found = []
    # Cheaper than the benchmark may not be punished harder than dearer: it would pay to bid high.
    if checked.decimal("e_high") < checked.decimal("e_low"):
        found.append(_fault("tendering.parameter_e_order", spec.parameter("e_high")))
    if "drop_highest_from" in checked.values and checked.count("drop_highest_from") > checked.count(
        "drop_highest_until"
    ):
        found.append(_fault("tendering.parameter_drop_range", spec.parameter("drop_highest_from")))
    if "K2" in checked.values:
        least = K2_MINIMUM[checked.text("work_type")]
        if checked.decimal("K2") < least:
            k2 = spec.parameter("K2")
            found.append(
                _fault("tendering.parameter_out_of_bounds", k2, given=checked.text("K2"), least=least, most=k2.maximum)
            )
    if "weight_a" in checked.values:
        total = sum((checked.decimal(f"weight_{part}") for part in "abc"), Decimal(0))
        if total != 1:
            found.append(_fault("tendering.parameter_weights", spec.parameter("weight_a"), total=total))
        if not checked.decimal("band_low") < checked.decimal("band_middle") < checked.decimal("band_high"):
            found.append(_fault("tendering.parameter_bands", spec.parameter("band_low")))
    return found


def _fault(code: str, spec: ParameterSpec, **params: object) -> Objection:
    return Objection(code, spec.key, {"name": spec.symbol or spec.key, **params}, spec.clause)
